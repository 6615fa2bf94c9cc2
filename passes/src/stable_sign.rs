//! Takes the ReLU off elements whose sign was the same on every measured image.
//!
//! **Before**: `relu(x) @relu03` or `masked_relu(x, mask)`, and for each element of the layer whether x was ever negative
//! and ever positive over images (`--stable-sign N`).
//!
//! **After**: `masked_relu(x, mask')`: an element that was never positive is zero, one that was never negative the
//! identity.
//!
//! **Conditions**: the element keeps its ReLU, and in a channel whose identity elements have a slope of 1. The
//! function stays the same on the measured images; on others it may change, and the report says by how much on
//! held-out ones.
//!
//! **Formula**: `x ≤ 0 ⇒ max(x, 0) = 0`; `x ≥ 0 ⇒ max(x, 0) = x`.
//!
//! **Source**: stable neurons, as verifiers call them; a removal on data, not a proof.

use crate::ir::{NodeId, Op, Tensor};
use crate::masks::{IDENTITY, Masks, RELU, ZERO};
use crate::pass::{Cx, Guarantee, Options, Pass, Skip};
use crate::patch::Patch;
use std::collections::BTreeMap;

/// What an element's sign was over images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Negative on one image, positive on another.
    Varies,
    /// At least 0 on all, and positive on one.
    NeverNegative,
    /// At most 0 on all.
    NeverPositive,
}

/// The signs of what ReLUs read, measured on the network with the masks it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signs {
    /// Layer name → one sign an element, row-major C×H×W.
    pub layers: BTreeMap<String, Vec<Sign>>,
}

impl Signs {
    /// Applies them to masks, layer by layer as the pass does. Layers that do not fit are left alone.
    pub fn settle(&self, masks: &mut Masks) {
        for (name, m) in &mut masks.layers {
            if let Some(signs) = self.layers.get(name).filter(|s| s.len() == m.values.len()) {
                m.values = settled(&m.values, signs, m.slope.as_deref());
            }
        }
    }
}

/// Mask values after elements of one sign lost their ReLU; slopes are one a channel.
fn settled(values: &[u8], signs: &[Sign], slopes: Option<&[f32]>) -> Vec<u8> {
    let plane = slopes.map_or(1, |s| values.len() / s.len().max(1)).max(1);
    let plain = |i: usize| slopes.and_then(|s| s.get(i / plane)).is_none_or(|&s| s == 1.0);
    let each = values.iter().zip(signs).enumerate();
    each.map(|(i, (&v, sign))| match sign {
        Sign::NeverPositive if v == RELU => ZERO,
        Sign::NeverNegative if v == RELU && plain(i) => IDENTITY,
        _ => v,
    })
    .collect()
}

/// See the module documentation.
pub struct StableSign;

impl Pass for StableSign {
    fn name(&self) -> &'static str {
        "stable-sign"
    }
    fn guarantee(&self) -> Guarantee {
        Guarantee::OnData
    }
    fn source(&self) -> &'static str {
        include_str!("stable_sign.rs")
    }
    fn enabled(&self, options: &Options) -> bool {
        options.signs.is_some()
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let node = g.node(at);
        let (Some(layer), Some(signs)) = (&node.layer, &cx.options.signs) else { return Err(Skip::NoMatch) };
        let Some(signs) = signs.layers.get(layer) else { return Err(Skip::NoMatch) };
        let per_image = cx.facts.ty(at).per_sample();
        let n = per_image.iter().product();
        let now = match &node.op {
            Op::Relu => vec![RELU; n],
            Op::MaskedRelu => g.const_operand(at, 1).and_then(|t| t.as_u8()).ok_or(Skip::NoMatch)?.to_vec(),
            _ => return Err(Skip::NoMatch),
        };
        if signs.len() != n {
            return Err(Skip::Refused(format!("the signs of {layer} are of {} elements", signs.len())));
        }
        let slopes = g.const_operand(at, 2).and_then(|t| t.as_f32());
        let new = settled(&now, signs, slopes);
        if new == now {
            return Err(Skip::NoMatch);
        }
        let mut p = Patch::new();
        let mask = p.constant(format!("{layer}.stable"), Tensor::u8(per_image, new));
        let mut operands = vec![g.operand(at, 0).ok_or(Skip::NoMatch)?.into(), mask];
        operands.extend(g.operand(at, 2).map(crate::patch::Ref::from));
        let y = p.add_in_layer(&node.name, Op::MaskedRelu, &operands, Some(layer));
        Ok(p.replace(at, y))
    }
}
