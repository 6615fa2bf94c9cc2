//! What can go wrong with a data set, and what to do about it.

use super::{DataSpec, Split};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// An error of parsing a data spec or of reading its files. The message names the file or the option and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The data spec cannot be understood, or asks for what the data set does not have.
    #[error("{0}")]
    Spec(String),
    /// A file or folder is missing, damaged, of another format or arranged otherwise.
    #[error("{}: {detail}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The operating system could not read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl DataError {
    /// An [`DataError::Io`] about `path`, for `map_err`.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> DataError {
        let path = path.into();
        move |source| DataError::Io { path, source }
    }

    /// An [`DataError::File`].
    pub(super) fn file(path: impl Into<PathBuf>, detail: impl Into<String>) -> DataError {
        DataError::File { path: path.into(), detail: detail.into() }
    }

    /// An option whose value cannot be used.
    pub(super) fn option(option: &str, value: impl Display, expected: impl Display) -> DataError {
        DataError::Spec(format!("data option {option}={value}: expected {expected}"))
    }

    /// An option, written as `asked`, wants more images than there are; `where_` says where they are or what was taken away before.
    pub(super) fn too_many(asked: String, available: usize, where_: String, advice: &str) -> DataError {
        DataError::Spec(format!(
            "{asked} asks for more than the {available} training images {where_}; {advice}"
        ))
    }

    /// A split without images.
    pub(super) fn empty_split(split: Split, spec: &DataSpec, advice: &str) -> DataError {
        DataError::Spec(format!("the {split} split of {spec} is empty; {advice}"))
    }

    /// Refuses what is no folder.
    pub(super) fn check_folder(path: &Path, kind: &str) -> Result<(), DataError> {
        if path.is_dir() {
            return Ok(());
        }
        let advice = format!("give the folder that holds the {kind} files, as in {kind}:DIR");
        Err(DataError::file(path, format!("no such folder; {advice}")))
    }

    /// A folder without the files of a split; `expected` are their names and endings.
    pub(super) fn no_files(path: &Path, split: &str, kind: &str, expected: &str) -> DataError {
        DataError::file(path, format!("no {split} files of {kind}; expected {expected}"))
    }

    /// An image that cannot be decoded.
    pub(super) fn undecodable(path: &Path, detail: &str) -> DataError {
        DataError::file(path, format!("no image that can be read ({detail}); replace the file or remove it"))
    }

    /// A record, counted from 0, whose label is not one of `classes`.
    pub(super) fn wrong_label(
        path: &Path,
        record: usize,
        label: impl Display,
        kind: &str,
        classes: usize,
    ) -> DataError {
        let last = classes - 1;
        DataError::file(
            path,
            format!(
                "record {record} has label {label}, but {kind} has classes 0 to {last}; the file is damaged or of another data set"
            ),
        )
    }
}
