//! Laws from measurements: non-negative least squares over a few named quantities.
//!
//! Errors are relative, so that a small size counts as much as a large one. With at most five quantities every subset of
//! them is solved exactly and the best one without a negative coefficient is taken.

/// Most quantities a fit may have.
pub const MOST: usize = 5;

/// One measurement: the quantities, in the same order for all, and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The quantities.
    pub at: Vec<f64>,
    /// Bytes or seconds.
    pub value: f64,
}

/// Coefficients and how well they do.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// One a quantity, none negative.
    pub coefficients: Vec<f64>,
    /// The largest error of a sample, relative to it; of 1 where nothing was measured.
    pub largest_error: f64,
}

/// Fits samples that all have the same quantities, [`MOST`] at most; none when there are none or too many quantities.
pub fn fit(samples: &[Sample]) -> Option<Fit> {
    let n = samples.first()?.at.len();
    if n > MOST || samples.iter().any(|s| s.at.len() != n) {
        return None;
    }
    let mut best: Option<(f64, Vec<f64>)> = None;
    for subset in 0u32..1 << n {
        let columns: Vec<usize> = (0..n).filter(|i| subset >> i & 1 == 1).collect();
        let Some(solved) = solve(samples, &columns) else { continue };
        let mut c = vec![0.0; n];
        columns.iter().zip(&solved).for_each(|(&i, &v)| c[i] = v);
        if solved.iter().any(|&v| v < 0.0) {
            continue;
        }
        let loss: f64 = samples.iter().map(|s| error(&c, s).powi(2)).sum();
        // A smaller subset that does as well is the simpler law.
        if best.as_ref().is_none_or(|(least, _)| loss < least - 1e-12) {
            best = Some((loss, c));
        }
    }
    let (_, c) = best?;
    let c = simpler(c, samples);
    Some(Fit { largest_error: largest(&c, samples), coefficients: c })
}

fn predict(c: &[f64], s: &Sample) -> f64 {
    c.iter().zip(&s.at).map(|(c, x)| c * x).sum()
}

/// Relative error of a sample.
fn error(c: &[f64], s: &Sample) -> f64 {
    (predict(c, s) - s.value).abs() / scale(s)
}

fn scale(s: &Sample) -> f64 {
    if s.value > 0.0 { s.value } else { 1.0 }
}

fn largest(c: &[f64], samples: &[Sample]) -> f64 {
    samples.iter().map(|s| error(c, s)).fold(0.0, f64::max)
}

/// Least squares over some of the quantities by the normal equations; none when they are dependent.
fn solve(samples: &[Sample], columns: &[usize]) -> Option<Vec<f64>> {
    let k = columns.len();
    // Columns of very different size are brought to the same one.
    let norm = |i: usize| samples.iter().map(|s| (s.at[i] / scale(s)).powi(2)).sum::<f64>().sqrt();
    let norms: Vec<f64> = columns.iter().map(|&i| norm(i)).collect();
    if norms.contains(&0.0) {
        return None;
    }
    let mut rows = vec![vec![0.0; k + 1]; k];
    for s in samples {
        let x: Vec<f64> = columns.iter().zip(&norms).map(|(&i, v)| s.at[i] / scale(s) / v).collect();
        for i in 0..k {
            for j in 0..k {
                rows[i][j] += x[i] * x[j];
            }
            rows[i][k] += x[i] * s.value / scale(s);
        }
    }
    for i in 0..k {
        let pivot = (i..k).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()))?;
        if rows[pivot][i].abs() < 1e-10 {
            return None;
        }
        rows.swap(i, pivot);
        let row = rows[i].clone();
        for (_, other) in rows.iter_mut().enumerate().filter(|(r, _)| *r != i) {
            let by = other[i] / row[i];
            other.iter_mut().zip(&row).for_each(|(a, b)| *a -= by * b);
        }
    }
    Some((0..k).map(|i| rows[i][k] / rows[i][i] / norms[i]).collect())
}

/// Rounds each coefficient as far as no sample is met worse than before.
fn simpler(mut c: Vec<f64>, samples: &[Sample]) -> Vec<f64> {
    let allowed = largest(&c, samples).max(1e-9) * (1.0 + 1e-6);
    for i in 0..c.len() {
        let exact = c[i];
        for digits in [1.0, 8.0, 1e3, 1e6] {
            c[i] = (exact * digits).round() / digits;
            if largest(&c, samples) <= allowed {
                break;
            }
            c[i] = exact;
        }
    }
    c
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn samples(points: &[(&[f64], f64)]) -> Vec<Sample> {
        points.iter().map(|(at, value)| Sample { at: at.to_vec(), value: *value }).collect()
    }

    #[test]
    fn an_exact_law_is_found_exactly() {
        let f = fit(&samples(&[
            (&[1.0, 9.0, 144.0, 16.0], 8.0 * 9.0 + 8.0 * 144.0 + 4.0 * 16.0),
            (&[1.0, 72.0, 40.0, 8.0], 8.0 * 72.0 + 8.0 * 40.0 + 4.0 * 8.0),
            (&[1.0, 500.0, 20.0, 64.0], 8.0 * 500.0 + 8.0 * 20.0 + 4.0 * 64.0),
            (&[1.0, 147_456.0, 2304.0, 16_384.0], 8.0 * 147_456.0 + 8.0 * 2304.0 + 4.0 * 16_384.0),
            (&[1.0, 33.0, 11.0, 5.0], 8.0 * 33.0 + 8.0 * 11.0 + 4.0 * 5.0),
        ]))
        .unwrap();
        assert_eq!(f.coefficients, [0.0, 8.0, 8.0, 4.0]);
        assert!(f.largest_error < 1e-12);
    }

    #[test]
    fn no_coefficient_is_negative() {
        let f = fit(&samples(&[(&[1.0, 1.0], 5.0), (&[1.0, 2.0], 4.0), (&[1.0, 3.0], 3.0)])).unwrap();
        assert!(f.coefficients.iter().all(|&c| c >= 0.0), "{f:?}");
        assert!(f.largest_error > 0.1);
    }

    #[test]
    fn silence_is_a_law_too() {
        let f = fit(&samples(&[(&[1.0, 10.0], 0.0), (&[1.0, 20.0], 0.0)])).unwrap();
        assert_eq!((f.coefficients, f.largest_error), (vec![0.0, 0.0], 0.0));
    }

    #[test]
    fn dependent_quantities_and_too_many_are_no_trouble() {
        let f = fit(&samples(&[(&[1.0, 2.0], 6.0), (&[2.0, 4.0], 12.0)])).unwrap();
        assert!(f.largest_error < 1e-9, "{f:?}");
        assert_eq!(fit(&samples(&[(&[1.0; 6], 6.0)])), None);
        assert_eq!(fit(&[]), None);
    }
}
