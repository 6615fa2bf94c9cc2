//! The smallest step, by its largest pixel, onto a plane without leaving 0…1.

/// The smallest change d of `from`, by its largest entry, with `normal`·d = `distance` and all of `from` + d in 0…1; where there is
/// none, the one that comes nearest.
///
/// With every pixel moved by at most λ on the side that helps, what is gained is a concave sum of pieces of lines in λ, so Newton's
/// steps from 0 rise to its root and reach it.
pub(super) fn onto(from: &[f32], normal: &[f32], distance: f64) -> Vec<f32> {
    let side = if distance < 0.0 { -1.0f32 } else { 1.0 };
    let wanted = distance.abs();
    let room = |x: f32, n: f32| if n * side > 0.0 { 1.0 - x } else { x };
    let mut most = 0.0f64;
    loop {
        let (mut gained, mut slope) = (0.0f64, 0.0f64);
        for (&x, &n) in from.iter().zip(normal) {
            let (weight, room) = (f64::from(n.abs()), f64::from(room(x, n)));
            gained += weight * room.min(most);
            slope += if room > most { weight } else { 0.0 };
        }
        let short = wanted - gained;
        // The rest is rounding.
        if slope <= 0.0 || short <= 1e-9 * wanted {
            break;
        }
        let next = most + short / slope;
        if next <= most {
            break;
        }
        most = next;
    }
    let by = |(&x, &n): (&f32, &f32)| match n {
        0.0 => 0.0,
        n => (room(x, n)).min(most as f32) * side * n.signum(),
    };
    from.iter().zip(normal).map(by).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut s = seed;
        let next = |_| {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (s >> 8) as f32 / (1 << 24) as f32
        };
        (0..n).map(next).collect()
    }

    #[test]
    fn reaches_the_plane_by_the_smallest_step() {
        for seed in 0..50 {
            let x = numbers(40, seed);
            let w: Vec<f32> = numbers(40, seed + 1000).iter().map(|v| v - 0.5).collect();
            let distance = f64::from(numbers(1, seed + 2000)[0]) * 4.0 - 2.0;
            let d = onto(&x, &w, distance);
            assert!(x.iter().zip(&d).all(|(x, d)| (-1e-6..=1.0 + 1e-6).contains(&(x + d))));
            assert!((dot(&w, &d) - distance).abs() < 1e-4, "{} for {distance}", dot(&w, &d));
            // Nothing smaller gets as far.
            let size = d.iter().fold(0.0f32, |m, v| m.max(v.abs())) * 0.99;
            let best: f64 = x
                .iter()
                .zip(&w)
                .map(|(x, w)| {
                    let up = (w * distance as f32) > 0.0;
                    f64::from(w.abs() * size.min(if up { 1.0 - x } else { *x }))
                })
                .sum();
            assert!(best < distance.abs(), "{best} {distance}");
        }
    }

    #[test]
    fn goes_as_far_as_it_can() {
        let d = onto(&[0.25, 0.5, 0.75], &[1.0, -1.0, 0.0], 100.0);
        assert_eq!(d, [0.75, -0.5, 0.0]);
        assert_eq!(onto(&[0.5, 0.5], &[0.0, 0.0], 1.0), [0.0, 0.0]);
        assert_eq!(onto(&[0.5, 0.5], &[1.0, 2.0], 0.0), [0.0, 0.0]);
    }
}
