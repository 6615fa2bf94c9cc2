//! One file of fixed-size records, plain or `.xz`.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;

use super::DataError;
use super::xz_index::unpacked_size;

/// What an `.xz` file may ask for as its dictionary, in KiB.
pub(super) const XZ_MEMORY_KIB: u32 = 1 << 20;

/// A file that holds a whole number of records.
pub(super) struct Source {
    path: PathBuf,
    packed: bool,
    record: usize,
    records: usize,
}

impl Source {
    /// `DIR/STEM.bin` or, when that is not there, `DIR/STEM.bin.xz`, of `record`-byte records; `None` when neither is there.
    ///
    /// # Errors
    /// [`DataError::Truncated`], [`DataError::CorruptXz`] or [`DataError::Io`]; nothing is unpacked yet.
    pub(super) fn find(
        dir: &Path,
        stem: &str,
        record: usize,
        kind: &'static str,
    ) -> Result<Option<Source>, DataError> {
        for (ending, packed) in [("bin", false), ("bin.xz", true)] {
            let path = dir.join(format!("{stem}.{ending}"));
            if !path.is_file() {
                continue;
            }
            let bytes = size(&path, packed)?;
            if !bytes.is_multiple_of(record as u64) {
                return Err(DataError::Truncated { path, bytes, record, kind });
            }
            let records = usize::try_from(bytes / record as u64)
                .map_err(|_| DataError::io(&path)(io::Error::from(io::ErrorKind::FileTooLarge)))?;
            return Ok(Some(Source { path, packed, record, records }));
        }
        Ok(None)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many records it holds.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// The first `count` records (at most all), one after the other. An `.xz` file is unpacked only so far,
    /// and its checksum checked when that is to the end.
    ///
    /// # Errors
    /// [`DataError::CorruptXz`] or [`DataError::Io`].
    pub(super) fn read(&self, count: usize) -> Result<Vec<u8>, DataError> {
        let count = count.min(self.records);
        let want = count * self.record;
        let file = relinc_passes::files::open(&self.path).map_err(DataError::io(&self.path))?;
        // One byte more than there should be: reaching the end is what makes the decoder check it.
        let most = if count == self.records { want as u64 + 1 } else { want as u64 };
        // The index may lie about the size, so a huge one is not believed beforehand.
        let mut bytes = Vec::with_capacity((want + 1).min(64 << 20));
        if self.packed {
            let reader =
                XzReader::new_mem_limit(BufReader::with_capacity(1 << 16, file), true, XZ_MEMORY_KIB);
            reader.take(most).read_to_end(&mut bytes).map_err(|e| corrupt(&self.path, &e))?;
        } else {
            (&file).take(most).read_to_end(&mut bytes).map_err(DataError::io(&self.path))?;
        }
        if bytes.len() != want {
            let detail = "its length changed while it was read, or its index is wrong";
            return Err(if self.packed {
                DataError::CorruptXz { path: self.path.clone(), detail: detail.to_owned() }
            } else {
                DataError::io(&self.path)(io::Error::new(io::ErrorKind::UnexpectedEof, detail))
            });
        }
        Ok(bytes)
    }
}

/// The unpacked size of a file in bytes.
fn size(path: &Path, packed: bool) -> Result<u64, DataError> {
    let mut file = relinc_passes::files::open(path).map_err(DataError::io(path))?;
    if packed {
        unpacked_size(&mut file).map_err(|e| corrupt(path, &e))
    } else {
        Ok(file.metadata().map_err(DataError::io(path))?.len())
    }
}

fn corrupt(path: &Path, error: &io::Error) -> DataError {
    DataError::CorruptXz { path: path.to_owned(), detail: error.to_string() }
}
