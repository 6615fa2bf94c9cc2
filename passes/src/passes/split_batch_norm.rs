//! Turns the batch normalisations that could not be folded into one multiplication and one addition a channel.
//!
//! **Before**: `batch_norm(x, γ, β, μ, σ²)` with constant parameters.
//!
//! **After**: `add(mul(x, s), t)`.
//!
//! **Conditions**: the parameters are constants. Runs after fold-batch-norm, so only what stays is split. On shares the
//! division and the square root would otherwise be computed securely at every query.
//!
//! **Formula**: `s = γ/√(σ²+ε)`, `t = β − μ·s`, in double precision.
//!
//! **Source**: standard.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{Binary, NodeId, Op};
use crate::passes::affine::{Affine, channel_constant};

/// See the module documentation.
#[derive(Debug)]
pub struct SplitBatchNorm;

impl Pass for SplitBatchNorm {
    fn about(&self) -> About {
        About::new(
            "split-batch-norm",
            Guarantee::Exact,
            &[Phase::Canonical],
            include_str!("split_batch_norm.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !matches!(g.op(at), Op::BatchNorm { .. }) {
            return Err(Skip::NoMatch);
        }
        let a =
            Affine::of_batch_norm(g, at).ok_or(Skip::Refused("its parameters are not constants".into()))?;
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let (name, rank) = (&g.node(at).name, cx.facts.ty(at).rank());
        let narrow = |v: &[f64]| channel_constant(rank, v.iter().map(|&e| e as f32).collect());
        let mut p = Patch::new();
        let s = p.constant(format!("{name}.scale"), narrow(&a.scale));
        let t = p.constant(format!("{name}.shift"), narrow(&a.shift));
        let scaled = p.add(format!("{name}.scaled"), Op::Binary(Binary::Mul), &[x.into(), s]);
        let sum = p.add(name, Op::Binary(Binary::Add), &[scaled, t]);
        Ok(p.replace(at, sum))
    }
}
