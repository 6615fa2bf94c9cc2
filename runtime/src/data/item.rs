//! Files of a data set, in a folder or in an archive, before anything is decoded.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;

/// Folders within folders beyond this are not entered, so that a link to a folder above ends.
const DEEPEST: usize = 6;

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its name below the folder or archive that was listed, with `/` between folders.
    pub(super) name: String,
    /// Where it lies, for messages; for a member of an archive the archive's path and the name inside.
    pub(super) path: PathBuf,
    /// Its contents when it came out of an archive.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Item {
    /// Its contents.
    pub(super) fn read(&self) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.bytes {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => relinc_passes::files::read(&self.path).map(Cow::Owned).map_err(DataError::io(&self.path)),
        }
    }

    /// Its contents as text; what is no UTF-8 becomes a replacement character.
    pub(super) fn text(&self) -> Result<String, DataError> {
        Ok(String::from_utf8_lossy(&self.read()?).into_owned())
    }
}

/// How a file takes part, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// PNG or JPEG.
    Readable,
    /// An image of a format that is not read.
    Foreign,
    /// No image.
    Other,
}

/// What the name tells. Hidden files are no images: archives made on a Mac hold a `._x.JPEG` beside each `x.JPEG`.
pub(super) fn format(name: &str) -> Format {
    let file = name.rsplit('/').next().unwrap_or(name);
    let ending = file.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase());
    match ending.as_str() {
        _ if file.starts_with('.') => Format::Other,
        "png" | "jpg" | "jpeg" => Format::Readable,
        "bmp" | "gif" | "tif" | "tiff" | "webp" | "ppm" | "pgm" | "avif" | "heic" => Format::Foreign,
        _ => Format::Other,
    }
}

/// The PNG and JPEG files in `folder` and the folders in it, sorted by name.
///
/// # Errors
/// An image of another format, [`DataError::Io`].
pub(super) fn images(folder: &Path) -> Result<Vec<Item>, DataError> {
    let mut items = Vec::new();
    walk(folder, "", 0, &mut items)?;
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(items)
}

fn walk(folder: &Path, prefix: &str, depth: usize, items: &mut Vec<Item>) -> Result<(), DataError> {
    for (file, path) in entries(folder)? {
        let name = format!("{prefix}{file}");
        match format(&name) {
            Format::Readable if !path.is_dir() => items.push(Item { name, path, bytes: None }),
            Format::Foreign if !path.is_dir() => {
                return Err(DataError::undecodable(&path, "images are read as PNG and JPEG only"));
            }
            _ if depth < DEEPEST && path.is_dir() => walk(&path, &format!("{name}/"), depth + 1, items)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file or folder is none of the user's: hidden, or left by an operating system or a server.
fn is_hidden(name: &str) -> bool {
    const STRAY: [&str; 6] =
        ["__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db"];
    name.starts_with('.') || STRAY.contains(&name)
}

/// Name and path of what is in `folder`, in no order; hidden files and folders are left out.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(DataError::io(folder))? {
        let entry = entry.map_err(DataError::io(folder))?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.retain(|(name, _)| !is_hidden(name));
    Ok(entries)
}

/// The names of the folders in `folder`, sorted; hidden ones are left out.
pub(super) fn folders(folder: &Path) -> Result<Vec<String>, DataError> {
    let folders = entries(folder)?.into_iter().filter(|(_, path)| path.is_dir());
    let mut names: Vec<String> = folders.map(|(name, _)| name).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_tell_the_format() {
        assert_eq!(format("a/b/c.JPEG"), Format::Readable);
        assert_eq!(format("c.Png"), Format::Readable);
        assert_eq!(format("a/._c.jpg"), Format::Other);
        assert_eq!(format("x.webp"), Format::Foreign);
        assert_eq!(format("jpeg"), Format::Other);
        assert_eq!(format("notes.txt"), Format::Other);
    }

    #[test]
    fn lists_sorted_and_stops_in_a_loop() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        for stray in ["__MACOSX", ".cache", "b/.thumbnails", "b/@eaDir"] {
            fs::create_dir(dir.path().join(stray)).unwrap();
            fs::write(dir.path().join(stray).join("c.png"), "").unwrap();
        }
        for name in ["z.png", "b/y.jpg", "a.jpeg", "b/notes.txt", "b/Thumbs.db", ".DS_Store", "b/._y.jpg"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(folders(dir.path()).unwrap(), ["b"]);
        let names = || images(dir.path()).unwrap().into_iter().map(|i| i.name).collect::<Vec<_>>();
        assert_eq!(names(), ["a.jpeg", "b/y.jpg", "z.png"]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), dir.path().join("b/up")).unwrap();
            assert!(names().len() < 30);
        }
    }
}
