//! Largest magnitudes of a graph's values over images, in floating point.

use super::FixedError;
use rayon::prelude::*;
use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, NodeId, Op, Tensor};
use relinc_passes::passes::normalise_ranges::Ranges;
use std::collections::BTreeMap;

/// The largest magnitude of each value over images `[n,…]`, that of a convolution or matrix product without its bias
/// included, for normalise-ranges with target ±2^`target`.
pub fn ranges(g: &Graph, images: &Tensor, target: i32) -> Result<Ranges, FixedError> {
    let interp = Interp::new(g).map_err(|e| FixedError::Graph(e.to_string()))?;
    let one = |i: usize| -> Result<BTreeMap<String, f64>, FixedError> {
        let mut seen = BTreeMap::new();
        let mut see = |id: NodeId, t: &Tensor| {
            if t.as_f32().is_some() {
                seen.insert(g.node(id).name.clone(), magnitude(t).max(before_bias(g, id, t)));
            }
        };
        let x = image(images, i)?;
        interp.run_watched(vec![x], &mut see).map_err(|e| FixedError::Graph(e.to_string()))?;
        Ok(seen)
    };
    let all: Vec<_> = (0..count(images)).into_par_iter().map(one).collect::<Result<_, _>>()?;
    let mut largest = BTreeMap::new();
    for (name, v) in all.into_iter().flatten() {
        let m: &mut f64 = largest.entry(name).or_insert(0.0);
        *m = m.max(v);
    }
    Ok(Ranges::new(g, largest, target))
}

/// How many images a batch holds.
pub(super) fn count(images: &Tensor) -> usize {
    images.shape().first().copied().unwrap_or(0)
}

/// One image of a batch, as a batch of one.
pub(super) fn image(images: &Tensor, i: usize) -> Result<Tensor, FixedError> {
    let v = images.as_f32().ok_or_else(|| FixedError::Graph("images must be f32".into()))?;
    let mut shape = images.shape().to_vec();
    let Some(n) = shape.first_mut() else { return Err(FixedError::Graph("there is no image".into())) };
    *n = 1;
    let each: usize = shape.iter().product();
    Ok(Tensor::f32(shape, v[i * each..(i + 1) * each].to_vec()))
}

/// The largest magnitude.
pub(super) fn magnitude(t: &Tensor) -> f64 {
    t.as_f32().unwrap_or_default().iter().fold(0.0, |m, v| f64::from(v.abs()).max(m))
}

/// The largest magnitude of a product before its constant bias was added; of other values, the largest magnitude.
pub(super) fn before_bias(g: &Graph, id: NodeId, t: &Tensor) -> f64 {
    let bias = matches!(g.op(id), Op::Conv(_) | Op::Linear).then(|| g.const_operand(id, 2)).flatten();
    let (Some(bias), Some(v)) = (bias.and_then(|b| b.as_f32()), t.as_f32()) else { return magnitude(t) };
    let inner = if matches!(g.op(id), Op::Conv(_)) { t.shape()[2..].iter().product() } else { 1usize };
    let of = |(i, v): (usize, &f32)| f64::from((v - bias[i / inner.max(1) % bias.len().max(1)]).abs());
    v.iter().enumerate().map(of).fold(0.0, f64::max)
}
