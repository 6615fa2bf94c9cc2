//! How a folder of images is arranged: classes at once, or classes in folders for the splits.

use std::path::{Path, PathBuf};

use super::classes::few;
use super::item;
use super::{DataError, Split};
use crate::nearest::nearest;

const KIND: &str = "images";

/// Where the images of each split are.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) train: Option<PathBuf>,
    pub(super) val: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
    /// The folders of the classes, sorted.
    pub(super) classes: Vec<String>,
    /// What was assumed or left out, for the user.
    pub(super) notices: Vec<String>,
}

/// The split that a folder of this name holds, in any of its usual spellings.
pub(super) fn split_called(name: &str) -> Option<Split> {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let stem = ["images", "split", "data", "set"].iter().find_map(|end| letters.strip_suffix(end));
    match stem.filter(|s| !s.is_empty()).unwrap_or(&letters) {
        "train" | "training" | "trn" => Some(Split::Train),
        "val" | "valid" | "validation" | "validate" | "dev" | "development" => Some(Split::Val),
        "test" | "testing" | "tst" | "eval" | "evaluation" | "heldout" | "holdout" => Some(Split::Test),
        _ => None,
    }
}

/// Names that a misspelt one may have been meant as.
const SPLITS: [&str; 9] =
    ["train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval"];

/// The arrangement of `folder`.
///
/// # Errors
/// No such folder, no class, a class that only validation or test images have, two folders of one split, or one that looks like a
/// split of another name.
pub(super) fn layout(folder: &Path) -> Result<Layout, DataError> {
    DataError::check_folder(folder, KIND)?;
    let parts = Parts::of(folder)?;
    if parts.found.is_empty() {
        return flat(folder, parts);
    }
    let take = |split| parts.found.iter().find(|(s, _)| *s == split).map(|(_, name)| folder.join(name));
    let [train, mut val, mut test] = [Split::Train, Split::Val, Split::Test].map(take);
    let mut notices = vec![];
    if test.is_none() && val.is_some() {
        // Of data sets such as ImageNet the public validation images are the only ones to test on.
        test = val.take();
        let name = name_of(test.as_deref());
        notices.push(match &train {
            Some(_) => format!(
                "Test: the images of {name}, since there is no test folder; validation images are carved from the training images."
            ),
            None => format!("Test: the images of {name}, since there is no test folder."),
        });
    }
    let classes = classes([&train, &val, &test].into_iter().flatten())?;
    parts.strangers(folder, &classes, &mut notices)?;
    Ok(Layout { train, val, test, classes, notices })
}

/// The folders in a folder, told apart.
struct Parts {
    /// Splits with folders in them.
    found: Vec<(Split, String)>,
    /// Named like a split, without a folder inside: images without labels, or a class of that name.
    bare: Vec<String>,
    /// Named otherwise.
    other: Vec<String>,
}

impl Parts {
    fn of(folder: &Path) -> Result<Parts, DataError> {
        let mut parts = Parts { found: vec![], bare: vec![], other: vec![] };
        for name in item::folders(folder)? {
            match split_called(&name) {
                None => parts.other.push(name),
                Some(_) if item::folders(&folder.join(&name))?.is_empty() => parts.bare.push(name),
                Some(split) => match parts.found.iter().find(|(s, _)| *s == split) {
                    Some((_, first)) => {
                        let which = word(split);
                        return Err(DataError::file(
                            folder,
                            format!(
                                "{first} and {name} both name the {which} images; join them, or move one away"
                            ),
                        ));
                    }
                    None => parts.found.push((split, name)),
                },
            }
        }
        Ok(parts)
    }

    /// What lies beside the splits: a split under another name is an error, anything else is left out with a notice.
    fn strangers(
        &self,
        folder: &Path,
        classes: &[String],
        notices: &mut Vec<String>,
    ) -> Result<(), DataError> {
        for name in &self.other {
            let inside = item::folders(&folder.join(name))?;
            if inside.iter().any(|i| classes.contains(i)) {
                let hint = match nearest(&name.to_lowercase(), &SPLITS) {
                    Some(near) => format!("rename it to {near}"),
                    None => "rename it to train, val or test".to_owned(),
                };
                let why = "holds folders of classes, but its name is that of no split";
                return Err(DataError::file(folder.join(name), format!("{why}; {hint}, or move it away")));
            }
        }
        let names: Vec<&str> = self.found.iter().map(|(_, name)| name.as_str()).collect();
        if !self.other.is_empty() {
            notices.push(format!("Left out, lying beside {}: {}.", names.join(" and "), few(&self.other)));
        }
        if !self.bare.is_empty() {
            notices.push(format!(
                "Left out: {}, where images lie in no folders of classes and so have no labels.",
                few(&self.bare)
            ));
        }
        Ok(())
    }
}

