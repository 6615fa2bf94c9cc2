//! Takes the ReLU off elements whose sign was the same on every measured image, and the cap off those that never passed it.
//!
//! **Before**: `relu(x) @relu03`, `capped_relu(x) {cap=c}` or `masked_relu(x, mask)`, and for each element of the layer whether x
//! was ever negative, ever positive and ever above the cap over images (`--stable-sign N`).
//!
//! **After**: `masked_relu(x, mask')`: an element that was never positive is zero, one that was never negative and never above the
//! cap the identity, another that was never above the cap a ReLU without it.
//!
//! **Conditions**: the element keeps its ReLU, and in a channel whose identity elements have a slope of 1. The
//! function stays the same on the measured images; on others it may change, and the report says by how much on
//! held-out ones.
//!
//! **Formula**: `x ≤ 0 ⇒ max(x, 0) = 0`; `x ≥ 0 ⇒ max(x, 0) = x`; `x ≤ c ⇒ min(max(x, 0), c) = max(x, 0)`.
//!
//! **Source**: stable neurons, as verifiers call them; a removal on data, not a proof.

use crate::choice::{Choice, NO_CAP};
use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::NodeId;
use crate::masks::{LayerMask, Masks};
use crate::passes::masked;
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

/// What was seen of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stable {
    /// Its sign.
    pub sign: Sign,
    /// Was it ever above its layer's cap?
    pub capped: bool,
}

/// The signs of what ReLUs read, measured on the network with the masks it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signs {
    /// Layer name → what was seen of each element, row-major C×H×W.
    pub layers: BTreeMap<String, Vec<Stable>>,
}

impl Signs {
    /// Takes ReLUs off masks, layer by layer as the pass does. Layers that do not fit are left alone.
    pub fn take_off(&self, masks: &mut Masks) {
        for (name, m) in &mut masks.layers {
            if let Some(signs) = self.layers.get(name).filter(|s| s.len() == m.values.len()) {
                m.values = without(m, signs);
            }
        }
    }
}

/// What elements become once those of one sign have lost their ReLU.
fn without(m: &LayerMask, signs: &[Stable]) -> Vec<Choice> {
    m.relieved(|i, v| {
        let limits = v == Choice::Relu && m.cap != NO_CAP;
        match signs[i].sign {
            Sign::NeverPositive => Some(Choice::Zero),
            _ if limits && signs[i].capped => None,
            Sign::NeverNegative => Some(Choice::Identity),
            Sign::Varies => limits.then_some(Choice::Uncapped),
        }
    })
}

/// See the module documentation.
#[derive(Debug)]
pub struct StableSign(
    /// What was measured.
    pub Signs,
);

impl StableSign {
    /// Its name.
    pub const NAME: &str = "stable-sign";
}

impl Pass for StableSign {
    fn about(&self) -> About {
        About::opt_in(StableSign::NAME, Guarantee::OnData, &[Phase::Lowering], include_str!("stable_sign.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let Some(layer) = &cx.graph.node(at).layer else { return Err(Skip::NoMatch) };
        let Some(signs) = self.0.layers.get(layer) else { return Err(Skip::NoMatch) };
        let now = masked::elements(cx, at).ok_or(Skip::NoMatch)?;
        if signs.len() != now.values.len() {
            return Err(Skip::Refused(format!("the signs of {layer} are of {} elements", signs.len())));
        }
        let new = without(&now, signs);
        if new == now.values {
            return Err(Skip::NoMatch);
        }
        masked::with_elements(cx, at, &new, &format!("{layer}.stable"))
    }
}
