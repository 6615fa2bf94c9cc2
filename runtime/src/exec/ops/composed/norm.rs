//! Batch normalisation, and normalisation, residual and gate together.

use super::{T, cast, flat, full, gate, precision, view};
use crate::exec::ops::Planes;
use crate::exec::ops::normed::{Backwards, Channels, Gates};
use burn::backend::Backend;

pub(super) fn planes<B: Backend>(t: T<B>, p: &Planes) -> T<B> {
    view::<B>(t, &[p.n, p.channels, p.size])
}

/// One number a channel as `[1, C, 1]`.
pub(super) fn column<B: Backend>(t: T<B>, p: &Planes) -> T<B> {
    view::<B>(t, &[1, p.channels, 1])
}

/// Sums of `[N, C, S]` by channel, `[1, C, 1]`.
pub(super) fn sums<B: Backend>(t: T<B>) -> T<B> {
    B::float_sum_dim(B::float_sum_dim(t, 2), 0)
}

pub(super) fn scaled<B: Backend>(t: T<B>, by: f32) -> T<B> {
    B::float_mul_scalar(t, by.into())
}

/// Elements of a channel.
fn count(p: &Planes) -> f32 {
    (p.n * p.size).max(1) as f32
}

pub fn channel_sum<B: Backend>(grad: T<B>, p: &Planes) -> T<B> {
    flat::<B>(sums::<B>(planes::<B>(full::<B>(grad), p)))
}

pub fn channel_dot<B: Backend>(x: T<B>, grad: T<B>, p: &Planes) -> T<B> {
    channel_sum::<B>(B::float_mul(full::<B>(x), full::<B>(grad)), p)
}

/// `x` plus a number a channel.
#[cfg(all(feature = "gpu", not(any(feature = "gpu-tuned", feature = "cuda"))))]
pub fn add_channels<B: Backend>(x: T<B>, b: T<B>, p: &Planes) -> T<B> {
    flat::<B>(B::float_add(planes::<B>(x, p), column::<B>(b, p)))
}

/// Mean and biased variance of each channel.
pub fn statistics<B: Backend>(x: T<B>, p: &Planes) -> [T<B>; 2] {
    let x = planes::<B>(full::<B>(x), p);
    let mean = scaled::<B>(sums::<B>(x.clone()), 1.0 / count(p));
    let off = B::float_sub(x, mean.clone());
    let variance = scaled::<B>(sums::<B>(B::float_mul(off.clone(), off)), 1.0 / count(p));
    [mean, variance].map(flat::<B>)
}

/// `1/√(variance + ε)`.
fn spread<B: Backend>(variance: T<B>, p: &Planes) -> T<B> {
    B::float_recip(B::float_sqrt(B::float_add_scalar(variance, p.eps.into())))
}

/// Factor and offset of each channel.
pub fn factors<B: Backend>(c: &Channels<B>, p: &Planes) -> (T<B>, T<B>) {
    let Some([mean, variance]) = c.statistics.clone() else { return (c.scale.clone(), c.shift.clone()) };
    let factor = B::float_mul(c.scale.clone(), spread::<B>(variance, p));
    let offset = B::float_sub(c.shift.clone(), B::float_mul(mean, factor.clone()));
    (factor, offset)
}

/// `x·scale + shift` per channel.
pub fn affine<B: Backend>(x: T<B>, scale: T<B>, shift: T<B>, p: &Planes) -> T<B> {
    let kind = precision::<B>(&x);
    let y = B::float_mul(planes::<B>(full::<B>(x), p), column::<B>(scale, p));
    cast::<B>(flat::<B>(B::float_add(y, column::<B>(shift, p))), kind)
}

/// `norm(x)`.
pub fn by_channels<B: Backend>(x: T<B>, c: &Channels<B>, p: &Planes) -> T<B> {
    let (factor, offset) = factors::<B>(c, p);
    affine::<B>(x, factor, offset, p)
}

/// Result, mean and biased variance.
pub fn forward<B: Backend>(x: T<B>, scale: T<B>, shift: T<B>, p: &Planes) -> [T<B>; 3] {
    let [mean, variance] = statistics::<B>(x.clone(), p);
    let c = Channels { scale, shift, statistics: Some([mean.clone(), variance.clone()]) };
    [by_channels::<B>(x, &c, p), mean, variance]
}

/// Gradients by x, scale and shift.
pub fn backward<B: Backend>(
    x: T<B>,
    scale: T<B>,
    [mean, variance]: [T<B>; 2],
    grad: T<B>,
    p: &Planes,
) -> [T<B>; 3] {
    let kind = precision::<B>(&x);
    let (x, grad) = (planes::<B>(full::<B>(x), p), planes::<B>(full::<B>(grad), p));
    let spread = column::<B>(spread::<B>(variance, p), p);
    let normal = B::float_mul(B::float_sub(x, column::<B>(mean, p)), spread.clone());
    let of_shift = sums::<B>(grad.clone());
    let of_scale = sums::<B>(B::float_mul(grad.clone(), normal.clone()));
    let of_mean = scaled::<B>(of_shift.clone(), 1.0 / count(p));
    let along = B::float_mul(normal, scaled::<B>(of_scale.clone(), 1.0 / count(p)));
    let left = B::float_sub(B::float_sub(grad, of_mean), along);
    let of_x = B::float_mul(left, B::float_mul(column::<B>(scale, p), spread));
    [cast::<B>(flat::<B>(of_x), kind), flat::<B>(of_scale), flat::<B>(of_shift)]
}

/// What goes into the gate.
fn inside<B: Backend>(x: T<B>, r: Option<T<B>>, c: &Channels<B>, p: &Planes) -> T<B> {
    let y = by_channels::<B>(x, c, p);
    match r {
        Some(r) => B::float_add(y, r),
        None => y,
    }
}

/// `gate(norm(x) + residual)`.
pub fn normed<B: Backend>(x: T<B>, r: Option<T<B>>, c: &Channels<B>, g: &Gates<B>, p: &Planes) -> T<B> {
    gate::forward::<B>(inside::<B>(x, r, c, p), g.0.clone(), g.1.clone())
}

/// Its gradients by x, the residual, and scale and shift of a normalisation by the batch.
pub fn normed_backward<B: Backend>(
    x: T<B>,
    r: Option<T<B>>,
    c: &Channels<B>,
    g: &Gates<B>,
    grad: T<B>,
    p: &Planes,
) -> Backwards<B> {
    let before = inside::<B>(x.clone(), r.clone(), c, p);
    let grad = gate::input_grad::<B>(before, g.0.clone(), g.1.clone(), grad);
    behind_gate::<B>(x, r.is_some(), c, grad, p)
}

/// The same from the gradient by the gate's input.
pub fn behind_gate<B: Backend>(
    x: T<B>,
    summed: bool,
    c: &Channels<B>,
    grad: T<B>,
    p: &Planes,
) -> Backwards<B> {
    let other = summed.then(|| grad.clone());
    match c.statistics.clone() {
        Some(s) => {
            let [gx, gs, gb] = backward::<B>(x, c.scale.clone(), s, grad, p);
            (gx, other, Some([gs, gb]))
        }
        None => {
            let kind = precision::<B>(&grad);
            let y = B::float_mul(planes::<B>(full::<B>(grad), p), column::<B>(c.scale.clone(), p));
            (cast::<B>(flat::<B>(y), kind), other, None)
        }
    }
}
