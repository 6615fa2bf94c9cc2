//! What is in the way of a command's files.

use super::{Begin, Folder, Inputs, MANIFEST};
use crate::error::{Result, input};
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Tells whether a file was written in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(m: &Metadata) -> Stamp {
        Stamp { bytes: m.len(), modified: m.modified().ok() }
    }
}

/// What a symlink is told.
const LINK: &str = "is a symlink, which relinc does not follow out of its folder";

/// What of `root/name` stands in the way of a file there, whoever wrote it, and why.
pub(super) fn obstacle(root: &Path, name: &str) -> Option<(PathBuf, String)> {
    let mut at = root.to_path_buf();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let last = parts.peek().is_none();
        let why = match fs::symlink_metadata(&at) {
            Err(e) if e.kind() == ErrorKind::NotFound => return None,
            Err(e) => format!("cannot be looked at: {e}"),
            Ok(m) if m.is_symlink() => LINK.into(),
            Ok(m) if last && !m.is_file() => "is no file".into(),
            Ok(m) if !last && !m.is_dir() => "is no folder".into(),
            Ok(_) => continue,
        };
        return Some((at, why));
    }
    None
}

impl Folder {
    /// Says what the command will write, and what else of relinc's it will remove. Inputs among the latter stay where they are;
    /// they are returned.
    ///
    /// # Errors
    /// An input would be lost, or something is in the way that relinc did not write or that was changed since. All such files are
    /// named.
    pub fn claim(
        &mut self,
        inputs: &Inputs,
        writes: &[String],
        drops: &[String],
    ) -> Result<BTreeSet<String>> {
        inputs.apart_from(&self.root)?;
        let (mut lost, mut problems, mut stay) = (vec![], vec![], BTreeSet::new());
        for name in writes.iter().map(String::as_str).chain([MANIFEST]) {
            match inputs.at(&self.root.join(name)) {
                Some(i) => lost.push(format!("{}: is {i}", self.root.join(name).display())),
                None if name == MANIFEST => {}
                None => problems.extend(self.in_the_way(name)),
            }
        }
        for name in drops {
            match inputs.at(&self.root.join(name)) {
                Some(_) => drop(stay.insert(name.clone())),
                None => problems.extend(self.in_the_way(name)),
            }
        }
        if !lost.is_empty() {
            return Err(input(format!(
                "{}, which would be replaced; choose another -o, or keep the input elsewhere",
                lost.join("; ")
            )));
        }
        match problems.is_empty() {
            true => Ok(stay),
            false => Err(input(format!("{}; move it away, or choose another -o", problems.join("; ")))),
        }
    }

    /// Why a file must not be written or removed there, if so.
    fn in_the_way(&mut self, name: &str) -> Option<String> {
        let path = self.root.join(name);
        if let Some((at, why)) = obstacle(&self.root, name) {
            return Some(format!("{}: {why}", at.display()));
        }
        let Ok(found) = fs::symlink_metadata(&path) else {
            self.seen.insert(name.into(), None);
            return None;
        };
        let why = match self.manifest.files.get(name) {
            None => "was not written by relinc".into(),
            Some(e) if e.content.is_none() => String::new(),
            Some(_) => match self.manifest.is_unchanged(&self.root, name) {
                Ok(true) => String::new(),
                Ok(false) => "was changed since relinc wrote it".into(),
                Err(e) => format!("cannot be read: {e}"),
            },
        };
        if why.is_empty() {
            self.seen.insert(name.into(), Some(Stamp::of(&found)));
            return None;
        }
        Some(format!("{}: {why}", path.display()))
    }

    /// Refuses what came in the way since it was claimed.
    pub(super) fn still_free(&mut self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        let why = match self.seen.get(name) {
            None => self.in_the_way(name),
            Some(seen) => match obstacle(&self.root, name) {
                Some((at, why)) => Some(format!("{}: {why}", at.display())),
                None if fs::symlink_metadata(&path).ok().map(|m| Stamp::of(&m)) == *seen => None,
                None => Some(format!("{}: was written meanwhile by another program", path.display())),
            },
        };
        match why {
            None => Ok(()),
            Some(why) => Err(input(format!("{why}; nothing was replaced"))),
        }
    }

    /// Refuses a subfolder that leads elsewhere, or is none.
    pub fn refuse_link(&self, name: &str) -> Result<()> {
        match obstacle(&self.root, &format!("{name}/x")) {
            Some((at, why)) if at == self.root.join(name) => {
                Err(input(format!("{}: {why}; move it away, or choose another -o", at.display())))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a folder with a run, unless that is to go on or to be made anew. `what` names what was found.
    pub fn refuse_run(&self, begin: Begin, what: &str) -> Result<()> {
        match begin {
            Begin::Resume | Begin::Restart => Ok(()),
            Begin::Fresh => Err(input(format!(
                "{}: holds {what}; --resume goes on with it, --restart makes it anew and keeps what it replaces until then, or choose \
                 another -o",
                self.root.display()
            ))),
        }
    }
}
