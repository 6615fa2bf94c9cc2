//! The operations composed of burn's own, for backends without kernels of ours.
//!
//! Values may be half-precision. Sums are taken in f32, and parameters, which are f32, get gradients in f32.

mod convolution;
mod descend;
mod gate;
mod norm;
mod place;
mod side_squares;
mod square;

pub(super) use convolution::{data_grad, forward as convolve, weight_grad};
pub(super) use descend::{descended, squares};
pub(super) use gate::{
    ceiling, ceiling_grad, forward as gate, grads as gate_grads, input_grad as gate_input_grad,
};
pub(super) use norm::{
    affine, backward as norm_backward, by_channels, channel_dot, channel_sum, forward as norm, normed,
    normed_backward, statistics,
};
pub(super) use place::place;
pub(super) use side_squares::side_squares;
pub(super) use square::{square, square_backward, tails, tails_backward};

// For cards with kernels of our own.
#[cfg(all(feature = "gpu", not(any(feature = "gpu-tuned", feature = "cuda"))))]
pub(super) use norm::{add_channels, behind_gate, factors};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Shape, TensorMetadata};
use burn::tensor::FloatDType;

type T<B> = FloatTensor<B>;

/// Under other dimensions of the same number of elements.
fn view<B: Backend>(t: T<B>, dims: &[usize]) -> T<B> {
    B::float_reshape(t, Shape::from(dims.to_vec()))
}

fn len<B: Backend>(t: &T<B>) -> usize {
    t.shape().num_elements()
}

fn flat<B: Backend>(t: T<B>) -> T<B> {
    let n = len::<B>(&t);
    view::<B>(t, &[n])
}

fn precision<B: Backend>(t: &T<B>) -> FloatDType {
    t.dtype().into()
}

fn cast<B: Backend>(t: T<B>, to: FloatDType) -> T<B> {
    if precision::<B>(&t) == to { t } else { B::float_cast(t, to) }
}

/// The sum of the rows of `[rows, …]`.
#[cfg(all(feature = "gpu", not(any(feature = "gpu-tuned", feature = "cuda"))))]
pub(super) fn sum_rows<B: Backend>(t: T<B>, rows: usize) -> T<B> {
    if rows == 1 {
        return t;
    }
    let each = len::<B>(&t) / rows;
    flat::<B>(B::float_sum_dim(view::<B>(t, &[rows, each]), 0))
}

fn full<B: Backend>(t: T<B>) -> T<B> {
    cast::<B>(t, FloatDType::F32)
}
