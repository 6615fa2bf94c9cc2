//! Quadratics with a normalised square, and the penalty on what is far out in them.

use super::norm::{self, column, planes, scaled, sums};
use super::{T, flat, full, len};
use crate::exec::ops::Planes;
use crate::exec::ops::square::{Coefficients, Square};
use crate::kernels::square::BOUND;
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};

/// The slopes on both sides of 0 as `[1, C, 1]`: `t·b + 1 − t` and `t·b`.
fn slopes<B: Backend>(k: &Coefficients<B>, s: &Square) -> [T<B>; 2] {
    let below = column::<B>(scaled::<B>(k.1.clone(), s.blend), &s.planes);
    [B::float_add_scalar(below.clone(), (1.0 - s.blend).into()), below]
}

fn sides<B: Backend>(z: T<B>) -> [T<B>; 2] {
    [B::float_clamp_min(z.clone(), 0f32.into()), B::float_clamp_max(z, 0f32.into())]
}

/// Value, and mean and biased variance of z².
pub fn square<B: Backend>(z: T<B>, k: &Coefficients<B>, s: &Square) -> [T<B>; 3] {
    let squared = B::float_mul(z.clone(), z.clone());
    let [scale, shift] = [&k.0, &k.2].map(|v| scaled::<B>(v.clone(), s.blend));
    let [y, mean, variance] = norm::forward::<B>(squared, scale, shift, &s.planes);
    let lines = slopes::<B>(k, s).into_iter().zip(sides::<B>(planes::<B>(z, &s.planes)));
    let y = lines.fold(planes::<B>(y, &s.planes), |y, (k, side)| B::float_add(y, B::float_mul(side, k)));
    [flat::<B>(y), mean, variance]
}

/// Gradients by z and the three coefficients.
pub fn square_backward<B: Backend>(
    z: T<B>,
    k: &Coefficients<B>,
    statistics: [T<B>; 2],
    grad: T<B>,
    s: &Square,
) -> [T<B>; 4] {
    let p: &Planes = &s.planes;
    let squared = B::float_mul(z.clone(), z.clone());
    let scale = scaled::<B>(k.0.clone(), s.blend);
    let [of_square, a, c] = norm::backward::<B>(squared, scale, statistics, grad.clone(), p);
    let (zs, g) = (planes::<B>(z.clone(), p), planes::<B>(grad, p));
    let b = flat::<B>(sums::<B>(B::float_mul(zs.clone(), g.clone())));
    let dims = zs.shape();
    let bools = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
    let above = B::float_greater_elem(zs.clone(), 0f32.into(), bools);
    let [pos, neg] = slopes::<B>(k, s).map(|v| B::float_expand(v, dims.clone()));
    let along = B::float_mul(g, B::float_mask_where(neg, above, pos));
    let twice = scaled::<B>(B::float_mul(zs, planes::<B>(of_square, p)), 2.0);
    let [a, b, c] = [a, b, c].map(|v| scaled::<B>(v, s.blend));
    [flat::<B>(B::float_add(along, twice)), a, b, c]
}

/// `ln(max(|z|/bound, 1))`.
fn excess<B: Backend>(z: T<B>) -> T<B> {
    let far = scaled::<B>(B::float_abs(z), 1.0 / BOUND);
    B::float_log(B::float_clamp_min(far, 1f32.into()))
}

/// Mean of the squared excess, one number.
pub fn tails<B: Backend>(z: T<B>) -> T<B> {
    let count = len::<B>(&z).max(1) as f32;
    let e = excess::<B>(full::<B>(z));
    flat::<B>(scaled::<B>(B::float_sum(B::float_mul(e.clone(), e)), 1.0 / count))
}

/// Its gradient: `2·excess/z`, nothing within the bound.
pub fn tails_backward<B: Backend>(z: T<B>, grad: T<B>) -> T<B> {
    let count = len::<B>(&z).max(1) as f32;
    let z = full::<B>(z);
    let e = scaled::<B>(excess::<B>(z.clone()), 2.0 / count);
    // Within the bound the excess is 0, whatever it is divided by; not by 0 itself.
    let apart = B::float_clamp_min(B::float_abs(z.clone()), BOUND.into());
    let signed = B::float_div(B::float_mul(e, B::float_sign(z)), apart);
    B::float_mul(signed, grad)
}
