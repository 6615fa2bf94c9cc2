//! `manifest.json`: which files of an output folder relinc wrote, and their hashes.

use super::{stays_inside, unreadable};
use crate::error::{Result, input};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// The file's name.
pub const MANIFEST: &str = "manifest.json";
/// The format that is written and read.
const FORMAT: u32 = 1;

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The command that made it.
    pub by: String,
    /// What it was when it was finished; absent while a run still writes it.
    #[serde(flatten)]
    pub content: Option<Content>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Its length.
    pub bytes: u64,
    /// Its sha256, in hexadecimal.
    pub sha256: String,
}

/// What relinc put into a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    relinc_manifest: u32,
    /// The version that wrote it.
    relinc: String,
    /// By path in the folder, with `/` between its parts.
    pub files: BTreeMap<String, Entry>,
    /// Folders with what `--restart` replaces, until the new run is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<String>,
    /// The sha256 of everything above.
    #[serde(default)]
    checksum: String,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest {
            relinc_manifest: FORMAT,
            relinc: env!("CARGO_PKG_VERSION").into(),
            files: BTreeMap::new(),
            previous: vec![],
            checksum: String::new(),
        }
    }
}

impl Manifest {
    /// That of a folder, if there is one.
    ///
    /// # Errors
    /// The file is another program's, of another format, or damaged.
    pub fn read(folder: &Path) -> Result<Option<Manifest>> {
        let path = folder.join(MANIFEST);
        let fail = |why: &str| Err(input(format!("{}: {why}", path.display())));
        let bytes = match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return fail(&format!("cannot be read: {e}")),
            Ok(m) if !m.is_file() => return fail("is no file; choose another folder"),
            Ok(_) => relinc_passes::files::read(&path).map_err(|e| unreadable(&path, &e))?,
        };
        let damaged = "is damaged; restore it, or remove it and begin the folder anew with --restart";
        let format = match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(v) => v.get("relinc_manifest").and_then(serde_json::Value::as_u64),
            Err(_) if bytes.windows(15).any(|w| w == b"relinc_manifest") => return fail(damaged),
            Err(_) => None,
        };
        match format {
            Some(n) if n == u64::from(FORMAT) => {}
            Some(n) => {
                return fail(&format!(
                    "is of format {n}, this relinc reads format {FORMAT}; choose another folder"
                ));
            }
            None => return fail("was not written by relinc; choose another folder"),
        }
        match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(m) if m.checksum == m.sum()? && m.files.keys().chain(&m.previous).all(|n| stays_inside(n)) => {
                Ok(Some(m))
            }
            _ => fail(damaged),
        }
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let m = Manifest { relinc: env!("CARGO_PKG_VERSION").into(), ..self.clone() };
        let m = Manifest { checksum: m.sum()?, ..m };
        let mut text = serde_json::to_string_pretty(&m).map_err(input)?;
        text.push('\n');
        let path = folder.join(MANIFEST);
        super::write(&path, text)
    }

    fn sum(&self) -> Result<String> {
        let text = serde_json::to_string(&Manifest { checksum: String::new(), ..self.clone() });
        Ok(hex(&Sha256::digest(text.map_err(input)?)))
    }

    /// What the file was when it was finished.
    pub fn content(&self, name: &str) -> Option<&Content> {
        self.files.get(name)?.content.as_ref()
    }

    /// Is the file in the folder the one that is listed?
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_unchanged(&self, folder: &Path, name: &str) -> io::Result<bool> {
        let Some(listed) = self.content(name) else { return Ok(false) };
        let path = folder.join(name);
        // The length says most of it.
        Ok(fs::symlink_metadata(&path)?.len() == listed.bytes && Content::of(&path)? == *listed)
    }

    /// Refuses files that are not what is listed; those that are missing or not listed are the reader's matter.
    ///
    /// # Errors
    /// One of them is another, or cannot be read.
    pub fn verify<'a>(&self, folder: &Path, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for name in names {
            let path = folder.join(name);
            if self.content(name).is_none() || !path.exists() {
                continue;
            }
            if !self.is_unchanged(folder, name).map_err(|e| unreadable(&path, &e))? {
                return Err(input(format!(
                    "{}: is not the file that {} lists: it was changed, is damaged, or belongs to another run than the files beside it",
                    path.display(),
                    folder.join(MANIFEST).display()
                )));
            }
        }
        Ok(())
    }
}

impl Content {
    /// Reads a file.
    pub fn of(path: &Path) -> io::Result<Content> {
        let (mut file, mut sha, mut bytes) = (relinc_passes::files::open(path)?, Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Content { bytes, sha256: hex(&sha.finalize()) }),
                Ok(n) => {
                    sha.update(&buffer[..n]);
                    bytes += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
