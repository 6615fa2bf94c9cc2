//! Writes a data set as NumPy files, for programs that are not ours.

use relinc_passes::files::create_atomically;
use relinc_passes::ir::DType;
use relinc_passes::npy::header;
use std::fs;
use std::path::Path;

use super::{DataError, DataSpec, Split};

/// One split that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The split.
    pub split: Split,
    /// How many images it has.
    pub images: usize,
}

/// Writes every split of `spec` into the folder `dir`, which is made when it is not there: for each of `train`,
/// `val` and `test` the files `SPLIT_images.npy`, u8, N×C×H×W, as the images lie (not normalised), and `SPLIT_labels.npy`, N, u8 up to
/// 256 classes and i64 beyond. A file appears only when it is complete.
///
/// A validation split of `val=0` is left out.
///
/// # Errors
/// What [`DataSpec::open`] yields, and [`DataError::Io`] naming the file that could not be written.
pub fn export(spec: &DataSpec, dir: &Path) -> Result<Vec<Exported>, DataError> {
    fs::create_dir_all(dir).map_err(DataError::io(dir))?;
    splits(spec).map(|split| export_split(spec, split, dir)).collect()
}

fn splits(spec: &DataSpec) -> impl Iterator<Item = Split> + use<> {
    let no_val = spec.val() == Some(0);
    Split::ALL.into_iter().filter(move |s| *s != Split::Val || !no_val)
}

/// The names of the files that [`export`] writes.
pub fn names(spec: &DataSpec) -> Vec<String> {
    splits(spec).flat_map(|s| [images(s), labels(s)]).collect()
}

fn images(s: Split) -> String {
    format!("{s}_images.npy")
}

fn labels(s: Split) -> String {
    format!("{s}_labels.npy")
}

fn export_split(spec: &DataSpec, split: Split, dir: &Path) -> Result<Exported, DataError> {
    let data = spec.open(split, None)?;
    let [c, h, w] = data.image_shape();
    write_npy(&dir.join(images(split)), DType::U8, &[data.len(), c, h, w], data.all_pixels())?;
    let of = (0..data.len()).map(|i| data.label(i));
    let (dtype, bytes): (DType, Vec<u8>) = if data.classes() <= 256 {
        (DType::U8, of.map(|l| l as u8).collect())
    } else {
        (DType::I64, of.flat_map(|l| (l as i64).to_le_bytes()).collect())
    };
    write_npy(&dir.join(labels(split)), dtype, &[data.len()], &bytes)?;
    Ok(Exported { split, images: data.len() })
}

/// Writes a `.npy` file; it appears by rename. `values` has the product of `shape` elements, little-endian.
fn write_npy(path: &Path, dtype: DType, shape: &[usize], values: &[u8]) -> Result<(), DataError> {
    create_atomically(path, |w| {
        w.write_all(&header(dtype, shape))?;
        w.write_all(values)
    })
    .map_err(DataError::io(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn writes_all_splits_and_no_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let spec: DataSpec = "shapes?train=20&val=10".parse().unwrap();
        let target = dir.path().join("new/folder");
        let exported = export(&spec, &target).unwrap();
        assert_eq!(exported.iter().map(|e| e.images).collect::<Vec<_>>(), [20, 10, 2000]);
        let images = fs::read(target.join("train_images.npy")).unwrap();
        let data = spec.open(Split::Train, None).unwrap();
        assert_eq!(images.len(), 128 + 20 * 3072);
        assert_eq!(&images[128..], data.all_pixels());
        let labels = fs::read(target.join("train_labels.npy")).unwrap();
        assert_eq!(labels[128..], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 6);
    }

    #[test]
    fn no_val_files_for_val_zero() {
        let dir = tempfile::tempdir().unwrap();
        let spec: DataSpec = "shapes?train=10&val=0".parse().unwrap();
        assert_eq!(export(&spec, dir.path()).unwrap().len(), 2);
        assert!(!dir.path().join("val_images.npy").exists());
    }

    #[test]
    fn error_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("train_images.npy");
        fs::create_dir(&blocked).unwrap();
        let spec: DataSpec = "shapes?train=10".parse().unwrap();
        let message = export(&spec, dir.path()).unwrap_err().to_string();
        assert!(message.contains("train_images.npy"), "{message}");
    }
}
