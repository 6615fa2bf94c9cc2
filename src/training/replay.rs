//! Batches and first masks recorded by another program, so that two implementations train on the same.

use crate::error::{Result, input};
use crate::folder;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Npy;
use relinc_runtime::train::{Counts, Stage};
use std::path::Path;
use std::sync::Arc;

/// Image indices by epoch and step.
pub type Order = Arc<Vec<Vec<Vec<usize>>>>;

/// Reads `order.npy`, i32 `[epochs, steps, batch]`, search epochs before tune epochs.
pub fn order(dir: &Path) -> Result<Order> {
    let path = dir.join("order.npy");
    let mut npy = Npy::open(&path).map_err(input)?;
    let (&[epochs, steps, batch], "<i4") = (&npy.shape[..], npy.descr.as_str()) else {
        return Err(input(format!("{}: is not i32 [epochs, steps, batch]", path.display())));
    };
    if steps == 0 || batch == 0 {
        return Err(input(format!("{}: holds no batches", path.display())));
    }
    let bytes = npy.bytes(0, 4 * epochs * steps * batch).map_err(input)?;
    let v: Vec<usize> = bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as usize).collect();
    Ok(Arc::new(v.chunks(steps * batch).map(|e| e.chunks(batch).map(<[usize]>::to_vec).collect()).collect()))
}

/// The epochs of a stage of a recorded order.
pub fn part(o: &Order, from: usize, epochs: usize, images: usize) -> Result<Order> {
    let part = o.get(from..from + epochs).ok_or_else(|| {
        input(format!("replay: {} epochs are recorded, {} are asked for", o.len(), from + epochs))
    })?;
    if part.iter().flatten().flatten().any(|&i| i >= images) {
        return Err(input(format!("replay: it names images beyond the {images} training images")));
    }
    Ok(Arc::new(part.to_vec()))
}

/// Reads `counts.json`, where there is one: ReLUs each layer keeps, as a list or by name.
pub fn counts(dir: &Path) -> Result<Option<Vec<usize>>> {
    let path = dir.join("counts.json");
    let fail = |why: String| input(format!("{}: {why}", path.display()));
    let Some(text) = folder::read(&path)? else { return Ok(None) };
    let v: serde_json::Value = serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))?;
    let list = v.as_array().cloned().or_else(|| v.as_object().map(|o| o.values().cloned().collect()));
    let counts: Option<Vec<usize>> =
        list.and_then(|l| l.iter().map(|n| n.as_u64().map(|n| n as usize)).collect());
    counts.map(Some).ok_or_else(|| fail("holds no list of numbers of ReLUs".into()))
}

/// Gives a search stage the recorded first masks and layer counts.
pub fn begin(stage: &mut Stage<'_>, dir: &Path, layers: &[ReluLayer]) -> Result<()> {
    if let Some(s) = &mut stage.recipe.search {
        let mut first = Masks::read(&dir.join("masks.safetensors")).map_err(input)?;
        first.fit(&dir.display().to_string(), layers).map_err(input)?;
        s.first = Some(first);
        if let Some(n) = counts(dir)? {
            if n.iter().sum::<usize>() != s.keep {
                return Err(input(format!(
                    "{}: counts.json sums to {}, the budget is {} ReLUs",
                    dir.display(),
                    n.iter().sum::<usize>(),
                    s.keep
                )));
            }
            s.counts = Counts::Given(n);
        }
    }
    Ok(())
}
