//! Batch normalisation, a residual and a two-slope activation as one operation: `gate(x·factor[c] + offset[c] + residual)`.
//!
//! What lies between them is not stored: backwards, the sign of the activation's input is found again from `x`.

use rayon::prelude::*;

use super::batch_norm::{self, IMAGES, RUN};
use super::element::Element;
use super::pool::Buffer;
use super::simd::wide;
use super::two_slope::{Slopes, chosen};
use crate::kernels::parallel::{pieces, pieces_of_two};

/// The operands, `[n, channels, area]` and one factor and offset a channel.
#[derive(Debug, Clone, Copy)]
pub struct Normed<'a, E: Element = f32> {
    /// What is scaled.
    pub x: &'a [E],
    /// What is added, of the same size.
    pub residual: Option<&'a [E]>,
    /// Factor of each channel.
    pub factor: &'a [f32],
    /// Offset of each channel.
    pub offset: &'a [f32],
    /// Slopes of each element of an image.
    pub slopes: Slopes<'a>,
    /// Elements of a channel.
    pub area: usize,
}

/// One plane's share of the operands.
#[derive(Clone, Copy)]
struct Plane<'a, E> {
    x: &'a [E],
    residual: &'a [E],
    factor: f32,
    offset: f32,
    pos: &'a [f32],
    neg: &'a [f32],
}

impl<E: Element> Normed<'_, E> {
    fn plane(&self, plane: usize) -> Plane<'_, E> {
        let c = plane % self.factor.len();
        let (at, within) = (plane * self.area..(plane + 1) * self.area, c * self.area..(c + 1) * self.area);
        Plane {
            x: &self.x[at.clone()],
            residual: self.residual.map_or(&[], |r| &r[at]),
            factor: self.factor[c],
            offset: self.offset[c],
            pos: &self.slopes.pos[within.clone()],
            neg: &self.slopes.neg[within],
        }
    }

    fn check(&self) {
        let image = self.factor.len() * self.area;
        assert_eq!((self.slopes.pos.len(), self.slopes.neg.len()), (image, image));
        assert!(self.offset.len() == self.factor.len() && self.x.len().is_multiple_of(image.max(1)));
        assert!(self.residual.is_none_or(|r| r.len() == self.x.len()));
    }

    /// [`super::Computed::normed`].
    pub(crate) fn forward(&self) -> Buffer<E> {
        self.check();
        let mut y = Buffer::<E>::result(self.x.len());
        let channels = self.factor.len().max(1);
        pieces(&mut y, channels * self.area, &|image, y| {
            for (c, y) in y.chunks_exact_mut(self.area).enumerate() {
                forward_run(self.plane(image * channels + c), y);
            }
        });
        y
    }

    /// [`super::Computed::normed_cut`].
    pub(crate) fn cut(&self, g: &mut [E], mean: &[f32]) -> Vec<[f64; 2]> {
        self.check();
        assert_eq!(g.len(), self.x.len());
        let channels = self.factor.len();
        let group = (IMAGES * channels * self.area).max(1);
        let partial = |(i, g): (usize, &mut [E])| {
            let mut sums = vec![[0.0; 2]; channels];
            for (k, g) in g.chunks_exact_mut(self.area).enumerate() {
                let (p, c) = (self.plane(i * IMAGES * channels + k), k % channels);
                cut_run(p, 1.0, g);
                for (x, g) in p.x.chunks(RUN).zip(g.chunks(RUN)) {
                    let [sum, product] = batch_norm::products_run(x, g, mean[c]);
                    sums[c][0] += f64::from(sum);
                    sums[c][1] += f64::from(product);
                }
            }
            sums
        };
        batch_norm::added(g.par_chunks_mut(group).enumerate().map(partial).collect(), channels)
    }

    /// [`super::Computed::normed_input_grad`].
    pub(crate) fn input_grad(&self, g: &mut [E]) -> Option<Buffer<E>> {
        self.check();
        assert_eq!(g.len(), self.x.len());
        let channels = self.factor.len().max(1);
        let image = (channels * self.area).max(1);
        let Some(r) = self.residual else {
            pieces(g, image, &|i, g| {
                for (c, g) in g.chunks_exact_mut(self.area).enumerate() {
                    let p = self.plane(i * channels + c);
                    cut_run(p, p.factor, g);
                }
            });
            return None;
        };
        let mut other = Buffer::<E>::result(r.len());
        pieces_of_two(g, &mut other, image, &|i, g, other| {
            let planes = g.chunks_exact_mut(self.area).zip(other.chunks_exact_mut(self.area));
            for (c, (g, other)) in planes.enumerate() {
                let p = self.plane(i * channels + c);
                cut_run(p, 1.0, g);
                other.copy_from_slice(g);
                scale_run(p.factor, g);
            }
        });
        Some(other)
    }
}

wide! {
    fn forward_run<E: Element>(p: Plane<'_, E>, y: &mut [E]) {
        let slopes = p.pos.iter().zip(p.neg);
        if p.residual.is_empty() {
            for ((y, x), (pos, neg)) in y.iter_mut().zip(p.x).zip(slopes) {
                let z = x.value() * p.factor + p.offset;
                *y = E::nearest(pos * z.max(0.0) + neg * z.min(0.0));
            }
        } else {
            for (((y, x), r), (pos, neg)) in y.iter_mut().zip(p.x).zip(p.residual).zip(slopes) {
                let z = x.value() * p.factor + p.offset + r.value();
                *y = E::nearest(pos * z.max(0.0) + neg * z.min(0.0));
            }
        }
    }
}

