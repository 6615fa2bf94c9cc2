//! Quadratics with a normalised square over `[n, channels, area]`, and their gradients:
//! `t·(a·N(z²) + b·z + c) + (1 − t)·max(z, 0)`, N a normalisation by the statistics of the batch.
//!
//! Sums are taken as in [`super::batch_norm`]: short runs in f32, all else in f64, and those of squares around a first guess.

use super::batch_norm::{IMAGES, RUN, added};
use super::pool::Buffer;
use super::simd::wide;
use crate::kernels::parallel::{each, piece, pieces};

/// What a channel multiplies, and how far the quadratic has taken the ReLU's place.
#[derive(Debug, Clone, Copy)]
pub struct Coefficients<'a> {
    /// Of the normalised square, `[channels]`.
    pub square: &'a [f32],
    /// Of the operand.
    pub slope: &'a [f32],
    /// Added.
    pub shift: &'a [f32],
    /// 1 for the quadratic alone, 0 for the ReLU alone.
    pub blend: f32,
    /// Added to the variance of the squares.
    pub eps: f32,
}

/// A channel's function with the normalisation in it: `square·z² + above·max(z, 0) + below·min(z, 0) + shift`.
#[derive(Debug, Clone, Copy)]
struct Function {
    square: f32,
    above: f32,
    below: f32,
    shift: f32,
}

/// Gradients by the operand and by a channel's coefficients.
#[derive(Debug, Clone)]
pub struct Gradients {
    /// `[n, channels, area]`.
    pub x: Buffer,
    /// Of [`Coefficients::square`].
    pub square: Vec<f32>,
    /// Of [`Coefficients::slope`].
    pub slope: Vec<f32>,
    /// Of [`Coefficients::shift`].
    pub shift: Vec<f32>,
}

impl Coefficients<'_> {
    fn functions(&self, mean: &[f32], var: &[f32]) -> Vec<Function> {
        let t = f64::from(self.blend);
        let of = |c: usize| {
            let square = t * f64::from(self.square[c]) * self.inverse(var[c]);
            let below = t * f64::from(self.slope[c]);
            Function {
                square: square as f32,
                above: (below + 1.0 - t) as f32,
                below: below as f32,
                shift: (t * f64::from(self.shift[c]) - square * f64::from(mean[c])) as f32,
            }
        };
        (0..self.square.len()).map(of).collect()
    }

    fn inverse(&self, var: f32) -> f64 {
        1.0 / (f64::from(var) + f64::from(self.eps)).sqrt()
    }
}

/// The function of `z`, with the mean and the biased variance of each channel's squares.
pub fn forward(z: &[f32], k: Coefficients<'_>, area: usize) -> (Buffer, Vec<f32>, Vec<f32>) {
    let channels = k.square.len();
    let (mean, var) = statistics(z, channels, area);
    let f = k.functions(&mean, &var);
    let mut y = Buffer::stale(z.len());
    let image = (channels * area).max(1);
    pieces(&mut y, image, &|i, y| {
        let z = piece(z, image, i);
        for ((y, z), f) in y.chunks_exact_mut(area).zip(z.chunks_exact(area)).zip(&f) {
            value_run(z, *f, y);
        }
    });
    (y, mean, var)
}

/// Gradients of [`forward`] from the gradient `g` of its result; `mean` and `var` are those it returned.
pub fn backward(
    (z, g): (&[f32], &[f32]),
    k: Coefficients<'_>,
    (mean, var): (&[f32], &[f32]),
    area: usize,
) -> Gradients {
    assert_eq!(z.len(), g.len());
    let channels = k.square.len();
    let count = (z.len() / channels.max(1)).max(1) as f64;
    let sums = gradient_sums(z, g, mean, area);
    let t = f64::from(k.blend);
    let f = k.functions(mean, var);
    // The gradient of z² as `a·g + b·(z² − mean) + c`, as in batch normalisation.
    let terms: Vec<[f32; 3]> = (0..channels)
        .map(|c| {
            let (a, inverse) = (f64::from(f[c].square), k.inverse(var[c]));
            let b = -a * inverse * inverse * sums[c][1] / count;
            [a as f32, b as f32, (-a * sums[c][0] / count) as f32]
        })
        .collect();
    let mut gx = Buffer::stale(z.len());
    let image = (channels * area).max(1);
    pieces(&mut gx, image, &|i, gx| {
        let (z, g) = (piece(z, image, i), piece(g, image, i));
        for c in 0..channels {
            let at = c * area..(c + 1) * area;
            gradient_run(&z[at.clone()], &g[at.clone()], f[c], terms[c], mean[c], &mut gx[at]);
        }
    });
    let rows = |of: &dyn Fn(usize) -> f64| (0..channels).map(|c| of(c) as f32).collect();
    Gradients {
        x: gx,
        square: rows(&|c| t * sums[c][1] * k.inverse(var[c])),
        slope: rows(&|c| t * sums[c][2]),
        shift: rows(&|c| t * sums[c][0]),
    }
}

