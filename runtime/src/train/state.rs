//! Checkpoints: everything a stage needs to go on, in one sealed safetensors file that appears by rename.

use super::calm::Far;
use super::objective::Parts;
use crate::exec::Kernels;
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::seal::tensors::{self, Opened};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The metadata that says what the file is, with the number of its format.
const FORMAT: (&str, &str) = ("relinc_checkpoint", "2");

/// Named rows of floats.
pub type Tensors = BTreeMap<String, Vec<f32>>;

/// Sums over the steps of the present epoch, for its log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sums {
    /// Loss parts.
    pub parts: Parts,
    /// Steps.
    pub steps: usize,
    /// Clean images seen.
    pub seen: usize,
    /// Of them classified correctly.
    pub correct: usize,
    /// Seconds computing.
    pub seconds: f64,
    /// Seconds waiting for data.
    pub waited: f64,
    /// Largest gradient norm before clipping.
    pub gradient: f64,
    /// Steps left out because their gradient was no number.
    #[serde(default)]
    pub skipped: usize,
}

impl Sums {
    /// Throughput where each step had `batch` images.
    pub fn images_per_second(&self, batch: usize) -> f64 {
        (self.steps * batch) as f64 / self.seconds.max(1e-9)
    }

    /// Adds a step.
    pub fn add(&mut self, p: &Parts, seen: usize, correct: usize, gradient: f64) {
        let s = &mut self.parts;
        (s.total, s.ce, s.kl, s.attention) =
            (s.total + p.total, s.ce + p.ce, s.kl + p.kl, s.attention + p.attention);
        s.tails += p.tails;
        self.steps += 1;
        self.seen += seen;
        self.correct += correct;
        self.gradient = self.gradient.max(gradient);
    }
}

/// Where a stage is.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// What was asked for, in words: a checkpoint of other work is not continued.
    pub recipe: String,
    /// The CPU's kernels that it was computed by last; none on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Kernels>,
    /// Does the log say so?
    #[serde(default)]
    pub told: bool,
    /// Complete epochs.
    pub epoch: usize,
    /// Steps of the next epoch that are done.
    pub step: usize,
    /// Is the stage complete?
    pub finished: bool,
    /// Best validation score so far.
    pub best: Option<f64>,
    /// Epoch it was reached in.
    pub best_epoch: usize,
    /// Steps since the masks changed within an epoch.
    pub since_masks: usize,
    /// The present epoch's sums.
    pub sums: Sums,
    /// Wall-clock seconds of the complete epochs.
    pub seconds: f64,
    /// Steps left out in a row.
    #[serde(default)]
    pub skipped: usize,
    /// Best share of training images of an epoch that were classified correctly, in percent.
    #[serde(default)]
    pub learned: f64,
    /// The images far out, once they were looked for.
    #[serde(default)]
    pub far: Option<Far>,
}

impl Progress {
    /// That of a checkpoint, all of which is checked.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn read(path: &Path) -> Result<Progress, String> {
        let bytes = bytes(path)?;
        open(path, &bytes).map(|(progress, _)| progress)
    }
}

/// A checkpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// Where the stage is.
    pub progress: Progress,
    /// `param/…`, `velocity/…`, `average/…`, `best/…`, `learner/…`.
    pub tensors: Tensors,
    /// The present masks.
    pub masks: Masks,
    /// Those at the beginning of the present epoch.
    pub epoch_masks: Masks,
}

/// What the names of masks begin with: the present ones, those of the epoch's beginning.
const MASKS: [&str; 2] = ["mask/", "epoch_mask/"];

impl Checkpoint {
    /// Writes it.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let fail = |e: &dyn std::fmt::Display| format!("{}: cannot be written: {e}", path.display());
        let bytes: Vec<(String, Vec<u8>, Dtype, usize)> = self
            .tensors
            .iter()
            .map(|(k, v)| (k.clone(), bytes_of(v), Dtype::F32, v.len()))
            .chain(mask_rows(MASKS[0], &self.masks))
            .chain(mask_rows(MASKS[1], &self.epoch_masks))
            .collect();
        let views: Vec<(String, TensorView<'_>)> = bytes
            .iter()
            .map(|(k, b, t, n)| Ok((k.clone(), TensorView::new(*t, vec![*n], b).map_err(|e| fail(&e))?)))
            .collect::<Result<_, String>>()?;
        let json = serde_json::to_string(&self.progress).map_err(|e| fail(&e))?;
        let info = [(FORMAT.0, FORMAT.1.to_string()), ("progress", json)];
        let info = info.map(|(k, v)| (k.to_string(), v)).into_iter().collect();
        tensors::write(path, views, info).map_err(|e| fail(&e))
    }

