//! Batch normalisation over `[n, channels, area]` and its gradients; `area` is at least 1.
//!
//! Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift"
//! (ICML 2015). Short runs are summed in f32, all else in f64. Variances are taken around a first guess of the mean, so that
//! a large mean cancels nothing.

use super::element::Element;
use super::pool::Buffer;
use super::simd::wide;
use crate::kernels::parallel::{each, piece, pieces};

/// Images whose sums are taken together; fixed, so that results do not depend on the number of threads.
pub(super) const IMAGES: usize = 8;
/// Values that are summed in f32.
pub(super) const RUN: usize = 256;
/// Independent sums within a run.
const LANES: usize = 16;

/// What [`super::Computed::norm`] returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalised<E: Element = f32> {
    /// `gamma·(x - mean)/√(var + eps) + beta`, `[n, channels, area]`.
    pub y: Buffer<E>,
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Variance of each channel, divided by the number of values and not by one less.
    pub var: Vec<f32>,
}

/// What [`super::Computed::norm_grads`] returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<E: Element = f32> {
    /// Gradient of the input, `[n, channels, area]`.
    pub x: Buffer<E>,
    /// Gradient of the scale, `[channels]`.
    pub gamma: Vec<f32>,
    /// Gradient of the shift, `[channels]`.
    pub beta: Vec<f32>,
}

/// [`super::Computed::norm`].
pub(crate) fn forward<E: Element>(
    x: &[E],
    gamma: &[f32],
    beta: &[f32],
    area: usize,
    eps: f32,
) -> Normalised<E> {
    let (mean, var) = statistics(x, gamma.len(), area);
    let (scale, shift) = factors(gamma, beta, (&mean, &var), eps);
    Normalised { y: affine(x, &scale, &shift, area), mean, var }
}

