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

use crate::choice::Choice;
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

/// The signs of what ReLUs read, measured on the network with the masks it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signs {
    /// Layer name → one sign an element, row-major C×H×W.
    pub layers: BTreeMap<String, Vec<Sign>>,
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
fn without(m: &LayerMask, signs: &[Sign]) -> Vec<Choice> {
    m.relieved(|i| match signs[i] {
        Sign::NeverPositive => Some(Choice::Zero),
        Sign::NeverNegative => Some(Choice::Identity),
        Sign::Varies => None,
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
