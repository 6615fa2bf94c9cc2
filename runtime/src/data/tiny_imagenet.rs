//! Tiny ImageNet: 200 classes of 64×64 JPEGs.
//!
//! Below one folder lie `wnids.txt` with a WordNet id of a class in each line, `words.txt` (or `words200.txt`) with
//! ids, a tab and names, `train/WNID/images/*.JPEG`, and `val/images/*.JPEG` with `val_annotations.txt`, in whose lines
//! a file name and its id come first. Copies sorted by class, `val/WNID/*.JPEG`, are read too. The public test images
//! have no labels, so `val` is the test split. The labels number the sorted ids,
//! unless `classes=` lists the ids in another order.
//!
//! Source: the CS231n course, <http://cs231n.stanford.edu/tiny-imagenet-200.zip>.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::classes::{FOLDERS, Labels};
use super::item::{self, Format, Item};
use super::labelled::{Labelled, load, pick, relabel, take_turns};
use super::{DataError, DataSpec, Dataset, Split, archive, carve};

const KIND: &str = "tiny-imagenet";
const WNIDS: &str = "wnids.txt";
const WORDS: [&str; 2] = ["words.txt", "words200.txt"];
const ANNOTATIONS: &str = "val_annotations.txt";

/// What belongs to one split.
struct Files {
    wnids: Item,
    words: Option<Item>,
    annotations: Option<Item>,
    /// Named below `train/` or `val/`.
    images: Vec<Item>,
}

/// The classes by label; no image is read.
pub(super) fn labels(spec: &DataSpec) -> Result<Labels, DataError> {
    named(spec, &find(spec.folder(), None)?).map(|(_, labels)| labels)
}

/// Opens one split, the first `limit` images of it; see [`DataSpec::open`].
pub(super) fn open(spec: &DataSpec, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    let part = if split == Split::Test { "val" } else { "train" };
    let files = find(spec.folder(), Some(part))?;
    let (ids, labels) = named(spec, &files)?;
    let folder = spec.folder();
    if files.images.is_empty() {
        let (split, expected) = match split {
            Split::Test => ("test", "val/images/*.JPEG and val_annotations.txt, or val/WNID/*.JPEG"),
            Split::Train | Split::Val => ("training", "train/WNID/images/*.JPEG or train/WNID/*.JPEG"),
        };
        return Err(DataError::no_files(folder, split, KIND, expected));
    }
    let mut all = label(folder, files, &ids)?;
    let mut notices = vec![];
    if split != Split::Test {
        let wanted = carve::training(spec, split, &[all.len()], folder)?;
        all = pick(all, &wanted);
        notices = carve::notices(spec, split, all.len());
    }
    let all = relabel(all, &labels);
    load(spec, split, labels.names, all, limit, "write a val= above zero", notices)
}

/// Looks in `folder`, in the folders inside it, and in the one archive that it is or holds, for the names of the classes and for
/// the images of `part`.
fn find(folder: &Path, part: Option<&str>) -> Result<Files, DataError> {
    let missing = || {
        let expected =
            "wnids.txt beside train and val, or one .tar or .tar.xz that holds them (unpack a .zip first)";
        DataError::no_files(folder, "labelled", KIND, expected)
    };
    if folder.is_file() && archive::is_archive(folder) {
        return in_archive(folder, part)?.ok_or_else(missing);
    }
    DataError::check_folder(folder, KIND)?;
    let inside = item::folders(folder)?.into_iter().map(|name| folder.join(name));
    if let Some(root) = std::iter::once(folder.to_owned()).chain(inside).find(|d| d.join(WNIDS).is_file()) {
        return in_folder(&root, part);
    }
    let files = item::entries(folder)?.into_iter().map(|(_, path)| path);
    let archives: Vec<PathBuf> = files.filter(|p| p.is_file() && archive::is_archive(p)).collect();
    match &archives[..] {
        [only] => in_archive(only, part)?.ok_or_else(missing),
        _ => Err(missing()),
    }
}

