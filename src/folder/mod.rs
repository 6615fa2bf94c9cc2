//! Output folders: who may write to one, which of its files are relinc's, and how new ones take the place of old ones.
//!
//! A command that writes to a folder takes its lock ([`Folder::output`]), says what it will write ([`Folder::claim`]) before it does
//! any work, and puts everything in its place at once ([`Folder::commit`]). `manifest.json` lists what relinc wrote, with hashes:
//! nothing else is ever replaced or removed. A run that writes for hours opens its files in the manifest first
//! ([`Folder::begin`]) and lists them as finished in the end ([`Folder::seal`]).

mod claim;
mod commit;
mod inputs;
mod legacy;
mod lock;
mod manifest;
mod previous;
mod single;
mod staging;

pub use inputs::{Input, Inputs};
pub use lock::Lock;
pub use manifest::{Content, Entry, MANIFEST, Manifest};
pub use single::{Single, SingleKind};
pub use staging::Staging;

use crate::error::{Error, Result, input};
use crate::interrupt;
use crate::progress::Progress;
use claim::Stamp;
use relinc_passes::files::write_atomically;
use relinc_passes::unfinished::{self, Mark, Thing};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Who works in the folder.
pub const LOCK: &str = ".relinc.lock";
/// The folder of what training keeps.
pub const CHECKPOINTS: &str = "checkpoints";
/// A line an epoch.
pub const LOG: &str = "log.jsonl";

/// What a command that trains does with what lies in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Begin {
    /// There must be nothing of a run.
    #[default]
    Fresh,
    /// It goes on.
    Resume,
    /// It is made anew, and kept until then.
    Restart,
}

/// An output folder that this process writes to.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// The command.
    by: &'static str,
    manifest: Manifest,
    /// What lay where the command will write, when that was looked at.
    seen: BTreeMap<String, Option<Stamp>>,
    /// Folders made in it, removed again when nothing came into them.
    made: Vec<(PathBuf, Mark)>,
    lock: Lock,
}

impl Folder {
    /// Takes the lock of a folder, which is made where it is missing, and puts in order what processes left there that were
    /// killed. `does` is what others read who find it locked.
    ///
    /// # Errors
    /// It cannot be written, another process works in it, or its manifest is not to be understood.
    pub fn open(root: &Path, by: &'static str, does: &str, progress: &Progress) -> Result<Folder> {
        if root.exists() && !root.is_dir() {
            return Err(input(format!("{}: is a file, -o wants a folder", root.display())));
        }
        // Elsewhere a temporary file may be one that is being written without a lock.
        let used = [MANIFEST, LOCK, commit::COMMIT].iter().any(|f| root.join(f).exists());
        let lock = Lock::take(&root.join(LOCK), does, interrupt::flag(), progress)?;
        commit::recover(root, used)?;
        let manifest = Manifest::read(root)?.unwrap_or_default();
        Ok(Folder { root: root.into(), by, manifest, seen: BTreeMap::new(), made: vec![], lock })
    }

    /// Opens a folder that a command wrote, to add to what is there.
    ///
    /// # Errors
    /// There is none, or as [`Folder::open`].
    pub fn existing(root: &Path, by: &'static str, progress: &Progress) -> Result<Folder> {
        match root.is_dir() {
            true => Folder::open(root, by, by, progress),
            false => Err(input(format!("{}: there is no such folder", root.display()))),
        }
    }

