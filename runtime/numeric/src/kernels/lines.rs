//! Linear functions on intervals, and through lines that take the place of bent functions: what certificates spend their time on.
//!
//! Sums are in f64, by [`LANES`] partial sums in a fixed order. A coefficient is taken as the sum of its part above 0 and what is
//! left of it, one of which is 0, so that no branch depends on its sign. One that is not a number makes the sum none.

use super::simd::wide;

/// Partial sums: independent ones, so that none waits for another.
const LANES: usize = 16;

/// Lines for each element: those for coefficients above 0, and those for the others.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    slopes: [Vec<f32>; 2],
    intercepts: [Vec<f64>; 2],
    /// Are all these numbers finite?
    finite: bool,
}

impl Lines {
    /// Slopes, and where the lines meet the axis: as many of each.
    pub fn new(slopes: [Vec<f32>; 2], intercepts: [Vec<f64>; 2]) -> Lines {
        let n = slopes[0].len();
        assert!(slopes[1].len() == n && intercepts.iter().all(|i| i.len() == n));
        let finite = slopes.iter().flatten().all(|s| s.is_finite())
            && intercepts.iter().flatten().all(|i| i.is_finite());
        Lines { slopes, intercepts, finite }
    }

    /// Slope and intercept of an element's line for coefficients above 0 (side 0), or for the others (side 1).
    pub fn of(&self, side: usize, element: usize) -> (f32, f64) {
        (self.slopes[side][element], self.intercepts[side][element])
    }

    /// Puts the lines in the place of functions: `row[i]` becomes `row[i]·slope`, and the sum of `row[i]·intercept`, as it was
    /// before, is returned. An element without a coefficient has no part, not even one of what is not finite.
    pub fn through(&self, row: &mut [f32]) -> f64 {
        let ([s, t], [a, b]) = (&self.slopes, &self.intercepts);
        assert_eq!(row.len(), s.len());
        if self.finite {
            return of_lines(row, (s, t), (a, b));
        }
        let mut sum = 0.0;
        for (i, v) in row.iter_mut().enumerate().filter(|(_, v)| **v != 0.0) {
            let (slope, intercept) = self.of(usize::from(*v < 0.0), i);
            sum += f64::from(*v) * intercept;
            *v *= slope;
        }
        sum
    }
}

/// The least value of `Σ row[i]·x[i]` where `x[i]` is from `low[i]` to `high[i]`. An element without a coefficient has no part,
/// not even one of what is not finite.
pub fn least(row: &[f32], low: &[f32], high: &[f32]) -> f64 {
    assert!(row.len() == low.len() && row.len() == high.len());
    let sum = of_intervals(row, low, high);
    if !sum.is_nan() {
        return sum;
    }
    let part = |(&v, (&l, &h)): (&f32, (&f32, &f32))| f64::from(v) * f64::from(if v > 0.0 { l } else { h });
    row.iter().zip(low.iter().zip(high)).filter(|(v, _)| **v != 0.0).map(part).sum()
}

/// `Σ |a[i]|·b[i]`
pub fn magnitudes(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    of_magnitudes(a, b)
}

wide! {
    fn of_intervals(row: &[f32], low: &[f32], high: &[f32]) -> f64 {
        let mut sums = [0.0f64; LANES];
        let parts = row.chunks(LANES).zip(low.chunks(LANES)).zip(high.chunks(LANES));
        for ((row, low), high) in parts {
            for (sum, (&v, (&l, &h))) in sums.iter_mut().zip(row.iter().zip(low.iter().zip(high))) {
                let above = if v > 0.0 { v } else { 0.0 };
                *sum += f64::from(above) * f64::from(l) + f64::from(v - above) * f64::from(h);
            }
        }
        sums.iter().sum()
    }
}

wide! {
    fn of_lines(row: &mut [f32], slopes: (&[f32], &[f32]), intercepts: (&[f64], &[f64])) -> f64 {
        let mut sums = [0.0f64; LANES];
        let slopes = slopes.0.chunks(LANES).zip(slopes.1.chunks(LANES));
        let intercepts = intercepts.0.chunks(LANES).zip(intercepts.1.chunks(LANES));
        for ((row, (s, t)), (a, b)) in row.chunks_mut(LANES).zip(slopes).zip(intercepts) {
            let lines = s.iter().zip(t).zip(a.iter().zip(b));
            for (sum, (v, ((s, t), (a, b)))) in sums.iter_mut().zip(row.iter_mut().zip(lines)) {
                let above = if *v > 0.0 { *v } else { 0.0 };
                let below = *v - above;
                *sum += f64::from(above) * a + f64::from(below) * b;
                *v = above * s + below * t;
            }
        }
        sums.iter().sum()
    }
}

wide! {
    fn of_magnitudes(a: &[f32], b: &[f32]) -> f64 {
        let mut sums = [0.0f64; LANES];
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum += f64::from(a.abs()) * f64::from(*b);
            }
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::noise;

    #[test]
    fn sums_are_those_of_the_definition_for_any_length() {
        for n in [0, 1, 15, 16, 17, 100] {
            let mut row = noise(n, 1);
            row.iter_mut().step_by(3).for_each(|v| *v = 0.0);
            let (low, width) = (noise(n, 2), noise(n, 3));
            let high: Vec<f32> = low.iter().zip(&width).map(|(l, w)| l + w.abs()).collect();
            let sum = |part: &dyn Fn(usize) -> f64| (0..n).map(part).sum::<f64>();
            let want = sum(&|i| f64::from(row[i]) * f64::from(if row[i] > 0.0 { low[i] } else { high[i] }));
            assert!((least(&row, &low, &high) - want).abs() < 1e-12);
            let want = sum(&|i| f64::from(row[i].abs()) * f64::from(high[i]));
            assert!((magnitudes(&row, &high) - want).abs() < 1e-12);
            let intercepts = [6, 7].map(|seed| noise(n, seed).into_iter().map(f64::from).collect());
            let lines = Lines::new([noise(n, 4), noise(n, 5)], intercepts);
            let of = |i: usize| lines.of(usize::from(row[i] <= 0.0), i);
            let want = sum(&|i| f64::from(row[i]) * of(i).1);
            let behind: Vec<f32> = (0..n).map(|i| row[i] * of(i).0).collect();
            let mut there = row.clone();
            assert!((lines.through(&mut there) - want).abs() < 1e-12);
            assert_eq!(there, behind);
        }
    }

    #[test]
    fn what_has_no_coefficient_has_no_part() {
        let (mut row, inf, nan) = (vec![0.0, -0.0, 1.0], f32::INFINITY, f64::NAN);
        assert_eq!(least(&row, &[-inf, -inf, 2.0], &[inf, inf, inf]), 2.0);
        let lines = Lines::new([vec![inf; 3], vec![inf; 3]], [vec![nan, nan, 3.0], vec![nan; 3]]);
        assert_eq!(lines.through(&mut row), 3.0);
        assert_eq!(row, [0.0, 0.0, inf]);
    }

    #[test]
    fn a_coefficient_that_is_no_number_is_not_lost() {
        let lines = Lines::new([vec![1.0; 3], vec![0.0; 3]], [vec![0.0; 3], vec![0.0; 3]]);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut row = vec![1.0, odd, -1.0];
            assert!(!least(&row, &[0.0; 3], &[1.0; 3]).is_finite());
            assert!(!magnitudes(&row, &[1.0; 3]).is_finite());
            assert!(lines.through(&mut row).is_nan() && row[1].is_nan());
        }
    }
}
