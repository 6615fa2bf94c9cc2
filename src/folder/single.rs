//! Single files that a user names: `-o FILE`, `--save-outputs FILE`.

use super::{Folder, Inputs, LOCK, Lock, MANIFEST, Manifest};
use crate::error::{Result, input};
use crate::progress::Progress;
use relinc_passes::files;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file that will be written by name.
#[derive(Debug)]
pub struct Single {
    path: PathBuf,
    /// The folder it lies in, where that is an output folder.
    _folder: Option<Folder>,
}

/// What such a file holds.
#[derive(Debug, Clone, Copy)]
pub enum SingleKind {
    /// A `.npy` array.
    Array,
    /// An ONNX model that relinc wrote.
    Model,
    /// A protocol's constants, as YAML or JSON.
    Protocol,
    /// A page of relinc's.
    Page,
}

impl SingleKind {
    fn name(self) -> &'static str {
        match self {
            SingleKind::Array => ".npy array",
            SingleKind::Model => "model that relinc wrote",
            SingleKind::Protocol => "protocol file",
            SingleKind::Page => "page that relinc wrote",
        }
    }

    /// What stands near the beginning of every such file.
    fn mark(self) -> &'static [u8] {
        match self {
            SingleKind::Array => b"\x93NUMPY",
            SingleKind::Model | SingleKind::Page => b"relinc",
            SingleKind::Protocol => b"ring",
        }
    }

    fn is_of(self, path: &Path) -> bool {
        let mut head = vec![];
        let read = fs::File::open(path).and_then(|f| f.take(HEAD).read_to_end(&mut head));
        read.is_ok() && head.windows(self.mark().len()).any(|w| w == self.mark())
    }
}

/// Bytes in which a file shows its kind.
const HEAD: u64 = 4096;

impl Single {
    /// Checks that a file may be written, or written anew where it is of its kind. `option` is what names it.
    ///
    /// # Errors
    /// It is an input, something else than a file of the kind, or belongs to an output folder.
    pub fn new(
        option: &str,
        path: &Path,
        kind: SingleKind,
        inputs: &Inputs,
        progress: &Progress,
    ) -> Result<Single> {
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
        if fs::metadata(path).is_ok_and(|m| m.len() > 0) && !kind.is_of(path) {
            return fail(&format!("is there and is no {}; choose another name, or delete it", kind.name()));
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
