//! Folds batch normalisation into the linear operation beside it.
//!
//! **Before**: `batch_norm(conv(x, w, b), γ, β, μ, σ²)`, or `conv(batch_norm(x, …), w, b)` without padding.
//!
//! **After**: `conv(x, w', b')`.
//!
//! **Conditions**: the weights and the normalisation's parameters are constants. Into the preceding convolution or
//! linear layer: nothing else reads its result. Into the following one: it is the only reader, and it pads nothing,
//! for padded zeros are not shifted by the normalisation but would be by the folded bias. A normalisation whose every
//! shift is zero folds forward into a padded convolution, too.
//!
//! **Formula**: with `s = γ/√(σ²+ε)` and `t = β − μ·s`: backward `w' = s[o]·w`, `b' = s·b + t`;
//! forward `w' = w·s[i]`, `b' = b + Σ w·t[i]`. Computed in double precision.
//!
//! **Source**: standard. Cases with padding and strides execute both graphs.

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{NodeId, Op};
use crate::passes::affine::{Affine, fold_after, fold_before, is_linear, padding_forbids};

/// See the module documentation.
#[derive(Debug)]
pub struct FoldBatchNorm;

impl Pass for FoldBatchNorm {
    fn about(&self) -> About {
        About::new(
            "fold-batch-norm",
            Guarantee::Exact,
            &[Phase::Canonical],
            include_str!("fold_batch_norm.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !matches!(g.op(at), Op::BatchNorm { .. }) {
            return Err(Skip::NoMatch);
        }
        let a = Affine::of_batch_norm(g, at)
            .ok_or(Skip::Refused("its parameters are not constants, so there is nothing to fold".into()))?;
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let back = backward(cx, at, x, &a);
        match back {
            Ok(p) => Ok(p),
            Err(why_back) => {
                forward(cx, at, x, &a).map_err(|why| Skip::Refused(format!("{why_back}, and {why}")))
            }
        }
    }
}

fn backward(cx: &Cx<'_>, at: NodeId, x: NodeId, a: &Affine) -> Result<Patch, String> {
    let g = cx.graph;
    let what = format!("{} '{}'", g.op(x).mnemonic(), g.node(x).name);
    if !is_linear(g, x) {
        return Err(format!("it follows {what}, which has no weights to take it"));
    }
    if g.use_count(x) != 1 {
        return Err(format!("its operand {what} is also read elsewhere"));
    }
    if matches!(g.op(x), Op::Linear) && cx.facts.ty(x).rank() != 2 {
        return Err(format!("its channel axis is not the one {what} produces"));
    }
    let (p, n) = fold_after(g, x, a, &g.node(at).name).ok_or("its shapes do not match")?;
    Ok(p.replace(at, n))
}

fn forward(cx: &Cx<'_>, at: NodeId, x: NodeId, a: &Affine) -> Result<Patch, String> {
    let g = cx.graph;
    let user = match g.users(at)[..] {
        [(user, 0)] if !g.is_output(at) => user,
        _ => return Err("its result is not read by one following linear operation alone".into()),
    };
    let what = format!("{} '{}'", g.op(user).mnemonic(), g.node(user).name);
    if !is_linear(g, user) {
        return Err(format!("it precedes {what}, which has no weights to take it"));
    }
    if matches!(g.op(user), Op::Linear) && cx.facts.ty(at).rank() != 2 {
        return Err(format!("its channel axis is not the one {what} consumes"));
    }
    if let Some(why) = padding_forbids(g, user, a) {
        return Err(format!("{why}, so its shift would be wrong at the border"));
    }
    let (p, n) = fold_before(g, user, x, a, &g.node(user).name).ok_or("its shapes do not match")?;
    Ok(p.replace(user, n))
}
