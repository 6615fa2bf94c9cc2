//! What both sides of a ReLU's operand weigh under a gradient.

use super::gate::samples;
use super::{T, flat, full};
use burn::backend::Backend;

/// Squares of the gradient times each side, summed over the images: x and g `[n·each]`, both sums `[each]`.
pub fn side_squares<B: Backend>(x: T<B>, g: T<B>, each: usize) -> (T<B>, T<B>) {
    let [x, g] = [x, g].map(|t| samples::<B>(full::<B>(t), each));
    let squares = |side: T<B>| {
        let weighed = B::float_mul(g.clone(), side);
        flat::<B>(B::float_sum_dim(B::float_mul(weighed.clone(), weighed), 0))
    };
    let above = B::float_clamp_min(x.clone(), 0f32.into());
    (squares(above), squares(B::float_clamp_max(x, 0f32.into())))
}
