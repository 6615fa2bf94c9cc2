//! An output folder that appears whole: files are written to a hidden sibling and renamed into place at the end.

use crate::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Every file a compilation may write beside its report and masks.
const ARTEFACTS: &[&str] = &[
    "model.onnx",
    "model.onnx.data",
    "trained.onnx",
    "crypten/manifest.json",
    "crypten/model.onnx",
    "crypten/model.onnx.data",
    "crypten/run.py",
    "crypten/sample_input.npy",
    "mp-spdz/README.md",
    "mp-spdz/image.txt",
    "mp-spdz/relinc_model.json",
    "mp-spdz/relinc_model.mpc",
    "mp-spdz/weights.txt",
    "spu/manifest.json",
    "spu/model.aby3.mlir",
    "spu/model.cheetah.mlir",
    "spu/model.mlir",
    "spu/model.semi2k.mlir",
    "spu/run.py",
    "spu/sample_input.npy",
    "spu/weights.npz",
];

/// A folder under construction. Dropped without [`Staging::commit`], it leaves nothing.
#[derive(Debug)]
pub struct Staging {
    tmp: TempDir,
    target: PathBuf,
    /// Folders made on the way to the target, outermost first, removed again when nothing is committed.
    made: Vec<PathBuf>,
    committed: bool,
}

impl Staging {
    /// Prepares to fill `target`, which may exist; its other files stay. Fails when it cannot be written.
    pub fn new(target: &Path) -> Result<Staging, Error> {
        let fail = |e: io::Error| {
            Error::Input(format!("{}: cannot be written: {e}; choose another -o DIR", target.display()))
        };
        if target.exists() && !target.is_dir() {
            return Err(Error::Input(format!("{}: is a file, -o wants a folder", target.display())));
        }
        let made: Vec<PathBuf> = target
            .ancestors()
            .take_while(|p| !p.as_os_str().is_empty() && !p.exists())
            .map(Path::to_path_buf)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        fs::create_dir_all(target).map_err(fail)?;
        match tempfile::Builder::new().prefix(".relinc-").tempdir_in(target) {
            Ok(tmp) => Ok(Staging { tmp, target: target.into(), made, committed: false }),
            Err(e) => {
                made.iter().rev().for_each(|p| drop(fs::remove_dir(p)));
                Err(fail(e))
            }
        }
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.tmp.path()
    }

    /// A subfolder to write to.
    pub fn subfolder(&self, name: &str) -> Result<PathBuf, Error> {
        let dir = self.path().join(name);
        fs::create_dir_all(&dir)
            .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", dir.display())))?;
        Ok(dir)
    }

    /// Files written so far, relative, with their sizes in bytes, sorted.
    pub fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut out = vec![];
        collect(self.path(), self.path(), &mut out)?;
        out.sort();
        Ok(out)
    }

    /// Renames everything into the target. Artefacts of an earlier compilation that this one did not write again are
    /// removed: they would not belong to the report beside them.
    pub fn commit(mut self) -> Result<(), Error> {
        let fail = |e: io::Error| Error::Input(format!("{}: cannot be written: {e}", self.target.display()));
        let files = self.files().map_err(fail)?;
        for stale in ARTEFACTS.iter().filter(|a| !files.iter().any(|(f, _)| f == *a)) {
            let _ = fs::remove_file(self.target.join(stale));
        }
        for folder in ["crypten", "mp-spdz", "spu"] {
            let _ = fs::remove_dir(self.target.join(folder));
        }
        for (file, _) in files {
            let to = self.target.join(&file);
            if let Some(dir) = to.parent() {
                fs::create_dir_all(dir).map_err(fail)?;
            }
            fs::rename(self.path().join(&file), &to).map_err(fail)?;
        }
        self.committed = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(self.tmp.path());
            self.made.iter().rev().for_each(|p| drop(fs::remove_dir(p)));
        }
    }
}

fn collect(root: &Path, dir: &Path, out: &mut Vec<(String, u64)>) -> io::Result<()> {
    for e in fs::read_dir(dir)? {
        let path = e?.path();
        if path.is_dir() {
            collect(root, &path, out)?;
        } else if let Ok(rel) = path.strip_prefix(root) {
            out.push((rel.to_string_lossy().replace('\\', "/"), path.metadata()?.len()));
        }
    }
    Ok(())
}
