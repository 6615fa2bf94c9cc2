//! Weights that lie in a file beside the model.

use crate::proto::StringStringEntryProto;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// The `bytes` bytes an external entry points to; on failure the location as the model names it, and why.
pub fn read(
    entries: &[StringStringEntryProto],
    bytes: usize,
    folder: &Path,
) -> Result<Vec<u8>, (String, String)> {
    let get = |key: &str| entries.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let location = get("location").unwrap_or_default();
    let number = |key: &str| match get(key).filter(|v| !v.is_empty()) {
        Some(v) => v.parse::<u64>().map(Some).map_err(|_| format!("its {key} '{v}' is not a number")),
        None => Ok(None),
    };
    let read = || -> Result<Vec<u8>, String> {
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if let Some(l) = length.filter(|&l| l != bytes as u64) {
            return Err(format!("the model gives it {l} bytes, but its shape needs {bytes}"));
        }
        slice(location, offset, bytes, folder)
    };
    read().map_err(|why| (location.to_string(), why))
}

fn slice(location: &str, offset: u64, bytes: usize, folder: &Path) -> Result<Vec<u8>, String> {
    let outside =
        || "lies outside the model's folder; relinc reads external data only beside the model".into();
    let relative = Path::new(location);
    if location.is_empty() {
        return Err("the model names no data file".into());
    }
    if !relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let path = folder.join(relative);
    let real = path.canonicalize().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("not found; put it at {}", path.display()),
        _ => e.to_string(),
    })?;
    let root = folder.canonicalize().map_err(|e| e.to_string())?;
    if !real.starts_with(root) {
        return Err(outside());
    }
    let mut file = crate::files::open(&real).map_err(|e| e.to_string())?;
    let meta = file.metadata().map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("is not a file".into());
    }
    if offset.checked_add(bytes as u64).is_none_or(|end| end > meta.len()) {
        return Err(format!(
            "truncated: {} bytes long, but {bytes} bytes at {offset} are needed; copy it again",
            meta.len()
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(|e| e.to_string())?;
    let mut out = vec![0; bytes];
    file.read_exact(&mut out).map_err(|e| e.to_string())?;
    Ok(out)
}