/// Every folder is a class, one called `train` that holds images and no folders like any other.
fn flat(folder: &Path, parts: Parts) -> Result<Layout, DataError> {
    if parts.other.is_empty() && !parts.bare.is_empty() {
        let detail = "holds no folders of classes; put its images into one folder a class";
        return Err(DataError::file(folder.join(&parts.bare[0]), detail));
    }
    if let ([only], []) = (&parts.other[..], &parts.bare[..])
        && Parts::of(&folder.join(only)).is_ok_and(|p| p.found.iter().any(|(s, _)| *s == Split::Train))
    {
        let path = folder.join(only);
        let detail = format!("holds the folders of the splits; give this folder, images:{}", path.display());
        return Err(DataError::file(path, detail));
    }
    let mut classes = [parts.other, parts.bare].concat();
    classes.sort();
    if classes.is_empty() {
        let expected = "a folder of PNG or JPEG files for each class, or such folders in train, val and test";
        return Err(DataError::no_files(folder, "training", KIND, expected));
    }
    Ok(Layout { train: Some(folder.to_owned()), val: None, test: None, classes, notices: vec![] })
}

/// The classes of the first part, sorted; the others must not have more.
fn classes<'a>(parts: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<String>, DataError> {
    let mut first: Option<(String, Vec<String>)> = None;
    for part in parts {
        let names = item::folders(part)?;
        match &first {
            None => first = Some((name_of(Some(part)), names)),
            Some((of, known)) => {
                if let Some(other) = names.into_iter().find(|n| !known.contains(n)) {
                    let advice = "rename one of them, or add the folder";
                    let detail = format!("belongs to no class: {of} has no folder of that name; {advice}");
                    return Err(DataError::file(part.join(other), detail));
                }
            }
        }
    }
    Ok(first.map(|(_, names)| names).unwrap_or_default())
}

fn name_of(part: Option<&Path>) -> String {
    part.and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn word(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Val => "validation",
        Split::Test => "test",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn made(folders: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        folders.split_whitespace().for_each(|f| fs::create_dir_all(dir.path().join(f)).unwrap());
        dir
    }

    fn of(folders: &str) -> (Vec<String>, Vec<String>) {
        let dir = made(folders);
        let l = layout(dir.path()).unwrap();
        let name = |p: Option<PathBuf>| p.map_or("-".to_owned(), |p| name_of(Some(&p)));
        (vec![name(l.train), name(l.val), name(l.test)], l.notices)
    }

    fn refused(folders: &str) -> String {
        let dir = made(folders);
        layout(dir.path()).unwrap_err().to_string()
    }

    #[test]
    fn splits_in_every_usual_spelling() {
        for (train, val, test) in [
            ("train", "val", "test"),
            ("Training", "Validation", "Testing"),
            ("TRAIN", "valid", "eval"),
            ("train_set", "dev", "test-images"),
            ("train_data", "dev_set", "evaluation"),
        ] {
            let (found, notices) = of(&format!("{train}/a {val}/a {test}/a"));
            assert_eq!(found, [train, val, test]);
            assert!(notices.is_empty(), "{notices:?}");
        }
    }

    #[test]
    fn val_is_the_test_split_where_no_test_is() {
        let (found, notices) = of("train/a train/b val/a");
        assert_eq!(found, ["train", "-", "val"]);
        assert!(
            notices[0].contains("Test: the images of val") && notices[0].contains("carved"),
            "{notices:?}"
        );
        assert_eq!(of("valid/a").0, ["-", "-", "valid"]);
    }

    #[test]
    fn no_two_spellings_of_one_split() {
        let m = refused("train/a val/a valid/a");
        assert!(m.contains("val and valid") && m.contains("validation"), "{m}");
        assert!(refused("train/a Train_set/a").contains("training images"));
    }

    #[test]
    fn strangers_beside_splits_are_named() {
        let (_, notices) = of("train/a test/a junk docs/x __MACOSX/a .git/a");
        assert_eq!(notices, ["Left out, lying beside test and train: docs, junk."]);
        let m = refused("train/a tets/a");
        assert!(m.contains("tets") && m.contains("rename it to test"), "{m}");
        let (_, notices) = of("train/a test");
        assert!(notices[0].contains("Left out: test") && notices[0].contains("no labels"), "{notices:?}");
    }

    #[test]
    fn folders_at_once_are_classes() {
        let dir = made("plane train __MACOSX .cache");
        let l = layout(dir.path()).unwrap();
        assert_eq!(
            (l.classes, l.train),
            (vec!["plane".to_owned(), "train".into()], Some(dir.path().to_owned()))
        );
    }

    #[test]
    fn no_class_that_training_images_lack() {
        assert!(refused("train/a test/b").contains("train has no folder of that name"));
        assert!(refused("train test").contains("no folders of classes"));
        assert!(refused("").contains("a folder of PNG"));
        assert!(refused("set/train/a set/val/a").contains("give this folder"));
    }
}
