//! Masks: which activation elements keep their ReLU, read from and written to `masks.safetensors`.
//!
//! One `u8` tensor C×H×W per ReLU layer: 0 = identity, 1 = ReLU, 2 = zero; an optional `<layer>.slope` `f32[C]` scales
//! the identity elements of each channel. Metadata: `relinc_masks = 1`, the model's sha256, the budget, and a checksum that is
//! checked where there is one: other programs write such files, too.

use crate::seal::tensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The element becomes the identity (times the channel's slope).
pub const IDENTITY: u8 = 0;
/// The element keeps its ReLU.
pub const RELU: u8 = 1;
/// The element becomes zero.
pub const ZERO: u8 = 2;

/// The mask of one ReLU layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerMask {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// 0, 1 or 2 per element, row-major.
    pub values: Vec<u8>,
    /// Slope of the identity elements, per channel; 1 where absent.
    pub slope: Option<Vec<f32>>,
}

impl LayerMask {
    /// Every element the same.
    pub fn uniform(shape: [usize; 3], value: u8) -> LayerMask {
        LayerMask { shape, values: vec![value; shape.iter().product()], slope: None }
    }
    /// The layer vanished: every element is the identity, with the slope it has.
    pub fn without_relus(&self) -> LayerMask {
        LayerMask { slope: self.slope.clone(), ..LayerMask::uniform(self.shape, IDENTITY) }
    }
    /// Elements that keep their ReLU.
    pub fn kept(&self) -> usize {
        self.count(RELU)
    }
    /// Elements of this value.
    pub fn count(&self, value: u8) -> usize {
        self.values.iter().filter(|&&v| v == value).count()
    }
}

/// The masks of a model, by layer name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Masks {
    /// Layer name → mask.
    pub layers: BTreeMap<String, LayerMask>,
    /// sha256 of the model file they were made for.
    pub model_sha256: Option<String>,
    /// The budget they were made for, as the user wrote it.
    pub budget: Option<String>,
}

/// What is wrong with a mask file.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// The file cannot be read or written.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// Some layers do not fit the model; all are listed.
    #[error("{file}: {}", .problems.join("; "))]
    Layers {
        /// The file.
        file: String,
        /// One sentence a layer.
        problems: Vec<String>,
    },
}

impl Masks {
    /// ReLUs kept in all layers.
    pub fn kept(&self) -> usize {
        self.layers.values().map(LayerMask::kept).sum()
    }

    /// Reads a mask file; values other than 0, 1 and 2 are refused.
    pub fn read(path: &Path) -> Result<Masks, MaskError> {
        let file = path.display().to_string();
        let fail = |why: String| MaskError::File { file: file.clone(), why };
        let bytes = std::fs::read(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
        let tensors::Opened { info, tensors, .. } = tensors::open(&bytes).map_err(|e| {
            fail(format!(
                "{e}; make the masks anew with relinc compile --budget, or, where another program changed them, write them \
                 without relinc_sha256 and relinc_version in their metadata (docs/masks.md)"
            ))
        })?;
        match info.get("relinc_masks").map(String::as_str) {
            Some("1") => {}
            Some(v) => return Err(fail(format!("is of mask format {v}, this relinc reads format 1"))),
            None => return Err(fail("holds no masks: its metadata lacks relinc_masks = 1".into())),
        }
        let mut out = Masks {
            model_sha256: info.get("model_sha256").cloned(),
            budget: info.get("budget").cloned(),
            ..Masks::default()
        };
        let mut problems = vec![];
        let mut slopes = BTreeMap::new();
        for (name, t) in tensors {
            if let Some(layer) = name.strip_suffix(".slope") {
                match slope(&t) {
                    Ok(s) => drop(slopes.insert(layer.to_string(), s)),
                    Err(why) => problems.push(format!("{name}: {why}")),
                }
                continue;
            }
            match layer_mask(&t) {
                Ok(m) => drop(out.layers.insert(name, m)),
                Err(why) => problems.push(format!("layer {name}: {why}")),
            }
        }
        for (layer, s) in slopes {
            match out.layers.get_mut(&layer) {
                Some(m) if m.shape[0] == s.len() => m.slope = Some(s),
                Some(m) => {
                    problems.push(format!("{layer}.slope has {} values for {} channels", s.len(), m.shape[0]))
                }
                None => problems.push(format!("{layer}.slope has no mask {layer} beside it")),
            }
        }
        if problems.is_empty() { Ok(out) } else { Err(MaskError::Layers { file, problems }) }
    }

    /// Writes a mask file, sealed; it appears by rename.
    pub fn write(&self, path: &Path) -> Result<(), MaskError> {
        let file = path.display().to_string();
        let fail = |why: String| MaskError::File { file: file.clone(), why };
        let mut info = BTreeMap::from([("relinc_masks".to_string(), "1".to_string())]);
        let known = [("model_sha256", &self.model_sha256), ("budget", &self.budget)];
        info.extend(known.into_iter().filter_map(|(k, v)| Some((k.to_string(), v.clone()?))));
        let slopes: Vec<(String, Vec<u8>)> = self
            .layers
            .iter()
            .filter_map(|(n, m)| {
                Some((format!("{n}.slope"), m.slope.as_ref()?.iter().flat_map(|x| x.to_le_bytes()).collect()))
            })
            .collect();
        let mut views = vec![];
        for (name, m) in &self.layers {
            let v =
                TensorView::new(Dtype::U8, m.shape.to_vec(), &m.values).map_err(|e| fail(e.to_string()))?;
            views.push((name.clone(), v));
        }
        for (name, bytes) in &slopes {
            let v =
                TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).map_err(|e| fail(e.to_string()))?;
            views.push((name.clone(), v));
        }
        tensors::write(path, views, info).map_err(|e| fail(format!("cannot be written: {e}")))
    }

