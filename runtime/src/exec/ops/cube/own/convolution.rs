//! Launching [`super::tiles`] for a convolution.

use super::tiles::{COLUMNS, FactorsLaunch, ITEMS, Pass, SIDE, STRIP, Sizes, product};
use crate::exec::ops::Geometry;
use burn::backend::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::{CubeCount, CubeDim};

/// Groups that keep a large card busy.
const GROUPS: usize = 1024;
/// Terms below which cutting a sum does not pay.
const LEAST: usize = 256;

/// Whether the kernel computes this.
pub fn covers(g: &Geometry, t: &CubeTensor) -> bool {
    g.conv.group == 1 && t.dtype == DType::F32
}

fn sizes(g: &Geometry) -> Sizes {
    let [_, o, oh, ow] = g.output();
    let c = &g.conv;
    Sizes {
        x: [g.x[1], g.x[2], g.x[3]],
        y: [o, oh, ow],
        taps: [g.w[2], g.w[3]],
        step: c.strides,
        pad: [c.pads[0], c.pads[1]],
        spread: c.dilations,
    }
}

/// Rows of a work item: eight where there are rows for it.
fn tall(rows: usize) -> usize {
    match rows {
        0..=16 => 1,
        17..=32 => 2,
        33..=64 => 4,
        _ => 8,
    }
}

/// `[rows, depth] × [depth, columns]` into `len` elements.
fn run(
    a: CubeTensor,
    b: CubeTensor,
    dims: [usize; 3],
    pieces: usize,
    g: &Geometry,
    pass: Pass,
) -> CubeTensor {
    let ([rows, columns, depth], s) = (dims, sizes(g));
    let (a, b) = (into_contiguous(a), into_contiguous(b));
    let piece = depth.div_ceil(pieces).next_multiple_of(STRIP);
    let out = empty_device_contiguous_dtype(
        a.client.clone(),
        a.device.clone(),
        Shape::from([pieces * rows * columns]),
        DType::F32,
    );
    let count = CubeCount::Static(
        columns.div_ceil(COLUMNS) as u32,
        rows.div_ceil(SIDE * tall(rows)) as u32,
        pieces as u32,
    );
    let client = a.client.clone();
    let [a, b] = [a, b].map(CubeTensor::into_tensor_arg);
    let factors = FactorsLaunch::new(a, b, rows, columns, depth, piece, s, pass, tall(rows));
    product::launch(&client, count, CubeDim::new_1d(ITEMS), factors, out.clone().into_tensor_arg());
    out
}

/// The result without bias, flat.
pub fn forward(x: CubeTensor, w: CubeTensor, g: &Geometry) -> CubeTensor {
    let [n, o, oh, ow] = g.output();
    let depth = g.w[1] * g.w[2] * g.w[3];
    run(w, x, [o, n * oh * ow, depth], 1, g, Pass::Forward)
}

/// The gradient by the input, flat.
pub fn data_grad(grad: CubeTensor, w: CubeTensor, g: &Geometry) -> CubeTensor {
    let [n, c, h, wide] = g.x;
    let depth = g.w[0] * g.w[2] * g.w[3];
    run(w, grad, [c, n * h * wide, depth], 1, g, Pass::Data)
}

/// The gradient by the weights in pieces of the sum, `[pieces · elements]`; how many pieces.
pub fn weight_grad(x: CubeTensor, grad: CubeTensor, g: &Geometry) -> (CubeTensor, usize) {
    let [n, o, oh, ow] = g.output();
    let (columns, depth) = (g.w[1] * g.w[2] * g.w[3], n * oh * ow);
    let tiles = o.div_ceil(SIDE * tall(o)) * columns.div_ceil(COLUMNS);
    let wanted = (GROUPS / tiles).clamp(1, depth.div_ceil(LEAST));
    // Whole strips a piece may leave fewer pieces.
    let pieces = depth.div_ceil(depth.div_ceil(wanted).next_multiple_of(STRIP));
    (run(grad, x, [o, columns, depth], pieces, g, Pass::Weight), pieces)
}