/// Factor and offset of each channel that normalise by a mean and a variance.
pub fn factors(gamma: &[f32], beta: &[f32], (mean, var): (&[f32], &[f32]), eps: f32) -> (Vec<f32>, Vec<f32>) {
    let scale: Vec<f32> = gamma.iter().zip(var).map(|(g, v)| g * inverse(*v, eps)).collect();
    let shift = beta.iter().zip(mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
    (scale, shift)
}

/// [`super::Computed::statistics`].
pub(crate) fn statistics<E: Element>(x: &[E], channels: usize, area: usize) -> (Vec<f32>, Vec<f32>) {
    let count = (x.len() / channels.max(1)).max(1) as f64;
    let first = |c: usize| x.get(c * area..(c + 1) * area).map_or(0.0, mean_run);
    let guess: Vec<f32> = (0..channels).map(first).collect();
    let sums = channel_sums(x, None, &guess, area);
    let mean = |(&[sum, _], guess): (&[f64; 2], &f32)| (f64::from(*guess) + sum / count) as f32;
    let var = |&[sum, squares]: &[f64; 2]| (squares / count - (sum / count).powi(2)).max(0.0) as f32;
    (sums.iter().zip(&guess).map(mean).collect(), sums.iter().map(var).collect())
}

/// [`super::Computed::affine`].
pub(crate) fn affine<E: Element>(x: &[E], scale: &[f32], shift: &[f32], area: usize) -> Buffer<E> {
    let mut y = Buffer::<E>::result(x.len());
    let image = (scale.len() * area).max(1);
    pieces(&mut y, image, &|i, y| {
        let x = piece(x, image, i);
        for (c, (y, x)) in y.chunks_exact_mut(area).zip(x.chunks_exact(area)).enumerate() {
            affine_run(x, scale[c], shift[c], y);
        }
    });
    y
}

/// [`super::Computed::channel_products`].
pub(crate) fn channel_products<E: Element>(x: &[E], g: &[E], channels: usize, area: usize) -> Vec<f32> {
    assert_eq!(x.len(), g.len());
    let images = x.len() / (channels * area).max(1);
    let plane = |n: usize, c: usize| {
        let at = (n * channels + c) * area;
        let pairs = x[at..at + area].iter().zip(&g[at..at + area]);
        pairs.map(|(x, g)| f64::from(x.value() * g.value())).sum::<f64>()
    };
    let channel = |c| (0..images).map(|n| plane(n, c)).sum::<f64>() as f32;
    each(channels, &channel)
}

/// [`super::Computed::norm_grads`].
pub(crate) fn backward<E: Element>(
    (x, gy): (&[E], &[E]),
    gamma: &[f32],
    (mean, var): (&[f32], &[f32]),
    area: usize,
    eps: f32,
) -> Gradients<E> {
    let mut gx = Buffer::<E>::result(x.len());
    let sums = channel_sums(x, Some(gy), mean, area);
    let (gamma, beta) = finish_into((x, gy), gamma, (mean, var), &sums, area, eps, &mut gx);
    Gradients { x: gx, gamma, beta }
}

/// [`super::Computed::norm_finish`].
pub(crate) fn finish<E: Element>(
    (x, g): (&[E], &mut [E]),
    gamma: &[f32],
    (mean, var): (&[f32], &[f32]),
    sums: &[[f64; 2]],
    area: usize,
    eps: f32,
) -> (Vec<f32>, Vec<f32>) {
    let terms = terms(x.len(), gamma, var, sums, eps);
    let image = (gamma.len() * area).max(1);
    pieces(g, image, &|i, g| {
        let x = piece(x, image, i);
        for (c, (g, x)) in g.chunks_exact_mut(area).zip(x.chunks_exact(area)).enumerate() {
            finish_run(x, terms[c], mean[c], g);
        }
    });
    parameter_gradients(sums, var, eps)
}

/// [`super::Computed::norm_finish_into`].
pub(crate) fn finish_into<E: Element>(
    (x, gy): (&[E], &[E]),
    gamma: &[f32],
    (mean, var): (&[f32], &[f32]),
    sums: &[[f64; 2]],
    area: usize,
    eps: f32,
    gx: &mut [E],
) -> (Vec<f32>, Vec<f32>) {
    assert_eq!((x.len(), gy.len()), (gx.len(), gx.len()));
    let channels = gamma.len();
    let terms = terms(x.len(), gamma, var, sums, eps);
    let image = (channels * area).max(1);
    pieces(gx, image, &|i, gx| {
        let (x, gy) = (piece(x, image, i), piece(gy, image, i));
        for c in 0..channels {
            let at = c * area..(c + 1) * area;
            backward_run(&x[at.clone()], &gy[at.clone()], terms[c], mean[c], &mut gx[at]);
        }
    });
    parameter_gradients(sums, var, eps)
}

/// `gx = gamma/σ · (gy - mean(gy) - (x - mean)/σ² · mean(gy·(x - mean)))` as `a·gy + b·(x - mean) + c`.
fn terms(len: usize, gamma: &[f32], var: &[f32], sums: &[[f64; 2]], eps: f32) -> Vec<[f32; 3]> {
    let count = (len / gamma.len().max(1)).max(1) as f64;
    let term = |c: usize| {
        let inverse = 1.0 / (f64::from(var[c]) + f64::from(eps)).sqrt();
        let a = f64::from(gamma[c]) * inverse;
        let b = -a * inverse * inverse * sums[c][1] / count;
        [a as f32, b as f32, (-a * sums[c][0] / count) as f32]
    };
    (0..gamma.len()).map(term).collect()
}

fn parameter_gradients(sums: &[[f64; 2]], var: &[f32], eps: f32) -> (Vec<f32>, Vec<f32>) {
    let gamma = sums.iter().zip(var).map(|(s, &v)| (s[1] as f32) * inverse(v, eps)).collect();
    (gamma, sums.iter().map(|s| s[0] as f32).collect())
}

fn inverse(var: f32, eps: f32) -> f32 {
    (1.0 / (f64::from(var) + f64::from(eps)).sqrt()) as f32
}

/// `Σ v` and `Σ v·(x - offset[c])` over images and area, where `v` is `g`, or `x - offset[c]` without it.
fn channel_sums<E: Element>(x: &[E], g: Option<&[E]>, offset: &[f32], area: usize) -> Vec<[f64; 2]> {
    let channels = offset.len();
    let group = (IMAGES * channels * area).max(1);
    let partial = |i: usize| {
        let (x, g) = (piece(x, group, i), g.map(|g| piece(g, group, i)));
        let mut sums = vec![[0.0; 2]; channels];
        for (plane, x) in x.chunks_exact(area).enumerate() {
            let (offset, sums) = (offset[plane % channels], &mut sums[plane % channels]);
            for (k, x) in x.chunks(RUN).enumerate() {
                let [first, second] = match g {
                    Some(g) => products_run(x, &g[plane * area + k * RUN..][..x.len()], offset),
                    None => squares_run(x, offset),
                };
                sums[0] += f64::from(first);
                sums[1] += f64::from(second);
            }
        }
        sums
    };
    added(each(x.len().div_ceil(group), &partial), channels)
}

/// The sums of all groups of images, added in order.
pub(super) fn added(partials: Vec<Vec<[f64; 2]>>, channels: usize) -> Vec<[f64; 2]> {
    let mut sums = vec![[0.0; 2]; channels];
    for (sum, part) in partials.iter().flat_map(|partial| partial.iter().enumerate()) {
        sums[sum][0] += part[0];
        sums[sum][1] += part[1];
    }
    sums
}

wide! {
    fn mean_run<E: Element>(x: &[E]) -> f32 {
        let (lanes, rest) = x.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for x in lanes {
            for i in 0..LANES {
                sums[i] += x[i].value();
            }
        }
        (sums.iter().sum::<f32>() + rest.iter().map(|x| x.value()).sum::<f32>()) / x.len().max(1) as f32
    }
}

wide! {
    fn affine_run<E: Element>(x: &[E], scale: f32, shift: f32, y: &mut [E]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = E::nearest(x.value() * scale + shift);
        }
    }
}

