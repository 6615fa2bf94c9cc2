//! Batches and first masks recorded by another program, so that two implementations train on the same.

use crate::error::{Error, input};
use relinc_passes::masks::Masks;
use std::path::Path;
use std::sync::Arc;

/// Image indices by epoch and step.
pub type Order = Arc<Vec<Vec<Vec<usize>>>>;

/// Reads `order.npy`, i32 `[epochs, steps, batch]`, search epochs before tune epochs.
pub fn order(dir: &Path) -> Result<Order, Error> {
    let path = dir.join("order.npy");
    let bad = |why: &str| Error::Input(format!("{}: {why}", path.display()));
    let bytes = std::fs::read(&path).map_err(|e| bad(&format!("cannot be read: {e}")))?;
    let not = || bad("is not an npy file of i32 [epochs, steps, batch] in C order");
    let header_len = usize::from(u16::from_le_bytes([*bytes.get(8).ok_or_else(not)?, *bytes.get(9).ok_or_else(not)?]));
    let header = std::str::from_utf8(bytes.get(10..10 + header_len).ok_or_else(not)?).map_err(|_| not())?;
    if !bytes.starts_with(b"\x93NUMPY\x01") || !header.contains("'<i4'") || header.contains("'fortran_order': True") {
        return Err(not());
    }
    let inside = header.split_once("'shape': (").and_then(|(_, r)| r.split_once(')')).map(|(s, _)| s).ok_or_else(not)?;
    let dims: Vec<usize> = inside.split(',').filter_map(|d| d.trim().parse().ok()).collect();
    let [epochs, steps, batch] = dims[..] else { return Err(not()) };
    let data = &bytes[10 + header_len..];
    if data.len() != 4 * epochs * steps * batch || batch == 0 || steps == 0 {
        return Err(not());
    }
    let v: Vec<usize> = data.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as usize).collect();
    Ok(Arc::new(v.chunks(steps * batch).map(|e| e.chunks(batch).map(<[usize]>::to_vec).collect()).collect()))
}

/// The epochs of a stage of a recorded order.
pub fn part(o: &Order, from: usize, epochs: usize, images: usize) -> Result<Order, Error> {
    let part = o.get(from..from + epochs).ok_or_else(|| {
        Error::Input(format!("replay: {} epochs are recorded, {} are asked for", o.len(), from + epochs))
    })?;
    if part.iter().flatten().flatten().any(|&i| i >= images) {
        return Err(Error::Input(format!("replay: it names images beyond the {images} training images")));
    }
    Ok(Arc::new(part.to_vec()))
}

/// Reads `masks.safetensors`, the first masks.
pub fn masks(dir: &Path) -> Result<Masks, Error> {
    Masks::read(&dir.join("masks.safetensors")).map_err(input)
}

/// Reads `counts.json`, where there is one: ReLUs each layer keeps.
pub fn counts(dir: &Path) -> Option<Vec<usize>> {
    let text = std::fs::read_to_string(dir.join("counts.json")).ok()?;
    let v: serde_json::Value = serde_json::from_str(&text).ok()?;
    let list = v.as_array().cloned().or_else(|| v.as_object().map(|o| o.values().cloned().collect()))?;
    list.iter().map(|n| n.as_u64().map(|n| n as usize)).collect()
}
