//! Removes a softmax or sigmoid at the end of the network; opt-in with `--drop-softmax`.
//!
//! **Before**: `output = softmax(x)`, `log_softmax(x)` or `sigmoid(x)`, and what follows without changing the order of the
//! classes: other dimensions, a logarithm, a positive factor, an addend.
//!
//! **After**: `output = x`, under the same dimensions. Exponentials and a division, which cost more on shares than many
//! ReLUs, are gone; the client takes the softmax of the opened logits itself if it needs probabilities.
//!
//! **Conditions**: it leads to a graph output alone, over the classes of `[N,classes]` (or `[N,classes,1,1]` and the like).
//! A hard sigmoid and a clip stay: they make different scores equal.
//!
//! **Formula**: softmax and sigmoid are strictly increasing in each logit's rank: `arg max softmax(x) = arg max x`.
//!
//! **Source**: standard.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::head::{Kind, chain};
use crate::ir::{Binary, NodeId, Op, Output, Unary};

/// See the module documentation.
#[derive(Debug)]
pub struct DropSoftmax;

impl Pass for DropSoftmax {
    fn about(&self) -> About {
        About::opt_in(
            "drop-softmax",
            Guarantee::SameArgMax,
            &[Phase::Lowering],
            include_str!("drop_softmax.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let softmax = match g.op(at) {
            Op::Softmax { .. } | Op::LogSoftmax { .. } => true,
            Op::Unary(Unary::Sigmoid | Unary::HardSigmoid | Unary::Exp | Unary::Log) => false,
            Op::CappedRelu { .. }
            | Op::Clip { .. }
            | Op::Binary(Binary::Mul | Binary::Div | Binary::Add | Binary::Sub) => false,
            _ => return Err(Skip::NoMatch),
        };
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let last = |o: &Output| chain(g, cx.facts, o.node).into_iter().find(|l| l.kind != Kind::Shape);
        match g.outputs().iter().filter_map(last).find(|l| l.node == at) {
            Some(l) if l.kind == Kind::Level => {
                return Err(Skip::Refused(
                    "it makes different scores equal, so the arg max could change".into(),
                ));
            }
            Some(_) => {}
            None if !softmax => return Err(Skip::NoMatch),
            None if !g.is_output(at) || !g.users(at).is_empty() => {
                return Err(Skip::Refused(
                    "it is read inside the network, so dropping it would change what follows".into(),
                ));
            }
            None => return Err(Skip::Refused("it is not over the classes of [N,classes]".into())),
        }
        Ok(Patch::redirect(at, x))
    }
}
