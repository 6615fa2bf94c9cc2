//! The text that names a data set: `KIND[:DIR][?option&option…]`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::classes::{CLASSES, Classes, Labels};
use super::{DataError, Dataset, Kind, Normalize, Split, cifar, image_folder, mnist, shapes, tiny_imagenet};
use crate::nearest::did_you_mean;

/// A parsed data spec such as `cifar10:DIR?normalize=imagenet&train=20000&val=2000&seed=1`.
///
/// Parsing touches no file; [`DataSpec::open`] does. In serde it is its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataSpec {
    text: String,
    kind: Kind,
    folder: PathBuf,
    normalize: Normalize,
    train: Option<usize>,
    val: Option<usize>,
    seed: u64,
    size: Option<usize>,
    classes: Option<Classes>,
    /// Where a relative file of `classes=` is looked for first.
    beside: PathBuf,
    /// Channels that images are given; as they lie when absent.
    channels: Option<usize>,
}

const OPTIONS: [&str; 7] = ["normalize", "scale", "size", "train", "val", "seed", "classes"];

/// The largest `size=`.
const MOST_SIZE: usize = 4096;

impl DataSpec {
    /// Which data set.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The folder of its files; empty for `shapes`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same data set, its relative folder and the file of `classes=` looked for in `base` first; its text stays as the
    /// user wrote it.
    pub fn beside(self, base: &Path) -> DataSpec {
        let near = base.join(&self.folder);
        let relative = !self.folder.as_os_str().is_empty() && self.folder.is_relative();
        let folder = if relative && near.exists() { near } else { self.folder };
        DataSpec { folder, beside: base.to_owned(), ..self }
    }

    /// The same data set for a network that wants images of `channels` channels: 1, to which colours are brought as luma, or 3,
    /// to which grey images are brought as three equal planes.
    ///
    /// # Errors
    /// One channel and a normalisation that differs between three.
    pub fn with_channels(self, channels: usize) -> Result<DataSpec, DataError> {
        if channels == 1 && !self.normalize.is_grey() {
            return Err(DataError::Spec(format!(
                "data {self}: the network takes one channel, but normalize= has other numbers for each of three; write \
                 normalize=mnist, none or mean=M;std=S"
            )));
        }
        Ok(DataSpec { channels: Some(channels), ..self })
    }

    /// The text with other options instead of those of these names, to be proposed to the user.
    pub fn text_with(&self, options: &str, instead_of: &[&str]) -> String {
        let (place, present) = self.text.rsplit_once('?').unwrap_or((&self.text, ""));
        let stays = |o: &&str| !o.is_empty() && !instead_of.contains(&o.split('=').next().unwrap_or(o));
        let all: Vec<&str> = std::iter::once(options).chain(present.split('&').filter(stays)).collect();
        format!("{place}?{}", all.join("&"))
    }

    /// How its pixels become network input; pixels in 0…1 when the spec does not say.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// How many training images to use (`train=N`); all when absent.
    pub fn train(&self) -> Option<usize> {
        self.train
    }

    /// The size of the validation split (`val=N`); the data set's default when absent.
    pub fn val(&self) -> Option<usize> {
        self.val
    }

    /// What decides which images are validation images, and what `shapes` draws; 0 when the spec does not say.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The height and width to which images are resized after a central square was cut out (`size=N`); as they lie when
    /// absent. Only for `tiny-imagenet`, `images` and `mnist`.
    pub fn size(&self) -> Option<usize> {
        self.size
    }

    /// Reads one split into memory, the first `limit` images of it when given.
    ///
    /// # Errors
    /// A folder or file that is missing, damaged or of another format, options that ask for more images than
    /// there are; each message names the file.
    pub fn open(&self, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
        self.arranged(limit, |limit| match self.kind {
            Kind::Cifar10 | Kind::Cifar100 => cifar::format(self.kind).open(self, split, limit),
            Kind::Shapes => shapes::open(self, split, limit),
            Kind::Mnist => mnist::open(self, split, limit),
            Kind::TinyImagenet => tiny_imagenet::open(self, split, limit),
            Kind::Images => image_folder::open(self, split, limit),
        })
    }

