//! Scale, shift, residual and gate in one pass over memory, and the gate's gradient likewise.

use crate::exec::ops::Planes;
use burn::backend::{DType, Shape, TensorMetadata};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// What the kernel reads. What it does not, by its form, is bound all the same.
#[derive(CubeType, CubeLaunch)]
struct Operands {
    x: OwnedTensor<f32>,
    residual: OwnedTensor<f32>,
    factor: OwnedTensor<f32>,
    offset: OwnedTensor<f32>,
    pos: OwnedTensor<f32>,
    neg: OwnedTensor<f32>,
    grad: OwnedTensor<f32>,
    #[cube(comptime)]
    form: Form,
}

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Form {
    /// Elements of a channel and of a sample.
    area: usize,
    sample: usize,
    /// A residual is added.
    summed: bool,
    /// The gradient by what the gate sees, not its result.
    backwards: bool,
}

/// The gate at one element of `x·factor + offset + residual`, or a gradient there.
#[cube(launch)]
fn gate(o: Operands, out: &mut Tensor<f32>, elements: usize) {
    let form = comptime!(o.form);
    let at = ABSOLUTE_POS;
    if at < elements {
        let (sample, area) = (comptime!(form.sample), comptime!(form.area));
        let channel = at % sample / area;
        let mut v = o.x[at] * o.factor[channel] + o.offset[channel];
        if comptime!(form.summed) {
            v += o.residual[at];
        }
        let mut slope = o.neg[at % sample];
        if v > 0.0f32 {
            slope = o.pos[at % sample];
        }
        out[at] = if comptime!(form.backwards) { o.grad[at] * slope } else { v * slope };
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
        let sample = self.planes.channels * area;
        let form = Form { area, sample, summed: self.residual.is_some(), backwards: grad.is_some() };
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
        let grad = grad.map_or_else(|| x.clone(), into_contiguous);
        let [x, residual, factor, offset, pos, neg, grad] =
            [x, residual, factor, offset, pos, neg, grad].map(CubeTensor::into_tensor_arg);
        let operands = OperandsLaunch::new(x, residual, factor, offset, pos, neg, grad, form);
        gate::launch(&client, count, dim, operands, out.clone().into_tensor_arg(), elements);
        out
    }
}
