//! One file of fixed-size records, plain or `.xz`.

use std::fmt::Display;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use lzma_rust2::{XzReader, xz_uncompressed_size};

use super::DataError;

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
    /// No whole number of records, a damaged `.xz` file, or [`DataError::Io`]; nothing is unpacked yet.
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
                return Err(DataError::file(
                    path,
                    format!(
                        "{bytes} bytes are no whole number of {record}-byte records, so the last one is cut off or this is another \
                         format; fetch the {kind} binary version again"
                    ),
                ));
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
    /// A damaged `.xz` file, or [`DataError::Io`].
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
            reader.take(most).read_to_end(&mut bytes).map_err(|e| corrupt(&self.path, e))?;
        } else {
            (&file).take(most).read_to_end(&mut bytes).map_err(DataError::io(&self.path))?;
        }
        if bytes.len() != want {
            let detail = "its length changed while it was read, or its index is wrong";
            return Err(if self.packed {
                corrupt(&self.path, detail)
            } else {
                DataError::io(&self.path)(io::Error::new(io::ErrorKind::UnexpectedEof, detail))
            });
        }
        Ok(bytes)
    }
}

/// The unpacked size of a file in bytes.
fn size(path: &Path, packed: bool) -> Result<u64, DataError> {
    let file = relinc_passes::files::open(path).map_err(DataError::io(path))?;
    if packed {
        xz_uncompressed_size(file).map_err(|e| corrupt(path, e))
    } else {
        Ok(file.metadata().map_err(DataError::io(path))?.len())
    }
}

fn corrupt(path: &Path, why: impl Display) -> DataError {
    DataError::file(path, format!("damaged .xz file ({why}); fetch it again, `xz -t` checks it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    /// `printf 'hello world' | xz`
    #[rustfmt::skip]
    const HELLO: [u8; 68] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16,
        0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x0a, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77,
        0x6f, 0x72, 0x6c, 0x64, 0x00, 0x00, 0xda, 0x52, 0x23, 0xef, 0xcd, 0x7e, 0x03, 0x53, 0x00, 0x01, 0x23,
        0x0b, 0xc2, 0x1b, 0xfd, 0x09, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ];

    fn size(bytes: &[u8]) -> io::Result<u64> {
        xz_uncompressed_size(Cursor::new(bytes))
    }

    #[test]
    fn sums_streams_and_skips_padding() {
        assert_eq!(size(&HELLO).unwrap(), 11);
        assert_eq!(size(&[HELLO.as_slice(), &HELLO].concat()).unwrap(), 22);
        assert_eq!(size(&[HELLO.as_slice(), &[0; 8], &HELLO].concat()).unwrap(), 22);
    }

    #[test]
    fn no_panic_on_any_cut_or_flipped_byte() {
        for cut in 0..HELLO.len() {
            assert!(size(&HELLO[..cut]).is_err(), "cut at {cut}");
            for value in [0, 0x7f, 0xff] {
                let mut damaged = HELLO;
                damaged[cut] = value;
                let _ = size(&damaged);
            }
        }
    }
}
