//! Two-dimensional convolution and its gradients.
//!
//! Sixteen images are computed side by side, one in each lane of a vector. A block of 16 images is transposed strip by strip
//! to `[channel][row][column][image]` with its padding written out; then every output is a sum of vectors times scalars, for
//! any stride, dilation and kernel, and no lane is lost to the borders of a map. Direct convolution in a blocked layout is
//! due to Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures" (SC 2018), who
//! put channels into the lanes. A last block with fewer images costs as much as a full one.

mod axis;
mod correlate;
mod direct;
mod matrix;
mod matrix_grad;
mod shape;
mod strip;
#[cfg(test)]
mod tests;
pub mod ways;
mod weight_grad;
mod winograd;
mod winograd_grad;

use self::axis::Axis;
use self::correlate::Sizes;
use self::direct::Direct;
use self::matrix::Matrix;
use self::strip::{BUDGET, Strips};
use self::ways::{How, Pass, Way};
use self::winograd::Winograd;
use super::element::Element;
use super::micro::{CHANNELS, LANES};
use super::parallel::each;
use super::pool::Buffer;
pub use shape::ConvShape;
pub(super) use winograd::transformed;

/// [`super::Computed::conv`].
pub(crate) fn forward<E: Element>(x: &[E], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer<E> {
    forward_by(How::here::<E>(Pass::Forward, s), x, w, bias, s)
}

/// [`super::Computed::conv_by`].
pub(crate) fn forward_by<E: Element>(
    how: How,
    x: &[E],
    w: &[f32],
    bias: Option<&[f32]>,
    s: &ConvShape,
) -> Buffer<E> {
    assert!(ways::computes::<E>(how.way, Pass::Forward, s));
    correlate(how, Direction::Forward, s, x, w, bias)
}

/// [`super::Computed::conv_data_grad`].
pub(crate) fn data_grad<E: Element>(g: &[E], w: &[f32], s: &ConvShape) -> Buffer<E> {
    data_grad_by(How::here::<E>(Pass::Data, s), g, w, s)
}

/// [`super::Computed::conv_data_grad_by`].
pub(crate) fn data_grad_by<E: Element>(how: How, g: &[E], w: &[f32], s: &ConvShape) -> Buffer<E> {
    assert!(ways::computes::<E>(how.way, Pass::Data, s));
    correlate(how, Direction::Transposed, s, g, w, None)
}

/// [`super::Computed::conv_by`] taps.
pub fn forward_by_taps(x: &[f32], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer {
    forward_by(How::taps(), x, w, bias, s)
}

/// [`super::Computed::conv_data_grad_by`] taps.
pub fn data_grad_by_taps(g: &[f32], w: &[f32], s: &ConvShape) -> Buffer {
    data_grad_by(How::taps(), g, w, s)
}

/// [`super::Computed::conv_weight_grad`].
pub(crate) fn weight_grad<E: Element>(x: &[E], g: &[E], s: &ConvShape) -> Buffer {
    weight_grad_by(How::here::<E>(Pass::Weights, s), x, g, s)
}

/// [`super::Computed::conv_weight_grad_by`].
pub(crate) fn weight_grad_by<E: Element>(how: How, x: &[E], g: &[E], s: &ConvShape) -> Buffer {
    assert!(ways::computes::<E>(how.way, Pass::Weights, s));
    assert_eq!((x.len(), g.len()), (s.input_len(), s.output_len()));
    if g.is_empty() {
        return Buffer::zeros(s.weight_len());
    }
    weight_grad::weight_grad(how, s, x, g)
}

/// [`super::Computed::conv_bias_grad`].
pub(crate) fn bias_grad<E: Element>(g: &[E], s: &ConvShape) -> Vec<f32> {
    assert_eq!(g.len(), s.output_len());
    let plane: usize = s.output().iter().product();
    let channel = |c: usize| {
        let planes = (0..s.n).map(|n| &g[(n * s.c_out + c) * plane..][..plane]);
        planes.map(|p| p.iter().map(|v| f64::from(v.value())).sum::<f64>()).sum::<f64>() as f32
    };
    each(s.c_out, &channel)
}

/// The convolution, or its transpose: the gradient of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Transposed,
}

impl Direction {
    fn sizes(self, s: &ConvShape) -> Sizes {
        let (area, result) = (s.h * s.w, s.output().iter().product());
        let ([read, written], [input, output]) = match self {
            Direction::Forward => ([s.c_in, s.c_out], [area, result]),
            Direction::Transposed => ([s.c_out, s.c_in], [result, area]),
        };
        Sizes { read, written, groups: s.groups, input, output, block: CHANNELS }
    }

    fn axes(self, s: &ConvShape) -> [Axis; 2] {
        let axis = match self {
            Direction::Forward => Axis::forward,
            Direction::Transposed => Axis::transposed,
        };
        [0, 1].map(|i| axis(s, i))
    }

    /// Where the weight stands that a tap of a group goes with, `(group, to, from, tap)`.
    fn weight_at(self, s: &ConvShape, (group, to, from, tap): (usize, usize, usize, usize)) -> usize {
        let (inner, taps) = (s.c_in / s.groups, s.taps());
        let [to_step, from_step] = match self {
            Direction::Forward => [inner * taps, taps],
            Direction::Transposed => [taps, inner * taps],
        };
        group * (s.weight_len() / s.groups) + to * to_step + from * from_step + tap
    }
}

/// `x` is what the direction reads.
fn correlate<E: Element>(
    How { level, way }: How,
    direction: Direction,
    s: &ConvShape,
    x: &[E],
    w: &[f32],
    bias: Option<&[f32]>,
) -> Buffer<E> {
    let sizes = direction.sizes(s);
    assert_eq!((x.len(), w.len()), (s.n * sizes.read * sizes.input, s.weight_len()));
    assert!(bias.is_none_or(|b| b.len() == sizes.written));
    let mut out = Buffer::<E>::result(s.n * sizes.written * sizes.output);
    if out.is_empty() {
        return out;
    }
    let [rows, columns] = direction.axes(s);
    let row = columns.output;
    let weight = |group, to, from, tap| w[direction.weight_at(s, (group, to, from, tap))];
    match way {
        Way::Winograd => {
            let tiled = Strips::new(rows, columns, |rows, _| {
                let tiles = rows.div_ceil(2) * row.div_ceil(2);
                let bytes = Winograd::<E::Packed>::bytes(&sizes, tiles);
                bytes <= BUDGET || tiles <= Winograd::<E::Packed>::LEAST || rows <= 2
            });
            let method = Winograd::<E::Packed>::new(level, sizes, tiled, weight);
            correlate::correlate(level, &sizes, &method, x, bias, &mut out);
        }
        Way::Matrix => {
            let sizes = Matrix::sizes(sizes);
            let strips = Strips::new(rows, columns, |rows, plane| {
                Matrix::bytes(&sizes, plane, rows * row) <= matrix::BUDGET
            });
            let kernel = |group, to, from| direction.weight_at(s, (group, to, from, 0));
            let method = Matrix::new(level, sizes, strips, w, kernel);
            correlate::correlate(level, &sizes, &method, x, bias, &mut out);
        }
        Way::Taps => {
            let strips = Strips::new(rows, columns, |rows, plane| {
                4 * (sizes.groups * sizes.packed::<E::Packed>() * plane + CHANNELS * rows * row * LANES)
                    <= BUDGET
            });
            let method = Direct::<E::Packed>::new(level, sizes, strips, weight);
            correlate::correlate(level, &sizes, &method, x, bias, &mut out);
        }
    }
    out
}
