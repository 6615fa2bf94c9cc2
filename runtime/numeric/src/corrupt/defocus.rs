//! Defocus blur: convolution with a disc whose rim is smoothed.

use super::picture::{Picture, mirror_inside};

/// The disc of `radius` and its smoothing by `alias` (pixels) come from the severity. Borders are mirrored at the
/// border pixel.
pub(super) fn blur(image: &Picture, (radius, alias): (f64, f64)) -> Vec<u8> {
    image.correlate(&disc(radius, alias), mirror_inside).bytes()
}

/// Row offset, column offset and weight of the kernel's places that are not 0, in row order.
///
/// The places within `radius` of the middle share their weight evenly; then a 3×3 Gaussian of deviation `alias`
/// smooths them. Weights are rounded to f32 as in the benchmark.
fn disc(radius: f64, alias: f64) -> Vec<(isize, isize, f64)> {
    let reach = radius as isize + 1;
    let inside = |y: isize, x: isize| (y * y + x * x) as f64 <= radius * radius;
    let square = || (-reach..=reach).flat_map(move |y| (-reach..=reach).map(move |x| (y, x)));
    let share = 1.0 / square().filter(|(y, x)| inside(*y, *x)).count() as f64;
    let side = (-0.5 / (alias * alias)).exp();
    let bell = [side, 1.0, side].map(|w| w / (1.0 + 2.0 * side));
    let near = || (-1isize..=1).flat_map(|i| (-1isize..=1).map(move |j| (i, j)));
    let weight = |y: isize, x: isize| -> f64 {
        let covered = near().filter(|(i, j)| inside(y + i, x + j));
        covered.map(|(i, j)| share * bell[(i + 1) as usize] * bell[(j + 1) as usize]).sum()
    };
    let places = square().map(|(y, x)| (y, x, f64::from(weight(y, x) as f32)));
    places.filter(|(_, _, w)| *w > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_the_levels() {
        let sum = |taps: &[(isize, isize, f64)]| taps.iter().map(|t| t.2).sum::<f64>();
        for (radius, alias) in [(0.3, 0.4), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1), (3.0, 0.1)] {
            assert!((sum(&disc(radius, alias)) - 1.0).abs() < 1e-6);
        }
        // Without smoothing worth the name, radius 1.5 is the full 3×3 square.
        let square = disc(1.5, 0.1);
        assert_eq!(square.iter().filter(|t| (t.2 - 1.0 / 9.0).abs() < 1e-6).count(), 9);
        // Radius 0.3 is one pixel, so the kernel is the 3×3 Gaussian itself: neighbours e^(-1/(2·0.4²)).
        let taps = disc(0.3, 0.4);
        assert_eq!(taps.len(), 9);
        assert!((taps[1].2 / taps[4].2 - (-3.125f64).exp()).abs() < 1e-6);
    }

    #[test]
    fn equals_a_convolution_on_a_padded_image() {
        let bytes: Vec<u8> = (0..3 * 100).map(|i| (i * 37 % 251) as u8).collect();
        let image = Picture::of(&bytes, 10, 10);
        let blurred = blur(&image, (1.0, 0.2));
        // A cross of five equal pixels, its rim softened by e^(-12.5) ≈ 4·10⁻⁶, which is left out here.
        for c in 0..3 {
            for y in 1..9 {
                for x in 1..9 {
                    let at = |y: usize, x: usize| f64::from(bytes[c * 100 + y * 10 + x]);
                    let mean = (at(y, x) + at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1)) / 5.0;
                    assert!((f64::from(blurred[c * 100 + y * 10 + x]) - (mean - 0.5)).abs() <= 0.51);
                }
            }
            let at = |y: usize, x: usize| f64::from(bytes[c * 100 + y * 10 + x]);
            let corner = (at(0, 0) + 2.0 * at(1, 0) + 2.0 * at(0, 1)) / 5.0;
            assert!((f64::from(blurred[c * 100]) - (corner - 0.5)).abs() <= 0.51);
        }
    }
}
