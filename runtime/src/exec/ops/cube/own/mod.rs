//! Kernels of our own.

mod convolution;
mod gates;
mod tiles;

use crate::exec::ops::normed::{Backwards, Channels, Gates, NormedKernels};
use crate::exec::ops::{Geometry, Planes, TrainKernels, composed};
use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use convolution::{covers, data_grad, forward, weight_grad};
use gates::Gated;

type T = FloatTensor<Cube>;

impl TrainKernels for Cube {
    fn conv_forward(x: T, w: T, b: Option<T>, g: &Geometry) -> T {
        if !covers(g, &x) {
            return composed::convolve::<Cube>(x, w, b, g);
        }
        let y = forward(x, w, g);
        match b {
            Some(b) => composed::add_channels::<Cube>(y, b, &g.output_planes()),
            None => y,
        }
    }
    fn conv_data_grad(grad: T, w: T, g: &Geometry) -> T {
        if !covers(g, &grad) {
            return composed::data_grad::<Cube>(grad, w, g);
        }
        data_grad(grad, w, g)
    }
    fn conv_weight_grad(x: T, grad: T, g: &Geometry) -> T {
        if !covers(g, &x) {
            return composed::weight_grad::<Cube>(x, grad, g);
        }
        let (all, pieces) = weight_grad(x, grad, g);
        composed::sum_rows::<Cube>(all, pieces)
    }
}

/// The operands of the kernels, for a normalisation by the batch or by given factors.
fn gated<'a>(x: &T, r: &Option<T>, c: &Channels<Cube>, g: &Gates<Cube>, p: &'a Planes) -> Gated<'a> {
    let (factor, offset) = composed::factors::<Cube>(c, p);
    Gated {
        x: x.clone(),
        residual: r.clone(),
        channels: [factor, offset],
        slopes: [g.0.clone(), g.1.clone()],
        planes: p,
    }
}

impl NormedKernels for Cube {
    fn normed(x: T, r: Option<T>, c: &Channels<Cube>, g: &Gates<Cube>, p: &Planes) -> T {
        if !Gated::covers(&x) {
            return composed::normed::<Cube>(x, r, c, g, p);
        }
        gated(&x, &r, c, g, p).run(None)
    }
    fn normed_backward(
        x: T,
        r: Option<T>,
        c: &Channels<Cube>,
        g: &Gates<Cube>,
        grad: T,
        p: &Planes,
    ) -> Backwards<Cube> {
        if !Gated::covers(&x) {
            return composed::normed_backward::<Cube>(x, r, c, g, grad, p);
        }
        let cut = gated(&x, &r, c, g, p).run(Some(grad));
        composed::behind_gate::<Cube>(x, r.is_some(), c, cut, p)
    }
}
