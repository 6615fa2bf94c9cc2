//! Reads members of a `.tar` or `.tar.xz` archive as it lies.

use std::io::{self, BufReader, Read};
use std::path::Path;

use lzma_rust2::XzReader;
use tar::Archive;

use super::DataError;
use super::item::Item;
use super::source::XZ_MEMORY_KIB;

/// Members that are kept may have so many bytes, one and all together.
const MOST_OF_ONE: u64 = 64 << 20;
const MOST_OF_ALL: u64 = 8 << 30;

/// Whether the name is that of an archive.
pub(super) fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.ends_with(".tar") || name.ends_with(".tar.xz")
}

/// The regular members whose names `keep` accepts, with their contents, in the order of the archive. A `./` before a
/// name is dropped.
///
/// # Errors
/// A damaged archive, or [`DataError::Io`].
pub(super) fn members(path: &Path, keep: impl Fn(&str) -> bool) -> Result<Vec<Item>, DataError> {
    let file = relinc_passes::files::open(path).map_err(DataError::io(path))?;
    let plain = BufReader::with_capacity(1 << 16, file);
    let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xz"));
    let reader: Box<dyn Read> =
        if packed { Box::new(XzReader::new_mem_limit(plain, true, XZ_MEMORY_KIB)) } else { Box::new(plain) };
    let damaged = |e| format!("damaged archive ({e}); fetch it again, `tar tf` checks it");
    read(path, reader, keep).map_err(|e| DataError::file(path, damaged(e)))
}

fn read(path: &Path, reader: impl Read, keep: impl Fn(&str) -> bool) -> io::Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut total = 0u64;
    let mut archive = Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        if !entry.header().entry_type().is_file() || !keep(&name) {
            continue;
        }
        let size = entry.size();
        total = total.saturating_add(size);
        if size > MOST_OF_ONE || total > MOST_OF_ALL {
            return Err(io::Error::other(format!(
                "{name} has {size} bytes, which is no image of this data set"
            )));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        entry.read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(io::Error::other(format!("{name} is cut off")));
        }
        items.push(Item { path: path.join(&name), name, bytes: Some(bytes) });
    }
    // Reaching the end is what makes the decoder check it.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(items)
}
