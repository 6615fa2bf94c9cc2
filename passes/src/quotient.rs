//! Slopes that cost nothing: quotients of two small whole numbers.
//!
//! Where identity elements have the slope a/b, the weights under them take 1/b; what is left is to multiply identity
//! elements by a and kept ones by b, and that is a few additions: no runtime sends anything for them or truncates.

/// Largest numerator and denominator.
pub const MOST: u32 = 4;

/// The quotients from 0 to [`MOST`] in rising order, each once.
pub fn all() -> Vec<f32> {
    let mut q: Vec<f32> = (0..=MOST).flat_map(|a| (1..=MOST).map(move |b| a as f32 / b as f32)).collect();
    q.sort_by(f32::total_cmp);
    q.dedup();
    q
}

/// The quotient next to a number.
pub fn nearest(slope: f32) -> f32 {
    all().into_iter().min_by(|a, b| (a - slope).abs().total_cmp(&(b - slope).abs())).unwrap_or(1.0)
}

/// A slope as numerator and denominator, none above [`MOST`]; `None` where it is no such quotient.
pub fn of(slope: f32) -> Option<(u32, u32)> {
    let near = |a: u32, b: u32| (f64::from(a) / f64::from(b) - f64::from(slope)).abs() < 1e-6;
    (1..=MOST).flat_map(|b| (1..=MOST).map(move |a| (a, b))).find(|&(a, b)| near(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quotient_but_zero_is_found_again_in_lowest_terms() {
        let q = all();
        assert_eq!((q.len(), q[0], q[q.len() - 1]), (12, 0.0, 4.0));
        for &s in &q[1..] {
            let (a, b) = of(s).expect("a quotient");
            assert_eq!(a as f32 / b as f32, s);
            assert!(!(a % 2 == 0 && b % 2 == 0) && (a, b) != (3, 3));
        }
    }

    #[test]
    fn other_slopes_are_none() {
        for s in [0.0, -1.0, 0.7, 5.0, f32::NAN, f32::INFINITY] {
            assert_eq!(of(s), None, "{s}");
        }
    }
}
