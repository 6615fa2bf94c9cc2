//! What the removal of ReLUs costs.

use super::gate::{samples, side};
use super::{T, flat, full, len};
use burn::backend::Backend;
use burn::tensor::FloatDType;

/// Costs of the identity and of zero, summed over the images: x and g `[n·len]`, slopes and both sums `[len]`.
pub fn costs<B: Backend>(x: T<B>, g: T<B>, slope: T<B>) -> (T<B>, T<B>) {
    let each = len::<B>(&slope);
    let [x, g] = [x, g].map(|t| samples::<B>(full::<B>(t), each));
    let above = B::float_clamp_min(x.clone(), 0f32.into());
    let line = B::float_sub(B::float_mul(x, side::<B>(slope, FloatDType::F32)), above.clone());
    let squares = |side: T<B>| {
        let cost = B::float_mul(g.clone(), side);
        flat::<B>(B::float_sum_dim(B::float_mul(cost.clone(), cost), 0))
    };
    (squares(line), squares(above))
}
