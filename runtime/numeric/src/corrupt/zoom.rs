//! Enlarging about the centre, and the zoom blur made of it.

use super::picture::{Picture, bilinear, nearest};

/// How much an enlargement is more than the one before: the difference that rounding leaves of 1.01 - 1, as in the
/// benchmark. It decides the size at 1.25.
const STEP: f64 = 1.01 - 1.0;

/// Averages the image and `count` enlargements of it, by 1.00, 1.01, 1.02 and so on.
pub(super) fn blur(image: &Picture, count: usize) -> Vec<u8> {
    let mut sum = image.clone();
    for i in 0..count {
        let enlarged = enlarge(image, 1.0 + STEP * i as f64);
        sum.values.iter_mut().zip(&enlarged.values).for_each(|(s, v)| *s += v);
    }
    sum.values.iter_mut().for_each(|s| *s /= count as f64 + 1.0);
    sum.bytes_single()
}

/// The middle of every plane, enlarged `factor`-fold (1 or more) to the old size, bilinearly.
pub(super) fn enlarge(image: &Picture, factor: f64) -> Picture {
    let rows = positions(image.height, factor);
    let columns = positions(image.width, factor);
    let size = (image.height, image.width);
    image.map(|plane, y, x| bilinear(plane, size, (rows[y], columns[x]), nearest))
}

/// The place in the source of each of `n` output places.
///
/// The benchmark cuts out ⌈n/factor⌉ places, lets SciPy's `zoom` spread them end to end over the rounded number of
/// enlarged places, and cuts the middle `n` of these.
fn positions(n: usize, factor: f64) -> Vec<f64> {
    let cut = (n as f64 / factor).ceil();
    let enlarged = (cut * factor).round_ties_even();
    let start = ((n as f64 - cut) / 2.0).floor();
    let trim = ((enlarged - n as f64) / 2.0).floor();
    let step = (cut - 1.0) / (enlarged - 1.0).max(1.0);
    let place = |i: usize| start + ((i as f64 + trim) * step).min(cut - 1.0);
    (0..n).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_published_sizes() {
        assert_eq!(positions(32, 1.0)[31], 31.0);
        // 1.25: 26 of 32 places from index 3 on, spread over round(32.5) = 32.
        let places = positions(32, 1.25);
        assert_eq!((places[0], places[31]), (3.0, 28.0));
        assert!((places[1] - 3.0 - 25.0 / 31.0).abs() < 1e-12);
    }

    #[test]
    fn enlarging_a_ramp_makes_a_flatter_ramp() {
        let ramp = Picture::plane(32, 32, |_, x| x as f64);
        let wide = enlarge(&ramp, 2.25);
        // ⌈32/2.25⌉ = 15 places over round(33.75) = 34: slope 14/33.
        for (a, b) in wide.values[..31].iter().zip(&wide.values[1..32]) {
            assert!((b - a - 14.0 / 33.0).abs() < 1e-9);
        }
    }

    #[test]
    fn blur_is_the_mean_of_direct_interpolations() {
        let bytes: Vec<u8> = (0..3 * 1024).map(|i| (i * 73 % 256) as u8).collect();
        let image = Picture::of(&bytes, 32, 32);
        for count in [7, 26] {
            let blurred = blur(&image, count);
            for (y, x) in [(0usize, 0usize), (31, 31), (5, 20), (16, 15)] {
                let mut sum = f64::from(bytes[y * 32 + x]);
                for k in 0..count {
                    let factor = 1.0 + (1.01 - 1.0) * k as f64;
                    let cut = (32.0 / factor).ceil();
                    let out = (cut * factor).round_ties_even();
                    let at = |i: usize| {
                        let place = (i as f64 + ((out - 32.0) / 2.0).floor()) * (cut - 1.0) / (out - 1.0);
                        place + ((32.0 - cut) / 2.0).floor()
                    };
                    // A bilinear value is a sum over all pixels weighted by tents.
                    let tent = |p: f64, i: usize| (1.0 - (p - i as f64).abs()).max(0.0);
                    for v in 0..32 {
                        for u in 0..32 {
                            sum += tent(at(y), v) * tent(at(x), u) * f64::from(bytes[v * 32 + u]);
                        }
                    }
                }
                let found = f64::from(blurred[y * 32 + x]);
                assert!((found + 0.5 - sum / (count as f64 + 1.0)).abs() <= 0.501);
            }
        }
    }
}
