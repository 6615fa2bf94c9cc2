//! Removes a softmax at the end of the network; opt-in with `--drop-softmax`.
//!
//! **Before**: `output = softmax(x)` or `log_softmax(x)`.
//!
//! **After**: `output = x`. Exponentials and a division, which cost more on shares than many ReLUs, are gone; the client
//! takes the softmax of the opened logits itself if it needs probabilities.
//!
//! **Conditions**: the softmax is a graph output read by nothing else, over the last axis of `[N,classes]`.
//!
//! **Formula**: softmax is strictly increasing in each logit's rank: `arg max softmax(x) = arg max x`.
//!
//! **Source**: standard.

use crate::ir::{NodeId, Op};
use crate::pass::{Cx, Guarantee, Options, Pass, Skip};
use crate::patch::Patch;

/// See the module documentation.
pub struct DropSoftmax;

impl Pass for DropSoftmax {
    fn name(&self) -> &'static str {
        "drop-softmax"
    }
    fn guarantee(&self) -> Guarantee {
        Guarantee::SameArgMax
    }
    fn source(&self) -> &'static str {
        include_str!("drop_softmax.rs")
    }
    fn enabled(&self, options: &Options) -> bool {
        options.drop_softmax
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let (Op::Softmax { axis } | Op::LogSoftmax { axis }) = *g.op(at) else { return Err(Skip::NoMatch) };
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        if !g.is_output(at) || !g.users(at).is_empty() {
            return Err(Skip::Refused(
                "it is read inside the network, so dropping it would change what follows".into(),
            ));
        }
        if cx.facts.ty(at).rank() != 2 || axis != 1 {
            return Err(Skip::Refused("it is not over the classes of [N,classes]".into()));
        }
        Ok(Patch::redirect(at, x))
    }
}
