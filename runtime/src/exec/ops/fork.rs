//! Values that several operations read. burn would add their gradients by operations of its own; here [`TrainKernels::sum`] does.

use super::{TrainKernels, TrainOps};
use crate::exec::value::Value;
use burn::backend::Dispatch;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::Tensor as Burn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether one of a value's readers has given it a gradient.
#[derive(Debug, Clone, Default)]
pub struct Given(Arc<AtomicBool>);

/// A value for one reader or several.
#[derive(Debug, Clone)]
pub struct Forked {
    value: Value,
    given: Option<Given>,
}

impl Forked {
    /// With `several`, each [`Forked::read`] is one of the readers.
    pub fn new(value: Value, several: bool) -> Forked {
        if !several || !value.flat().is_autodiff() {
            return Forked { value, given: None };
        }
        // Nothing but the readers gives this copy a gradient, and it is no leaf.
        let own = Dispatch::train_fork(value.flat().into_dispatch());
        Forked { value: Value::new(Burn::from_dispatch(own), value.shape()), given: Some(Given::default()) }
    }
    /// The value for one more reader.
    pub fn read(&self) -> Value {
        let Some(given) = &self.given else { return self.value.clone() };
        let own = Dispatch::train_read(self.value.flat().into_dispatch(), given.clone());
        Value::new(Burn::from_dispatch(own), self.value.shape())
    }
}

/// The value itself.
#[derive(Debug)]
pub(super) struct ForkStep;
/// What one reader has of it.
#[derive(Debug)]
pub(super) struct ReadStep;

impl<B: TrainKernels> Backward<B, 1> for ForkStep {
    type State = ();
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        if let [Some(x)] = ops.parents {
            grads.register::<B>(x.id, grad);
        }
    }
}

impl<B: TrainKernels> Backward<B, 1> for ReadStep {
    type State = Given;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let [Some(x)] = ops.parents else { return };
        let all = match ops.state.0.swap(true, Ordering::Relaxed) {
            true => B::sum(grad, grads.consume::<B>(&x)),
            false => grad,
        };
        grads.register::<B>(x.id, all);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Forked;
    use crate::exec::value::{Value, download, upload};
    use crate::kernels::noise;
    use burn::tensor::{Device, Tensor as Burn};

    #[test]
    fn the_gradients_of_all_readers_are_summed_once() {
        let n = 70_001;
        let device = Device::flex();
        let factors: Vec<Vec<f32>> = (0..3).map(|seed| noise(n, seed)).collect();
        // The leaf itself, and a result, which loses its gradient when it is asked for it.
        for leaf in [true, false] {
            // A reader nothing comes of takes nothing with it.
            for used in [vec![0], vec![0, 1], vec![0, 1, 2], vec![2, 0], vec![]] {
                let x = Burn::<1>::from_inner(upload(noise(n, 9), &device)).require_grad();
                let value = if leaf { x.clone() } else { x.clone().mul_scalar(2.0) };
                let forked = Forked::new(Value::new(value, [n]), true);
                let read: Vec<Value> = (0..3).map(|_| forked.read()).collect();
                let part =
                    |i: &usize| read[*i].flat() * Burn::from_inner(upload(factors[*i].clone(), &device));
                let beside = x.clone().mul_scalar(0.5);
                let y = used.iter().map(part).fold(beside, |a, b| a + b);
                let found = download(x.grad(&y.sum().backward()).unwrap());
                let scale = if leaf { 1.0 } else { 2.0 };
                for (i, g) in found.into_iter().enumerate() {
                    let want = 0.5 + scale * used.iter().map(|&u| factors[u][i]).sum::<f32>();
                    assert!((g - want).abs() < 1e-5, "{used:?} at {i}: {g}, not {want}");
                }
            }
        }
    }
}
