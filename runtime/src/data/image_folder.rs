//! `images:DIR`: PNG and JPEG files in a folder for each class.
//!
//! Either `DIR/CLASS/…`, or `DIR/train/CLASS/…` with optional `DIR/val/CLASS/…` and `DIR/test/CLASS/…`. A folder called
//! `train` that holds images and no folders is a class like any other.

use std::path::{Path, PathBuf};

use super::item::{self, Item};
use super::labelled::{Labelled, load, pick, take_turns};
use super::{DataError, DataSpec, Dataset, Split, carve};
use crate::dice::Dice;

const KIND: &str = "images";

/// Without a `test` folder, one in so many images of a class is a test image.
const TEST_SHARE: usize = 5;

/// Where the images of each split are.
struct Layout {
    train: Option<PathBuf>,
    val: Option<PathBuf>,
    test: Option<PathBuf>,
    /// Sorted.
    classes: Vec<String>,
}

/// Opens one split, the first `limit` images of it; see [`DataSpec::open`].
pub(super) fn open(spec: &DataSpec, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    let layout = layout(spec.folder())?;
    let files = match (split, &layout.val, &layout.test) {
        (Split::Test, _, Some(test)) => list(test, &layout.classes)?,
        (Split::Test, _, None) => test_and_rest(spec, &layout)?.0,
        (Split::Val, Some(val), _) => {
            let files = list(val, &layout.classes)?;
            first_val(spec, files, val)?
        }
        (Split::Train, Some(_), _) => {
            let mut pool = test_and_rest(spec, &layout)?.1;
            let take = carve::train_size(spec, pool.len(), || format!("in {}", spec.folder().display()))?;
            pool.truncate(take);
            pool
        }
        (Split::Train | Split::Val, ..) => {
            let pool = test_and_rest(spec, &layout)?.1;
            let wanted = carve::training(spec, split, &[pool.len()], spec.folder())?;
            pick(pool, &wanted)
        }
    };
    let advice = match split {
        Split::Train => "put PNG or JPEG files into its class folders",
        Split::Val => "write a val= above zero, or put more images into its class folders",
        Split::Test => "put more images into its class folders, or make a test folder",
    };
    load(spec, split, layout.classes, files, limit, advice)
}

/// The number of class folders, where they are as they should be.
pub(super) fn class_count(folder: &Path) -> Option<usize> {
    layout(folder).ok().map(|l| l.classes.len())
}

fn layout(folder: &Path) -> Result<Layout, DataError> {
    if !folder.is_dir() {
        return Err(DataError::MissingFolder { path: folder.to_owned(), kind: KIND });
    }
    let part = |name: &str| -> Result<Option<PathBuf>, DataError> {
        let path = folder.join(name);
        Ok(if path.is_dir() && !item::folders(&path)?.is_empty() { Some(path) } else { None })
    };
    let [mut train, val, test] = [part("train")?, part("val")?, part("test")?];
    if train.is_none() && val.is_none() && test.is_none() {
        train = Some(folder.to_owned());
    }
    let mut classes = Vec::new();
    for part in [&train, &val, &test].into_iter().flatten() {
        let names = item::folders(part)?;
        if train.is_none() || classes.is_empty() {
            classes.extend(names);
        } else if let Some(other) = names.into_iter().find(|n| !classes.contains(n)) {
            return Err(DataError::NoClass {
                path: part.join(other),
                detail: "train has no folder of that name; rename one of them, or add the folder".to_owned(),
            });
        }
    }
    classes.sort();
    classes.dedup();
    if classes.is_empty() {
        let expected = "a folder of PNG or JPEG files for each class, or such folders in train, val and test";
        return Err(DataError::NoFiles { path: folder.to_owned(), kind: KIND, split: "training", expected });
    }
    Ok(Layout { train, val, test, classes })
}

/// The images of all classes in one part.
fn list(part: &Path, classes: &[String]) -> Result<Vec<Labelled>, DataError> {
    take_turns(part, by_class(part, classes)?)
}

fn by_class(part: &Path, classes: &[String]) -> Result<Vec<Vec<Item>>, DataError> {
    let of = |class: &String| {
        let folder = part.join(class);
        if folder.is_dir() { item::images(&folder) } else { Ok(Vec::new()) }
    };
    classes.iter().map(of).collect()
}

/// The test images carved from the training images, none with a `test` folder, and the other training images.
fn test_and_rest(spec: &DataSpec, layout: &Layout) -> Result<(Vec<Labelled>, Vec<Labelled>), DataError> {
    let Some(train) = &layout.train else {
        let expected = "a folder for each class in train";
        return Err(DataError::NoFiles {
            path: spec.folder().to_owned(),
            kind: KIND,
            split: "training",
            expected,
        });
    };
    let mut rest = by_class(train, &layout.classes)?;
    let mut test = vec![Vec::new(); rest.len()];
    if layout.test.is_none() {
        for (class, (rest, test)) in rest.iter_mut().zip(&mut test).enumerate() {
            (*test, *rest) = carve_test(std::mem::take(rest), class);
        }
    }
    Ok((take_turns(train, test)?, take_turns(train, rest)?))
}

/// Draws the test images of a class, and gives them and the others in their order. The seed of the spec takes no part:
/// a network that was trained with one seed may be judged with another.
fn carve_test(items: Vec<Item>, class: usize) -> (Vec<Item>, Vec<Item>) {
    let count = (items.len() + TEST_SHARE / 2) / TEST_SHARE;
    let mut drawn: Vec<usize> = (0..items.len()).collect();
    let mut dice = Dice::new(0, class as u64);
    for i in 0..count {
        let j = i + dice.below(drawn.len() - i);
        drawn.swap(i, j);
    }
    drawn.truncate(count);
    drawn.sort_unstable();
    let (test, rest): (Vec<_>, Vec<_>) =
        items.into_iter().enumerate().partition(|(i, _)| drawn.binary_search(i).is_ok());
    let items = |side: Vec<(usize, Item)>| side.into_iter().map(|(_, item)| item).collect();
    (items(test), items(rest))
}

/// The first `val=` images of a `val` folder.
fn first_val(spec: &DataSpec, mut files: Vec<Labelled>, folder: &Path) -> Result<Vec<Labelled>, DataError> {
    let take = spec.val().unwrap_or(files.len());
    if take > files.len() {
        return Err(DataError::TooMany {
            asked: format!("val={take}"),
            available: files.len(),
            circumstance: format!("in {}", folder.display()),
            advice: "write a smaller val=".to_owned(),
        });
    }
    files.truncate(take);
    Ok(files)
}

#[cfg(test)]
#[path = "image_folder_tests.rs"]
mod tests;
