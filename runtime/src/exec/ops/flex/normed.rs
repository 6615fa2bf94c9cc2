//! Normalisation, residual and gate together, by [`crate::kernels::normed`].

use super::{Number, T, elements, in_kind, make, plain, slice, values};
use crate::exec::ops::Planes;
use crate::exec::ops::normed::{Backwards, Channels, Gates, NormedKernels};
use crate::kernels::normed::Normed;
use crate::kernels::pool::Buffer;
use crate::kernels::two_slope::Slopes;
use crate::kernels::{Computed, batch_norm};
use burn::backend::Flex;
use burn::tensor::DType;
use half::bf16;

/// Factor and offset of each channel.
fn factors(c: &Channels<Flex>, eps: f32) -> (Vec<f32>, Vec<f32>) {
    let (scale, shift) = (plain(c.scale.clone()), plain(c.shift.clone()));
    match &c.statistics {
        None => (slice(&scale).to_vec(), slice(&shift).to_vec()),
        Some(s) => {
            let [mean, variance] = s.clone().map(plain);
            batch_norm::factors(slice(&scale), slice(&shift), (slice(&mean), slice(&variance)), eps)
        }
    }
}

/// What [`Normed`] borrows.
struct Operands {
    x: T,
    residual: Option<T>,
    factor: Vec<f32>,
    offset: Vec<f32>,
    pos: T,
    neg: T,
    area: usize,
}

impl Operands {
    fn new(x: T, r: Option<T>, c: &Channels<Flex>, g: &Gates<Flex>, p: &Planes) -> Operands {
        let (factor, offset) = factors(c, p.eps);
        let [x, pos, neg] = [x, g.0.clone(), g.1.clone()].map(plain);
        Operands { x, residual: r.map(plain), factor, offset, pos, neg, area: p.size }
    }
    fn op<E: Number>(&self) -> Normed<'_, E> {
        Normed {
            x: values(&self.x),
            residual: self.residual.as_ref().map(values),
            factor: &self.factor,
            offset: &self.offset,
            slopes: Slopes { pos: slice(&self.pos), neg: slice(&self.neg) },
            area: self.area,
        }
    }
}

impl NormedKernels for Flex {
    fn statistics(x: T, p: &Planes) -> [T; 2] {
        let x = plain(x);
        let (mean, variance) = elements(
            "batch statistics",
            p.channels * p.size,
            || in_kind!(x, E => E::statistics(values(&x), p.channels, p.size)),
        );
        [make(mean), make(variance)]
    }

    fn normalised(x: T, c: &Channels<Flex>, p: &Planes) -> T {
        let (x, (factor, offset)) = (plain(x), factors(c, p.eps));
        elements(
            "batch normalisation",
            p.channels * p.size,
            || in_kind!(x, E => make(E::affine(values(&x), &factor, &offset, p.size))),
        )
    }

    fn normed(x: T, r: Option<T>, c: &Channels<Flex>, g: &Gates<Flex>, p: &Planes) -> T {
        let held = Operands::new(x, r, c, g, p);
        elements(
            "normalisation and gate",
            p.channels * p.size,
            || in_kind!(held.x, E => make(E::normed(&held.op()))),
        )
    }

    fn normed_backward(
        x: T,
        r: Option<T>,
        c: &Channels<Flex>,
        g: &Gates<Flex>,
        grad: T,
        p: &Planes,
    ) -> Backwards<Flex> {
        let held = Operands::new(x, r, c, g, p);
        elements(
            "normalisation and gate, backward",
            p.channels * p.size,
            || in_kind!(held.x, E => backward(&held.op::<E>(), c, grad, p)),
        )
    }
}

fn backward<E: Number>(op: &Normed<'_, E>, c: &Channels<Flex>, grad: T, p: &Planes) -> Backwards<Flex> {
    let n = op.x.len();
    let grad = plain(grad);
    // Where another path needs the gradient too, changing it would copy it, by one thread.
    let mut grad = if grad.is_unique() { grad } else { make(E::copy(values(&grad))) };
    let Some([mean, variance]) = &c.statistics else {
        let other = E::normed_input_grad(op, &mut grad.storage_mut::<E>()[..n]);
        return (grad, other.map(make), None);
    };
    let [mean, variance, scale] = [mean, variance, &c.scale].map(|t| plain(t.clone()));
    let statistics = (slice(&mean), slice(&variance));
    let sums = E::normed_cut(op, &mut grad.storage_mut::<E>()[..n], statistics.0);
    let (scale, eps) = (slice(&scale), p.eps);
    if op.residual.is_some() {
        let mut input = Buffer::<E>::result(n);
        let of = (op.x, values(&grad));
        let (gs, gb) = E::norm_finish_into(of, scale, statistics, &sums, p.size, eps, &mut input);
        return (make(input), Some(grad), Some([make(gs), make(gb)]));
    }
    let g = &mut grad.storage_mut::<E>()[..n];
    let (gs, gb) = E::norm_finish((op.x, g), scale, statistics, &sums, p.size, eps);
    (grad, None, Some([make(gs), make(gb)]))
}
