//! Files with labels, and how they become a [`Dataset`].

use std::path::Path;

use rayon::prelude::*;

use super::classes::Labels;
use super::item::Item;
use super::{DataError, DataSpec, Dataset, Split};
use crate::picture::{Picture, central_square};

/// A file and the label of its image.
#[derive(Debug, Clone)]
pub(super) struct Labelled {
    /// The file.
    pub(super) item: Item,
    /// Its label.
    pub(super) label: u16,
}

/// Puts the files of all classes, by label, in one order in which the classes take turns, so that any first part of it
/// has about as many images of each class.
///
/// # Errors
/// More classes than labels.
pub(super) fn take_turns(folder: &Path, classes: Vec<Vec<Item>>) -> Result<Vec<Labelled>, DataError> {
    let count = classes.len();
    if count > usize::from(u16::MAX) + 1 {
        return Err(DataError::file(
            folder,
            format!(
                "{count} classes are more than the 65,536 that a label can tell apart; give a folder of fewer"
            ),
        ));
    }
    let mut turns: Vec<(usize, u16, Item)> = Vec::new();
    for (label, items) in classes.into_iter().enumerate() {
        turns.extend(items.into_iter().enumerate().map(|(turn, item)| (turn, label as u16, item)));
    }
    turns.sort_by_key(|(turn, label, _)| (*turn, *label));
    Ok(turns.into_iter().map(|(_, label, item)| Labelled { item, label }).collect())
}

/// The files at the ascending indices `wanted`.
pub(super) fn pick(files: Vec<Labelled>, wanted: &[usize]) -> Vec<Labelled> {
    let mut wanted = wanted.iter().copied().peekable();
    let chosen = files.into_iter().enumerate().filter(|(i, _)| wanted.next_if_eq(i).is_some());
    chosen.map(|(_, file)| file).collect()
}

/// Files numbered by the data set's own order of classes, under the labels of these; those without a label are left out.
pub(super) fn relabel(files: Vec<Labelled>, labels: &Labels) -> Vec<Labelled> {
    let under = |f: Labelled| {
        let label = labels.of.get(usize::from(f.label)).copied().flatten()?;
        Some(Labelled { label: label as u16, ..f })
    };
    files.into_iter().filter_map(under).collect()
}

/// Decodes the first `limit` of the files, in parallel: the split `split` of `spec`, whose classes have the names
/// `class_names`, and of which `notices` tell how it came about.
///
/// # Errors
/// No file, which gives `advice`; an image that cannot be decoded, or without a `size` in the spec one of another size than the
/// first; [`DataError::Io`].
pub(super) fn load(
    spec: &DataSpec,
    split: Split,
    class_names: Vec<String>,
    mut files: Vec<Labelled>,
    limit: Option<usize>,
    advice: &str,
    notices: Vec<String>,
) -> Result<Dataset, DataError> {
    let Some(first) = files.first() else {
        return Err(DataError::empty_split(split, spec, advice));
    };
    let (height, width) = match spec.size() {
        Some(size) => (size, size),
        None => {
            let picture = decode(&first.item)?;
            (picture.height, picture.width)
        }
    };
    let reference = first.item.path.clone();
    files.truncate(limit.unwrap_or(usize::MAX));
    let mut pixels = vec![0; files.len() * 3 * height * width];
    let slots = pixels.par_chunks_exact_mut(3 * height * width);
    let fill = |slot: &mut [u8], file: &Labelled| {
        let picture = decode(&file.item)?;
        if let Some(size) = spec.size() {
            slot.copy_from_slice(&central_square(&picture, size));
        } else if (picture.height, picture.width) == (height, width) {
            slot.copy_from_slice(&picture.planes);
        } else {
            let found = format!("{}×{} pixels", picture.width, picture.height);
            return Err(DataError::file(
                &file.item.path,
                format!(
                    "{found}, but {} has {width}×{height}; write size=N to crop every image to a square and resize it to N×N",
                    reference.display()
                ),
            ));
        }
        Ok(())
    };
    // Of several bad files the first is named, whichever thread meets its own first.
    if let Some(error) = slots.zip(&files).find_map_first(|(slot, file)| fill(slot, file).err()) {
        return Err(error);
    }
    let labels = files.iter().map(|f| f.label).collect();
    let image_shape = [3, height, width];
    Ok(Dataset { class_names, image_shape, pixels, labels, notices, ..Dataset::empty(spec, split) })
}

fn decode(item: &Item) -> Result<Picture, DataError> {
    Picture::decode(&item.read()?).map_err(|detail| DataError::undecodable(&item.path, &detail))
}
