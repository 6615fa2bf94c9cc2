//! ReLU layers and normalised shortcuts that nobody keeps for the backward pass, which computes them again from what is kept in any
//! case. That takes one more pass over memory, and a quarter less of it.

use super::normed::{Channels, Kept, NormedKernels, give, keep, of_norm};
use super::{Geometry, Planes};
use crate::exec::value::Value;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;
use relinc_passes::ir::Conv;

type P<B> = FloatTensor<B>;
type A<B, C> = FloatTensor<Autodiff<B, C>>;

/// With gradients by all but the gates; all tensors flat. Statistics of batches come back behind the result.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
#[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "burn's extensions take tensors alone")]
pub trait AgainOps: Backend {
    /// The convolution of `gate(norm(x))`.
    fn norm_gate_conv(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        w: FloatTensor<Self>,
        p: Planes,
        g: Geometry,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// `gate(norm(x) + norm(s))`.
    fn norms_gate(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        s: FloatTensor<Self>,
        s_scale: FloatTensor<Self>,
        s_shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
        q: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

#[derive(Debug)]
struct NormGateConv;
#[derive(Debug)]
struct NormsGate;

/// A normalised shortcut.
#[derive(Debug, Clone)]
struct Shortcut<B: Backend> {
    s: P<B>,
    channels: Channels<B>,
    planes: Planes,
}

impl<B: NormedKernels> Backward<B, 4> for NormGateConv {
    type State = (Kept<B>, P<B>, Geometry);
    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, scale, shift, w] = ops.parents.map(|p| p.map(|n| n.id));
        let grad = grads.consume::<B>(&ops.node);
        let (layer, ws, g) = ops.state;
        if let Some(n) = w {
            grads.register::<B>(n, B::conv_weight_grad(layer.value(), grad.clone(), &g));
        }
        if x.is_none() && scale.is_none() && shift.is_none() {
            return;
        }
        let (of_x, _, norm) = layer.backward(B::conv_data_grad(grad, ws, &g));
        let [of_scale, of_shift] = of_norm::<B>(norm);
        give::<B, 3>([x, scale, shift], [Some(of_x), of_scale, of_shift], grads);
    }
}

impl<B: NormedKernels> Backward<B, 6> for NormsGate {
    type State = (Kept<B>, Shortcut<B>);
    fn backward(self, ops: Ops<Self::State, 6>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, scale, shift, s, s_scale, s_shift] = ops.parents.map(|p| p.map(|n| n.id));
        let grad = grads.consume::<B>(&ops.node);
        let (mut layer, Shortcut { s: ss, channels, planes }) = ops.state;
        layer.residual = Some(B::normalised(ss.clone(), &channels, &planes));
        let (of_x, of_residual, norm) = layer.backward(grad);
        let [of_scale, of_shift] = of_norm::<B>(norm);
        give::<B, 3>([x, scale, shift], [Some(of_x), of_scale, of_shift], grads);
        if let (Some(grad), Some([mean, variance])) = (of_residual, channels.statistics) {
            let found = B::norm_backward(ss, channels.scale, mean, variance, grad, &planes);
            give::<B, 3>([s, s_scale, s_shift], found.map(Some), grads);
        }
    }
}

