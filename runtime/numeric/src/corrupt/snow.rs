//! Snow: a whitened image, and flakes blown from above that are laid over it twice.

use super::levels::SnowLevel;
use super::picture::Picture;
use super::{motion, zoom};
use crate::dice::Dice;

/// `keep·x + (1 - keep)·max(x, 1.5·grey + 0.5)` plus the flakes plus the flakes turned by 180°.
pub(super) fn snow(image: &Picture, level: &SnowLevel, dice: &mut Dice) -> Vec<u8> {
    let flakes = flakes(image.height, image.width, level, dice);
    let size = image.height * image.width;
    let white: Vec<f64> = (0..size).map(|i| image.luma(i) * 1.5 + 0.5).collect();
    let values = image.values.iter().enumerate().map(|(i, x)| {
        let i = i % size;
        level.keep * x + (1.0 - level.keep) * x.max(white[i]) + flakes[i] + flakes[size - 1 - i]
    });
    image.with(values).bytes_single()
}

/// One plane of flakes, shares of the full range: normal noise, enlarged, cut below the threshold, reduced to bytes
/// and blurred along a direction between 45° and 135° upwards.
fn flakes(height: usize, width: usize, level: &SnowLevel, dice: &mut Dice) -> Vec<f64> {
    let (mean, deviation) = level.noise;
    let noise = Picture::plane(height, width, |_, _| mean + deviation * dice.normal());
    let mut large = zoom::enlarge(&noise, level.zoom);
    large.values.iter_mut().filter(|v| **v < level.threshold).for_each(|v| *v = 0.0);
    let still = Picture::of(&large.bytes(), height, width);
    let blown = motion::along(&still, level.blur.0, level.blur.1, dice.uniform(-135.0, -45.0));
    blown.iter().map(|b| f64::from(*b) / 255.0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::levels::Levels;
    use super::*;

    #[test]
    fn without_flakes_the_image_is_whitened_exactly() {
        let bytes: Vec<u8> = (0..3 * 64).map(|i| (i * 5 % 256) as u8).collect();
        for keep in [0.95, 0.8] {
            let level = SnowLevel { noise: (0.0, 0.1), zoom: 1.0, threshold: 2.0, blur: (8, 3.0), keep };
            let snowy = snow(&Picture::of(&bytes, 8, 8), &level, &mut Dice::new(0, 0));
            for i in 0..64 {
                let rgb = [0, 1, 2].map(|c| f64::from(bytes[c * 64 + i]));
                let white = 1.5 * (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) + 127.5;
                for c in 0..3 {
                    let wanted = (keep * rgb[c] + (1.0 - keep) * rgb[c].max(white)).min(255.0);
                    assert!((f64::from(snowy[c * 64 + i]) + 0.5 - wanted).abs() <= 0.501);
                }
            }
        }
    }

    #[test]
    fn flakes_have_the_mass_that_their_noise_predicts() {
        // Blurring keeps the sum but for the borders, so the mean is that of the thresholded normal density.
        for (severity, slack) in [(0, 0.15), (1, 0.15)] {
            let level = &Levels::of(32, 32).snow[severity];
            let (mean, deviation) = level.noise;
            let mut wanted = 0.0;
            for k in 0..4000 {
                let x = level.threshold + f64::from(k) * 0.0005;
                let density = (-0.5 * ((x - mean) / deviation).powi(2)).exp();
                wanted += x.min(1.0) * density * 0.0005 / (deviation * std::f64::consts::TAU.sqrt());
            }
            let mut sum = 0.0;
            for seed in 0..300 {
                let fallen = flakes(32, 32, level, &mut Dice::new(seed, 0));
                sum += fallen.iter().sum::<f64>() / 1024.0;
            }
            assert!((sum / 300.0 / wanted - 1.0).abs() < slack, "{} {wanted}", sum / 300.0);
        }
    }

    #[test]
    fn flakes_lie_over_the_image_with_their_own_half_turn() {
        // On black the flakes are seen alone, apart from the whitening.
        let level = &Levels::of(32, 32).snow[4];
        let snowy = snow(&Picture::of(&[0; 3 * 1024], 32, 32), level, &mut Dice::new(4, 0));
        let turned: Vec<u8> = snowy[..1024].iter().rev().copied().collect();
        assert_eq!(snowy[..1024], turned[..]);
        assert!(snowy.iter().max() > snowy.iter().min());
    }
}
