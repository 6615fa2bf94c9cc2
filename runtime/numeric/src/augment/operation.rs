//! AugMix's nine operations and what a level means for each (the release's `augmentations.py`, Hendrycks et al. 2020).

use super::affine::{Affine, transform};
use super::tone;
use crate::dice::Dice;

relinc_passes::words! {
    /// An operation of AugMix's default list: those that no test corruption resembles.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Operation {
        AutoContrast = "autocontrast",
        Equalize = "equalize",
        Posterize = "posterize",
        Rotate = "rotate",
        Solarize = "solarize",
        ShearX = "shear_x",
        ShearY = "shear_y",
        TranslateX = "translate_x",
        TranslateY = "translate_y",
    }
}

/// An operation with its parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    AutoContrast,
    Equalize,
    /// Bits that are kept.
    Posterize(u32),
    /// The first value that is inverted.
    Solarize(u32),
    Affine(Affine),
}

impl Operation {
    /// Draws a level between 0.1 and `severity` and a sign, and makes a step for images of `shape` of them.
    pub(super) fn draw(self, severity: f64, shape: [usize; 3], rng: &mut Dice) -> Step {
        let level = rng.uniform(0.1, severity.max(0.1));
        let sign = if rng.below(2) == 1 { -1.0 } else { 1.0 };
        self.step(level, sign, shape)
    }

    /// The step of a `level` out of 10. Levels of whole parameters are cut off; `sign` is 1 or -1.
    fn step(self, level: f64, sign: f64, [_, height, width]: [usize; 3]) -> Step {
        let part = level / 10.0;
        let whole = |most: f64| (level * most / 10.0).trunc();
        match self {
            Operation::AutoContrast => Step::AutoContrast,
            Operation::Equalize => Step::Equalize,
            Operation::Posterize => Step::Posterize((4.0 - whole(4.0)).max(0.0) as u32),
            Operation::Solarize => Step::Solarize((256.0 - whole(256.0)).max(0.0) as u32),
            Operation::Rotate => Step::Affine(Affine::turn(sign * whole(30.0), height, width)),
            Operation::ShearX => Step::Affine(Affine([1.0, sign * 0.3 * part, 0.0, 0.0, 1.0, 0.0])),
            Operation::ShearY => Step::Affine(Affine([1.0, 0.0, 0.0, sign * 0.3 * part, 1.0, 0.0])),
            Operation::TranslateX => {
                Step::Affine(Affine([1.0, 0.0, sign * whole(width as f64 / 3.0), 0.0, 1.0, 0.0]))
            }
            Operation::TranslateY => {
                Step::Affine(Affine([1.0, 0.0, 0.0, 0.0, 1.0, sign * whole(height as f64 / 3.0)]))
            }
        }
    }
}

impl Step {
    /// The image, planes of `shape`, after this step.
    pub(super) fn apply(self, mut image: Vec<u8>, shape: [usize; 3]) -> Vec<u8> {
        let plane = shape[1] * shape[2];
        match self {
            Step::AutoContrast => tone::autocontrast(&mut image, plane),
            Step::Equalize => tone::equalize(&mut image, plane),
            Step::Posterize(bits) => tone::posterize(&mut image, bits),
            Step::Solarize(threshold) => tone::solarize(&mut image, threshold),
            Step::Affine(map) => return transform(&image, shape, map),
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [3, 32, 32];

    #[test]
    fn levels_are_the_published_ones() {
        let step = |o: Operation, level| o.step(level, 1.0, SHAPE);
        assert_eq!(step(Operation::Posterize, 2.49), Step::Posterize(4));
        assert_eq!(step(Operation::Posterize, 2.5), Step::Posterize(3));
        assert_eq!(step(Operation::Posterize, 10.0), Step::Posterize(0));
        assert_eq!(step(Operation::Solarize, 3.0), Step::Solarize(256 - 76));
        assert_eq!(step(Operation::Solarize, 0.1), Step::Solarize(254));
        assert_eq!(step(Operation::Rotate, 2.99), Step::Affine(Affine::turn(8.0, 32, 32)));
        let Step::Affine(Affine(shear)) = Operation::ShearY.step(2.0, -1.0, SHAPE) else { panic!("no map") };
        assert!((shear[3] + 0.06).abs() < 1e-12);
        // A third of 32 pixels at level 3 is 3.2, cut off to 3.
        let shift = Step::Affine(Affine([1.0, 0.0, -3.0, 0.0, 1.0, 0.0]));
        assert_eq!(Operation::TranslateX.step(3.0, -1.0, SHAPE), shift);
        let shift = Step::Affine(Affine([1.0, 0.0, 0.0, 0.0, 1.0, 6.0]));
        assert_eq!(Operation::TranslateY.step(3.0, 1.0, [3, 64, 64]), shift);
    }

    #[test]
    fn both_signs_are_drawn() {
        let mut dice = Dice::new(0, 0);
        let shears = (0..1000).map(|_| match Operation::ShearX.draw(3.0, SHAPE, &mut dice) {
            Step::Affine(Affine(map)) => map[1],
            other => panic!("{other:?}"),
        });
        let shears: Vec<f64> = shears.collect();
        assert!(shears.iter().all(|s| (0.003..0.09).contains(&s.abs())));
        let negative = shears.iter().filter(|s| **s < 0.0).count();
        assert!((450..550).contains(&negative), "{negative}");
    }
}
