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
