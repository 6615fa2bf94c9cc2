//! Mutated checkpoints and the JSON beside them; many have a right checksum, so that what is behind it is reached.

use super::run::{Outcome, Subject, below, once_in, pick};
use super::{bytes, text};
use relinc::jobs::Made;
use relinc::passes::choice::Choice;
use relinc::passes::masks::LayerMask;
use relinc::passes::seal::{json, tensors};
use relinc::passes::splitmix::SplitMix;
use relinc_runtime::train::state::{Checkpoint, Progress};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Kept {
    folder: PathBuf,
    read: fn(&Path, &mut SplitMix) -> Outcome,
}

impl Subject for Kept {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        (self.read)(&self.folder, dice)
    }
}

pub fn checkpoint(folder: &Path) -> Box<dyn Subject> {
    Box::new(Kept { folder: folder.into(), read: read_checkpoint })
}

pub fn made(folder: &Path) -> Box<dyn Subject> {
    Box::new(Kept { folder: folder.into(), read: read_made })
}

fn sample(dice: &mut SplitMix) -> Checkpoint {
    let mut c =
        Checkpoint { progress: Progress { recipe: "r".into(), ..Default::default() }, ..Default::default() };
    for name in ["param/w", "velocity/w", "best/w", "learner/alpha"] {
        c.tensors.insert(name.into(), vec![0.5; below(dice, 5)]);
    }
    let m = LayerMask::uniform([2, 2, 2], Choice::Relu).with_slopes(vec![1.0; 2]);
    c.masks.layers.insert("relu00".into(), m.clone());
    c.epoch_masks.layers.insert("relu00".into(), m);
    c
}

/// The same tensors under a new seal, with some of them and of the words changed.
fn resealed(path: &Path, dice: &mut SplitMix) {
    let b = std::fs::read(path).unwrap();
    let Ok(o) = tensors::open(&b) else { return };
    let mut info: BTreeMap<String, String> = o.info.clone();
    info.retain(|k, _| !k.starts_with("relinc_sha256") && !k.starts_with("relinc_version"));
    let words: Vec<String> = info.values().cloned().collect();
    for v in info.values_mut() {
        if once_in(dice, 2) {
            *v = text::mutate(v, &words, dice);
        }
    }
    let mut rows: Vec<(String, Dtype, Vec<u8>)> =
        o.tensors.iter().map(|(k, t)| (k.clone(), t.dtype(), t.data().to_vec())).collect();
    for _ in 0..below(dice, 4) {
        let i = below(dice, rows.len());
        match below(dice, 5) {
            0 if rows.len() > 1 => drop(rows.remove(i)),
            1 => {
                rows[i].0 =
                    pick(dice, &["mask/relu00", "mask/relu01", "mask/relu00.slope", "epoch_mask/", "x"])
                        .to_string()
            }
            2 => rows[i].1 = *pick(dice, &[Dtype::U8, Dtype::F32, Dtype::I64, Dtype::F16]),
            3 => bytes::mutate(&mut rows[i].2, dice),
            _ => rows[i].2.clear(),
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows.dedup_by(|a, b| a.0 == b.0);
    let size = |d: Dtype| match d {
        Dtype::U8 => 1,
        Dtype::F16 => 2,
        Dtype::I64 => 8,
        _ => 4,
    };
    let views: Vec<_> = rows
        .iter()
        .filter_map(|(k, d, b)| Some((k.clone(), TensorView::new(*d, vec![b.len() / size(*d)], b).ok()?)))
        .collect();
    let _ = tensors::write(path, views, info);
}

fn read_checkpoint(folder: &Path, dice: &mut SplitMix) -> Outcome {
    let path = folder.join("case.safetensors");
    sample(dice).write(&path).unwrap();
    if once_in(dice, 3) {
        let mut b = std::fs::read(&path).unwrap();
        bytes::mutate(&mut b, dice);
        std::fs::write(&path, b).unwrap();
    } else {
        resealed(&path, dice);
    }
    let shapes = BTreeMap::from([("relu00".to_string(), [2, 2, 2])]);
    let _ = Progress::read(&path);
    Ok(usize::from(Checkpoint::read(&path, &shapes).is_ok()))
}

fn read_made(folder: &Path, dice: &mut SplitMix) -> Outcome {
    let path = folder.join("case.json");
    let value =
        serde_json::json!({"relinc": "0.2.0", "spec": {"method": "senet", "seed": "1"}, "found": [1, 2, 3]});
    let plain = text::mutate(&value.to_string(), &[value.to_string()], dice);
    let sealed = serde_json::from_str::<serde_json::Value>(&plain).ok().and_then(|v| json::text(&v).ok());
    std::fs::write(&path, sealed.unwrap_or(plain)).unwrap();
    let b = std::fs::read(&path).unwrap();
    Ok(usize::from(json::parse::<Made<Vec<u64>>>(&b).is_ok()))
}
