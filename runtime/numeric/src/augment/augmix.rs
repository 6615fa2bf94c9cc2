//! AugMix: chains of operations, mixed with each other and with the image (Hendrycks et al. 2020, "AugMix: A simple
//! data processing method to improve robustness and uncertainty").

use super::operation::Operation;
use crate::dice::Dice;

/// Parameters of AugMix. The default is the published one: width 3, depth 1 to 3, severity 3, alpha 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugMix {
    /// How many chains are mixed.
    pub width: usize,
    /// The longest chain; lengths from 1 on are equally likely.
    pub depth: usize,
    /// The highest level of an operation, out of 10.
    pub severity: f64,
    /// Parameter of the Dirichlet distribution of the chains' weights and of the Beta distribution of their share.
    pub alpha: f64,
}

impl Default for AugMix {
    fn default() -> Self {
        AugMix { width: 3, depth: 3, severity: 3.0, alpha: 1.0 }
    }
}

/// The image, planes of `shape` (channels, height, width), mixed with chains of itself: f32 in \[0, 1\].
///
/// `(1 - m)·image + m·Σ wᵢ·chainᵢ(image)` with `w` from Dirichlet and `m` from Beta, as shares of 255. The weights sum
/// to 1, so normalising the mix is mixing normalised images.
pub fn augmix(image: &[u8], shape: [usize; 3], settings: &AugMix, rng: &mut Dice) -> Vec<f32> {
    let weights = rng.dirichlet(settings.alpha, settings.width);
    let share = if settings.width == 0 { 0.0 } else { rng.beta(settings.alpha, settings.alpha) };
    let scaled = |weight: f64| (weight / 255.0) as f32;
    let mut mix: Vec<f32> = image.iter().map(|v| scaled(1.0 - share) * f32::from(*v)).collect();
    for weight in weights {
        let chain = chain(image, shape, settings, rng);
        let weight = scaled(share * weight);
        mix.iter_mut().zip(&chain).for_each(|(sum, v)| *sum += weight * f32::from(*v));
    }
    // The rounded weights may sum to a hair more than 1.
    mix.iter_mut().for_each(|v| *v = v.min(1.0));
    mix
}

fn chain(image: &[u8], shape: [usize; 3], settings: &AugMix, rng: &mut Dice) -> Vec<u8> {
    let length = 1 + rng.below(settings.depth);
    let steps = (0..length).map(|_| {
        let operation = Operation::ALL[rng.below(Operation::ALL.len())];
        operation.draw(settings.severity, shape, rng)
    });
    let steps: Vec<_> = steps.collect();
    steps.into_iter().fold(image.to_vec(), |image, step| step.apply(image, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [3, 32, 32];

    fn image() -> Vec<u8> {
        (0..3072).map(|i| (i * 7 % 256) as u8).collect()
    }

    #[test]
    fn bounded_and_reproducible() {
        for seed in 0..200 {
            let mixed = |seed| augmix(&image(), SHAPE, &AugMix::default(), &mut Dice::new(seed, 0));
            assert!(mixed(seed).iter().all(|v| (0.0..=1.0).contains(v)));
            assert_eq!(mixed(seed), mixed(seed));
            assert_ne!(mixed(seed), mixed(seed + 1));
        }
    }

    #[test]
    fn no_chain_is_the_image() {
        let plain = AugMix { width: 0, ..AugMix::default() };
        let mixed = augmix(&image(), SHAPE, &plain, &mut Dice::new(0, 0));
        for (found, byte) in mixed.iter().zip(image()) {
            assert!((found - f32::from(byte) / 255.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_mix_lies_between_image_and_chains() {
        // White stays white under every operation but shifts (black edges) and solarize (black): a mix of 0 and 1.
        let white = vec![255u8; 3072];
        let mut total = 0.0;
        for seed in 0..400 {
            let mixed = augmix(&white, SHAPE, &AugMix::default(), &mut Dice::new(seed, 0));
            total += f64::from(mixed[16 * 32 + 16]);
        }
        // In the middle only solarize (1 of 9, level above 0) and posterize (240 or 224) change it.
        assert!((0.75..0.98).contains(&(total / 400.0)), "{}", total / 400.0);
    }

    #[test]
    fn chains_have_one_to_three_steps() {
        // A severity of 0.1 leaves translations at 0 pixels, so most single steps keep a full-range ramp as it is.
        let lengths = [1, 2, 3].map(|depth| {
            let settings = AugMix { depth, ..AugMix::default() };
            let changed = (0..300)
                .filter(|seed| chain(&image(), SHAPE, &settings, &mut Dice::new(*seed, 1)) != image());
            changed.count()
        });
        assert!(lengths[0] < lengths[1] && lengths[1] < lengths[2], "{lengths:?}");
    }
}
