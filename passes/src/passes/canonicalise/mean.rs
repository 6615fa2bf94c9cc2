//! The ways exporters spell the mean over a whole map, and the maximum over one.

use crate::driver::patch::Patch;
use crate::driver::{Cx, Skip};
use crate::ir::op::ReduceKind;
use crate::ir::{DType, Dim, NodeId, Op, Window};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
    let ty = cx.facts.ty(x);
    let keep = match g.op(at) {
        Op::Reduce { kind: ReduceKind::Mean, axes, keep }
            if ty.rank() >= 3 && *axes == (2..ty.rank()).collect::<Vec<_>>() =>
        {
            *keep
        }
        Op::AvgPool { window: w, .. } => {
            let whole = [Dim::Fixed(w.kernel[0]), Dim::Fixed(w.kernel[1])];
            if w.pads != [0; 4] || ty.dims.get(2..4) != Some(&whole[..]) {
                return Err(Skip::NoMatch);
            }
            true
        }
        Op::Reduce { kind: ReduceKind::Max, axes, keep } if axes[..] == [2, 3] => {
            return maximum(cx, at, x, *keep);
        }
        Op::Reshape(d) => return flatten(cx, at, x, d),
        _ => return Err(Skip::NoMatch),
    };
    let mut p = Patch::new();
    let n = p.add(&g.node(at).name, Op::GlobalMean { keep }, &[x.into()]);
    Ok(p.replace(at, n))
}

/// The maximum over a whole map is a pool, below which ReLUs may sink.
fn maximum(cx: &Cx<'_>, at: NodeId, x: NodeId, keep: bool) -> Result<Patch, Skip> {
    let ty = cx.facts.ty(x);
    let [_, Dim::Fixed(_), Dim::Fixed(h), Dim::Fixed(w)] = ty.dims[..] else { return Err(Skip::NoMatch) };
    let fits = |extent| (1..=Window::LARGEST).contains(&extent);
    if ty.dtype != DType::F32 || !fits(h) || !fits(w) {
        return Err(Skip::NoMatch);
    }
    let name = &cx.graph.node(at).name;
    let window = Window { kernel: [h, w], strides: [1, 1], pads: [0; 4], ceil: false };
    let mut p = Patch::new();
    let pooled = if keep { name.clone() } else { format!("{name}.pooled") };
    let mut y = p.add(pooled, Op::MaxPool(window), &[x.into()]);
    if !keep {
        y = p.add(name, Op::Reshape(cx.facts.ty(at).dims.clone()), &[y]);
    }
    Ok(p.replace(at, y))
}

/// `reshape(global_mean(x))` to `[N,C]` → `global_mean(x) {keep=false}`.
fn flatten(cx: &Cx<'_>, at: NodeId, mean: NodeId, dims: &[Dim]) -> Result<Patch, Skip> {
    let g = cx.graph;
    if *g.op(mean) != (Op::GlobalMean { keep: true }) || cx.facts.ty(mean).dims[..2] != *dims {
        return Err(Skip::NoMatch);
    }
    let x = g.operand(mean, 0).ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let n = p.add(&g.node(at).name, Op::GlobalMean { keep: false }, &[x.into()]);
    Ok(p.replace(at, n))
}
