//! NHWC↔NCHW: transposes sink until they meet their inverse or a layer whose weights can take them.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::movement;
use crate::ir::op::ReduceKind;
use crate::ir::{Dim, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let operands = g.operands(at);
    let Some(&first) = operands.first() else { return Err(Skip::NoMatch) };
    match g.op(at) {
        Op::Transpose(outer) => match g.op(first) {
            Op::Transpose(inner) => {
                let x = g.operand(first, 0).ok_or(Skip::NoMatch)?;
                let perm = outer.iter().map(|&p| inner[p]).collect();
                let mut p = Patch::new();
                let n = p.add(&g.node(at).name, Op::Transpose(perm), &[x.into()]);
                Ok(p.replace(at, n))
            }
            _ => reshape_instead(cx, at, outer, first),
        },
        Op::Linear => into_weights(cx, at),
        op => match sinkable(op) {
            true => sink(cx, at, &operands),
            false => Err(Skip::NoMatch),
        },
    }
}

fn sinkable(op: &Op) -> bool {
    matches!(
        op,
        Op::Relu
            | Op::CappedRelu { .. }
            | Op::Clip { .. }
            | Op::Unary(_)
            | Op::LeakyRelu { .. }
            | Op::Binary(_)
            | Op::Concat { .. }
            | Op::Pad { .. }
            | Op::Reduce { kind: ReduceKind::Mean, .. }
    )
}

/// A transpose that only moves axes of size 1 is a reshape.
fn reshape_instead(cx: &Cx<'_>, at: NodeId, perm: &[usize], x: NodeId) -> Result<Patch, Skip> {
    let dims = &cx.facts.ty(x).dims;
    let big: Vec<usize> = perm.iter().copied().filter(|&p| dims[p] != Dim::Fixed(1)).collect();
    if !big.is_sorted() {
        return Err(Skip::NoMatch);
    }
    let mut p = Patch::new();
    let n = p.add(&cx.graph.node(at).name, Op::Reshape(cx.facts.ty(at).dims.clone()), &[x.into()]);
    Ok(p.replace(at, n))
}

fn transpose_of<'a>(cx: &Cx<'a>, id: NodeId) -> Option<(&'a [usize], NodeId)> {
    match cx.graph.op(id) {
        Op::Transpose(p) => Some((p, cx.graph.operand(id, 0)?)),
        _ => None,
    }
}

fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inv = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(i, &p)| inv[p] = i);
    inv
}

/// `op(transpose(x), …)` → `transpose(op(x, …))`, where every operand is so transposed or a constant.
fn sink(cx: &Cx<'_>, at: NodeId, operands: &[NodeId]) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    let Some((perm, _)) = operands.iter().find_map(|&o| transpose_of(cx, o)) else {
        return Err(Skip::NoMatch);
    };
    let rank = perm.len();
    let inv = inverse(perm);
    if operands.iter().any(|&o| g.const_of(o).is_none() && transpose_of(cx, o).is_none_or(|(p, _)| p != perm))
    {
        return Err(Skip::NoMatch);
    }
    let mut p = Patch::new();
    let mut moved: Vec<Ref> = vec![];
    for &o in operands {
        moved.push(match (transpose_of(cx, o), g.const_of(o)) {
            (Some((_, x)), _) => x.into(),
            (None, Some(c)) if c.len() == 1 && c.rank() <= rank => o.into(),
            (None, Some(c)) => {
                let mut shape = vec![1; rank.checked_sub(c.rank()).ok_or(Skip::NoMatch)?];
                shape.extend_from_slice(c.shape());
                let v = c.as_f32().ok_or(Skip::NoMatch)?;
                let (v, shape) = movement::transpose(v, &shape, &inv);
                p.constant(format!("{}.moved", g.node(o).name), Tensor::f32(shape, v))
            }
            (None, None) => return Err(Skip::NoMatch),
        });
    }
    let pick = |v: &[usize]| (0..rank).map(|i| v[inv[i]]).collect::<Vec<_>>();
    let (op, after) = match g.op(at) {
        Op::Concat { axis } => (Op::Concat { axis: perm[*axis] }, perm.to_vec()),
        Op::Pad { before, after, value } => {
            (Op::Pad { before: pick(before), after: pick(after), value: *value }, perm.to_vec())
        }
        Op::Reduce { kind, axes, keep } => {
            let mut inner: Vec<usize> = axes.iter().map(|&a| perm[a]).collect();
            inner.sort_unstable();
            let op = Op::Reduce { kind: *kind, axes: inner.clone(), keep: *keep };
            if *keep {
                (op, perm.to_vec())
            } else {
                let rest = |i: &usize| !inner.contains(i);
                let rank_of = |i: usize| (0..i).filter(rest).count();
                (op, perm.iter().copied().filter(rest).map(rank_of).collect())
            }
        }
        op => (op.clone(), perm.to_vec()),
    };
    let n = p.add(format!("{name}.inner"), op, &moved);
    let t = p.add(name, Op::Transpose(after), &[n]);
    Ok(p.replace(at, t))
}

/// `linear(reshape(transpose(x)), w)` → `linear(reshape(x), w')` with the columns of `w` permuted.
fn into_weights(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let operands = g.operands(at);
    let flat = operands[0];
    let Op::Reshape(d) = g.op(flat) else { return Err(Skip::NoMatch) };
    let t = g.operand(flat, 0).ok_or(Skip::NoMatch)?;
    let (perm, x) = transpose_of(cx, t).ok_or(Skip::NoMatch)?;
    let per_sample = cx.facts.ty(t).per_sample();
    let w = g.const_of(operands[1]).ok_or(Skip::NoMatch)?;
    let v = w.as_f32().ok_or(Skip::NoMatch)?;
    if perm[0] != 0
        || d.len() != 2
        || d[0] != cx.facts.ty(x).dims[0]
        || w.shape()[1] != per_sample.iter().product::<usize>()
    {
        return Err(Skip::NoMatch);
    }
    let mut shape = vec![w.shape()[0]];
    shape.extend(&per_sample);
    let (v, _) = movement::transpose(v, &shape, &inverse(perm));
    let mut p = Patch::new();
    let w2 = p.constant(format!("{}.permuted", g.node(operands[1]).name), Tensor::f32(w.shape(), v));
    let r = p.add(&g.node(flat).name, Op::Reshape(d.clone()), &[x.into()]);
    let mut reads = vec![r, w2];
    reads.extend(operands.get(2).map(|&b| Ref::from(b)));
    let n = p.add(&g.node(at).name, Op::Linear, &reads);
    Ok(p.replace(at, n))
}
