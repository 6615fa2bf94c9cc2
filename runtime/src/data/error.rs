//! What can go wrong with a data set, and what to do about it.

use std::io;
use std::path::PathBuf;

/// An error of parsing a data spec or of reading its files. The message names the file or the option and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The part before the `:` names no data set.
    #[error(
        "unknown data set \"{found}\"{hint}; known are cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR and shapes"
    )]
    UnknownKind {
        /// What was written.
        found: String,
        /// The nearest known name as a parenthesis, or empty.
        hint: String,
    },
    /// A data set that lies in files was written without its folder.
    #[error("{kind} needs the folder that holds its files: write {kind}:DIR")]
    NoFolder {
        /// The data set.
        kind: &'static str,
    },
    /// A folder was given to a data set that is built in.
    #[error("shapes is built in and takes no folder: write shapes instead of shapes:{folder}")]
    NeedlessFolder {
        /// What was written as the folder.
        folder: String,
    },
    /// An option of that name does not exist.
    #[error(
        "unknown data option \"{found}\"{hint}; known options are normalize, scale, size, train, val, seed and classes"
    )]
    UnknownOption {
        /// What was written.
        found: String,
        /// The nearest known name as a parenthesis, or empty.
        hint: String,
    },
    /// An option was written twice.
    #[error("the data option \"{option}\" is written twice; keep one of them")]
    RepeatedOption {
        /// The option.
        option: String,
    },
    /// An option's value cannot be used.
    #[error("data option {option}={value}: expected {expected}")]
    BadOption {
        /// The option.
        option: String,
        /// What was written as its value.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// A split of that name does not exist.
    #[error("unknown split \"{found}\": write train, val or test")]
    UnknownSplit {
        /// What was written.
        found: String,
    },
    /// The option means nothing for the data set.
    #[error("the data option \"{option}\" is not for {kind}, whose images have one size; remove it")]
    NeedlessOption {
        /// The option.
        option: &'static str,
        /// The data set.
        kind: &'static str,
    },
    /// A grey image is to be normalised by three numbers.
    #[error(
        "data {spec}: the network takes one channel, but normalize= has other numbers for each of three; write normalize=mnist, none or \
         mean=M;std=S"
    )]
    ThreeNumbers {
        /// The data spec.
        spec: String,
    },
    /// The folder does not exist or is no folder.
    #[error("{}: no such folder; give the folder that holds the {kind} files, as in {kind}:DIR", path.display())]
    MissingFolder {
        /// The folder as written.
        path: PathBuf,
        /// The data set.
        kind: &'static str,
    },
    /// The folder holds none of the files of the split.
    #[error("{}: no {split} files of {kind}; expected {expected}", path.display())]
    NoFiles {
        /// The folder as written.
        path: PathBuf,
        /// The data set.
        kind: &'static str,
        /// The files that belong to this split.
        split: &'static str,
        /// Their names and endings.
        expected: &'static str,
    },
    /// The operating system could not read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// An `.xz` file is damaged or cut short.
    #[error("{}: damaged .xz file ({detail}); fetch it again, `xz -t` checks it", path.display())]
    CorruptXz {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        detail: String,
    },
    /// A `.tar` or `.tar.xz` archive is damaged or cut short.
    #[error("{}: damaged archive ({detail}); fetch it again, `tar tf` checks it", path.display())]
    CorruptArchive {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        detail: String,
    },
    /// An image cannot be decoded.
    #[error("{}: no image that can be read ({detail}); replace the file or remove it", path.display())]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        detail: String,
    },
    /// An image has another size than the first one, and the spec has no `size=`.
    #[error(
        "{}: {}×{} pixels, but {} has {}×{}; write size=N to crop every image to a square and resize it to N×N",
        path.display(), found[0], found[1], reference.display(), expected[0], expected[1]
    )]
    OtherSize {
        /// The file.
        path: PathBuf,
        /// Its width and height in pixels.
        found: [usize; 2],
        /// The first file of the split.
        reference: PathBuf,
        /// Its width and height in pixels.
        expected: [usize; 2],
    },
    /// An image belongs to none of the classes.
    #[error("{}: belongs to no class: {detail}", path.display())]
    NoClass {
        /// The file or folder.
        path: PathBuf,
        /// Where the classes are written down, and what to do.
        detail: String,
    },
    /// There are more classes than labels.
    #[error(
        "{}: {classes} classes are more than the 65,536 that a label can tell apart; give a folder of fewer",
        path.display()
    )]
    TooManyClasses {
        /// The folder.
        path: PathBuf,
        /// How many classes it has.
        classes: usize,
    },
    /// A folder of images is not arranged as classes and splits.
    #[error("{}: {detail}", path.display())]
    Arranged {
        /// The folder.
        path: PathBuf,
        /// What stands in the way, and what to do.
        detail: String,
    },
    /// An IDX file is damaged, of another kind, or does not go with its partner.
    #[error("{}: {detail}", path.display())]
    BadIdx {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected and what to do.
        detail: String,
    },
    /// A `.npy` file is damaged or holds another array than expected.
    #[error("{}: {detail}; fetch the file again", path.display())]
    BadNpy {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        detail: String,
    },
    /// A corruption of that name, or a severity, is not in the folder.
    #[error("{}: no {asked}{hint}; there are {known}", path.display())]
    NoCorruption {
        /// The folder.
        path: PathBuf,
        /// What was asked for.
        asked: String,
        /// The nearest known name as a parenthesis, or empty.
        hint: String,
        /// What is there.
        known: String,
    },
    /// A file is not a whole number of records long.
    #[error(
        "{}: {bytes} bytes are no whole number of {record}-byte records, so the last one is cut off or this is another format; fetch the {kind} binary version again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its unpacked size in bytes.
        bytes: u64,
        /// The size of a record in bytes.
        record: usize,
        /// The data set.
        kind: &'static str,
    },
    /// A record's label is not one of the classes.
    #[error(
        "{}: record {record} has label {label}, but {kind} has classes 0 to {}; the file is damaged or of another data set",
        path.display(), classes - 1
    )]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// The record's index in the file, from 0.
        record: usize,
        /// The label found.
        label: usize,
        /// The number of classes.
        classes: usize,
        /// The data set.
        kind: &'static str,
    },
    /// More images are asked for than there are.
    #[error("{asked} asks for more than the {available} training images {circumstance}; {advice}")]
    TooMany {
        /// The option as written.
        asked: String,
        /// How many images there are.
        available: usize,
        /// Where they are, or what was taken away before.
        circumstance: String,
        /// What to do.
        advice: String,
    },
    /// The split has no images.
    #[error("the {split} split of {spec} is empty; {advice}")]
    EmptySplit {
        /// The split.
        split: &'static str,
        /// The data spec.
        spec: String,
        /// What to do.
        advice: String,
    },
}

impl DataError {
    /// An [`DataError::Io`] about `path`, for `map_err`.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> DataError {
        let path = path.into();
        move |source| DataError::Io { path, source }
    }
}
