//! The text that names a data set: `KIND[:DIR][?option&option…]`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DataError, Dataset, Normalize, Split, cifar, image_folder, shapes, tiny_imagenet};
use crate::nearest::did_you_mean;

/// The data sets by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `cifar10:DIR`, 10 classes of 3×32×32 images in the binary layout.
    Cifar10,
    /// `cifar100:DIR`, 100 fine classes of 3×32×32 images in the binary layout.
    Cifar100,
    /// `tiny-imagenet:DIR`, 200 classes of 3×64×64 JPEGs. `DIR` holds the unpacked folders, or an archive of them, or is
    /// the archive. The labels number the sorted WordNet ids. Its public validation images, the only labelled ones
    /// besides the training images, are the test split; the validation split is carved from the training images.
    TinyImagenet,
    /// `images:DIR`, a folder of PNGs and JPEGs for each class, the labels in the order of the sorted names; or such
    /// folders in `train`, `val` and `test`. A `test` that is missing is carved from the training images, a fifth of
    /// each class whatever the seed, and so is a `val`, by the seed.
    Images,
    /// `shapes`, built in: 10 classes of drawn 3×32×32 images.
    Shapes,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Cifar10, Kind::Cifar100, Kind::TinyImagenet, Kind::Images, Kind::Shapes];

    /// The name as the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cifar10 => "cifar10",
            Kind::Cifar100 => "cifar100",
            Kind::TinyImagenet => "tiny-imagenet",
            Kind::Images => "images",
            Kind::Shapes => "shapes",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
}

const OPTIONS: [&str; 6] = ["normalize", "scale", "size", "train", "val", "seed"];

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

    /// The same data set in another folder; its text stays as the user wrote it.
    pub fn in_folder(self, folder: PathBuf) -> DataSpec {
        DataSpec { folder, ..self }
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
    /// absent. Only for `tiny-imagenet` and `images`.
    pub fn size(&self) -> Option<usize> {
        self.size
    }

    /// Reads one split into memory, the first `limit` images of it when given.
    ///
    /// # Errors
    /// A folder or file that is missing, damaged or of another format, options that ask for more images than
    /// there are; each message names the file.
    pub fn open(&self, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
        match self.kind {
            Kind::Cifar10 => cifar::CIFAR10.open(self, split, limit),
            Kind::Cifar100 => cifar::CIFAR100.open(self, split, limit),
            Kind::Shapes => shapes::open(self, split, limit),
            Kind::TinyImagenet => tiny_imagenet::open(self, split, limit),
            Kind::Images => image_folder::open(self, split, limit),
        }
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), DataError> {
        match option {
            "normalize" => {
                let scale = self.normalize.scale;
                self.normalize = Normalize { scale, ..value.parse()? };
            }
            "scale" => {
                let scale: f32 = number(option, value, "a number above zero, such as 255")?;
                if !(scale.is_finite() && scale > 0.0) {
                    return Err(bad(option, value, "a number above zero, such as 255"));
                }
                self.normalize.scale = scale;
            }
            "size" => {
                if !matches!(self.kind, Kind::TinyImagenet | Kind::Images) {
                    return Err(DataError::NeedlessOption { option: "size", kind: self.kind.name() });
                }
                let expected = "a whole number of pixels from 1 to 4096";
                let size = number(option, value, expected)?;
                if !(1..=MOST_SIZE).contains(&size) {
                    return Err(bad(option, value, expected));
                }
                self.size = Some(size);
            }
            "train" => {
                let train = number(option, value, "a whole number of images above zero")?;
                if train == 0 {
                    return Err(bad(option, value, "a whole number of images above zero"));
                }
                self.train = Some(train);
            }
            "val" => self.val = Some(number(option, value, "a whole number of images")?),
            "seed" => self.seed = number(option, value, "a whole number from 0 to 2⁶⁴−1")?,
            _ => {
                let hint = match option {
                    "mean" | "std" => " (write normalize=mean=R,G,B;std=R,G,B)".to_owned(),
                    _ => did_you_mean(option, &OPTIONS),
                };
                return Err(DataError::UnknownOption { found: option.to_owned(), hint });
            }
        }
        Ok(())
    }
}

fn bad(option: &str, value: &str, expected: &str) -> DataError {
    DataError::BadOption { option: option.to_owned(), value: value.to_owned(), expected: expected.to_owned() }
}

