//! What a step shows a learner beside the gradients of the parameters, in a form that adds up over the parts of a batch.

use super::objective::Computed;
use crate::exec::value::detached;
use crate::exec::{Gate, Tap};
use burn::tensor::{Device, Gradients, Tensor as Burn};

/// One tensor a ReLU layer, of its C·H·W elements.
#[derive(Debug, Default)]
pub struct Seen {
    /// `Σ |a_teacher − a_student|` over the clean rows; empty where nobody watches.
    pub differences: Vec<Burn<1>>,
    /// Gradients by the gates' slopes below zero, of those gates that want them: of the mean loss, times the loss scale.
    pub slopes: Vec<Option<Burn<1>>>,
}

impl Seen {
    /// Of a step whose gradients are there.
    pub fn of(c: &Computed, gates: &[Gate], grads: &Gradients, watch: bool) -> Seen {
        let pairs = c.taps.iter().zip(&c.teacher_taps).filter(|_| watch);
        let slope = |g: &Gate| if g.neg.is_require_grad() { g.neg.grad(grads) } else { None };
        Seen {
            differences: pairs.map(|(s, t)| difference(s, t, c.clean_rows)).collect(),
            slopes: gates.iter().map(slope).collect(),
        }
    }

    /// Adds that of a part with `share` of all rows, on `home`.
    pub fn add(&mut self, part: Seen, share: f64, home: &Device) {
        add(&mut self.differences, part.differences.into_iter().map(|t| t.to_device(home)).collect());
        self.slopes.resize(part.slopes.len(), None);
        for (sum, new) in self.slopes.iter_mut().zip(part.slopes) {
            let new = new.map(|t| t.to_device(home) * share);
            *sum = match (sum.take(), new) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
    }
}

/// Adds a tensor a layer; to nothing where there is none yet.
pub fn add(sums: &mut Vec<Burn<1>>, new: Vec<Burn<1>>) {
    if sums.is_empty() {
        *sums = new;
    } else {
        sums.iter_mut().zip(new).for_each(|(sum, new)| *sum = sum.clone() + new);
    }
}

/// `Σ |a_teacher − a_student|` over the first `n` rows.
fn difference(student: &Tap, teacher: &Tap, n: usize) -> Burn<1> {
    let len = student.output.len() / student.output.batch().max(1);
    let plain = |t: &Tap| detached(t.output.flat()).narrow(0, 0, n * len).reshape([n, len]);
    (plain(teacher) - plain(student)).abs().sum_dim(0).reshape([len])
}
