//! What both sides of a ReLU's operand weigh under a gradient, in one pass where there is a kernel.

use super::composed;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;

type A<B, C> = FloatTensor<Autodiff<B, C>>;

/// On flat tensors, without gradients.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait SideSquares: Backend {
    /// As [`side_squares`].
    fn sums(
        x: FloatTensor<Self>,
        g: FloatTensor<Self>,
        each: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::side_squares::<Self>(x, g, each)
    }
}

impl<B: SideSquares, C: CheckpointStrategy> SideSquares for Autodiff<B, C> {
    fn sums(x: A<B, C>, g: A<B, C>, each: usize) -> (A<B, C>, A<B, C>) {
        let (above, below) = B::sums(x.into_primitive(), g.into_primitive(), each);
        (A::<B, C>::new(above), A::<B, C>::new(below))
    }
}

/// Sums over the images of `(g·max(x, 0))²` and of `(g·min(x, 0))²`; x and g are `[n·each]`, both sums `[each]`.
pub fn side_squares(x: Burn<1>, g: Burn<1>, each: usize) -> [Burn<1>; 2] {
    let (above, below) = Dispatch::sums(x.into_dispatch(), g.into_dispatch(), each);
    [Burn::from_dispatch(above), Burn::from_dispatch(below)]
}
