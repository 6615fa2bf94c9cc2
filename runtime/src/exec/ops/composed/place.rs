//! Slices and paddings.

use super::{T, flat, precision, view};
use crate::exec::ops::Place;
use burn::backend::{Backend, Shape, TensorMetadata};
use burn::tensor::Slice;

/// The box of `x`'s elements where `p` puts it.
pub fn place<B: Backend>(x: T<B>, p: &Place) -> T<B> {
    let sizes = |i: usize| p.axes.iter().map(|a| a.sizes[i]).collect::<Vec<_>>();
    let slices = |i: usize| -> Vec<Slice> {
        let slice = |start: usize, step: usize, count: usize| {
            Slice::with_step(start as isize, Some((start + step * (count - 1) + 1) as isize), step as isize)
        };
        p.axes.iter().map(|a| slice(a.start[i], a.step[i], a.count)).collect()
    };
    let (device, kind) = (x.device(), precision::<B>(&x));
    let inside = |x| B::float_slice(view::<B>(x, &sizes(0)), &slices(0));
    if p.axes.iter().all(|a| a.count > 0 && a.count == a.sizes[1]) {
        return flat::<B>(inside(x));
    }
    let around = B::float_full(Shape::from(sizes(1)), p.fill.into(), &device, kind);
    if p.axes.iter().any(|a| a.count == 0) {
        return flat::<B>(around);
    }
    flat::<B>(B::float_slice_assign(around, &slices(1), inside(x)))
}
