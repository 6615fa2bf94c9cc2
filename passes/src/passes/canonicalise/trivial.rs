//! Operations that change nothing, and reshapes of reshapes.

use crate::driver::patch::Patch;
use crate::driver::{Cx, Skip};
use crate::ir::movement::slice_range;
use crate::ir::{Binary, Dim, NodeId, Op};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let Some(x) = g.operand(at, 0) else { return Err(Skip::NoMatch) };
    let (from, to) = (cx.facts.ty(x), cx.facts.ty(at));
    let nothing = match g.op(at) {
        Op::Identity | Op::Dropout => true,
        Op::Cast(_) | Op::Reshape(_) | Op::Expand(_) => from == to,
        Op::Transpose(p) => p.iter().enumerate().all(|(i, &a)| i == a),
        Op::Pad { before, after, .. } => before.iter().chain(after).all(|&n| n == 0),
        Op::Slice(axes) => axes.iter().all(|a| match from.dims[a.axis] {
            Dim::Fixed(d) => a.step == 1 && slice_range(a, d) == (0, d),
            Dim::Batch => true,
        }),
        Op::Concat { .. } => g.operand(at, 1).is_none(),
        Op::Clip { min, max } => *min == f32::NEG_INFINITY && *max == f32::INFINITY,
        _ => false,
    };
    if nothing {
        return Ok(Patch::redirect(at, x));
    }
    if let (Op::Reshape(d), Op::Reshape(_)) = (g.op(at), g.op(x))
        && let Some(source) = g.operand(x, 0)
    {
        let mut p = Patch::new();
        let r = p.add(&g.node(at).name, Op::Reshape(d.clone()), &[source.into()]);
        return Ok(p.replace(at, r));
    }
    constant_right(cx, at)
}

/// `c + x` → `x + c` and likewise for the other commutative operations.
fn constant_right(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let &Op::Binary(b @ (Binary::Add | Binary::Mul | Binary::Max | Binary::Min)) = g.op(at) else {
        return Err(Skip::NoMatch);
    };
    let [l, r] = g.operands(at)[..] else { return Err(Skip::NoMatch) };
    if g.const_of(l).is_none() || g.const_of(r).is_some() {
        return Err(Skip::NoMatch);
    }
    let mut p = Patch::new();
    let n = p.add(&g.node(at).name, Op::Binary(b), &[r.into(), l.into()]);
    Ok(p.replace(at, n))
}
