//! `images:DIR`: PNG and JPEG files in a folder for each class.
//!
//! Either `DIR/CLASS/…`, or `DIR/train/CLASS/…` with optional `DIR/val/CLASS/…` and `DIR/test/CLASS/…`, in any usual spelling.

use std::path::Path;

use super::classes::{FOLDERS, Labels, few};
use super::dataset::thousands;
use super::item::{self, Item};
use super::labelled::{Labelled, load, pick, relabel, take_turns};
use super::layout::{Layout, layout};
use super::{DataError, DataSpec, Dataset, Split, carve};
use crate::dice::Dice;

const KIND: &str = "images";

/// Without a folder of test images, one in so many images of a class is a test image.
const TEST_SHARE: usize = 5;

/// The classes by label, and what was assumed; no image is read.
pub(super) fn labels(spec: &DataSpec) -> Result<Labels, DataError> {
    let layout = layout(spec.folder())?;
    let mut labels = spec.labels(&layout.classes, FOLDERS)?;
    labels.notices.splice(0..0, layout.notices);
    Ok(labels)
}

/// Opens one split, the first `limit` images of it; see [`DataSpec::open`].
pub(super) fn open(spec: &DataSpec, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    let layout = layout(spec.folder())?;
    let labels = spec.labels(&layout.classes, FOLDERS)?;
    let folder = Folder { spec, layout, labels };
    let mut notices = vec![];
    let files = match (split, &folder.layout.val, &folder.layout.test) {
        (Split::Test, _, Some(test)) => folder.list(test)?,
        (Split::Test, _, None) => {
            let test = folder.test_and_rest()?.0;
            let n = thousands(test.len());
            notices.push(format!("Test: {n} images carved from the training images, a fifth of each class."));
            test
        }
        (Split::Val, Some(val), _) => first_val(spec, folder.list(val)?, val)?,
        (Split::Train, Some(_), _) => {
            let mut pool = folder.test_and_rest()?.1;
            let take = carve::train_size(spec, pool.len(), || format!("in {}", spec.folder().display()))?;
            pool.truncate(take);
            pool
        }
        (Split::Train | Split::Val, ..) => {
            let pool = folder.test_and_rest()?.1;
            let wanted = carve::training(spec, split, &[pool.len()], spec.folder())?;
            let files = pick(pool, &wanted);
            notices.extend(carve::notices(spec, split, files.len()));
            files
        }
    };
    // Until here files are numbered by folder, so that no order of the labels changes which images are in a split.
    let files = relabel(files, &folder.labels);
    notices.extend(folder.without_images(split, &files));
    let advice = match split {
        Split::Train => "put PNG or JPEG files into its class folders",
        Split::Val => "write a val= above zero, or put more images into its class folders",
        Split::Test => "put more images into its class folders, or make a test folder",
    };
    load(spec, split, folder.labels.names, files, limit, advice, notices)
}

/// A folder of images, and the labels of its classes.
struct Folder<'a> {
    spec: &'a DataSpec,
    layout: Layout,
    labels: Labels,
}

impl Folder<'_> {
    /// The images in one part, numbered by the folders of their classes.
    fn list(&self, part: &Path) -> Result<Vec<Labelled>, DataError> {
        take_turns(part, self.by_class(part)?)
    }

    /// The images in one part, a list for each folder of a class; those that have no label stay out.
    fn by_class(&self, part: &Path) -> Result<Vec<Vec<Item>>, DataError> {
        let of = |(class, label): (&String, &Option<usize>)| {
            let folder = part.join(class);
            if label.is_some() && folder.is_dir() { item::images(&folder) } else { Ok(Vec::new()) }
        };
        self.layout.classes.iter().zip(&self.labels.of).map(of).collect()
    }

    /// The test images carved from the training images, none with a folder of test images, and the other training images.
    fn test_and_rest(&self) -> Result<(Vec<Labelled>, Vec<Labelled>), DataError> {
        let Some(train) = &self.layout.train else {
            let expected = "a folder for each class in train";
            return Err(DataError::no_files(self.spec.folder(), "training", KIND, expected));
        };
        let mut rest = self.by_class(train)?;
        let mut test = vec![Vec::new(); rest.len()];
        if self.layout.test.is_none() {
            for (class, (rest, test)) in rest.iter_mut().zip(&mut test).enumerate() {
                (*test, *rest) = carve_test(std::mem::take(rest), class);
            }
        }
        Ok((take_turns(train, test)?, take_turns(train, rest)?))
    }

    /// Says which classes that have a folder have no image in this split.
    fn without_images(&self, split: Split, files: &[Labelled]) -> Option<String> {
        let mut seen = vec![false; self.labels.names.len()];
        files.iter().for_each(|f| seen[usize::from(f.label)] = true);
        let labels = self.labels.of.iter().flatten().filter(|l| !seen[**l]);
        let mut names: Vec<String> = labels.map(|l| self.labels.names[*l].clone()).collect();
        names.sort();
        let of = match split {
            Split::Train => "Training",
            Split::Val => "Validation",
            Split::Test => "Test",
        };
        (!names.is_empty() && !files.is_empty()).then(|| format!("{of}: no images of {}.", few(&names)))
    }
}

/// Draws the test images of a class, and gives them and the others in their order. The seed of the spec takes no part:
/// a network that was trained with one seed may be judged with another.
fn carve_test(items: Vec<Item>, class: usize) -> (Vec<Item>, Vec<Item>) {
    let count = (items.len() + TEST_SHARE / 2) / TEST_SHARE;
    let mut drawn = Dice::new(0, class as u64).some(count, items.len());
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
        let there = format!("in {}", folder.display());
        return Err(DataError::too_many(format!("val={take}"), files.len(), there, "write a smaller val="));
    }
    files.truncate(take);
    Ok(files)
}

#[cfg(test)]
#[path = "image_folder_tests.rs"]
mod tests;
