//! Reads the header of NumPy's `.npy`. Source: `numpy/lib/format.py`, versions 1.0 to 3.0.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::DataError;

/// Longer headers are refused.
const MOST_HEADER: usize = 1 << 16;

/// An open `.npy` file whose header was read.
#[derive(Debug)]
pub struct Npy {
    path: PathBuf,
    file: File,
    /// Where the elements begin.
    start: u64,
    /// The type of the elements as NumPy writes it: `|u1`, `<i8`.
    pub descr: String,
    /// The dimensions, outermost first; row-major.
    pub shape: Vec<usize>,
}

impl Npy {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// No `.npy` file, or one that is not row-major; [`DataError::Io`].
    pub fn open(path: &Path) -> Result<Npy, DataError> {
        let mut file = relinc_passes::files::open(path).map_err(DataError::io(path))?;
        let mut start = Vec::new();
        file.by_ref().take(12).read_to_end(&mut start).map_err(DataError::io(path))?;
        let bad = |detail: &str| damaged(path, detail);
        let (prefix, length) = match start[..] {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => {
                (10, usize::from(u16::from_le_bytes([a, b])))
            }
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d] => {
                (12, u32::from_le_bytes([a, b, c, d]) as usize)
            }
            _ => return Err(bad("no .npy file of version 1, 2 or 3")),
        };
        if length > MOST_HEADER {
            return Err(bad("its header is too long"));
        }
        file.seek(SeekFrom::Start(prefix)).map_err(DataError::io(path))?;
        let mut header = Vec::new();
        file.by_ref().take(length as u64).read_to_end(&mut header).map_err(DataError::io(path))?;
        let header = String::from_utf8_lossy(&header);
        if header.len() < length {
            return Err(bad("its header is cut off"));
        }
        let field = |name: &str| header.split_once(&format!("'{name}':")).map(|(_, rest)| rest.trim_start());
        if !field("fortran_order").is_some_and(|v| v.starts_with("False")) {
            return Err(bad("its array is not row-major; save numpy.ascontiguousarray of it"));
        }
        let descr = field("descr").and_then(|v| v.strip_prefix('\'')).and_then(|v| v.split_once('\''));
        let (descr, _) = descr.ok_or_else(|| bad("its elements have no plain type"))?;
        let shape = field("shape").and_then(|v| v.strip_prefix('(')).and_then(|v| v.split_once(')'));
        let (shape, _) = shape.ok_or_else(|| bad("its header has no shape"))?;
        let numbers = shape.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::parse);
        let shape =
            numbers.collect::<Result<Vec<usize>, _>>().map_err(|_| bad("its shape holds no numbers"))?;
        let start = prefix + length as u64;
        Ok(Npy { path: path.to_owned(), descr: descr.to_owned(), shape, file, start })
    }

    /// `count` bytes of the elements, from the byte `from` on.
    ///
    /// # Errors
    /// The file ends before; [`DataError::Io`].
    pub fn bytes(&mut self, from: usize, count: usize) -> Result<Vec<u8>, DataError> {
        let at = self.start.saturating_add(from as u64);
        self.file.seek(SeekFrom::Start(at)).map_err(DataError::io(&self.path))?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(count as u64).read_to_end(&mut bytes).map_err(DataError::io(&self.path))?;
        if bytes.len() < count {
            return Err(self.bad("it is cut off".to_owned()));
        }
        Ok(bytes)
    }

    /// Is the file long enough for so many bytes of elements?
    ///
    /// # Errors
    /// It ends before; [`DataError::Io`].
    pub fn holds(&self, count: usize) -> Result<(), DataError> {
        let length = self.file.metadata().map_err(DataError::io(&self.path))?.len();
        match length < self.start.saturating_add(count as u64) {
            true => Err(self.bad("it is cut off".to_owned())),
            false => Ok(()),
        }
    }

    /// An error about this file.
    pub fn bad(&self, detail: String) -> DataError {
        damaged(&self.path, &detail)
    }
}

fn damaged(path: &Path, detail: &str) -> DataError {
    DataError::file(path, format!("{detail}; fetch the file again"))
}
