//! Quadratics whose square is normalised while they are trained, and the penalty on what is far out in them.

use super::{Planes, composed};
use crate::exec::value::Value;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;

type P<B> = FloatTensor<B>;
type A<B, C> = FloatTensor<Autodiff<B, C>>;

/// The sizes of a quadratic's operand, and how far it has taken the ReLU's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    /// The operand's planes; ε is that of the normalisation.
    pub planes: Planes,
    /// 1 for the quadratic alone, 0 for the ReLU alone.
    pub blend: f32,
}

/// What multiplies the normalised square and the operand, and what is added; one number a channel each.
#[derive(Debug, Clone)]
pub struct Coefficients<B: Backend>(pub FloatTensor<B>, pub FloatTensor<B>, pub FloatTensor<B>);

/// Forward and backward, on flat f32 tensors without gradients.
pub trait SquareKernels: Backend {
    /// `t·(a·N(z²) + b·z + c) + (1 − t)·max(z, 0)`, N by the batch's statistics; and these: mean and biased variance of z².
    fn square(z: P<Self>, k: &Coefficients<Self>, s: &Square) -> [P<Self>; 3] {
        composed::square::<Self>(z, k, s)
    }
    /// Its gradients by z, a, b and c.
    fn square_backward(
        z: P<Self>,
        k: &Coefficients<Self>,
        statistics: [P<Self>; 2],
        grad: P<Self>,
        s: &Square,
    ) -> [P<Self>; 4] {
        composed::square_backward::<Self>(z, k, statistics, grad, s)
    }
    /// As [`tails`].
    fn tails(z: P<Self>) -> P<Self> {
        composed::tails::<Self>(z)
    }
    /// The gradient of [`SquareKernels::tails`] by z.
    fn tails_backward(z: P<Self>, grad: P<Self>) -> P<Self> {
        composed::tails_backward::<Self>(z, grad)
    }
}

/// The same with gradients.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait SquareOps: Backend {
    /// As [`SquareKernels::square`].
    fn train_square(
        z: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        s: Square,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// As [`tails`].
    fn train_tails(z: FloatTensor<Self>) -> FloatTensor<Self>;
}

#[derive(Debug)]
struct SquareStep;
#[derive(Debug)]
struct TailsStep;

impl<B: SquareKernels> Backward<B, 4> for SquareStep {
    type State = (P<B>, Coefficients<B>, [P<B>; 2], Square);
    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let parents = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (z, k, statistics, s) = ops.state;
        for (node, grad) in parents.into_iter().zip(B::square_backward(z, &k, statistics, grad, &s)) {
            if let Some(n) = node {
                grads.register::<B>(n.id, grad);
            }
        }
    }
}

impl<B: SquareKernels> Backward<B, 1> for TailsStep {
    type State = P<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        if let Some(n) = node {
            grads.register::<B>(n.id, B::tails_backward(ops.state, grad));
        }
    }
}

impl<B: SquareKernels, C: CheckpointStrategy> SquareOps for Autodiff<B, C> {
    fn train_square(
        z: A<B, C>,
        a: A<B, C>,
        b: A<B, C>,
        c: A<B, C>,
        s: Square,
    ) -> (A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [z.node(), a.node(), b.node(), c.node()];
        let z = z.into_primitive();
        let k = Coefficients::<B>(a.into_primitive(), b.into_primitive(), c.into_primitive());
        let [y, mean, variance] = B::square(z.clone(), &k, &s);
        let statistics = (A::<B, C>::new(mean.clone()), A::<B, C>::new(variance.clone()));
        let y = match Backward::<B, 4>::prepare::<C>(SquareStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((z, k, [mean, variance], s), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, statistics.0, statistics.1)
    }
    fn train_tails(z: A<B, C>) -> A<B, C> {
        let nodes = [z.node()];
        let z = z.into_primitive();
        match Backward::<B, 1>::prepare::<C>(TailsStep, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let sum = B::tails(z.clone());
                prep.finish(z, sum)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::tails(z)),
        }
    }
}

/// `t·(a·N(z²) + b·z + c) + (1 − t)·max(z, 0)`, N by the statistics of the batch, which come back: mean and biased variance of
/// z², without gradients.
pub fn square(z: &Value, [a, b, c]: [Burn<1>; 3], eps: f32, blend: f32) -> (Value, Burn<1>, Burn<1>) {
    let s = Square { planes: Planes::of(z.shape(), eps), blend };
    let [a, b, c] = [a, b, c].map(Burn::into_dispatch);
    let (y, mean, variance) = Dispatch::train_square(z.flat().into_dispatch(), a, b, c, s);
    (Value::new(Burn::from_dispatch(y), z.shape()), Burn::from_dispatch(mean), Burn::from_dispatch(variance))
}

/// Mean over all elements of `ln²(|z|/bound)` beyond the bound ([`crate::kernels::square::BOUND`]), 0 within; one number.
pub fn tails(z: &Value) -> Burn<1> {
    Burn::from_dispatch(Dispatch::train_tails(z.flat().into_dispatch()))
}
