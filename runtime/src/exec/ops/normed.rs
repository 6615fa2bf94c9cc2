//! A batch normalisation, a residual and a gated ReLU as one operation: what lies between them is neither stored for the backward
//! pass nor written twice.

use super::flex::{elements, make, plain, slice};
use super::{Planes, TrainKernels};
use crate::exec::value::Value;
use crate::kernels::batch_norm;
use crate::kernels::normed::Normed;
use crate::kernels::two_slope::Slopes;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor as Burn;

type P<B> = FloatTensor<B>;
type T = FloatTensor<Flex>;

/// Where the factor and the offset of each channel come from.
#[derive(Debug, Clone)]
pub struct Channels<B: Backend> {
    /// Scale and shift of a normalisation by the batch's statistics, or factor and offset.
    pub scale: FloatTensor<B>,
    /// The other.
    pub shift: FloatTensor<B>,
    /// Mean and biased variance of the batch; nothing where factor and offset are given.
    pub statistics: Option<[FloatTensor<B>; 2]>,
}

/// The slopes of the gate, one for each element of a sample.
#[derive(Debug, Clone)]
pub struct Gates<B: Backend>(pub FloatTensor<B>, pub FloatTensor<B>);

/// Gradients by `x`, by the residual, and by scale and shift where they belong to a normalisation.
pub type Backwards<B> = (FloatTensor<B>, Option<FloatTensor<B>>, Option<[FloatTensor<B>; 2]>);

/// Forward and backward, on tensors without gradients.
pub trait NormedKernels: TrainKernels {
    /// Mean and biased variance of the channels.
    fn statistics(x: P<Self>, p: &Planes) -> [P<Self>; 2];
    /// `gate(norm(x) + residual)`.
    fn normed(x: P<Self>, r: Option<P<Self>>, c: &Channels<Self>, g: &Gates<Self>, p: &Planes) -> P<Self>;
    /// Its gradients.
    fn normed_backward(
        x: P<Self>,
        r: Option<P<Self>>,
        c: &Channels<Self>,
        g: &Gates<Self>,
        grad: P<Self>,
        p: &Planes,
    ) -> Backwards<Self>;
}