/// Mean and biased variance of the squares of each channel of `z`, `[n, channels, area]`.
pub fn statistics(z: &[f32], channels: usize, area: usize) -> (Vec<f32>, Vec<f32>) {
    let count = (z.len() / channels.max(1)).max(1) as f64;
    let first = |c: usize| {
        let plane = z.get(c * area..(c + 1) * area).unwrap_or_default();
        (plane.iter().map(|&z| f64::from(z) * f64::from(z)).sum::<f64>() / area.max(1) as f64) as f32
    };
    let guess: Vec<f32> = (0..channels).map(first).collect();
    let group = (IMAGES * channels * area).max(1);
    let partial = |i: usize| {
        let mut sums = vec![[0.0; 2]; channels];
        for (plane, z) in piece(z, group, i).chunks_exact(area).enumerate() {
            let (guess, sums) = (guess[plane % channels], &mut sums[plane % channels]);
            for z in z.chunks(RUN) {
                let [first, second] = deviations_run(z, guess);
                sums[0] += f64::from(first);
                sums[1] += f64::from(second);
            }
        }
        sums
    };
    let sums = added(each(z.len().div_ceil(group), &partial), channels);
    let mean = |(&[sum, _], guess): (&[f64; 2], &f32)| (f64::from(*guess) + sum / count) as f32;
    let var = |&[sum, squares]: &[f64; 2]| (squares / count - (sum / count).powi(2)).max(0.0) as f32;
    (sums.iter().zip(&guess).map(mean).collect(), sums.iter().map(var).collect())
}