wide! {
    fn cut_run<E: Element>(p: Plane<'_, E>, times: f32, g: &mut [E]) {
        let slopes = p.pos.iter().zip(p.neg);
        if p.residual.is_empty() {
            for ((g, x), (pos, neg)) in g.iter_mut().zip(p.x).zip(slopes) {
                let z = x.value() * p.factor + p.offset;
                *g = E::nearest(g.value() * (times * chosen(z, *pos, *neg)));
            }
        } else {
            for (((g, x), r), (pos, neg)) in g.iter_mut().zip(p.x).zip(p.residual).zip(slopes) {
                let z = x.value() * p.factor + p.offset + r.value();
                *g = E::nearest(g.value() * (times * chosen(z, *pos, *neg)));
            }
        }
    }
}

wide! {
    fn scale_run<E: Element>(factor: f32, g: &mut [E]) {
        g.iter_mut().for_each(|g| *g = E::nearest(g.value() * factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{elementwise, noise, two_slope};
    use half::bf16;

    const EPS: f32 = 1e-5;

    #[test]
    fn bf16_is_the_same_with_results_rounded() {
        let (n, channels, area) = (9, 3, 35);
        let (len, image) = (n * channels * area, channels * area);
        let half = |seed| noise(len, seed).iter().map(|v| bf16::nearest(*v)).collect::<Vec<_>>();
        let values = |v: &[bf16]| v.iter().map(|v| v.value()).collect::<Vec<_>>();
        let near = |v: &[f32]| v.iter().map(|v| bf16::nearest(*v)).collect::<Vec<_>>();
        let (x, r, g) = (half(1), half(2), half(3));
        let (x32, r32, g32) = (values(&x), values(&r), values(&g));
        let (pos, neg, offset) = (noise(image, 6), noise(image, 7), noise(channels, 5));
        let slopes = Slopes { pos: &pos, neg: &neg };
        let factor = noise(channels, 4);
        for residual in [false, true] {
            let op = Normed {
                x: &x[..],
                residual: residual.then_some(&r[..]),
                factor: &factor,
                offset: &offset,
                slopes,
                area,
            };
            let full = Normed {
                x: &x32[..],
                residual: residual.then_some(&r32[..]),
                factor: &factor,
                offset: &offset,
                slopes,
                area,
            };
            assert_eq!(op.forward().to_vec(), near(&full.forward()));
            let (mut cut, mut cut32) = (g.clone(), g32.clone());
            op.cut(&mut cut, &offset);
            full.cut(&mut cut32, &offset);
            assert_eq!(cut, near(&cut32));
        }
        let (mean, var) = batch_norm::statistics(&x, channels, area);
        assert_eq!((mean, var), batch_norm::statistics(&x32, channels, area));
        assert_eq!(two_slope::forward(&x, slopes).to_vec(), near(&two_slope::forward(&x32, slopes)));
        assert_eq!(elementwise::add(&x, &r).to_vec(), near(&elementwise::add(&x32, &r32)));
    }

    /// Checks against the three operations one after the other, which have tests of their own.
    #[test]
    fn one_operation_is_the_three_of_it() {
        for (n, channels, area) in [(3, 5, 35), (17, 2, 300), (20, 3, 1)] {
            let (len, image) = (n * channels * area, channels * area);
            let (x, r, g) = (noise(len, 1), noise(len, 2), noise(len, 3));
            let (gamma, beta) = (noise(channels, 4), noise(channels, 5));
            let (pos, neg) = (noise(image, 6), noise(image, 7));
            let slopes = Slopes { pos: &pos, neg: &neg };
            for residual in [None, Some(&r[..])] {
                let plain = batch_norm::forward(&x, &gamma, &beta, area, EPS);
                let z = residual.map_or(plain.y.clone(), |r| elementwise::add(&plain.y, r));
                let (factor, offset) = batch_norm::factors(&gamma, &beta, (&plain.mean, &plain.var), EPS);
                let op = Normed { x: &x, residual, factor: &factor, offset: &offset, slopes, area };
                assert_eq!(op.forward(), two_slope::forward(&z, slopes));
                let gz = two_slope::input_grad(&z, &g, slopes);
                let want = batch_norm::backward((&x, &gz), &gamma, (&plain.mean, &plain.var), area, EPS);
                let mut cut = g.clone();
                let sums = op.cut(&mut cut, &plain.mean);
                assert_eq!(cut[..], gz[..]);
                let got =
                    batch_norm::finish((&x, &mut cut), &gamma, (&plain.mean, &plain.var), &sums, area, EPS);
                assert_eq!((&cut[..], &got.0, &got.1), (&want.x[..], &want.gamma, &want.beta));
                let mut gx = g.clone();
                let other = op.input_grad(&mut gx);
                assert_eq!(other.is_some(), residual.is_some());
                assert!(other.is_none_or(|o| o == gz));
                for (i, (gx, gz)) in gx.iter().zip(gz.iter()).enumerate() {
                    let want = gz * factor[i / area % channels];
                    assert!((gx - want).abs() <= 1e-6 * want.abs(), "{gx} instead of {want}");
                }
            }
        }
    }
}