/// The same with gradients by `x`, the residual, scale and shift; all tensors flat.
#[backend_extension(Flex, Autodiff)]
pub trait NormedOps: Backend {
    /// By the batch's statistics, which come back.
    fn norm_gate(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// The same with a residual.
    fn norm_sum_gate(
        x: FloatTensor<Self>,
        r: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// By a factor and an offset for each channel, which get no gradients.
    fn scale_gate(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> FloatTensor<Self>;
    /// The same with a residual.
    fn scale_sum_gate(
        x: FloatTensor<Self>,
        r: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> FloatTensor<Self>;
}

/// `gate(norm(x) + residual)` by the batch's statistics; also its mean and biased variance, without gradients.
pub fn norm_gate(
    x: &Value,
    r: Option<&Value>,
    [scale, shift]: [Burn<1>; 2],
    [pos, neg]: [Burn<1>; 2],
    eps: f32,
) -> (Value, Burn<1>, Burn<1>) {
    let (p, shape) = (Planes::of(x.shape(), eps), x.shape());
    let [scale, shift, pos, neg] = [scale, shift, pos, neg].map(Burn::into_dispatch);
    let x = x.flat().into_dispatch();
    let (y, mean, variance) = match r {
        Some(r) => Dispatch::norm_sum_gate(x, r.flat().into_dispatch(), scale, shift, pos, neg, p),
        None => Dispatch::norm_gate(x, scale, shift, pos, neg, p),
    };
    (Value::new(Burn::from_dispatch(y), shape), Burn::from_dispatch(mean), Burn::from_dispatch(variance))
}

/// `gate(x·factor + offset + residual)`; neither factor, offset nor gate gets a gradient.
pub fn scale_gate(
    x: &Value,
    r: Option<&Value>,
    [factor, offset]: [Burn<1>; 2],
    [pos, neg]: [Burn<1>; 2],
) -> Value {
    let (p, shape) = (Planes::of(x.shape(), 0.0), x.shape());
    let [factor, offset, pos, neg] = [factor, offset, pos, neg].map(Burn::into_dispatch);
    let x = x.flat().into_dispatch();
    let y = match r {
        Some(r) => Dispatch::scale_sum_gate(x, r.flat().into_dispatch(), factor, offset, pos, neg, p),
        None => Dispatch::scale_gate(x, factor, offset, pos, neg, p),
    };
    Value::new(Burn::from_dispatch(y), shape)
}

/// Factor and offset of each channel.
fn factors(c: &Channels<Flex>, eps: f32) -> (Vec<f32>, Vec<f32>) {
    let (scale, shift) = (plain(c.scale.clone()), plain(c.shift.clone()));
    match &c.statistics {
        None => (slice(&scale).to_vec(), slice(&shift).to_vec()),
        Some(s) => {
            let [mean, variance] = s.clone().map(plain);
            batch_norm::factors(slice(&scale), slice(&shift), (slice(&mean), slice(&variance)), eps)
        }
    }
}

impl NormedKernels for Flex {
    fn statistics(x: T, p: &Planes) -> [T; 2] {
        let x = plain(x);
        let (mean, variance) = elements("batch statistics", p.channels * p.size, || {
            batch_norm::statistics(slice(&x), p.channels, p.size)
        });
        [make(mean), make(variance)]
    }

    fn normed(x: T, r: Option<T>, c: &Channels<Flex>, g: &Gates<Flex>, p: &Planes) -> T {
        let (factor, offset) = factors(c, p.eps);
        let [x, pos, neg] = [x, g.0.clone(), g.1.clone()].map(plain);
        let r = r.map(plain);
        let op = Normed {
            x: slice(&x),
            residual: r.as_ref().map(slice),
            factor: &factor,
            offset: &offset,
            slopes: Slopes { pos: slice(&pos), neg: slice(&neg) },
            area: p.size,
        };
        elements("normalisation and gate", p.channels * p.size, || make(op.forward()))
    }

    fn normed_backward(
        x: T,
        r: Option<T>,
        c: &Channels<Flex>,
        g: &Gates<Flex>,
        grad: T,
        p: &Planes,
    ) -> Backwards<Flex> {
        let (factor, offset) = factors(c, p.eps);
        let [x, pos, neg, mut grad] = [x, g.0.clone(), g.1.clone(), grad].map(plain);
        let r = r.map(plain);
        let op = Normed {
            x: slice(&x),
            residual: r.as_ref().map(slice),
            factor: &factor,
            offset: &offset,
            slopes: Slopes { pos: slice(&pos), neg: slice(&neg) },
            area: p.size,
        };
        elements("normalisation and gate, backward", p.channels * p.size, || {
            let n = op.x.len();
            let Some([mean, variance]) = &c.statistics else {
                let other = op.input_grad(&mut grad.storage_mut::<f32>()[..n]);
                return (grad, other.map(make), None);
            };
            let [mean, variance, scale] = [mean, variance, &c.scale].map(|t| plain(t.clone()));
            let statistics = (slice(&mean), slice(&variance));
            let sums = op.cut(&mut grad.storage_mut::<f32>()[..n], statistics.0);
            let mut input = grad.clone();
            let other = op.residual.map(|_| grad);
            let g = &mut input.storage_mut::<f32>()[..n];
            let (gs, gb) = batch_norm::finish((op.x, g), slice(&scale), statistics, &sums, p.size, p.eps);
            (input, other, Some([make(gs), make(gb)]))
        })
    }
}

impl NormedOps for Flex {
    fn norm_gate(x: T, scale: T, shift: T, pos: T, neg: T, p: Planes) -> (T, T, T) {
        let [mean, variance] = Self::statistics(x.clone(), &p);
        let c = Channels { scale, shift, statistics: Some([mean.clone(), variance.clone()]) };
        (Self::normed(x, None, &c, &Gates(pos, neg), &p), mean, variance)
    }
    fn norm_sum_gate(x: T, r: T, scale: T, shift: T, pos: T, neg: T, p: Planes) -> (T, T, T) {
        let [mean, variance] = Self::statistics(x.clone(), &p);
        let c = Channels { scale, shift, statistics: Some([mean.clone(), variance.clone()]) };
        (Self::normed(x, Some(r), &c, &Gates(pos, neg), &p), mean, variance)
    }
    fn scale_gate(x: T, factor: T, offset: T, pos: T, neg: T, p: Planes) -> T {
        let c = Channels { scale: factor, shift: offset, statistics: None };
        Self::normed(x, None, &c, &Gates(pos, neg), &p)
    }
    fn scale_sum_gate(x: T, r: T, factor: T, offset: T, pos: T, neg: T, p: Planes) -> T {
        let c = Channels { scale: factor, shift: offset, statistics: None };
        Self::normed(x, Some(r), &c, &Gates(pos, neg), &p)
    }
}

/// What the backward passes keep.
#[derive(Debug, Clone)]
struct Kept<B: Backend> {
    x: P<B>,
    residual: Option<P<B>>,
    channels: Channels<B>,
    gates: Gates<B>,
    planes: Planes,
}

impl<B: NormedKernels> Kept<B> {
    fn value(&self) -> P<B> {
        B::normed(self.x.clone(), self.residual.clone(), &self.channels, &self.gates, &self.planes)
    }
    fn backward(self, grad: P<B>) -> Backwards<B> {
        B::normed_backward(self.x, self.residual, &self.channels, &self.gates, grad, &self.planes)
    }
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
        let grad = grads.consume::<B>(&ops.node);
        let (gx, _, of_norm) = ops.state.backward(grad);
        let [gs, gb] = of_norm.map_or([None, None], |v| v.map(Some));
        for (node, grad) in ops.parents.into_iter().zip([Some(gx), gs, gb]) {
            if let (Some(n), Some(grad)) = (node, grad) {
                grads.register::<B>(n.id, grad);
            }
        }
    }
}

impl<B: NormedKernels> Backward<B, 4> for NormSumGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let (gx, gr, of_norm) = ops.state.backward(grad);
        let [gs, gb] = of_norm.map_or([None, None], |v| v.map(Some));
        for (node, grad) in ops.parents.into_iter().zip([Some(gx), gr, gs, gb]) {
            if let (Some(n), Some(grad)) = (node, grad) {
                grads.register::<B>(n.id, grad);
            }
        }
    }
}

impl<B: NormedKernels> Backward<B, 1> for ScaleGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        if let Some(n) = x {
            grads.register::<B>(n.id, ops.state.backward(grad).0);
        }
    }
}

impl<B: NormedKernels> Backward<B, 2> for ScaleSumGate {
    type State = Kept<B>;
    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let (gx, gr, _) = ops.state.backward(grad);
        for (node, grad) in ops.parents.into_iter().zip([Some(gx), gr]) {
            if let (Some(n), Some(grad)) = (node, grad) {
                grads.register::<B>(n.id, grad);
            }
        }
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
fn keep<B: NormedKernels, C: CheckpointStrategy>(
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