    /// The first `limit` images of what `read` reads, with the labels and channels that were asked for.
    pub(super) fn arranged(
        &self,
        limit: Option<usize>,
        read: impl FnOnce(Option<usize>) -> Result<Dataset, DataError>,
    ) -> Result<Dataset, DataError> {
        let images = match (self.kind, &self.classes) {
            // Their classes are folders, whose labels are known before an image is read.
            (Kind::Images | Kind::TinyImagenet, _) | (_, None) => read(limit)?,
            (_, Some(_)) => {
                let all = read(None)?;
                let labels = self.labels(&all.class_names, CLASSES)?;
                all.relabelled(&labels, limit)
            }
        };
        Ok(match self.channels {
            Some(channels) => images.in_channels(channels),
            None => images,
        })
    }

    /// The labels of the classes `found`, in the data set's own order.
    pub(super) fn labels(&self, found: &[String], called: [&'static str; 2]) -> Result<Labels, DataError> {
        Labels::of(found, called, self.classes.as_ref(), &self.beside)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), DataError> {
        match option {
            "normalize" => {
                let scale = self.normalize.scale;
                self.normalize = Normalize { scale, ..value.parse()? };
            }
            "scale" => {
                let above = |s: &f32| s.is_finite() && *s > 0.0;
                self.normalize.scale = number(option, value, "a number above zero, such as 255", above)?;
            }
            "size" => {
                if !self.kind.takes_size() {
                    return Err(DataError::Spec(format!(
                        "the data option \"size\" is not for {}, whose images have one size; remove it",
                        self.kind
                    )));
                }
                let fits = |size: &usize| (1..=MOST_SIZE).contains(size);
                self.size = Some(number(option, value, "a whole number of pixels from 1 to 4096", fits)?);
            }
            "train" => {
                let expected = "a whole number of images above zero";
                self.train = Some(number(option, value, expected, |n| *n > 0)?);
            }
            "val" => self.val = Some(number(option, value, "a whole number of images", |_| true)?),
            "classes" => {
                self.classes = Some(Classes::parse(value).map_err(|e| DataError::option(option, value, e))?)
            }
            "seed" => self.seed = number(option, value, "a whole number from 0 to 2⁶⁴−1", |_| true)?,
            _ => {
                let hint = match option {
                    "mean" | "std" => " (write normalize=mean=R,G,B;std=R,G,B)".to_owned(),
                    _ => did_you_mean(option, &OPTIONS),
                };
                return Err(DataError::Spec(format!(
                    "unknown data option \"{option}\"{hint}; known options are normalize, scale, size, train, val, seed and classes"
                )));
            }
        }
        Ok(())
    }
}

fn number<T: FromStr>(
    option: &str,
    value: &str,
    expected: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<T, DataError> {
    value.parse().ok().filter(fits).ok_or_else(|| DataError::option(option, value, expected))
}

impl FromStr for DataSpec {
    type Err = DataError;

    /// Parses `KIND[:DIR][?name=value&name=value…]`; the last `?` begins the options.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let (place, options) = text.rsplit_once('?').unwrap_or((text, ""));
        let (name, folder) = place.split_once(':').unwrap_or((place, ""));
        let kind = Kind::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
            let hint = did_you_mean(name, &Kind::ALL.map(Kind::name));
            DataError::Spec(format!(
                "unknown data set \"{name}\"{hint}; known are cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR \
                 and shapes"
            ))
        })?;
        if kind == Kind::Shapes && !folder.is_empty() {
            return Err(DataError::Spec(format!(
                "shapes is built in and takes no folder: write shapes instead of shapes:{folder}"
            )));
        }
        if kind != Kind::Shapes && folder.is_empty() {
            return Err(DataError::Spec(format!(
                "{kind} needs the folder that holds its files: write {kind}:DIR"
            )));
        }
        let mut spec = DataSpec {
            text: text.to_owned(),
            kind,
            folder: PathBuf::from(folder),
            normalize: Normalize::NONE,
            train: None,
            val: None,
            seed: 0,
            size: None,
            classes: None,
            beside: PathBuf::new(),
            channels: None,
        };
        let mut seen: Vec<&str> = Vec::new();
        for part in options.split('&').filter(|p| !p.is_empty()) {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            if seen.contains(&option) {
                return Err(DataError::Spec(format!(
                    "the data option \"{option}\" is written twice; keep one of them"
                )));
            }
            seen.push(option);
            spec.set(option, value)?;
        }
        spec.normalize.check()?;
        Ok(spec)
    }
}

impl fmt::Display for DataSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for DataSpec {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<DataSpec> for String {
    fn from(spec: DataSpec) -> String {
        spec.text
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
