//! CIFAR-10-C and CIFAR-100-C: test images in corrupted versions, made once and kept in files.
//!
//! A folder holds `labels.npy` and a file `CORRUPTION.npy` for each corruption: u8, (5·N)×32×32×3, the N test images at
//! severity 1, then the same at severity 2, and so on. Source: Hendrycks and Dietterich, *Benchmarking Neural Network Robustness
//! to Common Corruptions and Perturbations*, arXiv 1903.12261, and its data, <https://zenodo.org/records/2535967>.

use std::path::{Path, PathBuf};

use super::item;
use super::npy::Npy;
use super::{DataError, DataSpec, Dataset, Kind, Split, cifar};
use crate::corrupt::SEVERITIES;
use crate::nearest::did_you_mean;
use crate::picture::planes;

/// Parts of a file, one a severity.
const PARTS: usize = SEVERITIES as usize;
const IMAGE: usize = 32 * 32 * 3;

/// A folder in the layout of CIFAR-10-C.
#[derive(Debug, Clone)]
pub struct CorruptedFolder {
    folder: PathBuf,
    spec: DataSpec,
    corruptions: Vec<String>,
    /// N.
    labels: Vec<u16>,
}

impl CorruptedFolder {
    /// Reads the labels, and of the corruptions names, shapes and lengths; no image yet. `spec` is that of the uncorrupted images: its images
    /// are normalised and labelled alike, and [`Kind::Cifar100`] means CIFAR-100-C, anything else CIFAR-10-C.
    ///
    /// # Errors
    /// A folder or file that is missing or damaged, a label that is none; each names the file.
    pub fn open(folder: &Path, spec: &DataSpec) -> Result<CorruptedFolder, DataError> {
        let format = cifar::format(spec.kind());
        let (kind, classes) = (format.kind(), format.class_names().len());
        DataError::check_folder(folder, kind.name())?;
        let stem = |(name, _): &(String, PathBuf)| name.strip_suffix(".npy").map(str::to_owned);
        let stems = item::entries(folder)?.iter().filter_map(stem).collect::<Vec<_>>();
        let mut corruptions: Vec<String> = stems.into_iter().filter(|stem| stem != "labels").collect();
        corruptions.sort();
        let labels = folder.join("labels.npy");
        if corruptions.is_empty() || !labels.is_file() {
            let expected = "labels.npy and a .npy for each corruption, such as fog.npy";
            return Err(DataError::no_files(folder, "corrupted", kind.name(), expected));
        }
        let labels = read_labels(&labels, kind, classes)?;
        let found = CorruptedFolder { folder: folder.to_owned(), spec: spec.clone(), corruptions, labels };
        found.corruptions.iter().try_for_each(|c| found.array(c).map(drop))?;
        Ok(found)
    }

    /// The array of a corruption, opened.
    fn array(&self, corruption: &str) -> Result<Npy, DataError> {
        let npy = Npy::open(&self.folder.join(format!("{corruption}.npy")))?;
        let n = PARTS * self.labels.len();
        if npy.descr != "|u1" || npy.shape != [n, 32, 32, 3] {
            let expected = format!("|u1 of shape [{n}, 32, 32, 3]");
            return Err(npy.bad(format!("holds {} of shape {:?}, expected {expected}", npy.descr, npy.shape)));
        }
        npy.holds(n * IMAGE)?;
        Ok(npy)
    }

    /// The names of the corruptions in the folder, sorted.
    pub fn corruptions(&self) -> &[String] {
        &self.corruptions
    }

    /// The number of images of one corruption at one severity.
    pub fn images(&self) -> usize {
        self.labels.len()
    }

    /// The test images under a corruption at a severity of 1 to 5, the first `limit` of them. Only these are read.
    ///
    /// # Errors
    /// A name or severity that is not there, a file that is cut off or holds another array, [`DataError::Io`].
    pub fn dataset(
        &self,
        corruption: &str,
        severity: u8,
        limit: Option<usize>,
    ) -> Result<Dataset, DataError> {
        let missing = |what: String| DataError::file(&self.folder, format!("no {what}"));
        if !self.corruptions.iter().any(|c| c == corruption) {
            let known: Vec<&str> = self.corruptions.iter().map(String::as_str).collect();
            let hint = did_you_mean(corruption, &known);
            let known = known.join(", ");
            return Err(missing(format!("corruption \"{corruption}\"{hint}; there are {known}")));
        }
        if !(1..=SEVERITIES).contains(&severity) {
            return Err(missing(format!("severity {severity}; there are severities 1 to 5")));
        }
        let n = self.labels.len();
        let mut npy = self.array(corruption)?;
        self.spec.arranged(limit, |limit| {
            let take = limit.unwrap_or(n).min(n);
            let bytes = npy.bytes((usize::from(severity) - 1) * n * IMAGE, take * IMAGE)?;
            let format = cifar::format(self.spec.kind());
            Ok(Dataset {
                kind: format.kind(),
                class_names: format.class_names(),
                image_shape: cifar::SHAPE,
                pixels: bytes.chunks_exact(IMAGE).flat_map(|image| planes(image, 3)).collect(),
                labels: self.labels[..take].to_vec(),
                ..Dataset::empty(&self.spec, Split::Test)
            })
        })
    }
}

/// The labels of one severity. The file repeats them for each of the five, which is checked.
fn read_labels(path: &Path, kind: Kind, classes: usize) -> Result<Vec<u16>, DataError> {
    let mut npy = Npy::open(path)?;
    let size = match npy.descr.as_str() {
        "|u1" | "|i1" => 1,
        "<u2" | "<i2" => 2,
        "<u4" | "<i4" => 4,
        "<u8" | "<i8" => 8,
        other => return Err(npy.bad(format!("holds {other}, expected whole numbers"))),
    };
    let total = match npy.shape[..] {
        [total] if total > 0 && total.is_multiple_of(PARTS) => total,
        _ => return Err(npy.bad(format!("has the shape {:?}, expected [5·N]", npy.shape))),
    };
    let count = total.checked_mul(size).ok_or_else(|| npy.bad("its shape is too large".to_owned()))?;
    let bytes = npy.bytes(0, count)?;
    let mut labels = Vec::with_capacity(total);
    for (record, bytes) in bytes.chunks_exact(size).enumerate() {
        // Little-endian; a negative number becomes one far beyond the classes.
        let label = bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        if label >= classes as u64 {
            return Err(DataError::wrong_label(path, record, label, kind.name(), classes));
        }
        labels.push(label as u16);
    }
    let n = total / PARTS;
    if labels.chunks_exact(n).any(|part| part != &labels[..n]) {
        return Err(
            npy.bad("its five parts differ, expected the labels of one test set five times".to_owned())
        );
    }
    labels.truncate(n);
    Ok(labels)
}

#[cfg(test)]
#[path = "corrupted_tests.rs"]
mod tests;
