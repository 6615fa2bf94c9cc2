//! IDX files, the format of MNIST: a header of big-endian numbers, then bytes.
//!
//! Source: <https://yann.lecun.org/exdb/mnist>.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::DataError;
use super::source::XZ_MEMORY_KIB;

/// The third byte of the magic number: unsigned bytes.
const UNSIGNED: u32 = 0x08;

/// An opened file whose header was read.
pub(super) struct Idx {
    path: PathBuf,
    /// The sizes that the header announces; the first counts the records.
    pub(super) sizes: Vec<usize>,
    body: Box<dyn Read>,
}

impl Idx {
    /// Opens a file of unsigned bytes in `dimensions` dimensions, packed by gzip or xz or not, which its first bytes tell.
    ///
    /// # Errors
    /// A file that is none, has other dimensions or is cut off; [`DataError::Io`].
    pub(super) fn open(path: &Path, dimensions: usize) -> Result<Idx, DataError> {
        let file = relinc_passes::files::open(path).map_err(DataError::io(path))?;
        let length = file.metadata().map_err(DataError::io(path))?.len();
        let mut buffered = BufReader::with_capacity(1 << 16, file);
        let first = io::BufRead::fill_buf(&mut buffered).map_err(DataError::io(path))?;
        let (gzip, xz) = (first.starts_with(b"\x1f\x8b"), first.starts_with(b"\xfd7zXZ"));
        let body: Box<dyn Read> = match (gzip, xz) {
            (true, _) => Box::new(MultiGzDecoder::new(buffered)),
            (_, true) => Box::new(XzReader::new_mem_limit(buffered, true, XZ_MEMORY_KIB)),
            _ => Box::new(buffered),
        };
        let mut idx = Idx { path: path.to_owned(), sizes: vec![], body };
        let magic = idx.number()?;
        let wanted = UNSIGNED << 8 | dimensions as u32;
        if magic != wanted {
            let is = match magic {
                0x0801 => "it is a file of labels".to_owned(),
                0x0803 => "it is a file of images".to_owned(),
                other => format!("it begins with {other:#010x}"),
            };
            return Err(
                idx.bad(format!("{is}, expected {wanted:#010x}, unsigned bytes in {dimensions} dimensions"))
            );
        }
        for _ in 0..dimensions {
            let size = idx.number()? as usize;
            idx.sizes.push(size);
        }
        let header = 4 + 4 * dimensions as u64;
        let all = idx.sizes.iter().try_fold(1u64, |all, &s| all.checked_mul(s as u64));
        let all =
            all.ok_or_else(|| idx.bad("its header announces more bytes than can be counted".to_owned()))?;
        if !gzip && !xz && length != header + all {
            return Err(idx.bad(format!(
                "it has {length} bytes, but its header announces {}: it is cut off or damaged; fetch it again",
                header + all
            )));
        }
        Ok(idx)
    }

    /// The first `count` records, at most all. The end of a packed file is checked when that is all.
    ///
    /// # Errors
    /// A file that holds less or more than its header announces, or cannot be unpacked.
    pub(super) fn records(mut self, count: usize) -> Result<Vec<u8>, DataError> {
        let record: usize = self.sizes[1..].iter().product();
        let all = self.sizes[0];
        let want = count.min(all) * record;
        let most = if count >= all { want as u64 + 1 } else { want as u64 };
        let mut bytes = Vec::with_capacity(want.min(64 << 20));
        let read = (&mut self.body).take(most).read_to_end(&mut bytes);
        if let Err(e) = read {
            return Err(self.bad(format!("it cannot be unpacked ({e}); fetch it again")));
        }
        if bytes.len() != want {
            let than = if bytes.len() < want { "less" } else { "more" };
            return Err(self.bad(format!(
                "it holds {than} than the {all} records that its header announces; fetch it again"
            )));
        }
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32, DataError> {
        let mut bytes = [0; 4];
        match self.body.read_exact(&mut bytes) {
            Ok(()) => Ok(u32::from_be_bytes(bytes)),
            Err(e) => Err(self.bad(format!("no IDX file, its header cannot be read ({e}); fetch it again"))),
        }
    }

    /// An error about this file.
    pub(super) fn bad(&self, detail: String) -> DataError {
        DataError::file(&self.path, detail)
    }
}
