//! Motion blur as ImageMagick's `MotionBlurImage` does it: half a Gaussian along a line of whole pixels.

use super::picture::{Picture, nearest};
use crate::dice::Dice;

/// The radius and the deviation (pixels) come from the severity; the direction is within 45° of the rows.
pub(super) fn blur(image: &Picture, (radius, sigma): (usize, f64), dice: &mut Dice) -> Vec<u8> {
    along(image, radius, sigma, dice.uniform(-45.0, 45.0))
}

/// Blurs along `degrees` (0 points to the right, 90 down) and rounds to bytes. The border pixel goes on for ever.
pub(super) fn along(image: &Picture, radius: usize, sigma: f64, degrees: f64) -> Vec<u8> {
    let blurred = image.correlate(&line(radius, sigma, degrees), nearest);
    blurred.values.iter().map(|v| (v * 255.0).round() as u8).collect()
}

/// Row offset, column offset and weight of each of the `2·radius + 1` samples; the first is the pixel itself.
fn line(radius: usize, sigma: f64, degrees: f64) -> Vec<(isize, isize, f64)> {
    let bell: Vec<f64> =
        (0..=2 * radius).map(|i| (-((i * i) as f64) / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f64 = bell.iter().sum();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let step = |i: usize, along: f64| (i as f64 * along - 0.5).ceil() as isize;
    bell.iter().enumerate().map(|(i, w)| (step(i, sin), step(i, cos), w / sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_convolved_with_half_a_gaussian() {
        let bytes: Vec<u8> = (0..3 * 400).map(|i| (i * 91 % 256) as u8).collect();
        for (radius, sigma) in [(6, 1.0), (9, 2.5)] {
            let blurred = along(&Picture::of(&bytes, 20, 20), radius, sigma, 0.0);
            for (i, found) in blurred.iter().enumerate() {
                let (start, x) = (i - i % 20, i % 20);
                let (mut sum, mut weights) = (0.0, 0.0);
                for k in 0..=2 * radius {
                    let w = (-0.5 * (k as f64 / sigma).powi(2)).exp();
                    sum += w * f64::from(bytes[start + (x + k).min(19)]);
                    weights += w;
                }
                assert!((f64::from(*found) - sum / weights).abs() <= 0.5 + 1e-9);
            }
        }
    }

    #[test]
    fn offsets_follow_the_angle() {
        let offsets =
            |degrees| -> Vec<(isize, isize)> { line(2, 1.0, degrees).iter().map(|t| (t.0, t.1)).collect() };
        assert_eq!(offsets(45.0), [(0, 0), (1, 1), (1, 1), (2, 2), (3, 3)]);
        assert_eq!(offsets(-90.0), [(0, 0), (-1, 0), (-2, 0), (-3, 0), (-4, 0)]);
    }

    #[test]
    fn flat_images_stay() {
        let flat = vec![131u8; 3 * 64];
        assert_eq!(blur(&Picture::of(&flat, 8, 8), (9, 2.5), &mut Dice::new(0, 0)), flat);
    }
}
