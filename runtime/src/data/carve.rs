//! Which training images are kept aside for validation.

use std::path::Path;

use crate::dice::Dice;

use super::dataset::thousands;
use super::{DataError, DataSpec, Split};

/// The indices of a split over all images of its files, ascending, the first `limit` of them; and how they came about. `sizes` are
/// the images in each file, `place` is where they lie.
///
/// # Errors
/// Those of [`training`]; no image.
pub(super) fn wanted(
    spec: &DataSpec,
    split: Split,
    sizes: &[usize],
    place: &Path,
    limit: Option<usize>,
) -> Result<(Vec<usize>, Vec<String>), DataError> {
    let (mut wanted, advice) = match split {
        Split::Test => ((0..sizes.iter().sum()).collect(), "its files hold no images; fetch them again"),
        Split::Train => (training(spec, split, sizes, place)?, "its files hold no images; fetch them again"),
        Split::Val => {
            (training(spec, split, sizes, place)?, "write a val= above zero, or add training files")
        }
    };
    if wanted.is_empty() {
        return Err(DataError::empty_split(split, spec, advice));
    }
    let notices = notices(spec, split, wanted.len());
    wanted.truncate(limit.unwrap_or(usize::MAX));
    Ok((wanted, notices))
}

/// The indices of the training or of the validation split over all training images, ascending. `sizes` are the images in
/// each training file, `place` is where they lie.
///
/// # Errors
/// `val=` or `train=` of the spec cannot be had.
pub(super) fn training(
    spec: &DataSpec,
    split: Split,
    sizes: &[usize],
    place: &Path,
) -> Result<Vec<usize>, DataError> {
    let total: usize = sizes.iter().sum();
    let val = spec.val().unwrap_or_else(|| default_val(total));
    if val >= total && val > 0 {
        let advice = "write a smaller val, some must be left to train on";
        return Err(DataError::too_many(
            format!("val={val}"),
            total,
            format!("in {}", place.display()),
            advice,
        ));
    }
    let held_out = carve(sizes, val, spec.seed());
    if split == Split::Val {
        return Ok(held_out);
    }
    let take = train_size(spec, total - held_out.len(), || {
        format!("in {}, without the {val} of the validation split", place.display())
    })?;
    let mut held_out = held_out.into_iter().peekable();
    Ok((0..total).filter(|i| held_out.next_if_eq(i).is_none()).take(take).collect())
}

/// Says that a validation split of `images` images was carved; nothing of other splits.
pub(super) fn notices(spec: &DataSpec, split: Split, images: usize) -> Vec<String> {
    match split {
        Split::Val => {
            let (n, seed) = (thousands(images), spec.seed());
            vec![format!(
                "Validation: {n} images carved from the training images by seed {seed}, and not trained on."
            )]
        }
        Split::Train | Split::Test => vec![],
    }
}

/// How many of the `left` training images to use: all without a `train=`.
///
/// # Errors
/// `train=` asks for more than there are where `circumstance` says.
pub(super) fn train_size(
    spec: &DataSpec,
    left: usize,
    circumstance: impl FnOnce() -> String,
) -> Result<usize, DataError> {
    let take = spec.train().unwrap_or(left);
    if take > left {
        let advice = "write a smaller train= or val=";
        return Err(DataError::too_many(format!("train={take}"), left, circumstance(), advice));
    }
    Ok(take)
}

/// The validation size when none is asked for: 2,000, or a fifth of the training images when that is less.
fn default_val(total: usize) -> usize {
    2000.min(total / 5)
}

/// Draws `val` of the training images by `seed`, ascending. `sizes` are the images in each training file.
///
/// They come from the last files only, as few as hold twice `val`, so that opening a validation split does
/// not unpack every file. `val` must not exceed the sum of `sizes`.
fn carve(sizes: &[usize], val: usize, seed: u64) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let mut window = 0;
    for size in sizes.iter().rev() {
        if window >= val.saturating_mul(2) {
            break;
        }
        window += size;
    }
    let mut drawn = Dice::new(seed, u64::MAX).some(val, window);
    drawn.sort_unstable();
    drawn.into_iter().map(|i| total - window + i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_distinct_images_of_the_last_file() {
        let val = carve(&[10_000; 5], 2000, 0);
        assert_eq!(val.len(), 2000);
        assert!(val.windows(2).all(|w| w[0] < w[1]));
        assert!(val[0] >= 40_000);
    }

    #[test]
    fn widens_when_the_last_file_is_small() {
        assert!(carve(&[100, 100, 10], 40, 0)[0] < 200);
        assert_eq!(carve(&[3], 3, 0), [0, 1, 2]);
        assert!(carve(&[], 0, 0).is_empty());
    }

    #[test]
    fn seed_decides() {
        assert_eq!(carve(&[1000], 10, 5), carve(&[1000], 10, 5));
        assert_ne!(carve(&[1000], 10, 5), carve(&[1000], 10, 6));
    }
}
