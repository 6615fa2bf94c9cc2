//! Removes a ReLU layer in which the mask keeps no ReLU and every element is the identity.
//!
//! **Before**: `masked_relu(x, mask[, slope=…])` with a mask of zeros.
//!
//! **After**: `x`, or `mul(x, slope)` where the mask has slopes. The layer's comparisons are gone, and with them its
//! rounds.
//!
//! **Conditions**: every mask value is 0. A layer with elements set to zero goes through compact-relu, which needs no
//! comparison for it either.
//!
//! **Formula**: `m = 0 ⇒ y = slope·x`.
//!
//! **Source**: DeepReDuce (Jha et al., ICML 2021) drops whole layers. Exchanges of a layer do not depend on how many ReLUs it
//! keeps, measured on SPU and CrypTen, so only a layer without any saves them.

use crate::choice::Choice;
use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{Binary, NodeId, Op};
use crate::masks::LayerMask;
use crate::passes::affine::channel_constant;

/// See the module documentation.
#[derive(Debug)]
pub struct DropLinearizedRelu;

impl Pass for DropLinearizedRelu {
    fn about(&self) -> About {
        About::new(
            "drop-linearized-relu",
            Guarantee::Exact,
            &[Phase::Lowering],
            include_str!("drop_linearized_relu.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let (x, mask) = LayerMask::of_node(g, at).ok_or(Skip::NoMatch)?;
        if !mask.only(Choice::Identity) {
            return Err(Skip::NoMatch);
        }
        match mask.slopes() {
            None => Ok(Patch::redirect(at, x)),
            Some(s) => {
                let mut p = Patch::new();
                let c = p.constant(&g.node(at).name, channel_constant(cx.facts.ty(at).rank(), s.to_vec()));
                let n = p.add(&g.node(at).name, Op::Binary(Binary::Mul), &[x.into(), c]);
                Ok(p.replace(at, n))
            }
        }
    }
}
