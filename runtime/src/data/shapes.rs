//! `shapes`: a built-in data set of drawn figures, for examples and tests that must run anywhere.
//!
//! Image `i` of a split is a pure function of the seed, the split and `i`: the same on every machine, with any
//! number of threads and whatever the limit. The label of image `i` is `i mod 10`, so every prefix is balanced.

use rayon::prelude::*;

use super::figures::NAMES;
use super::paint::{SIDE, paint};
use super::{DataError, DataSpec, Dataset, Split, names};
use crate::dice::Dice;

const IMAGE: usize = 3 * SIDE * SIDE;

/// Channels, height and width of an image.
pub(super) const SHAPE: [usize; 3] = [3, SIDE, SIDE];

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
        return Err(DataError::empty_split(split, spec, &format!("write a {option}= above zero")));
    }
    let size = size.min(limit.unwrap_or(usize::MAX));
    if size > MOST {
        return Err(DataError::option(option, size, format!("at most {MOST} images")));
    }
    let mut pixels = vec![0; size * IMAGE];
    pixels
        .par_chunks_exact_mut(IMAGE)
        .enumerate()
        .for_each(|(index, image)| paint(label(index), &mut dice(spec.seed(), split, index), image));
    Ok(Dataset {
        class_names: class_names(),
        image_shape: SHAPE,
        pixels,
        labels: (0..size).map(|i| label(i) as u16).collect(),
        ..Dataset::empty(spec, split)
    })
}

/// By label.
pub(super) fn class_names() -> Vec<String> {
    names::owned(&NAMES)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn images(spec: &str, split: Split, limit: usize) -> Dataset {
        spec.parse::<DataSpec>().unwrap().open(split, Some(limit)).unwrap()
    }

    fn hash(bytes: &[u8]) -> u64 {
        crate::fnv::fingerprint(bytes.iter().map(|&b| b.into()))
    }

    #[test]
    fn pixels_are_pinned() {
        // A change here changes what every published accuracy on shapes means.
        let hashes = Split::ALL.map(|split| hash(images("shapes", split, 50).all_pixels()));
        assert_eq!(hashes, [8_786_453_249_485_201_179, 4_308_212_519_471_020_877, 1_214_719_201_705_770_595]);
        assert_eq!(hash(images("shapes?seed=1", Split::Test, 50).all_pixels()), 15_392_346_161_986_203_076);
    }

    #[test]
    fn independent_of_threads_and_limit() {
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let one = alone.install(|| images("shapes?seed=9", Split::Val, 64));
        let many = rayon::ThreadPoolBuilder::new().num_threads(7).build().unwrap();
        let seven = many.install(|| images("shapes?seed=9", Split::Val, 64));
        assert_eq!(one.all_pixels(), seven.all_pixels());
        let longer = images("shapes?seed=9", Split::Val, 200);
        assert_eq!(longer.pixels(63), one.pixels(63));
    }

    #[test]
    fn splits_and_seeds_are_disjoint() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..3 {
            for split in Split::ALL {
                let data = images(&format!("shapes?seed={seed}"), split, 300);
                assert!((0..data.len()).all(|i| seen.insert(data.pixels(i).to_vec())));
            }
        }
    }

    #[test]
    fn sizes_follow_the_options() {
        let spec: DataSpec = "shapes?train=30&val=20".parse().unwrap();
        assert_eq!(spec.open(Split::Train, None).unwrap().len(), 30);
        assert_eq!(spec.open(Split::Val, None).unwrap().len(), 20);
        assert_eq!(spec.open(Split::Test, None).unwrap().len(), 2000);
        assert_eq!(default_size(Split::Train), 20_000);
    }

    #[test]
    fn every_prefix_is_balanced() {
        let data = images("shapes", Split::Test, 100);
        assert_eq!((data.classes(), data.image_shape()), (10, [3, 32, 32]));
        for class in 0..10 {
            assert_eq!((0..100).filter(|i| data.label(*i) == class).count(), 10);
        }
    }

    #[test]
    fn no_empty_val() {
        let message =
            "shapes?val=0".parse::<DataSpec>().unwrap().open(Split::Val, None).unwrap_err().to_string();
        assert!(message.contains("val= above zero"), "{message}");
    }

    #[test]
    fn no_absurd_size() {
        let spec: DataSpec = format!("shapes?train={}", usize::MAX).parse().unwrap();
        assert!(spec.open(Split::Train, None).unwrap_err().to_string().contains("at most"));
    }
}
