//! Masks as safetensors.

use super::{LayerMask, MaskError, Masks};
use crate::choice::Choice;
use crate::seal::tensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

impl Masks {
    /// Reads a mask file; values that are no choice's number are refused.
    pub fn read(path: &Path) -> Result<Masks, MaskError> {
        let file = path.display().to_string();
        let fail = |why: String| MaskError::File { file: file.clone(), why };
        let bytes = crate::files::read(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
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
        let mut given = vec![];
        for (name, t) in &tensors {
            match parameters_of(name) {
                None => match layer_mask(t) {
                    Ok(m) => drop(out.layers.insert(name.to_string(), m)),
                    Err(why) => problems.push(format!("layer {name}: {why}")),
                },
                Some((layer, choice)) => match parameters(choice, t) {
                    Ok(v) => given.push((layer, choice, v)),
                    Err(why) => problems.push(format!("{name}: {why}")),
                },
            }
        }
        for (layer, choice, values) in given {
            if let Err(why) = out.give(layer, choice, values) {
                problems.push(format!("{layer}.{} {why}", choice.parameters().map_or("", |p| p.name)));
            }
        }
        problems.extend(out.layers.iter().filter_map(|(name, m)| m.lacks_quadratics(name)));
        if problems.is_empty() { Ok(out) } else { Err(MaskError::Layers { file, problems }) }
    }

    /// Gives the channels of a layer's mask their parameters of a choice.
    fn give(&mut self, layer: &str, choice: Choice, values: Vec<f32>) -> Result<(), String> {
        let m = self.layers.get_mut(layer).ok_or_else(|| format!("has no mask {layer} beside it"))?;
        if values.len() != m.shape[0] * choice.neutral().len() {
            return Err(format!("has {} values for {} channels", values.len(), m.shape[0]));
        }
        m.parameters.insert(choice, values);
        Ok(())
    }

    /// Writes a mask file, sealed; it appears by rename.
    pub fn write(&self, path: &Path) -> Result<(), MaskError> {
        let file = path.display().to_string();
        let fail = |why: String| MaskError::File { file: file.clone(), why };
        let mut info = BTreeMap::from([("relinc_masks".to_string(), "1".to_string())]);
        let known = [("model_sha256", &self.model_sha256), ("budget", &self.budget)];
        info.extend(known.into_iter().filter_map(|(k, v)| Some((k.to_string(), v.clone()?))));
        let rows = self.layers.iter().flat_map(|(name, m)| m.rows(name)).collect::<Vec<_>>();
        let views = rows
            .iter()
            .map(|r| Ok((r.name.clone(), TensorView::new(r.dtype, r.shape.clone(), &r.bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let views = views.map_err(|e| fail(e.to_string()))?;
        tensors::write(path, views, info).map_err(|e| fail(format!("cannot be written: {e}")))
    }
}

/// A tensor of a file.
#[derive(Debug)]
pub struct Row {
    /// The layer's name, or that of parameters.
    pub name: String,
    /// u8 of choices, f32 of parameters.
    pub dtype: Dtype,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Little-endian.
    pub bytes: Vec<u8>,
}

impl LayerMask {
    /// What is wrong with quadratic elements that no channel gives their coefficients: there is no function they have by themselves.
    fn lacks_quadratics(&self, name: &str) -> Option<String> {
        let (n, given) = (self.count(Choice::Quadratic), self.parameters.contains_key(&Choice::Quadratic));
        (n > 0 && !given).then(|| {
            format!(
                "layer {name}: {n} elements are quadratic ({}), and {name}.quadratic, f32[{},3] with a, b and c of a·x² + b·x + c for \
                 each channel, is missing",
                Choice::Quadratic.code(),
                self.shape[0]
            )
        })
    }

    /// The mask as tensors: its choices, then the parameters.
    pub fn rows(&self, name: &str) -> Vec<Row> {
        let codes = self.values.iter().map(|c| c.code()).collect();
        let mut rows =
            vec![Row { name: name.into(), dtype: Dtype::U8, shape: self.shape.to_vec(), bytes: codes }];
        rows.extend(self.parameters.iter().filter_map(|(c, v)| {
            let p = c.parameters()?;
            let shape = p.shape(v.len() / p.neutral.len());
            let bytes = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            Some(Row { name: format!("{name}.{}", p.name), dtype: Dtype::F32, shape, bytes })
        }));
        rows
    }
}

/// The layer and the choice whose parameters a tensor of this name holds.
fn parameters_of(name: &str) -> Option<(&str, Choice)> {
    Choice::ALL
        .into_iter()
        .find_map(|c| Some((name.strip_suffix(c.parameters()?.name)?.strip_suffix('.')?, c)))
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
    let values = Choice::of_codes(t.data())
        .map_err(|i| format!("element {i} is {}; allowed are {}", t.data()[i], Choice::codes()))?;
    Ok(LayerMask::new(shape, values))
}

/// What larger numbers multiply leaves the range of single precision.
const LARGEST: f32 = 1e9;

fn parameters(choice: Choice, t: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let Some(p) = choice.parameters() else { return Err("has no parameters".into()) };
    let channels = t.shape().first().copied().unwrap_or(0);
    if t.dtype() != Dtype::F32 || p.shape(channels) != t.shape() {
        let each = p.shape(0)[1..].iter().map(|n| format!(",{n}")).collect::<String>();
        return Err(format!("is {:?} {:?}, {}s are f32[C{each}]", t.dtype(), t.shape(), p.name));
    }
    let v: Vec<f32> = t.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    match v.iter().find(|x| !x.is_finite() || x.abs() > LARGEST) {
        None => Ok(v),
        Some(x) if x.is_finite() => Err(format!("holds {x}; numbers are at most {LARGEST:e} in size")),
        Some(_) => Err("holds a value that is not finite".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::seal::flipped;

    fn masks() -> Masks {
        let values = Choice::of_codes(&[0, 1, 2, 1]).unwrap();
        let first = LayerMask::new([2, 1, 2], values).with_slopes(vec![0.5, -2.0]);
        let second = LayerMask::uniform([3, 1, 1], Choice::Relu);
        let layers = [("relu00".to_string(), first), ("relu01".into(), second)];
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
    fn quadratic_elements_need_finite_coefficients() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.safetensors");
        let info = BTreeMap::from([("relinc_masks".to_string(), "1".to_string())]);
        let read = |coefficients: Option<(&[f32], &[usize])>| {
            let bytes = |v: &[f32]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
            let bytes = coefficients.map(|(v, shape)| (bytes(v), shape.to_vec()));
            let mask = TensorView::new(Dtype::U8, vec![2, 1, 1], &[3, 1]).unwrap();
            let given = bytes
                .iter()
                .map(|(b, s)| ("relu00.quadratic", TensorView::new(Dtype::F32, s.clone(), b).unwrap()));
            let all = [("relu00", mask)].into_iter().chain(given);
            let info = Some(info.clone().into_iter().collect());
            std::fs::write(&path, safetensors::serialize(all, info).unwrap()).unwrap();
            Masks::read(&path).map_err(|e| e.to_string())
        };
        let whole = [0.25, 0.5, 0.1, 0.0, 1.0, 0.0];
        let m = read(Some((&whole, &[2, 3]))).unwrap();
        m.write(&path).unwrap();
        assert_eq!(Masks::read(&path).unwrap(), m);
        assert_eq!(m.layers["relu00"].of_channel(Choice::Quadratic, 0), &whole[..3]);
        let missing = read(None).unwrap_err();
        assert!(missing.contains("relu00.quadratic, f32[2,3] with a, b and c"), "{missing}");
        let shape = read(Some((&whole, &[3, 2]))).unwrap_err();
        assert!(shape.contains("quadratics are f32[C,3]"), "{shape}");
        let infinite = read(Some((&[0.25, f32::NAN, 0.0, 0.0, 1.0, 0.0], &[2, 3]))).unwrap_err();
        assert!(infinite.contains("not finite"), "{infinite}");
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
