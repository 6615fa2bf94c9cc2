//! A hidden folder in which the files of an output folder are made.

use super::unwritable;
use crate::error::{Error, Result};
use relinc_passes::unfinished::{self, Mark, Thing};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder under construction. Dropped without a commit, it leaves nothing.
#[derive(Debug)]
pub struct Staging {
    tmp: TempDir,
    mark: Mark,
}

impl Staging {
    pub(super) fn new(root: &Path) -> Result<Staging> {
        let make = || tempfile::Builder::new().prefix(".relinc-").tempdir_in(root);
        let (tmp, mark) = unfinished::begin(make, |tmp| Thing::Tree(tmp.path().into()))
            .map_err(|e| unwritable(root, &e))?;
        Ok(Staging { tmp, mark })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.tmp.path()
    }

    /// A subfolder to write to.
    pub fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.path().join(name);
        unfinished::undisturbed(|| fs::create_dir_all(&dir)).map_err(|e| unwritable(&dir, &e))?;
        Ok(dir)
    }

    /// Files written so far, relative, with their sizes in bytes, sorted.
    pub fn files(&self) -> io::Result<Vec<(String, u64)>> {
        files(self.path())
    }

    /// An error that speaks of a file in here speaks of the one it will be.
    pub fn named(&self, e: Error) -> Error {
        let (hidden, root) = (self.path(), self.path().parent().unwrap_or(Path::new("")));
        match e {
            Error::Input(why) => {
                Error::Input(why.replace(&*hidden.to_string_lossy(), &root.to_string_lossy()))
            }
            e => e,
        }
    }

    /// Lets `finish` rename the folder, with nothing in between.
    pub(super) fn finish<T>(self, finish: impl FnOnce(&Path) -> T) -> T {
        let path = self.tmp.keep();
        unfinished::end(self.mark, || finish(&path))
    }
}

/// Files below a folder, relative, with their sizes in bytes, sorted.
pub(super) fn files(root: &Path) -> io::Result<Vec<(String, u64)>> {
    let (mut out, mut folders) = (vec![], vec![root.to_path_buf()]);
    while let Some(dir) = folders.pop() {
        for e in fs::read_dir(dir)? {
            let path = e?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(rel) = path.strip_prefix(root) {
                out.push((rel.to_string_lossy().replace('\\', "/"), path.metadata()?.len()));
            }
        }
    }
    out.sort();
    Ok(out)
}
