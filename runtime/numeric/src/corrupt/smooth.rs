//! The Gaussian filter of scikit-image: a truncated kernel along rows, then along columns.

use super::picture::Picture;

/// Smooths every plane with standard deviation `sigma` (pixels). The kernel ends at `truncate` deviations; `border`
/// brings indices home. A deviation of 0 changes nothing.
pub(super) fn gaussian(
    image: &Picture,
    sigma: f64,
    truncate: f64,
    border: fn(isize, usize) -> usize,
) -> Picture {
    let half = half_kernel(sigma, truncate);
    if half.len() == 1 {
        return image.clone();
    }
    let (height, width) = (image.height, image.width);
    let down = image.map(|plane, y, x| weigh(&half, |i| plane[border(y as isize + i, height) * width + x]));
    down.map(|plane, y, x| weigh(&half, |i| plane[y * width + border(x as isize + i, width)]))
}

/// Weights of the distances 0, 1, 2, …; both sides together sum to 1.
fn half_kernel(sigma: f64, truncate: f64) -> Vec<f64> {
    if sigma <= 0.0 {
        return vec![1.0];
    }
    let radius = (truncate * sigma + 0.5) as usize;
    let bell: Vec<f64> = (0..=radius).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * bell.iter().sum::<f64>() - bell[0];
    bell.iter().map(|w| w / sum).collect()
}

fn weigh(half: &[f64], at: impl Fn(isize) -> f64) -> f64 {
    let sides = half.iter().enumerate().skip(1).rev();
    let start = at(0) * half[0];
    sides.fold(start, |sum, (i, w)| sum + (at(i as isize) + at(-(i as isize))) * w)
}

#[cfg(test)]
mod tests {
    use super::super::picture::{mirror, nearest};
    use super::*;

    #[test]
    fn equals_a_direct_two_dimensional_sum() {
        let image = Picture::plane(9, 12, |y, x| ((y * 5 + x * x * 3) % 17) as f64 / 17.0);
        for (sigma, truncate, border) in [
            (0.4, 4.0, nearest as fn(isize, usize) -> usize),
            (1.9, 3.0, mirror as fn(isize, usize) -> usize),
        ] {
            let smooth = gaussian(&image, sigma, truncate, border);
            let radius = (truncate * sigma + 0.5) as isize;
            let bell = |d: isize| (-(d * d) as f64 / (2.0 * sigma * sigma)).exp();
            for y in 0..9isize {
                for x in 0..12isize {
                    let (mut sum, mut weights) = (0.0, 0.0);
                    for dy in -radius..=radius {
                        for dx in -radius..=radius {
                            let w = bell(dy) * bell(dx);
                            sum += w * image.values[border(y + dy, 9) * 12 + border(x + dx, 12)];
                            weights += w;
                        }
                    }
                    assert!((smooth.values[(y * 12 + x) as usize] - sum / weights).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_narrow_kernel_is_one_pixel() {
        assert_eq!(half_kernel(0.05, 4.0), [1.0]);
        assert_eq!(half_kernel(0.25, 4.0).len(), 2);
        assert_eq!(half_kernel(0.4, 4.0).len(), 3);
    }
}
