//! Single files that a user names: `-o FILE`, `--save-outputs FILE`.

use super::{Folder, Inputs, LOCK, Lock, MANIFEST, Manifest};
use crate::error::{Result, input};
use crate::progress::Progress;
use relinc_passes::files;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that will be written by name.
#[derive(Debug)]
pub struct Single {
    path: PathBuf,
    /// The folder it lies in, where that is an output folder.
    _folder: Option<Folder>,
}

impl Single {
    /// Checks that a file may be written, or written anew. `option` is what names it.
    ///
    /// # Errors
    /// It is an input, something else than a file, or belongs to an output folder.
    pub fn new(option: &str, path: &Path, inputs: &Inputs, progress: &Progress) -> Result<Single> {
        let fail = |why: &str| Err(input(format!("{option} {}: {why}", path.display())));
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return fail(&format!("there is no folder {}", folder.display()));
        }
        match fs::symlink_metadata(path) {
            Ok(m) if m.is_symlink() => return fail("is a symlink; name the file itself"),
            Ok(m) if m.is_dir() => return fail("is a folder; name a file"),
            Ok(m) if !m.is_file() => return fail("is no file"),
            Ok(_) | Err(_) => {}
        }
        files::writable(path)
            .map_err(|e| input(format!("{option} {}: cannot be written: {e}", path.display())))?;
        if let Some(i) = inputs.at(path) {
            return fail(&format!("would replace {i}, which is read; choose another name"));
        }
        let in_output = folder.join(MANIFEST).is_file() || folder.join(LOCK).is_file();
        // Somebody else's manifest makes no output folder.
        let locked =
            match in_output && Manifest::read(folder).is_ok() && !Lock::is_held_here(&folder.join(LOCK)) {
                true => Some(Folder::open(folder, "file", option, progress)?),
                false => None,
            };
        let listed = Manifest::read(folder).ok().flatten().unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if in_output && (listed.files.contains_key(&*name) || [MANIFEST, LOCK].contains(&&*name)) {
            return fail("belongs to what a command wrote to that folder; choose another name");
        }
        Ok(Single { path: path.into(), _folder: locked })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
