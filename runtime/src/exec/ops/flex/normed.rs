//! Normalisation, residual and gate together, by [`crate::kernels::normed`].

use super::{T, elements, make, plain, slice};
use crate::exec::ops::Planes;
use crate::exec::ops::normed::{Backwards, Channels, Gates, NormedKernels};
use crate::kernels::batch_norm;
use crate::kernels::normed::Normed;
use crate::kernels::two_slope::Slopes;
use burn::backend::Flex;

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

impl NormedKernels for Flex {
    fn statistics(x: T, p: &Planes) -> [T; 2] {
        let x = plain(x);
        let (mean, variance) = elements("batch statistics", p.channels * p.size, || {
            batch_norm::statistics(slice(&x), p.channels, p.size)
        });
        [make(mean), make(variance)]
    }

    fn normed(x: T, r: Option<T>, c: &Channels<Flex>, g: &Gates<Flex>, p: &Planes) -> T {
        let (factor, offset) = factors(c, p.eps);
        let [x, pos, neg] = [x, g.0.clone(), g.1.clone()].map(plain);
        let r = r.map(plain);
        let op = Normed {
            x: slice(&x),
            residual: r.as_ref().map(slice),
            factor: &factor,
            offset: &offset,
            slopes: Slopes { pos: slice(&pos), neg: slice(&neg) },
            area: p.size,
        };
        elements("normalisation and gate", p.channels * p.size, || make(op.forward()))
    }

    fn normed_backward(
        x: T,
        r: Option<T>,
        c: &Channels<Flex>,
        g: &Gates<Flex>,
        grad: T,
        p: &Planes,
    ) -> Backwards<Flex> {
        let (factor, offset) = factors(c, p.eps);
        let [x, pos, neg, mut grad] = [x, g.0.clone(), g.1.clone(), grad].map(plain);
        let r = r.map(plain);
        let op = Normed {
            x: slice(&x),
            residual: r.as_ref().map(slice),
            factor: &factor,
            offset: &offset,
            slopes: Slopes { pos: slice(&pos), neg: slice(&neg) },
            area: p.size,
        };
        elements("normalisation and gate, backward", p.channels * p.size, || {
            let n = op.x.len();
            let Some([mean, variance]) = &c.statistics else {
                let other = op.input_grad(&mut grad.storage_mut::<f32>()[..n]);
                return (grad, other.map(make), None);
            };
            let [mean, variance, scale] = [mean, variance, &c.scale].map(|t| plain(t.clone()));
            let statistics = (slice(&mean), slice(&variance));
            let sums = op.cut(&mut grad.storage_mut::<f32>()[..n], statistics.0);
            let mut input = grad.clone();
            let other = op.residual.map(|_| grad);
            let g = &mut input.storage_mut::<f32>()[..n];
            let (gs, gb) = batch_norm::finish((op.x, g), slice(&scale), statistics, &sums, p.size, p.eps);
            (input, other, Some([make(gs), make(gb)]))
        })
    }
}
