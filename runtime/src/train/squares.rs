//! Where quadratics start: the least-squares fit of the ReLU under each channel's own distribution.

use super::calm::calm;
use super::evaluate::pixels_of;
use super::model::Model;
use crate::data::Dataset;
use crate::exec::squares::Rows;
use crate::exec::value::{detached, download};
use crate::exec::{Call, Norms};
use crate::search::worth::BATCH;
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

/// Images whose distribution is taken.
const IMAGES: usize = 512;

/// Mean and standard deviation of a channel, and mean and variance of its squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Mean and variance of the squares.
    pub squares: [f64; 2],
}

/// `[a, b, c]` of the quadratic a·x² + b·x + c that is nearest to max(x, 0) under N(mean, deviation²), in the mean of squares.
///
/// With α = μ/σ, φ and Φ the normal density and its integral: a = φ(α)/2σ, b = Φ(α) − α·φ(α), c = a·(μ² + σ²). A channel that never
/// varies gets the line that passes through its point.
pub fn least_squares(mean: f64, deviation: f64) -> [f64; 3] {
    if !deviation.is_finite() || deviation <= 1e-6 {
        return [0.0, f64::from(u8::from(mean > 0.0)), 0.0];
    }
    let at = mean / deviation;
    let a = density(at) / (2.0 * deviation);
    [a, normal(at) - at * density(at), a * (mean * mean + deviation * deviation)]
}

/// `[0, b, c]` of the line b·x + c that is nearest to max(x, 0) under N(mean, deviation²), in the mean of squares: b = Φ(α), c = σ·φ(α).
pub fn least_squares_line(mean: f64, deviation: f64) -> [f64; 3] {
    if !deviation.is_finite() || deviation <= 1e-6 {
        return least_squares(mean, deviation);
    }
    let at = mean / deviation;
    [0.0, normal(at), deviation * density(at)]
}

/// The normal density.
fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The integral of the normal density up to x, to about 1e-7 (Abramowitz and Stegun 26.2.17).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let k = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = k.iter().rev().fold(0.0, |s, k| (s + k) * t);
    let above = density(x) * sum;
    if x < 0.0 { above } else { 1.0 - above }
}

/// What goes into each ReLU layer under the model's masks, a channel each, on the first `n` images.
///
/// # Errors
/// Images that the network does not take, or an operation it cannot compute.
pub fn spreads(m: &Model, ds: &Dataset, n: usize) -> Result<Vec<Vec<Spread>>, String> {
    let images = calm(m, ds, n)?;
    let mut sums: Vec<Vec<[f64; 3]>> = m.net.relus().iter().map(|r| vec![[0.0; 3]; r.shape[0]]).collect();
    for chunk in images.chunks(m.net.batch(BATCH)) {
        let x = m.front.apply(pixels_of(ds, chunk, m.net.device()));
        let taps = m.net.forward(x, &Call { watch: true, ..m.call(Norms::Running) })?.taps;
        for ((tap, r), sums) in taps.into_iter().zip(m.net.relus()).zip(&mut sums) {
            let plane = (r.shape[1] * r.shape[2]).max(1);
            let channels = r.shape[0].max(1);
            for (i, z) in download(detached(tap.input.into_flat())).chunks(plane).enumerate() {
                let sum = &mut sums[i % channels];
                for z in z.iter().map(|&z| f64::from(z)) {
                    *sum = [sum[0] + z, sum[1] + z * z, sum[2] + z.powi(4)];
                }
            }
        }
    }
    let spread = |(sums, elements): (Vec<[f64; 3]>, usize)| {
        let count = (images.len() * elements).max(1) as f64;
        let of = |s: [f64; 3]| {
            let [mean, square, fourth] = s.map(|s| s / count);
            let deviation = (square - mean * mean).max(0.0).sqrt();
            Spread { mean, deviation, squares: [square, (fourth - square * square).max(0.0)] }
        };
        sums.into_iter().map(of).collect()
    };
    let elements = m.net.relus().iter().map(|r| r.shape[1] * r.shape[2]);
    Ok(sums.into_iter().zip(elements).map(spread).collect())
}

