//! Scale, shift, residual and gate in one pass over memory, and the gate's gradient likewise.

use crate::exec::ops::Planes;
use burn::backend::{DType, Shape, TensorMetadata};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// The gate at one element of `x·factor + offset + residual`: its result, or with `backwards` the gradient by what it sees.
#[cube(launch)]
#[allow(clippy::too_many_arguments, reason = "a kernel's buffers and sizes are its arguments")]
fn gate(
    x: &Tensor<f32>,
    residual: &Tensor<f32>,
    factor: &Tensor<f32>,
    offset: &Tensor<f32>,
    pos: &Tensor<f32>,
    neg: &Tensor<f32>,
    grad: &Tensor<f32>,
    out: &mut Tensor<f32>,
    elements: usize,
    #[comptime] area: usize,
    #[comptime] sample: usize,
    #[comptime] summed: bool,
    #[comptime] backwards: bool,
) {
    let at = ABSOLUTE_POS;
    if at < elements {
        let channel = at % sample / area;
        let mut v = x[at] * factor[channel] + offset[channel];
        if comptime!(summed) {
            v += residual[at];
        }
        let mut slope = neg[at % sample];
        if v > 0.0f32 {
            slope = pos[at % sample];
        }
        out[at] = if comptime!(backwards) { grad[at] * slope } else { v * slope };
    }
}

/// The operands: what is scaled, what is added, factor and offset a channel, slopes an element of a sample.
pub struct Gated<'a> {
    pub x: CubeTensor,
    pub residual: Option<CubeTensor>,
    pub channels: [CubeTensor; 2],
    pub slopes: [CubeTensor; 2],
    pub planes: &'a Planes,
}

impl Gated<'_> {
    /// Whether the kernels compute this.
    pub fn covers(x: &CubeTensor) -> bool {
        x.dtype == DType::F32
    }

    /// The activation without `grad`; the gradient by the gate's input with it.
    pub fn run(self, grad: Option<CubeTensor>) -> CubeTensor {
        let x = into_contiguous(self.x);
        let (elements, area) = (x.shape().num_elements(), self.planes.size);
        let (sample, summed) = (self.planes.channels * area, self.residual.is_some());
        let residual = self.residual.map_or_else(|| x.clone(), into_contiguous);
        let [factor, offset] = self.channels.map(into_contiguous);
        let [pos, neg] = self.slopes.map(into_contiguous);
        let client = x.client.clone();
        let out = empty_device_contiguous_dtype(
            client.clone(),
            x.device.clone(),
            Shape::from([elements]),
            DType::F32,
        );
        let dim = CubeDim::new_1d(256);
        let count = calculate_cube_count_elemwise(&client, elements, dim);
        let backwards = grad.is_some();
        // What is not read is bound all the same.
        let grad = grad.map_or_else(|| x.clone(), into_contiguous);
        let to = out.clone();
        let [x, residual, factor, offset, pos, neg, grad, to] =
            [x, residual, factor, offset, pos, neg, grad, to].map(CubeTensor::into_tensor_arg);
        gate::launch(
            &client, count, dim, x, residual, factor, offset, pos, neg, grad, to, elements, area, sample,
            summed, backwards,
        );
        out
    }
}