fn number<T: FromStr>(option: &str, value: &str, expected: &str) -> Result<T, DataError> {
    value.parse().map_err(|_| bad(option, value, expected))
}

impl FromStr for DataSpec {
    type Err = DataError;

    /// Parses `KIND[:DIR][?name=value&name=value…]`; the last `?` begins the options.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let (place, options) = text.rsplit_once('?').unwrap_or((text, ""));
        let (name, folder) = place.split_once(':').unwrap_or((place, ""));
        let kind = Kind::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
            let hint = did_you_mean(name, &Kind::ALL.map(Kind::name));
            DataError::UnknownKind { found: name.to_owned(), hint }
        })?;
        if kind == Kind::Shapes && !folder.is_empty() {
            return Err(DataError::NeedlessFolder { folder: folder.to_owned() });
        }
        if kind != Kind::Shapes && folder.is_empty() {
            return Err(DataError::NoFolder { kind: kind.name() });
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
        };
        let mut seen: Vec<&str> = Vec::new();
        for part in options.split('&').filter(|p| !p.is_empty()) {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            if seen.contains(&option) {
                return Err(DataError::RepeatedOption { option: option.to_owned() });
            }
            seen.push(option);
            spec.set(option, value)?;
        }
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(text: &str) -> String {
        text.parse::<DataSpec>().unwrap_err().to_string()
    }

    #[test]
    fn parses_every_option() {
        let spec: DataSpec =
            "cifar10:some/dir?normalize=imagenet&scale=1&train=20000&val=500&seed=7".parse().unwrap();
        assert_eq!(spec.kind(), Kind::Cifar10);
        assert_eq!(spec.folder(), Path::new("some/dir"));
        assert_eq!(spec.normalize(), Normalize::IMAGENET);
        assert_eq!((spec.train(), spec.val(), spec.seed()), (Some(20000), Some(500), 7));
    }

    #[test]
    fn parses_explicit_means_and_raw_scale_in_any_order() {
        let spec: DataSpec =
            "cifar100:d?scale=255&normalize=mean=.485,.456,.406;std=.225&seed=1".parse().unwrap();
        assert_eq!(
            spec.normalize(),
            Normalize { mean: [0.485, 0.456, 0.406], std: [0.225; 3], scale: 255.0 }
        );
        assert_eq!(spec.seed(), 1);
    }

    #[test]
    fn text_round_trips() {
        let text = "shapes?seed=3&val=10";
        let spec: DataSpec = text.parse().unwrap();
        assert_eq!(spec.to_string(), text);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<DataSpec>(&json).unwrap(), spec);
    }

    #[test]
    fn no_unknown_kind() {
        let m = message("cifr10:dir");
        assert!(m.contains("\"cifr10\"") && m.contains("did you mean \"cifar10\""), "{m}");
    }

    #[test]
    fn no_unknown_option() {
        let m = message("shapes?normalise=none");
        assert!(m.contains("\"normalise\"") && m.contains("did you mean \"normalize\""), "{m}");
        assert!(message("shapes?mean=1").contains("normalize=mean="));
    }

    #[test]
    fn no_bad_values() {
        for text in [
            "shapes?seed=-1",
            "shapes?train=0",
            "shapes?val=many",
            "shapes?scale=0",
            "shapes?scale=inf",
            "shapes?normalize",
            "shapes?normalize=imagenet;seed=1",
        ] {
            assert!(message(text).contains("expected"), "{text}");
        }
    }

    #[test]
    fn no_option_twice() {
        assert!(message("shapes?seed=1&seed=2").contains("twice"));
    }

    #[test]
    fn folder_where_it_belongs() {
        assert!(message("cifar10").contains("cifar10:DIR"));
        assert!(message("shapes:dir").contains("no folder"));
    }

    #[test]
    fn size_where_it_belongs() {
        assert_eq!("images:d?size=32".parse::<DataSpec>().unwrap().size(), Some(32));
        assert_eq!("tiny-imagenet:d".parse::<DataSpec>().unwrap().size(), None);
        assert!(message("images:d?size=0").contains("expected"));
        assert!(message("images:d?size=100000").contains("expected"));
        assert!(message("cifar10:d?size=32").contains("not for cifar10"));
    }
}
