//! The backward passes, for any backend that has the kernels.

use super::{Backwards, Channels, Gates, NormedKernels, NormedOps, P};
use crate::exec::ops::Planes;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

/// What the backward passes keep.
#[derive(Debug, Clone)]
pub struct Kept<B: Backend> {
    x: P<B>,
    /// What is added to the normalisation.
    pub residual: Option<P<B>>,
    channels: Channels<B>,
    gates: Gates<B>,
    planes: Planes,
}

impl<B: NormedKernels> Kept<B> {
    /// The value.
    pub fn value(&self) -> P<B> {
        B::normed(self.x.clone(), self.residual.clone(), &self.channels, &self.gates, &self.planes)
    }
    /// Its gradients.
    pub fn backward(self, grad: P<B>) -> Backwards<B> {
        B::normed_backward(self.x, self.residual, &self.channels, &self.gates, grad, &self.planes)
    }
}

/// Gives each parent that wants one its gradient.
pub fn give<B: Backend, const N: usize>(
    parents: [Option<NodeId>; N],
    found: [Option<P<B>>; N],
    grads: &mut Gradients,
) {
    for (node, grad) in parents.into_iter().zip(found) {
        if let (Some(n), Some(grad)) = (node, grad) {
            grads.register::<B>(n, grad);
        }
    }
}

/// The same of what is kept; `by_parent` puts the gradients in the parents' order.
fn spread<B: NormedKernels, const N: usize>(
    ops: Ops<Kept<B>, N>,
    grads: &mut Gradients,
    by_parent: impl FnOnce(Backwards<B>) -> [Option<P<B>>; N],
) {
    let grad = grads.consume::<B>(&ops.node);
    give::<B, N>(ops.parents.map(|p| p.map(|n| n.id)), by_parent(ops.state.backward(grad)), grads);
}

/// The gradients by scale and shift.
pub fn of_norm<B: Backend>(found: Option<[P<B>; 2]>) -> [Option<P<B>>; 2] {
    found.map_or([None, None], |v| v.map(Some))
}

#[derive(Debug)]
struct NormGate;
#[derive(Debug)]
struct NormSumGate;
#[derive(Debug)]
struct ScaleGate;
#[derive(Debug)]
struct ScaleSumGate;

impl<B: NormedKernels> Backward<B, 3> for NormGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        spread(ops, grads, |(x, _, norm)| {
            let [scale, shift] = of_norm::<B>(norm);
            [Some(x), scale, shift]
        });
    }
}

impl<B: NormedKernels> Backward<B, 4> for NormSumGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        spread(ops, grads, |(x, residual, norm)| {
            let [scale, shift] = of_norm::<B>(norm);
            [Some(x), residual, scale, shift]
        });
    }
}

impl<B: NormedKernels> Backward<B, 1> for ScaleGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        spread(ops, grads, |(x, ..)| [Some(x)]);
    }
}

impl<B: NormedKernels> Backward<B, 2> for ScaleSumGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        spread(ops, grads, |(x, residual, _)| [Some(x), residual]);
    }
}

type A<B, C> = FloatTensor<Autodiff<B, C>>;

impl<B: NormedKernels, C: CheckpointStrategy> NormedOps for Autodiff<B, C> {
    fn norm_gate(
        x: A<B, C>,
        scale: A<B, C>,
        shift: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        p: Planes,
    ) -> (A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [x.node(), scale.node(), shift.node()];
        let (kept, [mean, variance]) = keep::<B, C>((x, None), (scale, shift), (pos, neg), p);
        let y = kept.value();
        let y = match Backward::<B, 3>::prepare::<C>(NormGate, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(kept, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, mean, variance)
    }
    fn norm_sum_gate(
        x: A<B, C>,
        r: A<B, C>,
        scale: A<B, C>,
        shift: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        p: Planes,
    ) -> (A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [x.node(), r.node(), scale.node(), shift.node()];
        let (kept, [mean, variance]) = keep::<B, C>((x, Some(r)), (scale, shift), (pos, neg), p);
        let y = kept.value();
        let y = match Backward::<B, 4>::prepare::<C>(NormSumGate, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(kept, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, mean, variance)
    }
    fn scale_gate(
        x: A<B, C>,
        factor: A<B, C>,
        offset: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        p: Planes,
    ) -> A<B, C> {
        let nodes = [x.node()];
        let kept = fixed::<B, C>((x, None), (factor, offset), (pos, neg), p);
        let y = kept.value();
        match Backward::<B, 1>::prepare::<C>(ScaleGate, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(kept, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
    fn scale_sum_gate(
        x: A<B, C>,
        r: A<B, C>,
        factor: A<B, C>,
        offset: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        p: Planes,
    ) -> A<B, C> {
        let nodes = [x.node(), r.node()];
        let kept = fixed::<B, C>((x, Some(r)), (factor, offset), (pos, neg), p);
        let y = kept.value();
        match Backward::<B, 2>::prepare::<C>(ScaleSumGate, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(kept, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// The operands without gradients, and the batch's statistics, which are part of them.
pub fn keep<B: NormedKernels, C: CheckpointStrategy>(
    x: (A<B, C>, Option<A<B, C>>),
    scale: (A<B, C>, A<B, C>),
    gates: (A<B, C>, A<B, C>),
    p: Planes,
) -> (Kept<B>, [A<B, C>; 2]) {
    let mut kept = fixed::<B, C>(x, scale, gates, p);
    let statistics = B::statistics(kept.x.clone(), &p);
    kept.channels.statistics = Some(statistics.clone());
    (kept, statistics.map(A::<B, C>::new))
}

fn fixed<B: NormedKernels, C: CheckpointStrategy>(
    (x, r): (A<B, C>, Option<A<B, C>>),
    (scale, shift): (A<B, C>, A<B, C>),
    (pos, neg): (A<B, C>, A<B, C>),
    planes: Planes,
) -> Kept<B> {
    Kept {
        x: x.into_primitive(),
        residual: r.map(|r| r.into_primitive()),
        channels: Channels { scale: scale.into_primitive(), shift: shift.into_primitive(), statistics: None },
        gates: Gates(pos.into_primitive(), neg.into_primitive()),
        planes,
    }
}