/// `Σ g`, `Σ g·(z² − mean)` and `Σ g·z` of each channel.
fn gradient_sums(z: &[f32], g: &[f32], mean: &[f32], area: usize) -> Vec<[f64; 3]> {
    let channels = mean.len();
    let group = (IMAGES * channels * area).max(1);
    let partial = |i: usize| {
        let (z, g) = (piece(z, group, i), piece(g, group, i));
        let mut sums = vec![[0.0; 3]; channels];
        for (plane, (z, g)) in z.chunks_exact(area).zip(g.chunks_exact(area)).enumerate() {
            let (mean, sums) = (mean[plane % channels], &mut sums[plane % channels]);
            for (z, g) in z.chunks(RUN).zip(g.chunks(RUN)) {
                sums.iter_mut().zip(products_run(z, g, mean)).for_each(|(s, v)| *s += f64::from(v));
            }
        }
        sums
    };
    let mut sums = vec![[0.0; 3]; channels];
    for partial in each(z.len().div_ceil(group), &partial) {
        for (sum, part) in sums.iter_mut().zip(partial) {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
    }
    sums
}

/// Beyond which the penalty on what goes into quadratics begins: few values of a normal distribution are there.
pub const BOUND: f32 = 4.5;

/// Mean over all elements of `ln²(|z|/bound)` where |z| is above [`BOUND`], and 0 elsewhere. Its pull falls with the distance,
/// so that one wild value does not drown a batch, but slowly: at hundreds it still pulls.
pub fn tails(z: &[f32]) -> f32 {
    const CHUNK: usize = 1 << 15;
    let part = |z: &[f32]| z.chunks(RUN).map(|z| if beyond_run(z) { excess(z) } else { 0.0 }).sum::<f64>();
    let sums = each(z.len().div_ceil(CHUNK), &|i| part(piece(z, CHUNK, i)));
    (sums.iter().sum::<f64>() / z.len().max(1) as f64) as f32
}

/// The gradient of [`tails`] times `by`.
pub fn tails_grad(z: &[f32], by: f32) -> Buffer {
    const CHUNK: usize = 1 << 15;
    let by = f64::from(by) / z.len().max(1) as f64;
    let mut gz = Buffer::stale(z.len());
    pieces(&mut gz, CHUNK, &|i, gz| {
        for (gz, z) in gz.chunks_mut(RUN).zip(piece(z, CHUNK, i).chunks(RUN)) {
            gz.fill(0.0);
            if beyond_run(z) {
                for (gz, &z) in gz.iter_mut().zip(z).filter(|(_, z)| z.abs() > BOUND) {
                    let pull = 2.0 * f64::from(z.abs() / BOUND).ln() / f64::from(z);
                    *gz = (by * pull) as f32;
                }
            }
        }
    });
    gz
}

fn excess(z: &[f32]) -> f64 {
    let far = z.iter().filter(|z| z.abs() > BOUND);
    far.map(|z| f64::from(z.abs() / BOUND).ln().powi(2)).sum()
}

wide! {
    fn beyond_run(z: &[f32]) -> bool {
        z.iter().fold(0.0f32, |top, z| if z.abs() > top { z.abs() } else { top }) > BOUND
    }
}

wide! {
    fn value_run(z: &[f32], f: Function, y: &mut [f32]) {
        for (y, z) in y.iter_mut().zip(z) {
            *y = f.square * (z * z) + (f.above * z.max(0.0) + f.below * z.min(0.0)) + f.shift;
        }
    }
}

wide! {
    fn gradient_run(z: &[f32], g: &[f32], f: Function, terms: [f32; 3], mean: f32, gx: &mut [f32]) {
        let [a, b, constant] = terms;
        for ((gx, z), g) in gx.iter_mut().zip(z).zip(g) {
            let of_square = a * g + (b * (z * z - mean) + constant);
            let slope = super::two_slope::chosen(*z, f.above, f.below);
            *gx = g * slope + 2.0 * z * of_square;
        }
    }
}

wide! {
    fn deviations_run(z: &[f32], guess: f32) -> [f32; 2] {
        const LANES: usize = 16;
        let (lanes, rest) = z.as_chunks::<LANES>();
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        for z in lanes {
            for i in 0..LANES {
                let off = z[i] * z[i] - guess;
                first[i] += off;
                second[i] += off * off;
            }
        }
        let mut sums = [first.iter().sum::<f32>(), second.iter().sum::<f32>()];
        for z in rest {
            let off = z * z - guess;
            sums[0] += off;
            sums[1] += off * off;
        }
        sums
    }
}

wide! {
    fn products_run(z: &[f32], g: &[f32], mean: f32) -> [f32; 3] {
        const LANES: usize = 16;
        let ((zs, z_rest), (gs, g_rest)) = (z.as_chunks::<LANES>(), g.as_chunks::<LANES>());
        let mut sums = [[0.0f32; LANES]; 3];
        for (z, g) in zs.iter().zip(gs) {
            for i in 0..LANES {
                sums[0][i] += g[i];
                sums[1][i] += g[i] * (z[i] * z[i] - mean);
                sums[2][i] += g[i] * z[i];
            }
        }
        let mut total = sums.map(|s| s.iter().sum::<f32>());
        for (z, g) in z_rest.iter().zip(g_rest) {
            total[0] += g;
            total[1] += g * (z * z - mean);
            total[2] += g * z;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    const N: usize = 5;
    const CHANNELS: usize = 3;
    const AREA: usize = 37;
    const EPS: f32 = 1e-5;

    /// The definition, in f64.
    fn defined(z: &[f64], k: &[Vec<f64>; 3], t: f64) -> Vec<f64> {
        let channel = |i: usize| i / AREA % CHANNELS;
        let count = (N * AREA) as f64;
        let of = |c: usize| (0..z.len()).filter(move |&i| channel(i) == c);
        let mean: Vec<f64> = (0..CHANNELS).map(|c| of(c).map(|i| z[i] * z[i]).sum::<f64>() / count).collect();
        let var: Vec<f64> = (0..CHANNELS)
            .map(|c| of(c).map(|i| (z[i] * z[i] - mean[c]).powi(2)).sum::<f64>() / count)
            .collect();
        let one = |i: usize| {
            let c = channel(i);
            let normal = (z[i] * z[i] - mean[c]) / (var[c] + f64::from(EPS)).sqrt();
            t * (k[0][c] * normal + k[1][c] * z[i] + k[2][c]) + (1.0 - t) * z[i].max(0.0)
        };
        (0..z.len()).map(one).collect()
    }

    fn loss(z: &[f64], k: &[Vec<f64>; 3], t: f64, weights: &[f32]) -> f64 {
        defined(z, k, t).iter().zip(weights).map(|(y, w)| y * f64::from(*w)).sum()
    }

    fn operands() -> (Vec<f32>, [Vec<f32>; 3]) {
        let z = noise(N * CHANNELS * AREA, 1).iter().map(|v| 3.0 * v).collect();
        (z, [noise(CHANNELS, 2), noise(CHANNELS, 3), noise(CHANNELS, 4)])
    }

    fn wider(v: &[f32]) -> Vec<f64> {
        v.iter().map(|&v| f64::from(v)).collect()
    }

    fn of(k: &[Vec<f32>; 3], blend: f32) -> Coefficients<'_> {
        Coefficients { square: &k[0], slope: &k[1], shift: &k[2], blend, eps: EPS }
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let (z, k) = operands();
        for t in [0.0, 0.3, 1.0] {
            let (y, ..) = forward(&z, of(&k, t), AREA);
            let want = defined(&wider(&z), &k.clone().map(|v| wider(&v)), t.into());
            for (y, want) in y.iter().zip(want) {
                assert!((f64::from(*y) - want).abs() < 2e-5, "{y} and {want}");
            }
        }
    }

    #[test]
    fn gradients_are_finite_differences_of_the_definition() {
        let (z, k) = operands();
        let g = noise(z.len(), 5);
        for t in [0.0, 0.4, 1.0] {
            let (_, mean, var) = forward(&z, of(&k, t), AREA);
            let found = backward((&z, &g), of(&k, t), (&mean, &var), AREA);
            let (z64, k64) = (wider(&z), k.clone().map(|v| wider(&v)));
            let h = 1e-6;
            for i in (0..z.len()).step_by(7).filter(|&i| z[i].abs() > 1e-3) {
                let at = |d: f64| {
                    let mut z = z64.clone();
                    z[i] += d;
                    loss(&z, &k64, t.into(), &g)
                };
                let want = (at(h) - at(-h)) / (2.0 * h);
                assert!((f64::from(found.x[i]) - want).abs() < 1e-4 * want.abs().max(1.0), "{i} at {t}");
            }
            for (which, found) in [&found.square, &found.slope, &found.shift].into_iter().enumerate() {
                for (c, found) in found.iter().enumerate() {
                    let at = |d: f64| {
                        let mut k = k64.clone();
                        k[which][c] += d;
                        loss(&z64, &k, t.into(), &g)
                    };
                    let want = (at(h) - at(-h)) / (2.0 * h);
                    assert!((f64::from(*found) - want).abs() < 1e-4 * want.abs().max(1.0), "{which} {c} {t}");
                }
            }
        }
    }

    #[test]
    fn tails_are_pulled_however_far_they_are() {
        let mut z = noise(1000, 6);
        assert_eq!((tails(&z), tails_grad(&z, 1.0).iter().all(|g| *g == 0.0)), (0.0, true));
        (z[3], z[700], z[701]) = (9.0, -300.0, 1e30);
        let want =
            [9.0f64, 300.0, 1e30].map(|z| (z / f64::from(BOUND)).ln().powi(2)).iter().sum::<f64>() / 1e3;
        assert!((f64::from(tails(&z)) - want).abs() < 1e-5 * want);
        let g = tails_grad(&z, 1000.0);
        assert!((g[3] - 2.0 * 2f32.ln() / 9.0).abs() < 1e-6 && g[700] < -0.02 && g[0] == 0.0);
        assert!(tails(&[f32::NAN]).is_finite() && tails_grad(&z, 1.0)[701] >= 0.0);
    }
}
