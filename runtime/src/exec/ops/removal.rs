//! What the removal of ReLUs costs to first order, in one pass over inputs and gradients where there is a kernel.

use super::composed;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;

type A<B, C> = FloatTensor<Autodiff<B, C>>;

/// On flat tensors, without gradients.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait RemovalOps: Backend {
    /// As [`removal_costs`].
    fn costs(
        x: FloatTensor<Self>,
        g: FloatTensor<Self>,
        slope: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::removal_costs::<Self>(x, g, slope)
    }
}

impl<B: RemovalOps, C: CheckpointStrategy> RemovalOps for Autodiff<B, C> {
    fn costs(x: A<B, C>, g: A<B, C>, slope: A<B, C>) -> (A<B, C>, A<B, C>) {
        let (i, z) = B::costs(x.into_primitive(), g.into_primitive(), slope.into_primitive());
        (A::<B, C>::new(i), A::<B, C>::new(z))
    }
}

/// Sums over the images of `(g·(s·x − max(x,0)))²`, for the identity, and of `(g·max(x,0))²`, for zero; x and g are `[n·len]`, s
/// and both sums `[len]`.
pub fn removal_costs(x: Burn<1>, g: Burn<1>, slope: Burn<1>) -> [Burn<1>; 2] {
    let (i, z) = Dispatch::costs(x.into_dispatch(), g.into_dispatch(), slope.into_dispatch());
    [Burn::from_dispatch(i), Burn::from_dispatch(z)]
}
