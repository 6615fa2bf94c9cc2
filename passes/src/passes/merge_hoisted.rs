//! Merges two convolutions in a row whose padding in the middle is moved to the first: one convolution and nothing else.
//!
//! **Before**: `conv(conv(x, w₁, b₁) {pads=p₁, strides=s₁}, w₂, b₂) {pads=p₂}`.
//!
//! **After**: `conv(x, w, b) {pads=p₁+p₂·s₁}`, of the same shape.
//!
//! **Conditions**: a pair for merge-conv, within its limits. A weighed pass.
//!
//! **Formula**: that of merge-conv without its correction of the border. Every padding row of the second is one more row of
//! the first, `s₁` rows of x further out, so the second reads what the first computes around its map instead of zeros:
//! another function at the border. To be done before fine-tuning (`fold: before-tune`), which trains the merged
//! convolution.
//!
//! **Source**: ours.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{NodeId, Op};
use crate::passes::merge_conv;

/// See the module documentation.
#[derive(Debug)]
pub struct MergeHoisted;

impl Pass for MergeHoisted {
    fn about(&self) -> About {
        About::new(
            "merge-hoisted",
            Guarantee::ExactInterior,
            &[Phase::FoldingBeforeTuning],
            include_str!("merge_hoisted.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        match cx.graph.op(at) {
            Op::Conv(_) => merge_conv::hoisted(cx, at),
            _ => Err(Skip::NoMatch),
        }
    }
}
