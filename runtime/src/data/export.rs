//! Writes a data set as NumPy files, for programs that are not ours.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{DataError, DataSpec, Split};

/// One split that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The split.
    pub split: Split,
    /// How many images it has.
    pub images: usize,
    /// `DIR/SPLIT_images.npy`: u8, N×C×H×W, as the images lie (not normalised).
    pub images_file: PathBuf,
    /// `DIR/SPLIT_labels.npy`: u8, N.
    pub labels_file: PathBuf,
}

/// Writes every split of `spec` into the folder `dir`, which is made when it is not there: for each of `train`,
/// `val` and `test` the files that [`Exported`] names. A file appears only when it is complete.
///
/// A validation split of `val=0` is left out.
///
/// # Errors
/// What [`DataSpec::open`] yields, and [`DataError::Io`] naming the file that could not be written.
pub fn export(spec: &DataSpec, dir: &Path) -> Result<Vec<Exported>, DataError> {
    fs::create_dir_all(dir).map_err(DataError::io(dir))?;
    let splits = Split::ALL.into_iter().filter(|s| *s != Split::Val || spec.val() != Some(0));
    splits.map(|split| export_split(spec, split, dir)).collect()
}

fn export_split(spec: &DataSpec, split: Split, dir: &Path) -> Result<Exported, DataError> {
    let data = spec.open(split, None)?;
    let [c, h, w] = data.image_shape();
    let images_file = dir.join(format!("{split}_images.npy"));
    let labels_file = dir.join(format!("{split}_labels.npy"));
    write_npy(&images_file, &[data.len(), c, h, w], data.all_pixels())?;
    // The label fits: no data set that can be opened has more than 256 classes.
    let labels: Vec<u8> = (0..data.len()).map(|i| data.label(i) as u8).collect();
    write_npy(&labels_file, &[data.len()], &labels)?;
    Ok(Exported { split, images: data.len(), images_file, labels_file })
}

/// Writes a `.npy` file, version 1.0, of unsigned bytes in C order. `values` has the product of `shape` elements.
/// The file is written beside its place under another name and then renamed.
fn write_npy(path: &Path, shape: &[usize], values: &[u8]) -> Result<(), DataError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written =
        write_new(&temporary, &npy_header(shape), values).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // The first error is the one to tell; a leftover temporary file is harmless.
        let _ = fs::remove_file(&temporary);
        DataError::io(path)(error)
    })
}

fn write_new(path: &Path, header: &[u8], values: &[u8]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(header)?;
    file.write_all(values)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Magic, version, header length and the header: a Python dictionary padded with blanks to a multiple of 64 bytes.
/// Source: `numpy/lib/format.py`.
fn npy_header(shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let prefix = 10;
    let padded = (prefix + text.len() + 1).next_multiple_of(64) - prefix;
    text.extend(std::iter::repeat_n(' ', padded - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((padded as u16).to_le_bytes());
    header.extend(text.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn header_is_what_numpy_writes() {
        let header = npy_header(&[2, 3, 32, 32]);
        assert_eq!(header.len(), 128);
        assert_eq!(&header[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&header[10..]).unwrap();
        assert!(text.starts_with("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 32, 32,), }"));
        assert!(text.ends_with(" \n"));
        assert!(npy_header(&[7]).windows(4).any(|w| w == b"(7,)"));
    }

    #[test]
    fn writes_all_splits_and_no_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let spec: DataSpec = "shapes?train=20&val=10".parse().unwrap();
        let target = dir.path().join("new/folder");
        let exported = export(&spec, &target).unwrap();
        assert_eq!(exported.iter().map(|e| e.images).collect::<Vec<_>>(), [20, 10, 2000]);
        let images = fs::read(&exported[0].images_file).unwrap();
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
