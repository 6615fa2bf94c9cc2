//! Gaussian, shot and impulse noise: every value of every channel by itself.

use super::picture::Picture;
use crate::dice::Dice;

/// Adds normal noise of standard deviation `sigma`.
pub(super) fn gaussian(image: &Picture, sigma: f64, dice: &mut Dice) -> Vec<u8> {
    every(image, |x| x + sigma * dice.normal())
}

/// Counts photons, of which a full value sends `photons` on average.
pub(super) fn shot(image: &Picture, photons: f64, dice: &mut Dice) -> Vec<u8> {
    every(image, |x| f64::from(dice.poisson(x * photons)) / photons)
}

/// Replaces the share `amount` of the values, half of them by white and half by black.
pub(super) fn impulse(image: &Picture, amount: f64, dice: &mut Dice) -> Vec<u8> {
    every(image, |x| match dice.unit() {
        u if u < amount / 2.0 => 1.0,
        u if u < amount => 0.0,
        _ => x,
    })
}

fn every(image: &Picture, mut change: impl FnMut(f64) -> f64) -> Vec<u8> {
    image.with(image.values.iter().map(|x| change(*x))).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: u8) -> Picture {
        Picture::of(&vec![value; 3 * 64 * 64], 64, 64)
    }

    /// Mean and standard deviation of bytes, as shares of 255; the half step that truncation takes is given back.
    fn moments(bytes: &[u8]) -> (f64, f64) {
        let n = bytes.len() as f64;
        let mean = bytes.iter().map(|b| (f64::from(*b) + 0.5) / 255.0).sum::<f64>() / n;
        let square = bytes.iter().map(|b| ((f64::from(*b) + 0.5) / 255.0 - mean).powi(2)).sum::<f64>() / n;
        (mean, square.sqrt())
    }

    #[test]
    fn gaussian_noise_has_its_deviation() {
        for sigma in [0.04, 0.10] {
            let (mean, deviation) = moments(&gaussian(&grey(127), sigma, &mut Dice::new(0, 0)));
            assert!((mean - 127.0 / 255.0).abs() < 0.004, "{mean}");
            assert!((deviation / sigma - 1.0).abs() < 0.03, "{deviation}");
        }
    }

    #[test]
    fn shot_noise_grows_with_the_root_of_light() {
        for photons in [500.0, 50.0] {
            for value in [40, 120] {
                let light = f64::from(value) / 255.0;
                let (mean, deviation) = moments(&shot(&grey(value), photons, &mut Dice::new(1, 0)));
                assert!((mean - light).abs() < 0.006, "{mean}");
                assert!((deviation / (light / photons).sqrt() - 1.0).abs() < 0.03, "{deviation}");
            }
        }
        assert!(shot(&grey(0), 50.0, &mut Dice::new(1, 0)).iter().all(|b| *b == 0));
    }

    #[test]
    fn impulse_noise_replaces_its_share_and_nothing_else() {
        for amount in [0.01, 0.07] {
            let noisy = impulse(&grey(100), amount, &mut Dice::new(2, 0));
            let share = |value: u8| noisy.iter().filter(|b| **b == value).count() as f64 / noisy.len() as f64;
            assert!((share(255) - amount / 2.0).abs() < 0.004);
            assert!((share(0) - amount / 2.0).abs() < 0.004);
            assert!((share(100) - (1.0 - amount)).abs() < 0.006);
            assert!(noisy.iter().all(|b| [0, 100, 255].contains(b)));
        }
    }
}
