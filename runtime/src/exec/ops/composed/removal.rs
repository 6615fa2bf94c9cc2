//! What the removal of ReLUs costs.

use super::gate::{samples, side};
use super::{T, flat, len, precision};
use burn::backend::Backend;

/// Costs of the identity and of zero, summed over the images.
pub fn costs<B: Backend>(x: T<B>, g: T<B>, slope: T<B>) -> (T<B>, T<B>) {
    let (kind, each) = (precision::<B>(&x), len::<B>(&slope));
    let (x, g) = (samples::<B>(x, each), samples::<B>(g, each));
    let above = B::float_clamp_min(x.clone(), 0f32.into());
    let line = B::float_sub(B::float_mul(x, side::<B>(slope, kind)), above.clone());
    let squares = |side: T<B>| {
        let cost = B::float_mul(g.clone(), side);
        flat::<B>(B::float_sum_dim(B::float_mul(cost.clone(), cost), 0))
    };
    (squares(line), squares(above))
}
