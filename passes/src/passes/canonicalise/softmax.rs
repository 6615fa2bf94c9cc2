//! Softmax, log-softmax, sigmoid and softplus that were written out.

use crate::driver::patch::Patch;
use crate::driver::{Cx, Skip};
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, NodeId, Op, Unary};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let (op, x) = softmax(cx, at)
        .or_else(|| log_softmax(cx, at))
        .or_else(|| shifted(cx, at))
        .or_else(|| sigmoid(cx, at))
        .or_else(|| softplus(cx, at))
        .filter(|&(_, x)| cx.facts.ty(x) == cx.facts.ty(at))
        .ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let n = p.add(&cx.graph.node(at).name, op, &[x.into()]);
    Ok(p.replace(at, n))
}

/// The axis that a reduction of `of` runs over and keeps.
fn reduced(cx: &Cx<'_>, id: NodeId, kind: ReduceKind, of: NodeId) -> Option<usize> {
    match cx.graph.op(id) {
        Op::Reduce { kind: k, axes, keep: true } if *k == kind && cx.graph.operand(id, 0) == Some(of) => {
            match axes[..] {
                [axis] => Some(axis),
                _ => None,
            }
        }
        _ => None,
    }
}

fn unary(cx: &Cx<'_>, id: NodeId, u: Unary) -> Option<NodeId> {
    (*cx.graph.op(id) == Op::Unary(u)).then(|| cx.graph.operand(id, 0))?
}

fn binary(cx: &Cx<'_>, id: NodeId, b: Binary) -> Option<(NodeId, NodeId)> {
    let [l, r] = cx.graph.operands(id)[..] else { return None };
    (*cx.graph.op(id) == Op::Binary(b)).then_some((l, r))
}

/// `exp(x) / sum(exp(x))`.
fn softmax(cx: &Cx<'_>, at: NodeId) -> Option<(Op, NodeId)> {
    let (e, sum) = binary(cx, at, Binary::Div)?;
    let x = unary(cx, e, Unary::Exp)?;
    Some((Op::Softmax { axis: reduced(cx, sum, ReduceKind::Sum, e)? }, x))
}

/// `x − log(sum(exp(x)))`.
fn log_softmax(cx: &Cx<'_>, at: NodeId) -> Option<(Op, NodeId)> {
    let (x, log) = binary(cx, at, Binary::Sub)?;
    let sum = unary(cx, log, Unary::Log)?;
    let e = cx.graph.operand(sum, 0)?;
    let axis = reduced(cx, sum, ReduceKind::Sum, e)?;
    (unary(cx, e, Unary::Exp)? == x).then_some((Op::LogSoftmax { axis }, x))
}

/// Either of `x − max(x)`, which it takes off itself.
fn shifted(cx: &Cx<'_>, at: NodeId) -> Option<(Op, NodeId)> {
    let (Op::Softmax { axis } | Op::LogSoftmax { axis }) = *cx.graph.op(at) else { return None };
    let (x, max) = binary(cx, cx.graph.operand(at, 0)?, Binary::Sub)?;
    (reduced(cx, max, ReduceKind::Max, x)? == axis).then(|| (cx.graph.op(at).clone(), x))
}

fn is_one(cx: &Cx<'_>, id: NodeId) -> bool {
    cx.graph.const_of(id).and_then(|t| t.splat_value()) == Some(1.0)
}

/// `log(1 + exp(x))`, which overflows where softplus does not.
fn softplus(cx: &Cx<'_>, at: NodeId) -> Option<(Op, NodeId)> {
    let (l, r) = binary(cx, unary(cx, at, Unary::Log)?, Binary::Add)?;
    let e = if is_one(cx, l) { r } else { l };
    let x = unary(cx, e, Unary::Exp).filter(|_| is_one(cx, l) || is_one(cx, r))?;
    Some((Op::Unary(Unary::Softplus), x))
}

/// `1 / (1 + exp(−x))`.
fn sigmoid(cx: &Cx<'_>, at: NodeId) -> Option<(Op, NodeId)> {
    let one = |id: NodeId| is_one(cx, id);
    let below = match binary(cx, at, Binary::Div) {
        Some((top, below)) => one(top).then_some(below)?,
        None => unary(cx, at, Unary::Reciprocal)?,
    };
    let (e, added) = binary(cx, below, Binary::Add)?;
    let negated = unary(cx, e, Unary::Exp).filter(|_| one(added))?;
    Some((Op::Unary(Unary::Sigmoid), unary(cx, negated, Unary::Neg)?))
}
