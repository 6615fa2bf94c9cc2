//! Whole batches, in parallel.

use super::{AugMix, augmix, crop_flip};
use crate::dice::Dice;
use rayon::prelude::*;

/// What is done to every image of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Black pixels around the image, of which a random crop cuts the image's size; `None`: the image stays as it is.
    pub crop: Option<usize>,
    /// Flip half of the cropped images left to right.
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

/// A batch that does not fit together.
#[derive(Debug, thiserror::Error)]
#[error(
    "a batch of {indices} images of {plane} values needs as many images and that many floats, not {images} and {floats}"
)]
pub struct AugmentError {
    /// How many indices came.
    indices: usize,
    /// Values of one image.
    plane: usize,
    /// How many images of the right length came.
    images: usize,
    /// Length of the batch.
    floats: usize,
}

/// What the dice's tag begins with, so that no other purpose draws the same numbers.
const TAG: u64 = u64::from_le_bytes(*b"augment\0");

/// Fills `batch` (N×C×H×W, values in \[0, 1\]) with augmented `images`, each C·H·W bytes of `shape` (C, H, W).
///
/// `indices` are the images' numbers in the data set. What an image becomes depends on it, on its number and on
/// `draw`, and on nothing else.
///
/// # Errors
/// When the lengths do not fit together.
pub fn fill_batch(
    batch: &mut [f32],
    images: &[&[u8]],
    indices: &[u64],
    shape: [usize; 3],
    augmentation: &Augmentation,
    draw: Draw,
) -> Result<(), AugmentError> {
    let plane: usize = shape.iter().product();
    let whole = images.iter().filter(|i| i.len() == plane).count();
    let fits = whole == images.len() && whole == indices.len() && batch.len() == whole * plane;
    if !fits {
        let (indices, floats) = (indices.len(), batch.len());
        return Err(AugmentError { indices, plane, images: whole, floats });
    }
    if plane == 0 {
        return Ok(());
    }
    let tag = [TAG, u64::from(draw.epoch) << 32 | u64::from(draw.view)];
    batch.par_chunks_exact_mut(plane).zip(images).zip(indices).for_each(|((out, image), index)| {
        let mut dice = Dice::tagged(draw.seed, tag, *index);
        augmentation.fill(out, image, shape, &mut dice);
    });
    Ok(())
}

impl Augmentation {
    fn fill(&self, out: &mut [f32], image: &[u8], shape: [usize; 3], dice: &mut Dice) {
        let cropped = self.crop.map(|pad| crop_flip(image, shape, pad, self.flip, dice));
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
        let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let mut batch = vec![-1.0; images.len() * 768];
        fill_batch(&mut batch, &images, numbers, SHAPE, augmentation, draw).unwrap();
        batch
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
    fn nothing_to_do_is_a_division() {
        let plain = Augmentation { crop: None, flip: true, augmix: None };
        let batch = filled(&[3], &plain, Draw { seed: 0, epoch: 0, view: 0 });
        assert!(batch.iter().zip(image(3)).all(|(f, b)| *f == f32::from(b) / 255.0));
    }

    #[test]
    fn lengths_must_fit() {
        let one = image(0);
        let (draw, mut batch) = (Draw { seed: 0, epoch: 0, view: 0 }, vec![0.0; 767]);
        assert!(fill_batch(&mut batch, &[&one], &[0], SHAPE, &BOTH, draw).is_err());
        assert!(fill_batch(&mut batch, &[&one[1..]], &[0], [1, 13, 59], &BOTH, draw).is_ok());
        assert!(fill_batch(&mut batch, &[&one], &[0, 1], SHAPE, &BOTH, draw).is_err());
    }
}
