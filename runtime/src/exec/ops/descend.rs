//! The optimiser's update and the norm of a gradient, each in one pass over memory.

use super::composed;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;

use crate::kernels::sgd::Update;

type A<B, C> = FloatTensor<Autodiff<B, C>>;

/// On flat tensors, without gradients.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait DescendOps: Backend {
    /// New weights and velocity.
    fn descended(
        w: FloatTensor<Self>,
        g: FloatTensor<Self>,
        v: FloatTensor<Self>,
        u: Update,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::descended::<Self>(w, g, v, u)
    }
    /// The sum of the squares, one element.
    fn squares(g: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::squares::<Self>(g)
    }
}

impl<B: DescendOps, C: CheckpointStrategy> DescendOps for Autodiff<B, C> {
    fn descended(w: A<B, C>, g: A<B, C>, v: A<B, C>, u: Update) -> (A<B, C>, A<B, C>) {
        let (w, v) = B::descended(w.into_primitive(), g.into_primitive(), v.into_primitive(), u);
        (A::<B, C>::new(w), A::<B, C>::new(v))
    }
    fn squares(g: A<B, C>) -> A<B, C> {
        A::<B, C>::new(B::squares(g.into_primitive()))
    }
}

/// Weights and velocity after an update by a gradient.
pub fn descend(w: Burn<1>, g: Burn<1>, v: Burn<1>, u: Update) -> (Burn<1>, Burn<1>) {
    let (w, v) = Dispatch::descended(w.into_dispatch(), g.into_dispatch(), v.into_dispatch(), u);
    (Burn::from_dispatch(w), Burn::from_dispatch(v))
}

/// The sum of a tensor's squares, one element.
pub fn squares(g: Burn<1>) -> Burn<1> {
    Burn::from_dispatch(Dispatch::squares(g.into_dispatch()))
}
