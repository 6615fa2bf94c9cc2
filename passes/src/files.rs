//! Files that appear whole or not at all.

use crate::unfinished::{self, Thing};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Lets `fill` write a temporary file beside `path`, then renames it to `path`.
pub fn create_atomically(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let make = || tempfile::Builder::new().prefix(".relinc-").tempfile_in(dir);
    let (tmp, mark) = unfinished::begin(make, |tmp| Thing::File(tmp.path().into()))?;
    let mut w = BufWriter::with_capacity(1 << 16, tmp);
    fill(&mut w)?;
    let tmp = w.into_inner().map_err(|e| e.into_error())?;
    set_readable(tmp.as_file())?;
    unfinished::end(mark, || tmp.persist(path)).map_err(|e| e.error)?;
    Ok(())
}

/// Temporary files are private; results should have the usual permissions.
#[cfg(unix)]
fn set_readable(f: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    f.set_permissions(std::fs::Permissions::from_mode(0o644))
}
#[cfg(not(unix))]
fn set_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

/// Writes all bytes to a file that appears by rename.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_atomically(path, |w| w.write_all(bytes))
}

/// Makes what was renamed in a folder, or removed from it, outlast a loss of power.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => std::fs::File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

/// Renames a file, and makes that last.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_folder(folder)
}
