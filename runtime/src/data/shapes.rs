//! `shapes`: a built-in data set of drawn figures, for examples and tests that must run anywhere.
//!
//! Image `i` of a split is a pure function of the seed, the split and `i`: the same on every machine, with any
//! number of threads and whatever the limit. The label of image `i` is `i mod 10`, so every prefix is balanced.

use rayon::prelude::*;

use super::dice::Dice;
use super::figures::NAMES;
use super::paint::{SIDE, paint};
use super::{DataError, DataSpec, Dataset, Kind, Split};

const IMAGE: usize = 3 * SIDE * SIDE;

/// Bytes of pixels that a split may hold: 2³⁶, over twenty million images.
const MOST: usize = (1 << 36) / IMAGE;

/// Images in a split when the spec does not say.
fn default_size(split: Split) -> usize {
    match split {
        Split::Train => 20_000,
        Split::Val | Split::Test => 2_000,
    }
}

/// Draws one split, the first `limit` images of it; see [`DataSpec::open`].
pub(super) fn open(spec: &DataSpec, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    let (option, asked) = match split {
        Split::Train => ("train", spec.train()),
        Split::Val => ("val", spec.val()),
        Split::Test => ("test", None),
    };
    let size = asked.unwrap_or(default_size(split));
    if size == 0 {
        return Err(DataError::EmptySplit {
            split: split.name(),
            spec: spec.to_string(),
            advice: format!("write a {option}= above zero"),
        });
    }
    let size = size.min(limit.unwrap_or(usize::MAX));
    if size > MOST {
        return Err(DataError::BadOption {
            option: option.to_owned(),
            value: size.to_string(),
            expected: format!("at most {MOST} images"),
        });
    }
    let mut pixels = vec![0; size * IMAGE];
    pixels
        .par_chunks_exact_mut(IMAGE)
        .enumerate()
        .for_each(|(index, image)| paint(label(index), &mut dice(spec.seed(), split, index), image));
    Ok(Dataset {
        kind: Kind::Shapes,
        split,
        normalize: spec.normalize(),
        class_names: NAMES.iter().map(|n| (*n).to_owned()).collect(),
        image_shape: [3, SIDE, SIDE],
        pixels,
        labels: (0..size).map(|i| label(i) as u16).collect(),
    })
}

fn label(index: usize) -> usize {
    index % NAMES.len()
}

/// The dice of one image: a ChaCha stream of its own.
fn dice(seed: u64, split: Split, index: usize) -> Dice {
    let split = match split {
        Split::Train => 0u64,
        Split::Val => 1,
        Split::Test => 2,
    };
    Dice::new(seed, (split << 56) | index as u64)
}