wide! {
    fn backward_run<E: Element>(x: &[E], gy: &[E], terms: [f32; 3], mean: f32, gx: &mut [E]) {
        let [a, b, constant] = terms;
        for ((gx, x), gy) in gx.iter_mut().zip(x).zip(gy) {
            *gx = E::nearest(a * gy.value() + (b * (x.value() - mean) + constant));
        }
    }
}

wide! {
    fn finish_run<E: Element>(x: &[E], terms: [f32; 3], mean: f32, g: &mut [E]) {
        let [a, b, constant] = terms;
        for (g, x) in g.iter_mut().zip(x) {
            *g = E::nearest(a * g.value() + (b * (x.value() - mean) + constant));
        }
    }
}

wide! {
    fn squares_run<E: Element>(x: &[E], offset: f32) -> [f32; 2] {
        run(x, x, offset, |d, _| d)
    }
}

wide! {
    pub(super) fn products_run<E: Element>(x: &[E], g: &[E], offset: f32) -> [f32; 2] {
        run(x, g, offset, |_, g| g)
    }
}

/// `Σ v` and `Σ v·d` for `d = x - offset` and `v = value(d, g)`.
#[inline(always)]
fn run<E: Element>(x: &[E], g: &[E], offset: f32, value: impl Fn(f32, f32) -> f32) -> [f32; 2] {
    let ((x, x_rest), (g, g_rest)) = (x.as_chunks::<LANES>(), g.as_chunks::<LANES>());
    let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
    // Two loops, because one becomes pairs of scalars.
    for (x, g) in x.iter().zip(g) {
        for i in 0..LANES {
            first[i] += value(x[i].value() - offset, g[i].value());
        }
    }
    for (x, g) in x.iter().zip(g) {
        for i in 0..LANES {
            second[i] += value(x[i].value() - offset, g[i].value()) * (x[i].value() - offset);
        }
    }
    let mut sums = [first.iter().sum::<f32>(), second.iter().sum()];
    for (x, g) in x_rest.iter().zip(g_rest) {
        let (d, g) = (x.value() - offset, g.value());
        sums[0] += value(d, g);
        sums[1] += value(d, g) * d;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    const EPS: f32 = 1e-5;

    fn loss(x: &[f64], gamma: &[f64], beta: &[f64], gy: &[f32], area: usize) -> (f64, Vec<f64>) {
        let channels = gamma.len();
        let channel = |i: usize| i / area % channels;
        let of = |c: usize| x.iter().enumerate().filter(move |(i, _)| channel(*i) == c).map(|(_, v)| *v);
        let count = (x.len() / channels) as f64;
        let mean: Vec<f64> = (0..channels).map(|c| of(c).sum::<f64>() / count).collect();
        let var: Vec<f64> =
            (0..channels).map(|c| of(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / count).collect();
        let y: Vec<f64> = x
            .iter()
            .enumerate()
            .map(|(i, v)| (channel(i), v))
            .map(|(c, v)| gamma[c] * (v - mean[c]) / (var[c] + f64::from(EPS)).sqrt() + beta[c])
            .collect();
        (y.iter().zip(gy).map(|(y, g)| y * f64::from(*g)).sum(), y)
    }

    #[test]
    fn both_directions_agree_with_the_definition() {
        for (n, channels, area, offset) in [(3, 5, 35, 0.0), (17, 2, 300, 1000.0), (20, 3, 1, -4.0)] {
            let len = n * channels * area;
            let x: Vec<f32> = noise(len, 1).iter().map(|v| v + offset).collect();
            let (gamma, beta, gy) = (noise(channels, 2), noise(channels, 3), noise(len, 4));
            let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
            let (x64, gamma64, beta64) = (wide(&x), wide(&gamma), wide(&beta));
            let out = forward(&x, &gamma, &beta, area, EPS);
            let (_, y) = loss(&x64, &gamma64, &beta64, &gy, area);
            let tolerance = 1e-5 * f64::from(1.0 + offset.abs());
            for (got, want) in out.y.iter().zip(&y) {
                assert!((f64::from(*got) - want).abs() < tolerance, "{got} instead of {want}");
            }
            let grads = backward((&x, &gy), &gamma, (&out.mean, &out.var), area, EPS);
            let step = 1e-4;
            let slope = |which: usize, i: usize| {
                let moved = |by: f64| {
                    let mut args = [x64.clone(), gamma64.clone(), beta64.clone()];
                    args[which][i] += by;
                    loss(&args[0], &args[1], &args[2], &gy, area).0
                };
                (moved(step) - moved(-step)) / (2.0 * step)
            };
            for (which, got) in [&grads.x[..], &grads.gamma, &grads.beta].into_iter().enumerate() {
                for i in (0..got.len()).step_by(got.len().div_ceil(23)) {
                    let (got, want) = (f64::from(got[i]), slope(which, i));
                    assert!(
                        (got - want).abs() < 20.0 * tolerance * (1.0 + want.abs()),
                        "{which}[{i}]: {got}, {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_large_mean_costs_no_variance() {
        let x: Vec<f32> = (0..4096).map(|i| 10_000.0 + (i % 2) as f32).collect();
        let (mean, var) = statistics(&x, 2, 64);
        assert_eq!((mean, var), (vec![10_000.5; 2], vec![0.25; 2]));
    }

    #[test]
    fn nothing_is_normalised_to_nothing() {
        assert!(forward::<f32>(&[], &[1.0], &[0.0], 4, EPS).y.is_empty());
    }
}
