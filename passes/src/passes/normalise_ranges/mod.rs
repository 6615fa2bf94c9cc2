//! Scales layers by powers of two so that the largest magnitude of each is what a fixed-point ring wants.
//!
//! **Before**: `conv(x, w, b)` and `linear(x, w, b)` whose results were measured over images.
//!
//! **After**: the same operations on other weights. Every value v between the model's input and its output becomes
//! `v·2^−s` with an s of its layer, such that the largest magnitude measured in the layer, products before their bias
//! included, lies in (2^(t−1), 2^t] for the target t.
//!
//! **Conditions**: ranges were measured on these very weights (`--normalise-ranges`). A layer is all values that must have one
//! scale: what ReLU, pooling, means, sums, concatenation and moves join, both sides of an addition too. A layer keeps its
//! scale, with a reason, where the model's input or output, a clip, a product of two different values or another operation that does
//! not commute with a positive factor belongs to it, or where weights are read by two operations. The layer of a square follows
//! that of its operand, by twice its s; s is then what both need.
//!
//! **Formula**: `w' = w·2^(s_in − s_out)`, `b' = b·2^−s_out`. Powers of two change no mantissa, so every value is exactly
//! its old one times its factor, and outputs are the same to the last bit; where a weight would leave the normal numbers of
//! f32 the pass refuses.
//!
//! **Source**: equalisation by powers of two, as in block floating point; why it helps a ring is in docs/fixed-point.md.

mod layers;
#[cfg(test)]
mod tests;

pub use layers::{Layers, Shift, shifts};

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{Graph, NodeId, Op, Tensor};
use crate::passes::affine::is_linear;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Largest magnitudes that were measured, and the magnitude that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges {
    /// By the value's name.
    pub largest: BTreeMap<String, f64>,
    /// The largest magnitude of a layer shall be at most 2^this, and more than half of that.
    pub target: i32,
    weights: [u8; 32],
}

impl Ranges {
    /// Ranges measured on a graph as it is now; once its weights change they no longer hold.
    pub fn new(g: &Graph, largest: BTreeMap<String, f64>, target: i32) -> Ranges {
        Ranges { largest, target, weights: fingerprint(g) }
    }
    /// Were they measured on these weights?
    pub fn hold_for(&self, g: &Graph) -> bool {
        self.weights == fingerprint(g)
    }
}

/// A digest of all floating-point constants.
fn fingerprint(g: &Graph) -> [u8; 32] {
    let mut h = Sha256::new();
    for id in g.topo().unwrap_or_default() {
        if let Some(v) = g.const_of(id).and_then(|t| t.as_f32()) {
            h.update(g.node(id).name.as_bytes());
            v.iter().for_each(|x| h.update(x.to_le_bytes()));
        }
    }
    h.finalize().into()
}

/// See the module documentation.
#[derive(Debug)]
pub struct NormaliseRanges(
    /// What was measured; without it nothing is done.
    pub Option<Ranges>,
);

impl Pass for NormaliseRanges {
    fn about(&self) -> About {
        About::opt_in("normalise-ranges", Guarantee::Exact, &[Phase::Rescaling], include_str!("mod.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let (g, ranges) = (cx.graph, self.0.as_ref().ok_or(Skip::NoMatch)?);
        let is_root = g.outputs().first().is_some_and(|o| o.node == at);
        if !is_root && !is_linear(g, at) {
            return Err(Skip::NoMatch);
        }
        let layers = cx.analysis(|| Layers::of(g, ranges));
        if is_root && ranges.hold_for(g) {
            let patch = rescale(g, &layers)?;
            if patch != Patch::new() {
                return Ok(patch);
            }
        }
        match layers.pinned(at) {
            Some(why) if is_linear(g, at) && layers.wants(at, ranges.target) > 0 => {
                let bits = layers.wants(at, ranges.target);
                Err(Skip::Refused(format!("it is {bits} bits above the target and keeps its scale: {why}")))
            }
            _ => Err(Skip::NoMatch),
        }
    }
}

/// New constants for every layer that gets another scale.
fn rescale(g: &Graph, layers: &Layers) -> Result<Patch, Skip> {
    let mut patch = Patch::new();
    let put = |patch: Patch, id: NodeId, exponent: i32| -> Result<Patch, Skip> {
        let Some(t) = g.const_of(id).filter(|_| exponent != 0) else { return Ok(patch) };
        let scaled = times_power(t, exponent).ok_or_else(|| {
            Skip::Refused(format!(
                "'{}' times 2^{exponent} leaves the normal numbers of f32",
                g.node(id).name
            ))
        })?;
        let mut patch = patch;
        let new = patch.constant(g.node(id).name.clone(), scaled);
        Ok(patch.replace(id, new))
    };
    for id in g.topo().unwrap_or_default() {
        match g.op(id) {
            Op::Conv(_) | Op::Linear if is_linear(g, id) => {
                let operands = g.operands(id);
                let (from, to) = (layers.shift(operands[0]), layers.shift(id));
                patch = put(patch, operands[1], from - to)?;
                if let Some(&b) = operands.get(2) {
                    patch = put(patch, b, -to)?;
                }
            }
            Op::Const(_) => patch = put(patch, id, -layers.shift(id))?,
            _ => {}
        }
    }
    Ok(patch)
}

/// A tensor times 2^`exponent`, where every element keeps its mantissa.
fn times_power(t: &Tensor, exponent: i32) -> Option<Tensor> {
    let factor = f64::from(exponent).exp2();
    let scaled = |&v: &f32| {
        let y = (f64::from(v) * factor) as f32;
        (v == 0.0 || y.is_normal()).then_some(y)
    };
    Some(Tensor::f32(t.shape(), t.as_f32()?.iter().map(scaled).collect::<Option<Vec<_>>>()?))
}