    /// Checks the masks against a model's layers (name, C×H×W): every mask must name a layer and have its shape.
    /// Layers without a mask keep all their ReLUs.
    pub fn check(&self, file: &str, layers: &[(String, [usize; 3])]) -> Result<(), MaskError> {
        let mut problems = vec![];
        for (name, m) in &self.layers {
            match layers.iter().find(|(n, _)| n == name) {
                None => problems.push(format!(
                    "layer {name} does not exist in the model, whose ReLU layers are {}",
                    span(layers)
                )),
                Some((_, s)) if *s != m.shape => problems.push(format!(
                    "layer {name}: the mask is {}×{}×{}, the layer is {}×{}×{} (C×H×W)",
                    m.shape[0], m.shape[1], m.shape[2], s[0], s[1], s[2]
                )),
                _ => {}
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(MaskError::Layers { file: file.into(), problems }) }
    }
}

fn span(layers: &[(String, [usize; 3])]) -> String {
    match layers {
        [] => "none".into(),
        [(only, _)] => only.clone(),
        [(a, _), .., (b, _)] => format!("{a} … {b}"),
    }
}

fn layer_mask(t: &TensorView<'_>) -> Result<LayerMask, String> {
    if t.dtype() != Dtype::U8 {
        return Err(format!("is {:?}, masks are u8", t.dtype()));
    }
    let shape = match *t.shape() {
        [c] => [c, 1, 1],
        [c, h, w] => [c, h, w],
        ref s => return Err(format!("has shape {s:?}, masks are C×H×W")),
    };
    if let Some((i, v)) = t.data().iter().enumerate().find(|(_, v)| **v > ZERO) {
        return Err(format!("element {i} is {v}; allowed are 0 (identity), 1 (ReLU) and 2 (zero)"));
    }
    Ok(LayerMask { shape, values: t.data().to_vec(), slope: None })
}

fn slope(t: &TensorView<'_>) -> Result<Vec<f32>, String> {
    if t.dtype() != Dtype::F32 || t.shape().len() != 1 {
        return Err(format!("is {:?} {:?}, slopes are f32[C]", t.dtype(), t.shape()));
    }
    let v: Vec<f32> =
        t.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if v.iter().all(|x| x.is_finite()) { Ok(v) } else { Err("holds a value that is not finite".into()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::seal::flipped;

    fn masks() -> Masks {
        let first = LayerMask { shape: [2, 1, 2], values: vec![0, 1, 2, 1], slope: Some(vec![0.5, -2.0]) };
        let layers = [("relu00".to_string(), first), ("relu01".into(), LayerMask::uniform([3, 1, 1], RELU))];
        Masks { layers: layers.into(), model_sha256: Some("ab".into()), budget: Some("50%".into()) }
    }

    #[test]
    fn equal_masks_are_equal_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = |name: &str| {
            masks().write(&dir.path().join(name)).unwrap();
            std::fs::read(dir.path().join(name)).unwrap()
        };
        let first = bytes("a");
        (0..8).for_each(|_| assert_eq!(bytes("b"), first));
        assert_eq!(Masks::read(&dir.path().join("a")).unwrap(), masks());
    }

    #[test]
    fn every_flipped_bit_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.safetensors");
        masks().write(&path).unwrap();
        for (bit, other) in flipped(&std::fs::read(&path).unwrap(), 1) {
            std::fs::write(&path, other).unwrap();
            let e = Masks::read(&path).expect_err(&format!("bit {bit}")).to_string();
            assert!(e.contains("m.safetensors"), "bit {bit}: {e}");
        }
    }

    #[test]
    fn masks_of_other_programs_need_no_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.safetensors");
        let info = [("relinc_masks", "1"), ("format", "pt"), ("author", "somebody")];
        let info = info.map(|(k, v)| (k.to_string(), v.to_string())).into_iter().collect();
        let view = TensorView::new(Dtype::U8, vec![2, 1, 1], &[0, 1]).unwrap();
        std::fs::write(&path, safetensors::serialize([("relu00", view)], Some(info)).unwrap()).unwrap();
        assert_eq!(Masks::read(&path).unwrap().kept(), 1);
    }
}