impl<B: NormedKernels, C: CheckpointStrategy> AgainOps for Autodiff<B, C> {
    fn norm_gate_conv(
        x: A<B, C>,
        scale: A<B, C>,
        shift: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        w: A<B, C>,
        p: Planes,
        g: Geometry,
    ) -> (A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [x.node(), scale.node(), shift.node(), w.node()];
        let (layer, [mean, variance]) = keep::<B, C>((x, None), (scale, shift), (pos, neg), p);
        let w = w.into_primitive();
        let y = B::conv_forward(layer.value(), w.clone(), None, &g);
        let y = match Backward::<B, 4>::prepare::<C>(NormGateConv, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((layer, w, g), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, mean, variance)
    }

    fn norms_gate(
        x: A<B, C>,
        scale: A<B, C>,
        shift: A<B, C>,
        s: A<B, C>,
        s_scale: A<B, C>,
        s_shift: A<B, C>,
        pos: A<B, C>,
        neg: A<B, C>,
        p: Planes,
        q: Planes,
    ) -> (A<B, C>, A<B, C>, A<B, C>, A<B, C>, A<B, C>) {
        let nodes = [x.node(), scale.node(), shift.node(), s.node(), s_scale.node(), s_shift.node()];
        let [s, s_scale, s_shift] = [s, s_scale, s_shift].map(|t| t.into_primitive());
        let [r, s_mean, s_variance] = B::norm_forward(s.clone(), s_scale.clone(), s_shift.clone(), &q);
        let (mut layer, [mean, variance]) = keep::<B, C>((x, None), (scale, shift), (pos, neg), p);
        layer.residual = Some(r);
        let y = layer.value();
        layer.residual = None;
        let statistics = [s_mean, s_variance];
        let found = statistics.clone().map(A::<B, C>::new);
        let channels = Channels { scale: s_scale, shift: s_shift, statistics: Some(statistics) };
        let shortcut = Shortcut { s, channels, planes: q };
        let y = match Backward::<B, 6>::prepare::<C>(NormsGate, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((layer, shortcut), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        let [s_mean, s_variance] = found;
        (y, mean, variance, s_mean, s_variance)
    }
}

/// What is normalised by a batch's statistics, and how.
#[derive(Debug, Clone)]
pub struct Normalised {
    /// The value, `[N, C, …]`.
    pub x: Value,
    /// A factor a channel.
    pub scale: Burn<1>,
    /// An offset a channel.
    pub shift: Burn<1>,
    /// Added to the variance.
    pub eps: f32,
}

/// The convolution, without bias, of `gate(norm(x))` with `w`, and mean and biased variance of `x`, without gradients.
///
/// # Errors
/// Sizes that are not those of a convolution of maps.
pub fn norm_gate_conv(
    of: &Normalised,
    gates: [Burn<1>; 2],
    w: &Value,
    conv: &Conv,
) -> Result<(Value, [Burn<1>; 2]), String> {
    let (g, p) = (Geometry::new(&of.x, w, conv)?, Planes::of(of.x.shape(), of.eps));
    let shape = g.output();
    let [scale, shift, x, w] =
        [of.scale.clone(), of.shift.clone(), of.x.flat(), w.flat()].map(Burn::into_dispatch);
    let [pos, neg] = gates.map(Burn::into_dispatch);
    let (y, mean, variance) = Dispatch::norm_gate_conv(x, scale, shift, pos, neg, w, p, g);
    Ok((Value::new(Burn::from_dispatch(y), shape), [mean, variance].map(Burn::from_dispatch)))
}

/// `gate(norm(x) + norm(s))` of two values of one shape, and mean and biased variance of each, without gradients.
pub fn norms_gate([a, b]: [Normalised; 2], gates: [Burn<1>; 2]) -> (Value, [[Burn<1>; 2]; 2]) {
    let [p, q] = [&a, &b].map(|v| Planes::of(v.x.shape(), v.eps));
    let shape = a.x.shape().to_vec();
    let [x, s] = [a.x, b.x].map(|v| v.into_flat().into_dispatch());
    let [scale, shift, s_scale, s_shift] = [a.scale, a.shift, b.scale, b.shift].map(Burn::into_dispatch);
    let [pos, neg] = gates.map(Burn::into_dispatch);
    let (y, mean, variance, s_mean, s_variance) =
        Dispatch::norms_gate(x, scale, shift, s, s_scale, s_shift, pos, neg, p, q);
    let statistics = [[mean, variance], [s_mean, s_variance]].map(|s| s.map(Burn::from_dispatch));
    (Value::new(Burn::from_dispatch(y), shape), statistics)
}
