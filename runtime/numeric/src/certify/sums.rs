//! Sums in double precision, several at a time: one after the other each addition would wait for the one before.

/// Sums that run side by side.
const LANES: usize = 8;

fn by_lanes(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += term(a.into(), b.into());
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(&a, &b)| term(a.into(), b.into())).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Σ aᵢ·bᵢ
pub(super) fn product(a: &[f32], b: &[f32]) -> f64 {
    by_lanes(a, b, |a, b| a * b)
}

/// Σ aᵢ
pub(super) fn sum(a: &[f32]) -> f64 {
    by_lanes(a, a, |a, _| a)
}
