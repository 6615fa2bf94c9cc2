//! How new files take the place of old ones: whole, whenever the process ends.
//!
//! The staged files get the manifest of the state they lead to. Renaming their folder to [`COMMIT`] decides: from there on every
//! process that takes the lock finishes what is left to do, and the folder's manifest is renamed last.

use super::claim::obstacle;
use super::manifest::{Content, Entry, MANIFEST, Manifest};
use super::{CHECKPOINTS, Folder, Staging, previous, staging, unwritable};
use crate::error::{Result, input};
use relinc_passes::files;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files on their way.
pub(super) const COMMIT: &str = ".relinc.commit";

impl Folder {
    /// Puts the staged files in place, removes the files of the folder's manifest that `drops` names, and lists what was begun as
    /// finished. What `--restart` replaced goes.
    ///
    /// # Errors
    /// Something came in the way since it was claimed, or the disk failed; then everything is as it was, or will be finished by the
    /// next process.
    pub fn commit(&mut self, staging: Staging, drops: impl Fn(&str) -> bool) -> Result<()> {
        self.commit_keeping(staging, drops, &[])
    }

    /// Puts single files of a finished folder in place, and leaves all others and what `--restart` replaces.
    ///
    /// # Errors
    /// As [`Folder::commit`].
    pub fn amend(&mut self, staging: Staging) -> Result<()> {
        let previous = self.manifest.previous.clone();
        self.commit_keeping(staging, |_| false, &previous)
    }

    fn commit_keeping(
        &mut self,
        staging: Staging,
        drops: impl Fn(&str) -> bool,
        previous: &[String],
    ) -> Result<()> {
        let root = self.root.clone();
        let fail = |e: std::io::Error| unwritable(&root, &e);
        let staged = staging.files().map_err(fail)?;
        let mut next = self.sealed()?;
        next.previous = previous.to_vec();
        let is_staged = |name: &String| staged.iter().any(|(s, _)| s == name);
        let gone: Vec<String> = next.files.keys().filter(|n| drops(n) && !is_staged(n)).cloned().collect();
        // The disk writes while hashes are computed; what follows waits for the manifest alone.
        let contents = std::thread::scope(|scope| {
            let writing = scope.spawn(|| files::sync(staging.path()));
            let of = |(name, _): &(String, _)| Content::of(&staging.path().join(name));
            let contents: std::io::Result<Vec<Content>> = staged.iter().map(of).collect();
            writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            contents
        });
        for ((name, _), content) in staged.iter().zip(contents.map_err(fail)?) {
            next.files.insert(name.clone(), Entry { by: self.by.into(), content: Some(content) });
        }
        for name in staged.iter().map(|(name, _)| name).chain(&gone) {
            self.still_free(name)?;
        }
        next.files.retain(|name, _| !gone.contains(name));
        next.write(staging.path())?;
        if !self.lock.is_mine() {
            return Err(input(format!(
                "{}: another process took the folder over; nothing was replaced",
                self.root.display()
            )));
        }
        if !self.root.join(MANIFEST).exists() && !self.is_new() {
            self.manifest.write(&self.root)?;
        }
        files::sync(staging.path()).map_err(fail)?;
        staging.finish(|path| {
            files::rename(path, &root.join(COMMIT)).map_err(|e| {
                let _ = fs::remove_dir_all(path);
                fail(e)
            })?;
            apply(&root, true)
        })?;
        self.manifest = next;
        self.seen.clear();
        Ok(())
    }
}

/// The folders that files lie in, below `root` and it itself.
fn folders<'a>(root: &Path, names: impl Iterator<Item = &'a str>) -> BTreeSet<PathBuf> {
    let of = |name: &str| root.join(name).parent().map_or(root.to_path_buf(), Path::to_path_buf);
    names.map(of).chain([root.to_path_buf()]).collect()
}

/// Finishes a commit. `looked` says that this process has just looked at what lies in the way.
fn apply(root: &Path, looked: bool) -> Result<()> {
    let from = root.join(COMMIT);
    let Some(next) = Manifest::read(&from)? else {
        return fs::remove_dir_all(&from).map_err(|e| unwritable(&from, &e));
    };
    let old = Manifest::read(root)?.unwrap_or_default();
    // A file that somebody changed in the meantime stays.
    let ours = |name: &str| {
        let open = old.files.get(name).is_some_and(|e| e.content.is_none());
        looked || open || old.is_unchanged(root, name).unwrap_or(false)
    };
    for name in old.files.keys().filter(|n| !next.files.contains_key(*n)) {
        let path = root.join(name);
        if obstacle(root, name).is_none() && path.exists() && ours(name) {
            fs::remove_file(&path).map_err(|e| unwritable(&path, &e))?;
        }
    }
    let staged = staging::files(&from).map_err(|e| unwritable(&from, &e))?;
    for (name, _) in staged.iter().filter(|(name, _)| name != MANIFEST) {
        let to = root.join(name);
        let foreign = to.exists() && !ours(name);
        if let Some((at, why)) =
            obstacle(root, name).or(foreign.then(|| (to.clone(), "is in the way".into())))
        {
            return Err(input(format!(
                "{}: {why} of what a command that was killed puts there; move it away",
                at.display()
            )));
        }
        let parent = to.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(|e| unwritable(parent, &e))?;
        fs::rename(from.join(name), &to).map_err(|e| unwritable(&to, &e))?;
    }
    let touched: BTreeSet<PathBuf> =
        folders(root, old.files.keys().chain(next.files.keys()).map(String::as_str));
    for folder in touched.iter().rev().filter(|f| f.is_dir()) {
        if folder != root && fs::remove_dir(folder).is_ok() {
            continue;
        }
        files::sync_folder(folder).map_err(|e| unwritable(folder, &e))?;
    }
    for name in old.previous.iter().filter(|p| !next.previous.contains(p)) {
        previous::discard(&root.join(name))?;
    }
    files::rename(&from.join(MANIFEST), &root.join(MANIFEST)).map_err(|e| unwritable(root, &e))?;
    fs::remove_dir_all(&from).map_err(|e| unwritable(&from, &e))
}

/// Puts in order what processes left that were killed. Only who holds the lock may. `used` says that the folder has been an output
/// folder before.
pub(super) fn recover(root: &Path, used: bool) -> Result<()> {
    if is_folder(&root.join(COMMIT)) {
        apply(root, false)?;
    }
    previous::recover(root)?;
    let listed = Manifest::read(root).ok().flatten().unwrap_or_default();
    let checkpoints = format!("{CHECKPOINTS}/x");
    let names = listed.files.keys().map(String::as_str).chain([checkpoints.as_str()]);
    for folder in folders(root, names).iter().filter(|f| is_folder(f) || *f == root) {
        for e in fs::read_dir(folder).into_iter().flatten().flatten() {
            if is_temporary(&e.file_name().to_string_lossy()) {
                let path = e.path();
                let _ = match is_folder(&path) {
                    true => fs::remove_dir_all(&path),
                    false if used => fs::remove_file(&path),
                    false => Ok(()),
                };
            }
        }
    }
    Ok(())
}

/// A folder itself, no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

/// Is this one of the names that temporary files and folders get?
fn is_temporary(name: &str) -> bool {
    name.strip_prefix(".relinc-")
        .is_some_and(|s| s.len() == 6 && s.chars().all(|c| c.is_ascii_alphanumeric()))
}