    /// Opens a folder to write results to. One of a version that kept no manifest is refused, unless it is begun anew; `begin` is
    /// `None` for commands that cannot.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn output(
        root: &Path,
        by: &'static str,
        does: &str,
        begin: Option<Begin>,
        progress: &Progress,
    ) -> Result<Folder> {
        let mut folder = Folder::open(root, by, does, progress)?;
        if !folder.is_new() {
            return Ok(folder);
        }
        if let Some(version) = legacy::version(root) {
            let other = match begin {
                Some(Begin::Restart) => {
                    folder.manifest = legacy::recognise(root)?;
                    return Ok(folder);
                }
                Some(Begin::Fresh | Begin::Resume) => {
                    "begin it anew with --restart, which keeps what it replaces until the new run is complete, or choose another -o"
                }
                None => "choose another -o",
            };
            return Err(input(format!(
                "{}: holds results of relinc {version} and no manifest.json that tells them from other files; {other}",
                root.display()
            )));
        }
        Ok(folder)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What relinc put there.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Did relinc write nothing there yet?
    pub fn is_new(&self) -> bool {
        self.manifest.files.is_empty() && self.manifest.previous.is_empty()
    }

    /// A folder to stage files in.
    pub fn stage(&self) -> Result<Staging> {
        Staging::new(&self.root)
    }

    /// A subfolder to write to, made where it is missing.
    pub fn subfolder(&mut self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        if !path.is_dir() {
            let made = unfinished::begin(|| fs::create_dir(&path), |()| Thing::Empty(path.clone()));
            let ((), mark) = made.map_err(|e| unwritable(&path, &e))?;
            self.made.push((path.clone(), mark));
        }
        Ok(path)
    }

    /// Lists files that are written from now on, until [`Folder::seal`] or a commit.
    pub fn begin(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            self.manifest.files.insert(name.clone(), Entry { by: self.by.into(), content: None });
        }
        self.manifest.write(&self.root)
    }

    /// Removes files that were begun and came to nothing.
    pub fn forget(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.root.join(name);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unwritable(&path, &e)),
                Ok(()) | Err(_) => drop(self.manifest.files.remove(name)),
            }
        }
        Ok(())
    }

    /// Lists what was begun as finished.
    pub fn seal(&mut self) -> Result<()> {
        self.manifest = self.sealed()?;
        if self.is_new() {
            let _ = fs::remove_file(self.root.join(MANIFEST));
            return Ok(());
        }
        self.manifest.write(&self.root)
    }

    /// The manifest in which what was begun is finished.
    fn sealed(&self) -> Result<Manifest> {
        let mut m = self.manifest.clone();
        for name in self.begun() {
            let path = self.root.join(&name);
            if !path.is_file() {
                m.files.remove(&name);
            } else if let Some(entry) = m.files.get_mut(&name) {
                entry.content = Some(Content::of(&path).map_err(|e| unreadable(&path, &e))?);
            }
        }
        Ok(m)
    }

    /// Files that a run was writing.
    fn begun(&self) -> Vec<String> {
        let open = self.manifest.files.iter().filter(|(_, e)| e.content.is_none());
        open.map(|(name, _)| name.clone()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for (path, mark) in self.made.drain(..).rev() {
            let _ = unfinished::end(mark, || fs::remove_dir(path));
        }
    }
}

impl Manifest {
    /// Does a run lie there, finished or not?
    pub fn holds_run(&self) -> bool {
        !self.previous.is_empty()
            || self.files.values().any(|e| ["run", "sweep", "train", "search", "tune"].contains(&&*e.by))
    }

    /// Did training leave something there?
    pub fn holds_training(&self) -> bool {
        self.files.keys().any(|name| of_training(name))
    }
}

/// Is this file training's, which a compilation leaves alone?
pub fn of_training(name: &str) -> bool {
    name == LOG || name.strip_prefix(CHECKPOINTS).is_some_and(|rest| rest.starts_with('/'))
}

/// The manifest of a folder that is only read, after checking the files that are read against it.
///
/// # Errors
/// One of them belongs to something else than the manifest says.
pub fn verify<'a>(root: &Path, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    if root.join(commit::COMMIT).is_dir() {
        return Err(input(format!(
            "{0}: holds old files and new ones, because a command was killed while it put them in place; `relinc report {0}` \
             finishes that",
            root.display()
        )));
    }
    match Manifest::read(root) {
        Ok(Some(m)) => m.verify(root, names),
        Ok(None) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Is this a path that stays in its folder?
fn stays_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && parts.all(|c| matches!(c, std::path::Component::Normal(_)))
}

/// A file that cannot be read.
pub fn unreadable(path: &Path, e: &io::Error) -> Error {
    input(format!("{}: cannot be read: {e}", path.display()))
}

/// A file or folder that cannot be written.
pub fn unwritable(path: &Path, e: &io::Error) -> Error {
    input(format!("{}: cannot be written: {e}", path.display()))
}

/// Reads a file; nothing where there is none.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match relinc_passes::files::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, &e)),
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    write_atomically(path, bytes.as_ref()).map_err(|e| unwritable(path, &e))
}
