//! What `--restart` replaces: kept in a hidden folder, with a manifest of its own, until the new run is complete.
//!
//! That manifest is written first and says what moves, so that whoever takes the lock next can finish a move that was cut off. The
//! folder's name says in which direction.

use super::commit::is_folder;
use super::manifest::{Content, Entry, MANIFEST, Manifest};
use super::{Folder, unwritable};
use crate::error::Result;
use relinc_passes::files;
use std::fs;
use std::path::{Path, PathBuf};

/// What such folders' names begin with.
const KEPT: &str = ".relinc.previous-";
/// And those whose files go back.
const BACK: &str = ".relinc.restored-";

impl Folder {
    /// Moves files aside, with a copy of `copies`, which stay; both as far as they are there. Returns where they are.
    ///
    /// # Errors
    /// The disk failed.
    pub fn retire(&mut self, names: &[String], copies: &[String]) -> Result<Option<PathBuf>> {
        let there = |n: &&String| self.manifest.files.contains_key(*n) && self.root.join(n).is_file();
        let moved: Vec<&String> = names.iter().filter(there).collect();
        if moved.is_empty() {
            return Ok(None);
        }
        let fail = |e: std::io::Error| unwritable(&self.root, &e);
        let kept = tempfile::Builder::new().prefix(KEPT).tempdir_in(&self.root).map_err(fail)?.keep();
        let mut m = Manifest::default();
        for name in moved.iter().copied().chain(copies.iter().filter(there)) {
            let content = Some(Content::of(&self.root.join(name)).map_err(fail)?);
            m.files.insert(name.clone(), Entry { content, ..self.manifest.files[name].clone() });
            fs::create_dir_all(kept.join(name).parent().unwrap_or(&kept)).map_err(fail)?;
        }
        for name in copies.iter().filter(there) {
            fs::copy(self.root.join(name), kept.join(name)).map_err(fail)?;
        }
        files::sync(&kept).map_err(fail)?;
        m.write(&kept)?;
        finish_move(&self.root, &kept, &m, &mut self.manifest)?;
        Ok(Some(kept))
    }

    /// Takes back what was moved aside last, in place of what the new run has begun.
    ///
    /// # Errors
    /// The disk failed.
    pub fn restore(&mut self) -> Result<()> {
        let Some(name) = self.manifest.previous.last().cloned() else { return Ok(()) };
        let back = self.root.join(name.replacen(KEPT, BACK, 1));
        files::rename(&self.root.join(&name), &back).map_err(|e| unwritable(&back, &e))?;
        finish_restore(&self.root, &back, &mut self.manifest)
    }

    /// Lets go of what was moved aside, where everything of it is there anew.
    ///
    /// # Errors
    /// The disk failed.
    pub fn let_go(&mut self) -> Result<()> {
        let replaced = |p: &String| {
            let kept = Manifest::read(&self.root.join(p)).ok().flatten().unwrap_or_default();
            kept.files.keys().all(|f| self.manifest.content(f).is_some())
        };
        if self.manifest.previous.is_empty() || !self.manifest.previous.iter().all(replaced) {
            return Ok(());
        }
        let gone = std::mem::take(&mut self.manifest.previous);
        self.manifest.write(&self.root)?;
        gone.iter().try_for_each(|p| discard(&self.root.join(p)))
    }
}

/// Moves what is not moved yet, and lists it no more.
fn finish_move(root: &Path, kept: &Path, m: &Manifest, listed: &mut Manifest) -> Result<()> {
    for name in m.files.keys() {
        let (from, to) = (root.join(name), kept.join(name));
        if !to.exists() && m.is_unchanged(root, name).unwrap_or(false) {
            fs::rename(&from, &to).map_err(|e| unwritable(&to, &e))?;
        }
        if !from.exists() {
            listed.files.remove(name);
        }
    }
    let sync = |f: &Path| files::sync_folder(f).map_err(|e| unwritable(f, &e));
    sync(kept)?;
    let name = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
    listed.previous.push(name);
    listed.write(root)
}

/// Moves back what is not back yet, and lists it again.
fn finish_restore(root: &Path, back: &Path, listed: &mut Manifest) -> Result<()> {
    let Some(m) = Manifest::read(back)? else { return discard(back) };
    let begun: Vec<String> =
        listed.files.iter().filter(|(_, e)| e.content.is_none()).map(|(n, _)| n.clone()).collect();
    for name in begun.iter().filter(|n| !m.files.contains_key(*n) || back.join(n).exists()) {
        let _ = fs::remove_file(root.join(name));
        listed.files.remove(name);
    }
    for (name, entry) in &m.files {
        let (from, to) = (back.join(name), root.join(name));
        if from.exists() {
            fs::create_dir_all(to.parent().unwrap_or(root)).map_err(|e| unwritable(&to, &e))?;
            fs::rename(&from, &to).map_err(|e| unwritable(&to, &e))?;
        }
        if to.exists() {
            listed.files.insert(name.clone(), entry.clone());
        }
    }
    let gone = back.file_name().unwrap_or_default().to_string_lossy().replacen(BACK, KEPT, 1);
    listed.previous.retain(|p| *p != gone);
    listed.write(root)?;
    discard(back)
}

/// Removes such a folder. Its manifest goes first: without one it is of no use to anybody.
pub(super) fn discard(kept: &Path) -> Result<()> {
    let name = kept.file_name().unwrap_or_default().to_string_lossy();
    if !is_folder(kept) || !(name.starts_with(KEPT) || name.starts_with(BACK)) {
        return Ok(());
    }
    let _ = fs::remove_file(kept.join(MANIFEST));
    fs::remove_dir_all(kept).map_err(|e| unwritable(kept, &e))
}

/// Finishes moves that were cut off.
pub(super) fn recover(root: &Path) -> Result<()> {
    let mut names: Vec<String> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| is_folder(&e.path()))
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.starts_with(KEPT) || n.starts_with(BACK))
        .collect();
    names.sort();
    if names.is_empty() {
        return Ok(());
    }
    let mut listed = Manifest::read(root)?.unwrap_or_default();
    for name in &names {
        let path = root.join(name);
        if name.starts_with(BACK) {
            finish_restore(root, &path, &mut listed)?;
        } else if !listed.previous.contains(name) {
            match Manifest::read(&path)? {
                Some(m) => finish_move(root, &path, &m, &mut listed)?,
                None => discard(&path)?,
            }
        }
    }
    let before = listed.previous.len();
    listed.previous.retain(|p| is_folder(&root.join(p)));
    if listed.previous.len() != before {
        listed.write(root)?;
    }
    Ok(())
}
