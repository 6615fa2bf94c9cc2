//! Slices and paddings.

use super::{TrainKernels, TrainOps};
use crate::exec::value::Value;
use crate::kernels::place::Along;
use burn::backend::Dispatch;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::Tensor as Burn;

/// Where a box of elements comes from and goes, axis by axis, and what is around it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// From the outermost axis to the innermost.
    pub axes: Vec<Along>,
    /// What the other elements of the result are.
    pub fill: f32,
}

impl Place {
    /// How its gradient goes back.
    fn back(&self) -> Place {
        Place { axes: self.axes.iter().map(|a| a.back()).collect(), fill: 0.0 }
    }
}

#[derive(Debug)]
pub(super) struct PlaceStep;

impl<B: TrainKernels> Backward<B, 1> for PlaceStep {
    type State = Place;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        if let [Some(x)] = ops.parents {
            grads.register::<B>(x.id, B::place(grad, &ops.state.back()));
        }
    }
}

/// The box of `x`'s elements where `p` puts it.
pub fn place(x: &Value, p: Place) -> Value {
    if p.axes.iter().all(Along::is_whole) {
        return x.clone();
    }
    let shape: Vec<usize> = p.axes.iter().map(|a| a.sizes[1]).collect();
    let y = Dispatch::train_place(x.flat().into_dispatch(), p);
    Value::new(Burn::from_dispatch(y), shape)
}
