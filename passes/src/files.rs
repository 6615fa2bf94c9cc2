//! Files that appear whole or not at all, and that are on the disk when the call that wrote them returns. Only what is written into
//! an unfinished folder waits for [`sync`]: there, all goes to the disk at once.

use crate::unfinished::{self, Thing};
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What the names of files and folders begin with that are still being written.
pub const UNFINISHED: &str = ".relinc-";

/// Texts are smaller.
const MAX_TEXT: u64 = 256 << 20;

/// Lets `fill` write a temporary file beside `path`, then renames it to `path`.
///
/// # Errors
/// Those of `fill`, and of the disk. Nothing is left of the temporary file, and what was at `path` is still there.
pub fn create_atomically(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (tmp, mark) = unfinished::begin(|| temporary(path), |tmp| Thing::File(tmp.path().into()))?;
    let mut w = BufWriter::with_capacity(1 << 16, tmp.as_file());
    fill(&mut w)?;
    let file = w.into_inner().map_err(|e| e.into_error())?;
    let lasting = !in_unfinished(path);
    if lasting {
        file.sync_all()?;
    }
    unfinished::end(mark, || tmp.persist(path)).map_err(|e| e.error)?;
    if lasting { sync_folder(folder(path)) } else { Ok(()) }
}

/// Opens a file to read: a device, which may have no end, and a pipe, which may have no writer, are none.
///
/// # Errors
/// It cannot be opened, or is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before, since opening a pipe waits for its writer.
    let kind = fs::metadata(path)?.file_type();
    match kind.is_file() || kind.is_dir() {
        true => File::open(path),
        false => Err(io::Error::other("is no regular file")),
    }
}

/// All bytes of a regular file.
///
/// # Errors
/// As [`open`], and of the disk.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    let mut file = open(path)?;
    io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
}

/// A regular file as text.
///
/// # Errors
/// As [`read`]; it is larger than any text that relinc reads, or no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = open(path)?;
    if file.metadata()?.len() > MAX_TEXT {
        return Err(io::Error::other("is larger than 256 MiB, which no such file is"));
    }
    io::Read::read_to_string(&mut { file }, &mut text).map(|_| text)
}

/// Writes all bytes to a file that appears by rename.
///
/// # Errors
/// As [`create_atomically`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_atomically(path, |w| w.write_all(bytes))
}

/// Could a file be written here? Asked before long work.
///
/// # Errors
/// Why not.
pub fn writable(path: &Path) -> io::Result<()> {
    match path.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => unfinished::undisturbed(|| temporary(path).map(drop)),
    }
}

/// Renames a file whose content is on the disk already; so is the new name when this returns.
///
/// # Errors
/// Those of the file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder(to))
}

/// Puts the names in a folder on the disk.
///
/// # Errors
/// Those of the disk. A folder that cannot be opened, or a file system that does this by itself, is none.
pub fn sync_folder(dir: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(dir).and_then(|f| f.sync_all()) {
        Err(e) if [InvalidInput, PermissionDenied, Unsupported].contains(&e.kind()) => Ok(()),
        r => r,
    }
}

/// Puts everything in an unfinished folder on the disk, before it is renamed.
///
/// # Errors
/// Those of the disk.
pub fn sync(dir: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let (mut all, mut next) = (vec![], 0);
    all.push(dir.to_path_buf());
    while next < all.len() {
        if all[next].is_dir() {
            let entries = fs::read_dir(&all[next])?.map(|e| e.map(|e| e.path()));
            all.extend(entries.collect::<io::Result<Vec<_>>>()?);
        }
        next += 1;
    }
    all.par_iter().try_for_each(|p| if p.is_dir() { sync_folder(p) } else { File::open(p)?.sync_all() })
}

/// Is `path` in a folder that is still being written?
fn in_unfinished(path: &Path) -> bool {
    folder(path).components().any(|c| c.as_os_str().to_string_lossy().starts_with(UNFINISHED))
}

/// The folder that `path` is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// An empty file beside `path`, removed when it is dropped.
fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // Temporary files are private; results have the permissions that the user's umask leaves.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder(path)).map_err(plain)
}

/// Without the name of the temporary file, which nobody knows.
fn plain(e: io::Error) -> io::Error {
    match e.kind() {
        io::ErrorKind::Other => e,
        kind if e.raw_os_error().is_none() => kind.into(),
        _ => e,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomically(&path, b"old").unwrap();
        let failed = create_atomically(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no");
        assert_eq!((fs::read(&path).unwrap(), names(dir.path())), (b"old".to_vec(), vec!["a".to_string()]));
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_before_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::create_dir(&path).unwrap();
        assert!(writable(&path).is_err() && write_atomically(&path, b"").is_err());
        let missing = writable(&dir.path().join("none/b")).unwrap_err();
        assert!(missing.kind() == io::ErrorKind::NotFound && !missing.to_string().contains(UNFINISHED));
        assert!(writable(&dir.path().join("b")).is_ok());
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn an_unfinished_folder_is_settled_with_all_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(".relinc-1/spu");
        fs::create_dir_all(&folder).unwrap();
        write_atomically(&folder.join("a"), b"a").unwrap();
        sync(folder.parent().unwrap()).unwrap();
        assert_eq!(names(&folder), ["a"]);
        assert!(sync(&dir.path().join("none")).is_err());
    }

    #[test]
    fn rename_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        write_atomically(&a, b"new").unwrap();
        write_atomically(&b, b"old").unwrap();
        rename(&a, &b).unwrap();
        assert_eq!((fs::read(&b).unwrap(), names(dir.path())), (b"new".to_vec(), vec!["b".to_string()]));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (ours, plain) = (dir.path().join("a"), dir.path().join("b"));
        write_atomically(&ours, b"").unwrap();
        File::create(&plain).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
