//! Convolutions, in the precision of the value.

use super::{T, cast, flat, full, precision, view};
use crate::exec::ops::Geometry;
use burn::backend::{Backend, Shape, TensorMetadata};
use burn::tensor::FloatDType;
use burn::tensor::ops::ConvOptions;

fn options(g: &Geometry) -> ConvOptions<2> {
    let c = &g.conv;
    let padding = [(c.pads[0], c.pads[2]), (c.pads[1], c.pads[3])];
    ConvOptions::new_with_padding(c.strides, padding, c.dilations, c.group)
}

/// A tensor of which only the dimensions are read.
fn like<B: Backend>(t: &T<B>, dims: [usize; 4], kind: FloatDType) -> T<B> {
    let one = B::float_empty(Shape::from([1, 1, 1, 1]), &t.device(), kind);
    B::float_expand(one, Shape::from(dims.to_vec()))
}

pub fn forward<B: Backend>(x: T<B>, w: T<B>, b: Option<T<B>>, g: &Geometry) -> T<B> {
    let kind = precision::<B>(&x);
    let (w, b) = (cast::<B>(view::<B>(w, &g.w), kind), b.map(|b| cast::<B>(b, kind)));
    flat::<B>(B::conv2d(view::<B>(x, &g.x), w, b, options(g)))
}

pub fn data_grad<B: Backend>(grad: T<B>, w: T<B>, g: &Geometry) -> T<B> {
    let kind = precision::<B>(&grad);
    let (w, x) = (cast::<B>(view::<B>(w, &g.w), kind), like::<B>(&grad, g.x, kind));
    flat::<B>(B::conv2d_x_backward(x, w, view::<B>(grad, &g.output()), options(g)))
}

pub fn weight_grad<B: Backend>(x: T<B>, grad: T<B>, g: &Geometry) -> T<B> {
    let w = like::<B>(&grad, g.w, precision::<B>(&grad));
    let grad = view::<B>(grad, &g.output());
    full::<B>(flat::<B>(B::conv2d_weight_backward(view::<B>(x, &g.x), w, grad, options(g))))
}
