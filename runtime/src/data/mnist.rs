//! `mnist:DIR`: the four IDX files of MNIST, or of a set in its format such as Fashion-MNIST.
//!
//! `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, also with a dot
//! before `idx`, each as it is or packed as `.gz` or `.xz`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::idx::Idx;
use super::{DataError, DataSpec, Dataset, Split, carve, names};
use crate::picture::{Picture, central_square};

const KIND: &str = "mnist";

/// Folders inside the given one in which the files may lie, those of torchvision first.
const INSIDE: [&str; 6] = ["MNIST/raw", "FashionMNIST/raw", "KMNIST/raw", "raw", "mnist", "fashion-mnist"];

/// The largest side of an image.
const MOST: usize = 4096;

/// By label.
pub(super) fn class_names() -> Vec<String> {
    names::owned(&names::DIGITS)
}

/// Height and width of the test images as they lie, or of the training images where there are no others.
pub(super) fn size(spec: &DataSpec) -> Result<[usize; 2], DataError> {
    let files = find(spec.folder(), Split::Test).or_else(|_| find(spec.folder(), Split::Train))?;
    sides(&Idx::open(&files.0, 3)?)
}

/// Opens one split, the first `limit` images of it; see [`DataSpec::open`].
pub(super) fn open(spec: &DataSpec, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    let (images, labels) = find(spec.folder(), split)?;
    let idx = Idx::open(&images, 3)?;
    let (count, [height, width]) = (idx.sizes[0], sides(&idx)?);
    let labels = read_labels(&labels, &images, count)?;
    let (wanted, notices) = carve::wanted(spec, split, &[count], spec.folder(), limit)?;
    let bytes = idx.records(wanted.last().map_or(0, |last| last + 1))?;
    let image = height * width;
    let picture = |&i: &usize| &bytes[i * image..(i + 1) * image];
    let (pixels, [height, width]) = match spec.size() {
        None => (wanted.iter().flat_map(picture).copied().collect(), [height, width]),
        Some(side) => {
            let resized = wanted.par_iter().flat_map_iter(|i| {
                central_square(&Picture { height, width, planes: picture(i).to_vec() }, side)
            });
            (resized.collect(), [side, side])
        }
    };
    Ok(Dataset {
        class_names: class_names(),
        image_shape: [1, height, width],
        pixels,
        labels: wanted.iter().map(|&i| u16::from(labels[i])).collect(),
        notices,
        ..Dataset::empty(spec, split)
    })
}

/// The files of the images and of the labels of a split, in `folder` or a folder inside it.
fn find(folder: &Path, split: Split) -> Result<(PathBuf, PathBuf), DataError> {
    DataError::check_folder(folder, KIND)?;
    let (stem, split, expected) = match split {
        Split::Test => (
            "t10k",
            "test",
            "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as it is or as .gz or .xz",
        ),
        Split::Train | Split::Val => (
            "train",
            "training",
            "train-images-idx3-ubyte and train-labels-idx1-ubyte, each as it is or as .gz or .xz",
        ),
    };
    let pair = |dir: &Path| Some((file(dir, stem, "images", 3)?, file(dir, stem, "labels", 1)?));
    if let Some(found) = pair(folder) {
        return Ok(found);
    }
    let inside: Vec<_> = INSIDE.iter().filter_map(|i| Some((*i, pair(&folder.join(i))?))).collect();
    match &inside[..] {
        [(_, found)] => Ok(found.clone()),
        [(first, _), (second, _), ..] => Err(DataError::file(
            folder,
            format!(
                "{first} and {second} both hold {split} files; give one of these folders, {KIND}:{}",
                folder.join(first).display()
            ),
        )),
        [] => Err(DataError::no_files(folder, split, KIND, expected)),
    }
}

/// `STEM-WHAT-idxN-ubyte` or `STEM-WHAT.idxN-ubyte`, packed or not.
fn file(dir: &Path, stem: &str, what: &str, dimensions: usize) -> Option<PathBuf> {
    let names = ["-", "."].into_iter().flat_map(|mark| {
        ["", ".gz", ".xz"].map(|end| format!("{stem}-{what}{mark}idx{dimensions}-ubyte{end}"))
    });
    names.map(|n| dir.join(n)).find(|p| p.is_file())
}

/// Height and width of the images.
fn sides(idx: &Idx) -> Result<[usize; 2], DataError> {
    match idx.sizes[..] {
        [_, height, width] if (1..=MOST).contains(&height) && (1..=MOST).contains(&width) => {
            Ok([height, width])
        }
        _ => Err(idx.bad(format!("its header announces images of {:?} pixels", &idx.sizes[1..]))),
    }
}

/// The labels of `count` images.
fn read_labels(path: &Path, images: &Path, count: usize) -> Result<Vec<u8>, DataError> {
    let idx = Idx::open(path, 1)?;
    if idx.sizes[0] != count {
        return Err(idx.bad(format!(
            "it announces {} labels, but {} announces {count} images; take both from one data set",
            idx.sizes[0],
            images.display()
        )));
    }
    let labels = idx.records(count)?;
    let classes = names::DIGITS.len();
    match labels.iter().position(|&l| usize::from(l) >= classes) {
        Some(record) => Err(DataError::wrong_label(path, record, labels[record], KIND, classes)),
        None => Ok(labels),
    }
}

#[cfg(test)]
#[path = "mnist_tests.rs"]
mod tests;
