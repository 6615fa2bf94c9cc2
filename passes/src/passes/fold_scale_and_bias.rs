//! Folds multiplications and additions by one constant a channel into the linear operation beside them.
//!
//! **Before**: `add(mul(conv(x, w, b), s), t)`, and the same with `sub`, `div` or a linear layer; `conv(mul(x, s), w)`;
//! `conv(add(x, t), w)` without padding.
//!
//! **After**: `conv(x, w', b')`.
//!
//! **Conditions**: the constant broadcasts as one value a channel. Into the preceding operation: nothing else reads its
//! result. Into the following one: it is the only reader, and it pads nothing or there is no addend (padded zeros would
//! not have been shifted).
//!
//! **Formula**: as fold-batch-norm with `s` and `t` given.
//!
//! **Source**: TensorFlow and Caffe2 exporters write batch normalisation as such chains.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::NodeId;
use crate::passes::affine::{Affine, channels_last, fold_after, fold_before, is_linear, padding_forbids};

/// See the module documentation.
#[derive(Debug)]
pub struct FoldScaleAndBias;

impl Pass for FoldScaleAndBias {
    fn about(&self) -> About {
        About::new(
            "fold-scale-and-bias",
            Guarantee::Exact,
            &[Phase::Canonical, Phase::Cleanup],
            include_str!("fold_scale_and_bias.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let (a, x) = Affine::of_binary(g, cx.facts, at).ok_or(Skip::NoMatch)?;
        if is_linear(g, x) && !channels_last(g, cx.facts, x) {
            if g.use_count(x) != 1 {
                return Err(Skip::Refused(format!(
                    "its operand '{}' is also read elsewhere",
                    g.node(x).name
                )));
            }
            let (p, n) = fold_after(g, x, &a, &g.node(at).name).ok_or(Skip::NoMatch)?;
            return Ok(p.replace(at, n));
        }
        let [(user, 0)] = g.users(at)[..] else { return Err(Skip::NoMatch) };
        if !is_linear(g, user) || g.is_output(at) || channels_last(g, cx.facts, user) {
            return Err(Skip::NoMatch);
        }
        if let Some(why) = padding_forbids(g, user, &a) {
            return Err(Skip::Refused(format!("{why}, so the shift would be wrong at the border")));
        }
        let (p, n) = fold_before(g, user, x, &a, &g.node(user).name).ok_or(Skip::NoMatch)?;
        Ok(p.replace(user, n))
    }
}
