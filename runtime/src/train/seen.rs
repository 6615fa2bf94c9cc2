//! What a step shows a learner beside the gradients of the parameters, in a form that adds up over the parts of a batch.

use super::objective::Computed;
use crate::exec::value::detached;
use crate::exec::{Beyond, Gate, Tap, Value};
use burn::tensor::{Device, Gradients, Tensor as Burn};
use relinc_passes::choice::NO_CAP;

/// One tensor a ReLU layer, of its C·H·W elements; where it has a cap, of as many for that behind them.
#[derive(Debug, Default)]
pub struct Seen {
    /// `Σ |a_teacher − a_student|` over the clean rows, and by how much the teacher was above the cap; empty where nobody watches.
    pub differences: Vec<Burn<1>>,
    /// Gradients by the gates' slopes below zero and beyond the cap, of those gates that want them: of the mean loss, times the
    /// loss scale.
    pub slopes: Vec<Option<Burn<1>>>,
}

impl Seen {
    /// Of a step whose gradients are there.
    pub fn of(c: &Computed, gates: &[Gate], grads: &Gradients, watch: bool) -> Seen {
        let pairs = c.taps.iter().zip(&c.teacher_taps).filter(|_| watch);
        let slope = |g: &Gate| {
            let below = g.neg.is_require_grad().then(|| g.neg.grad(grads))??;
            let Some(Beyond::Slopes(_, s)) = &g.beyond else { return Some(below) };
            let none = || Burn::zeros_like(&below);
            let beyond = s.grad(grads).unwrap_or_else(none);
            Some(Burn::cat(vec![below, beyond], 0))
        };
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

/// `Σ |a_teacher − a_student|` over the first `n` rows; behind it `Σ max(x_teacher − cap, 0)`, where the layer has a cap.
fn difference(student: &Tap, teacher: &Tap, n: usize) -> Burn<1> {
    let len = student.output.len() / student.output.batch().max(1);
    let plain = |v: &Value| detached(v.flat()).narrow(0, 0, n * len).reshape([n, len]);
    let apart = plain(&teacher.output) - plain(&student.output);
    let apart = apart.abs().sum_dim(0).reshape([len]);
    if student.cap == NO_CAP {
        return apart;
    }
    let over = plain(&teacher.input).sub_scalar(student.cap).clamp_min(0.0);
    Burn::cat(vec![apart, over.sum_dim(0).reshape([len])], 0)
}