/// `[a, b, c]` of each channel, one after the other.
pub fn fitted(layer: &[Spread]) -> Vec<f32> {
    layer.iter().flat_map(|s| least_squares(s.mean, s.deviation)).map(|v| v as f32).collect()
}

/// `[0, b, c]` of each channel, one after the other.
pub fn fitted_line(layer: &[Spread]) -> Vec<f32> {
    layer.iter().flat_map(|s| least_squares_line(s.mean, s.deviation)).map(|v| v as f32).collect()
}

/// Gives the coefficients of quadratics their first values: what masks give, else the fit. The moments of the squares are those
/// measured where masks give coefficients, else those of the normal distribution of the fit, `μ² + σ²` and `2σ⁴ + 4μ²σ²`. Unless
/// all are `fresh`, layers that have settled keep what they learned.
///
/// # Errors
/// As [`spreads`].
pub fn fit(m: &mut Model, ds: &Dataset, masks: &Masks, fresh: bool) -> Result<(), String> {
    let spreads = spreads(m, ds, IMAGES)?;
    for (r, layer) in spreads.iter().enumerate() {
        if m.is_settled(r) && !fresh {
            continue;
        }
        let mask = masks.layers.get(&m.net.relus()[r].name).filter(|l| l.only(Choice::Quadratic));
        let given = mask.and_then(|l| l.parameters.get(&Choice::Quadratic));
        let moments = |s: &Spread| match given {
            Some(_) => s.squares,
            None => {
                let [mean, variance] = [s.mean * s.mean, s.deviation * s.deviation];
                [mean + variance, 2.0 * variance * (variance + 2.0 * mean)]
            }
        };
        let rows = [0, 1].map(|i| layer.iter().map(|s| moments(s)[i] as f32).collect());
        let plain = given.cloned().unwrap_or_else(|| fitted(layer));
        m.set_square(r, Rows::of_plain(&plain, rows));
    }
    Ok(())
}

/// The masks with the fit on the model's present distribution for the channels of quadratic layers.
///
/// # Errors
/// As [`spreads`].
pub fn with_fits(m: &Model, ds: &Dataset, n: usize, mut masks: Masks) -> Result<Masks, String> {
    let spreads = spreads(m, ds, n)?;
    for (layer, r) in spreads.iter().zip(m.net.relus()) {
        if let Some(mask) = masks.layers.get_mut(&r.name).filter(|l| l.only(Choice::Quadratic)) {
            mask.parameters.insert(Choice::Quadratic, fitted(layer));
        }
    }
    Ok(masks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_is_the_best_of_its_neighbours() {
        for (mean, deviation) in [(0.0, 1.0), (0.7, 0.5), (-1.2, 2.0)] {
            let error = |k: [f64; 3]| -> f64 {
                let step = deviation / 200.0;
                (-1600..=1600)
                    .map(|i| {
                        let u = f64::from(i) / 200.0;
                        let x = mean + deviation * u;
                        let off = k[0] * x * x + k[1] * x + k[2] - x.max(0.0);
                        off * off * (-u * u / 2.0).exp() * step
                    })
                    .sum()
            };
            let of_degree = [(2, least_squares(mean, deviation)), (1, least_squares_line(mean, deviation))];
            for (degree, k) in of_degree {
                let best = error(k);
                for i in 2 - degree..3 {
                    for d in [-1e-3, 1e-3] {
                        let mut other = k;
                        other[i] += d;
                        assert!(error(other) > best, "{mean} {deviation} {degree} {i}");
                    }
                }
            }
        }
        let standard = least_squares(0.0, 1.0);
        let want = [0.199_471_1, 0.5, 0.199_471_1];
        assert!(standard.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!((least_squares(2.0, 0.0), least_squares(-2.0, 0.0)), ([0.0, 1.0, 0.0], [0.0; 3]));
    }
}