fn in_folder(root: &Path, part: Option<&str>) -> Result<Files, DataError> {
    let at = |path: PathBuf| path.is_file().then(|| Item { name: String::new(), path, bytes: None });
    let below = part.map(|p| root.join(p)).filter(|b| b.is_dir());
    Ok(Files {
        wnids: Item { name: WNIDS.to_owned(), path: root.join(WNIDS), bytes: None },
        words: WORDS.iter().find_map(|name| at(root.join(name))),
        annotations: below.as_ref().and_then(|b| at(b.join(ANNOTATIONS))),
        images: below.map_or(Ok(Vec::new()), |b| item::images(&b))?,
    })
}

/// `None` when there is no `wnids.txt` in the archive, at its top or in one folder.
fn in_archive(path: &Path, part: Option<&str>) -> Result<Option<Files>, DataError> {
    let is_text = |file: &str| file == WNIDS || file == ANNOTATIONS || WORDS.contains(&file);
    let in_part = |name: &str| name.split('/').take(2).any(|folder| Some(folder) == part);
    let members = archive::members(path, |name| {
        is_text(name.rsplit('/').next().unwrap_or(name))
            || (in_part(name) && item::format(name) == Format::Readable)
    })?;
    let root = members
        .iter()
        .filter_map(|m| m.name.strip_suffix(WNIDS))
        .find(|root| root.is_empty() || root.strip_suffix('/').is_some_and(|folder| !folder.contains('/')));
    let Some(root) = root.map(str::to_owned) else { return Ok(None) };
    let (mut wnids, mut words, mut annotations, mut images) = (None, None, None, Vec::new());
    for mut member in members {
        let Some(name) = member.name.strip_prefix(&root).map(str::to_owned) else { continue };
        let below = part.and_then(|p| name.strip_prefix(p)?.strip_prefix('/')).map(str::to_owned);
        if name == WNIDS {
            wnids = Some(member);
        } else if WORDS.contains(&name.as_str()) {
            words = Some(member);
        } else if below.as_deref() == Some(ANNOTATIONS) {
            annotations = Some(member);
        } else if let Some(below) = below.filter(|b| item::format(b) == Format::Readable) {
            member.name = below;
            images.push(member);
        }
    }
    images.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(wnids.map(|wnids| Files { wnids, words, annotations, images }))
}

/// Where each id is among the sorted ones, and the labels of the classes, named in words where there are any.
fn named(spec: &DataSpec, files: &Files) -> Result<(HashMap<String, usize>, Labels), DataError> {
    let text = files.wnids.text()?;
    let mut ids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut labels = spec.labels(&ids, FOLDERS)?;
    let words = files.words.as_ref().map_or(Ok(String::new()), Item::text)?;
    let words: HashMap<&str, &str> = words.lines().filter_map(|l| l.split_once('\t')).collect();
    for name in &mut labels.names {
        if let Some(words) = words.get(name.as_str()) {
            *name = words.trim().to_owned();
        }
    }
    Ok((ids.into_iter().enumerate().map(|(i, id)| (id, i)).collect(), labels))
}

/// Numbers each image by the sorted id of its class, by its folder or by the annotations.
fn label(folder: &Path, files: Files, ids: &HashMap<String, usize>) -> Result<Vec<Labelled>, DataError> {
    let annotations = files.annotations.as_ref().map_or(Ok(String::new()), Item::text)?;
    let annotated: HashMap<&str, &str> = annotations
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(file, rest)| (file, rest.split('\t').next().unwrap_or(rest).trim()))
        .collect();
    let mut by_class: Vec<Vec<Item>> = vec![Vec::new(); ids.len()];
    for image in files.images {
        let (first, rest) = image.name.split_once('/').unwrap_or(("", &image.name));
        let id =
            if first == "images" || first.is_empty() { annotated.get(rest).copied() } else { Some(first) };
        match id.and_then(|id| ids.get(id)) {
            Some(&label) => by_class[label].push(image),
            None => {
                let why = match id {
                    Some(id) => format!("{id} is not in {WNIDS}; complete that file or remove the image"),
                    None => format!("{ANNOTATIONS} does not list it; fetch that file or remove the image"),
                };
                return Err(DataError::file(image.path, format!("belongs to no class: {why}")));
            }
        }
    }
    take_turns(folder, by_class)
}

#[cfg(test)]
#[path = "tiny_imagenet_tests.rs"]
mod tests;
