//! The gated ReLU.

use super::{T, cast, flat, full, len, precision, view};
use burn::backend::tensor::BoolTensor;
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::FloatDType;

/// A value as `[N, elements a sample]`.
pub(super) fn samples<B: Backend>(t: T<B>, each: usize) -> T<B> {
    let n = len::<B>(&t) / each.max(1);
    view::<B>(t, &[n, each])
}

/// A gate as `[1, elements a sample]`.
pub(super) fn side<B: Backend>(t: T<B>, kind: FloatDType) -> T<B> {
    let n = len::<B>(&t);
    cast::<B>(view::<B>(t, &[1, n]), kind)
}

/// `pos·max(x,0) + neg·min(x,0)`.
pub fn forward<B: Backend>(x: T<B>, pos: T<B>, neg: T<B>) -> T<B> {
    let kind = precision::<B>(&x);
    let x = samples::<B>(x, len::<B>(&pos));
    let above = B::float_mul(B::float_clamp_min(x.clone(), 0f32.into()), side::<B>(pos, kind));
    let below = B::float_mul(B::float_clamp_max(x, 0f32.into()), side::<B>(neg, kind));
    flat::<B>(B::float_add(above, below))
}

/// The gradient by `x`: times `pos` where it is above 0, `neg` elsewhere.
pub fn input_grad<B: Backend>(x: T<B>, pos: T<B>, neg: T<B>, grad: T<B>) -> T<B> {
    let (kind, each) = (precision::<B>(&x), len::<B>(&pos));
    let x = samples::<B>(x, each);
    let dims = x.shape();
    let bools = get_or_init_device_settings::<B>(&x.device()).bool_dtype;
    let above = B::float_greater_elem(x, 0f32.into(), bools);
    let [pos, neg] = [pos, neg].map(|s| B::float_expand(side::<B>(s, kind), dims.clone()));
    flat::<B>(B::float_mul(samples::<B>(grad, each), B::float_mask_where(neg, above, pos)))
}

/// The gradients by both slopes of `each` elements.
pub fn grads<B: Backend>(x: T<B>, grad: T<B>, each: usize) -> [T<B>; 2] {
    let (x, grad) = (samples::<B>(full::<B>(x), each), samples::<B>(full::<B>(grad), each));
    let above = B::float_mul(grad.clone(), B::float_clamp_min(x.clone(), 0f32.into()));
    let below = B::float_mul(grad, B::float_clamp_max(x, 0f32.into()));
    [above, below].map(|t| flat::<B>(B::float_sum_dim(t, 0)))
}

/// `min(y, ceiling)`.
pub fn ceiling<B: Backend>(y: T<B>, ceiling: T<B>) -> T<B> {
    let (y, c, above) = over::<B>(y, ceiling);
    flat::<B>(B::float_mask_where(y, above, c))
}

/// The gradient by `y`: none above the ceiling.
pub fn ceiling_grad<B: Backend>(y: T<B>, ceiling: T<B>, grad: T<B>) -> T<B> {
    let each = len::<B>(&ceiling);
    let (_, _, above) = over::<B>(y, ceiling);
    flat::<B>(B::float_mask_fill(samples::<B>(grad, each), above, 0f32.into()))
}

/// Both by sample, and where the value is above.
fn over<B: Backend>(y: T<B>, ceiling: T<B>) -> (T<B>, T<B>, BoolTensor<B>) {
    let kind = precision::<B>(&y);
    let y = samples::<B>(y, len::<B>(&ceiling));
    let c = B::float_expand(side::<B>(ceiling, kind), y.shape());
    let bools = get_or_init_device_settings::<B>(&y.device()).bool_dtype;
    let above = B::float_greater(y.clone(), c.clone(), bools);
    (y, c, above)
}
