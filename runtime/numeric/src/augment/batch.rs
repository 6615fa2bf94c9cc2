//! Whole batches, in parallel.

use super::{AugMix, augmix, crop_flip};
use crate::dice::Dice;
use rayon::prelude::*;

/// What is done to every image of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Black pixels around the image, of which a random crop cuts the image's size; `None`: the image stays as it is.
    pub crop: Option<usize>,
    /// Flip cropped images left to right, half of them in one epoch and the other half in the next (Jordan 2024, arXiv 2404.00498).
    pub flip: bool,
    /// AugMix after the crop.
    pub augmix: Option<AugMix>,
}

/// Which random numbers a batch gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Of the training run.
    pub seed: u64,
    /// Every epoch draws anew.
    pub epoch: u32,
    /// Views of the same image in one epoch draw independently.
    pub view: u32,
}

/// What the dice's tags begin with, so that no other purpose draws the same numbers.
const TAG: u64 = u64::from_le_bytes(*b"augment\0");
const MIRROR: u64 = u64::from_le_bytes(*b"mirror\0\0");

/// The batch (N×C×H×W, values in \[0, 1\]) of augmented `images`: their numbers in the data set, and C·H·W bytes of `shape` (C, H, W)
/// of each; other lengths are a programming error and panic.
///
/// What an image becomes depends on it, on its number and on `draw`, and on nothing else.
pub fn augmented(
    images: &[(u64, &[u8])],
    shape: [usize; 3],
    augmentation: &Augmentation,
    draw: Draw,
) -> Vec<f32> {
    let plane: usize = shape.iter().product();
    assert!(images.iter().all(|(_, image)| image.len() == plane));
    let mut batch = vec![0.0; images.len() * plane];
    let tag = [TAG, u64::from(draw.epoch) << 32 | u64::from(draw.view)];
    batch.par_chunks_exact_mut(plane.max(1)).zip(images).for_each(|(out, (number, image))| {
        let mut dice = Dice::tagged(draw.seed, tag, *number);
        let flip = augmentation.flip && draw.flips(*number);
        augmentation.fill(out, image, shape, flip, &mut dice);
    });
    batch
}

impl Draw {
    /// Is an image flipped in this epoch? By lot in the first one, then in every second.
    fn flips(&self, number: u64) -> bool {
        let first = Dice::tagged(self.seed, [MIRROR, u64::from(self.view)], number).below(2) as u32;
        (first ^ self.epoch) & 1 == 1
    }
}

impl Augmentation {
    fn fill(&self, out: &mut [f32], image: &[u8], shape: [usize; 3], flip: bool, dice: &mut Dice) {
        let cropped = self.crop.map(|pad| crop_flip(image, shape, pad, flip, dice));
        let image = cropped.as_deref().unwrap_or(image);
        match &self.augmix {
            Some(settings) => out.copy_from_slice(&augmix(image, shape, settings, dice)),
            None => out.iter_mut().zip(image).for_each(|(out, v)| *out = f32::from(*v) / 255.0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SHAPE: [usize; 3] = [3, 16, 16];
    const BOTH: Augmentation = Augmentation {
        flip: true,
        crop: Some(4),
        augmix: Some(AugMix { width: 3, depth: 3, severity: 3.0, alpha: 1.0 }),
    };

    fn image(k: usize) -> Vec<u8> {
        (0..768).map(|i| ((i * 5 + k * 31) % 256) as u8).collect()
    }

    fn filled(numbers: &[u64], augmentation: &Augmentation, draw: Draw) -> Vec<f32> {
        let images: Vec<Vec<u8>> = numbers.iter().map(|k| image(*k as usize)).collect();
        let images: Vec<(u64, &[u8])> =
            numbers.iter().copied().zip(images.iter().map(Vec::as_slice)).collect();
        augmented(&images, SHAPE, augmentation, draw)
    }

    #[test]
    fn an_image_does_not_depend_on_its_company() {
        let draw = Draw { seed: 1, epoch: 2, view: 0 };
        let batch = filled(&[5, 9, 13], &BOTH, draw);
        assert_eq!(batch[768..1536], filled(&[9], &BOTH, draw)[..]);
        assert!(batch.iter().all(|v| (0.0..=1.0).contains(v)));
    }

    #[test]
    fn seeds_epochs_and_views_draw_anew() {
        let draw = Draw { seed: 1, epoch: 2, view: 0 };
        let others = [Draw { seed: 2, ..draw }, Draw { epoch: 3, ..draw }, Draw { view: 1, ..draw }];
        for other in others {
            assert_ne!(filled(&[5], &BOTH, draw), filled(&[5], &BOTH, other));
        }
    }

    #[test]
    fn every_image_is_flipped_in_every_second_epoch() {
        let a = Augmentation { crop: Some(0), flip: true, augmix: None };
        let at = |k, epoch| filled(&[k], &a, Draw { seed: 3, epoch, view: 0 });
        let plain = |k| filled(&[k], &Augmentation { flip: false, ..a }, Draw { seed: 3, epoch: 0, view: 0 });
        let flipped = |epoch| (0..400).filter(|&k| at(k, epoch) != plain(k)).count();
        assert!((0..400).all(|k| at(k, 0) != at(k, 1) && at(k, 0) == at(k, 2)));
        assert!((160..240).contains(&flipped(0)), "{}", flipped(0));
    }

    #[test]
    fn nothing_to_do_is_a_division() {
        let plain = Augmentation { crop: None, flip: true, augmix: None };
        let batch = filled(&[3], &plain, Draw { seed: 0, epoch: 0, view: 0 });
        assert!(batch.iter().zip(image(3)).all(|(f, b)| *f == f32::from(b) / 255.0));
    }

    #[test]
    fn grey_images_of_any_sides() {
        let one = image(0);
        let draw = Draw { seed: 0, epoch: 0, view: 0 };
        assert_eq!(augmented(&[(0, &one[1..])], [1, 13, 59], &BOTH, draw).len(), 767);
    }

    #[test]
    #[should_panic(expected = "image.len() == plane")]
    fn lengths_must_fit() {
        augmented(&[(0, &image(0)[1..])], SHAPE, &BOTH, Draw { seed: 0, epoch: 0, view: 0 });
    }
}