    /// Reads it; `layers` are the network's.
    ///
    /// # Errors
    /// A message that names the file, what is wrong with it and what to do: it is damaged, of another format, or of another network.
    pub fn read(path: &Path, layers: &[ReluLayer]) -> Result<Checkpoint, String> {
        let fail = |e: &dyn std::fmt::Display| refused(path, e);
        let bytes = bytes(path)?;
        let (progress, all) = open(path, &bytes)?;
        let masks = |prefix: &str| -> Result<Masks, String> {
            let mut masks = Masks::default();
            for (name, t) in all.iter().filter(|(_, t)| t.dtype() == Dtype::U8) {
                let Some(layer) = name.strip_prefix(prefix) else { continue };
                let known = layers.iter().find(|l| l.name == layer);
                let known = known.ok_or_else(|| fail(&format!("there is no ReLU layer {layer}")))?;
                let wrong = |what| fail(&format!("the mask of {layer} {what}"));
                let values = Choice::of_codes(t.data()).map_err(|_| wrong("holds an unknown value"))?;
                let mut m = LayerMask::new(known.shape, values).with_cap(known.cap);
                for (choice, p) in Choice::ALL.into_iter().filter_map(|c| Some((c, c.parameters()?))) {
                    let given = all.get(&format!("{name}.{}", p.name));
                    m.parameters.extend(given.map(|t| (choice, floats(t.data()))));
                }
                if !m.fits() {
                    return Err(wrong("has another size"));
                }
                masks.layers.insert(layer.into(), m);
            }
            Ok(masks)
        };
        let rows = all.iter().filter(|(name, _)| !MASKS.iter().any(|m| name.starts_with(m)));
        Ok(Checkpoint {
            progress,
            tensors: rows.map(|(name, t)| (name.to_string(), floats(t.data()))).collect(),
            masks: masks(MASKS[0])?,
            epoch_masks: masks(MASKS[1])?,
        })
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    relinc_passes::files::read(path).map_err(|e| refused(path, &e))
}

/// The progress and the tensors of an intact checkpoint.
fn open<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Progress, BTreeMap<String, TensorView<'a>>), String> {
    let fail = |e: &dyn std::fmt::Display| refused(path, e);
    let Opened { info, tensors, sealed } = tensors::open(bytes).map_err(|e| fail(&format!("it {e}")))?;
    match info.get(FORMAT.0).map(String::as_str) {
        None => return Err(fail(&"it is no checkpoint")),
        Some(f) if f == FORMAT.1 && sealed => {}
        Some(f) if f == FORMAT.1 => return Err(fail(&"it has no checksum")),
        Some(f) => {
            let says = format!("it is a checkpoint of format {f}, this relinc writes and reads {}", FORMAT.1);
            return Err(fail(&says));
        }
    }
    let json = info.get("progress").ok_or_else(|| fail(&"it is no checkpoint"))?;
    Ok((serde_json::from_str(json).map_err(|e| fail(&e))?, tensors))
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: cannot be continued: {why}; remove it to make anew what it holds", path.display())
}

fn bytes_of(v: &[f32]) -> Vec<u8> {
    v.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Each layer's values and parameters.
fn mask_rows<'a>(
    prefix: &'a str,
    m: &'a Masks,
) -> impl Iterator<Item = (String, Vec<u8>, Dtype, usize)> + 'a {
    let rows = m.layers.iter().flat_map(move |(k, l)| l.rows(&format!("{prefix}{k}")));
    rows.map(|r| {
        let n = r.shape.iter().product();
        (r.name, r.bytes, r.dtype, n)
    })
}
