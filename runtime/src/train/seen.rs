//! What a step shows a learner beside the gradients of the parameters, in a form that adds up over the parts of a batch.

use super::objective::Computed;
use crate::exec::{Gate, Tap};
use burn::tensor::{Device, Gradients, Tensor as Burn};

/// One tensor a ReLU layer, of its C·H·W elements.
#[derive(Debug, Default)]
pub struct Seen {
    /// `Σ |a_teacher − a_student|` over the clean rows; empty where nobody watches.
    pub differences: Vec<Burn<1>>,
    /// Gradients of the mean loss by the gates' slopes below zero; empty where the gates want none.
    pub slopes: Vec<Burn<1>>,
}

impl Seen {
    /// Of a step whose gradients are there.
    pub fn of(c: &Computed, gates: &[Gate], grads: &Gradients, watch: bool) -> Seen {
        let pairs = c.taps.iter().zip(&c.teacher_taps).filter(|_| watch);
        Seen {
            differences: pairs.map(|(s, t)| difference(s, t, c.clean_rows)).collect(),
            slopes: gates
                .iter()
                .filter(|g| g.neg.is_require_grad())
                .map(|g| g.neg.grad(grads).unwrap_or_else(|| g.neg.clone().inner().zeros_like()))
                .collect(),
        }
    }

    /// Adds that of a part with `share` of all rows, on `home`.
    pub fn add(&mut self, part: Seen, share: f64, home: &Device) {
        let plus = |sum: &mut Vec<Burn<1>>, new: Vec<Burn<1>>, factor: f64| {
            let new = new.into_iter().map(|t| t.to_device(home) * factor);
            *sum = match sum.is_empty() {
                true => new.collect(),
                false => std::mem::take(sum).into_iter().zip(new).map(|(a, b)| a + b).collect(),
            };
        };
        plus(&mut self.differences, part.differences, 1.0);
        plus(&mut self.slopes, part.slopes, share);
    }
}

/// `Σ |a_teacher − a_student|` over the first `n` rows.
fn difference(student: &Tap, teacher: &Tap, n: usize) -> Burn<1> {
    let len = student.output.len() / student.output.batch().max(1);
    let plain = |t: &Tap| {
        let v = t.output.flat();
        let v = if v.is_autodiff() { v.inner() } else { v };
        v.narrow(0, 0, n * len).reshape([n, len])
    };
    (plain(teacher) - plain(student)).abs().sum_dim(0).reshape([len])
}
