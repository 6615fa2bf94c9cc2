//! The optimiser's update.

use super::T;
use crate::kernels::sgd::Update;
use burn::backend::Backend;

/// New weights and velocity.
pub fn descended<B: Backend>(w: T<B>, g: T<B>, v: T<B>, u: Update) -> (T<B>, T<B>) {
    let scaled = |t: T<B>, by: f32| if by == 1.0 { t } else { B::float_mul_scalar(t, by.into()) };
    let g = B::float_add(scaled(g, u.factor), scaled(w.clone(), u.decay));
    let v = B::float_add(scaled(v, u.momentum), g);
    (B::float_sub(w, scaled(v.clone(), u.rate)), v)
}

/// The sum of the squares, one element.
pub fn squares<B: Backend>(g: T<B>) -> T<B> {
    B::float_sum(B::float_mul(g.clone(), g))
}
