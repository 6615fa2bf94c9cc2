//! ReLUs and leaky ReLUs that are written with comparisons, maxima and absolute values.

use super::relu::is_zero;
use crate::driver::Cx;
use crate::ir::op::Compare;
use crate::ir::{Binary, DType, NodeId, Op, Tensor, Unary};
use std::sync::Arc;

/// What a node computes of one operand.
pub(super) enum Spelled {
    /// `max(x, 0)`.
    Relu(NodeId),
    /// `min(x, 0)`.
    Negative(NodeId),
    /// x where positive, `slope·x` elsewhere, with one slope for all.
    Leaky(NodeId, f32),
    /// The same with slopes that broadcast: a constant.
    Sloped(NodeId, NodeId),
}

/// What a node is, if it is one of them.
pub(super) fn spelled(cx: &Cx<'_>, at: NodeId) -> Option<Spelled> {
    let g = cx.graph;
    let two = || <[NodeId; 2]>::try_from(g.operands(at)).ok();
    match g.op(at) {
        Op::Where => chosen(cx, at),
        Op::Binary(Binary::Max) => {
            let [l, r] = two()?;
            larger(cx, l, r).or_else(|| larger(cx, r, l))
        }
        Op::Binary(Binary::Mul) => {
            let [l, r] = two()?;
            gated(cx, l, r).or_else(|| gated(cx, r, l)).or_else(|| half(cx, l, splat(cx, r)? == 0.5))
        }
        Op::Binary(Binary::Div) => {
            let [l, r] = two()?;
            half(cx, l, splat(cx, r)? == 2.0)
        }
        Op::Binary(Binary::Sub) => {
            let [x, r] = two()?;
            (*g.op(r) == Op::Binary(Binary::Min)).then_some(())?;
            let [a, b] = <[NodeId; 2]>::try_from(g.operands(r)).ok()?;
            let negative = a == x && is_zero(cx, b) || b == x && is_zero(cx, a);
            negative.then_some(Spelled::Relu(x))
        }
        _ => None,
    }
}

fn splat(cx: &Cx<'_>, id: NodeId) -> Option<f32> {
    cx.graph.const_of(id)?.splat_value()
}

/// The operand that a condition compares with zero, and whether it holds above or below.
fn compared(cx: &Cx<'_>, cond: NodeId) -> Option<(NodeId, bool)> {
    let g = cx.graph;
    let Op::Compare(c) = *g.op(cond) else { return None };
    let [l, r] = g.operands(cond)[..] else { return None };
    let above = match c {
        Compare::Greater | Compare::GreaterEqual => true,
        Compare::Less | Compare::LessEqual => false,
        Compare::Equal => return None,
    };
    match (is_zero(cx, l), is_zero(cx, r)) {
        (false, true) => Some((l, above)),
        (true, false) => Some((r, !above)),
        _ => None,
    }
}

/// `where(x > 0, x, 0)`, `where(x < 0, 0, x)` and their like, with `slope·x` in the place of 0 too.
fn chosen(cx: &Cx<'_>, at: NodeId) -> Option<Spelled> {
    let [cond, a, b] = cx.graph.operands(at)[..] else { return None };
    let (x, above) = compared(cx, cond)?;
    let (positive, negative) = if above { (a, b) } else { (b, a) };
    if positive == x {
        return if is_zero(cx, negative) {
            Some(Spelled::Relu(x))
        } else {
            multiple(cx, negative, x, |_| true)
        };
    }
    (negative == x && is_zero(cx, positive)).then_some(Spelled::Negative(x))
}

/// `max(x, 0)` and `max(x, slope·x)`.
fn larger(cx: &Cx<'_>, x: NodeId, other: NodeId) -> Option<Spelled> {
    if is_zero(cx, other) {
        return Some(Spelled::Relu(x));
    }
    multiple(cx, other, x, |slope| (0.0..=1.0).contains(&slope))
}

/// `slope·x`, every slope being `fit`.
fn multiple(cx: &Cx<'_>, of: NodeId, x: NodeId, fit: impl Fn(f32) -> bool) -> Option<Spelled> {
    let g = cx.graph;
    (*g.op(of) == Op::Binary(Binary::Mul)).then_some(())?;
    let slope = match g.operands(of)[..] {
        [l, r] if l == x => r,
        [l, r] if r == x => l,
        _ => return None,
    };
    let t: &Arc<Tensor> = g.const_of(slope)?;
    match (t.splat_value(), t.as_f32()) {
        (Some(s), _) if t.len() == 1 => fit(s).then_some(Spelled::Leaky(x, s)),
        (_, Some(v)) => v.iter().all(|&s| fit(s)).then_some(Spelled::Sloped(x, slope)),
        (_, None) => None,
    }
}

/// `x·(x > 0)`, the condition as a number.
fn gated(cx: &Cx<'_>, x: NodeId, gate: NodeId) -> Option<Spelled> {
    let g = cx.graph;
    let (cond, open) = match (g.op(gate), &g.operands(gate)[..]) {
        (Op::Cast(DType::F32), &[cond]) => (cond, true),
        (Op::Where, &[cond, a, b]) if splat(cx, a) == Some(1.0) && is_zero(cx, b) => (cond, true),
        (Op::Where, &[cond, a, b]) if is_zero(cx, a) && splat(cx, b) == Some(1.0) => (cond, false),
        _ => return None,
    };
    let (y, above) = compared(cx, cond)?;
    let side = if above == open { Spelled::Relu } else { Spelled::Negative };
    (x == y).then_some(side(x))
}

/// `(x + |x|) / 2`.
fn half(cx: &Cx<'_>, sum: NodeId, halved: bool) -> Option<Spelled> {
    let g = cx.graph;
    (halved && *g.op(sum) == Op::Binary(Binary::Add)).then_some(())?;
    let [l, r] = g.operands(sum)[..] else { return None };
    let magnitude = |id: NodeId| (*g.op(id) == Op::Unary(Unary::Abs)).then(|| g.operand(id, 0))?;
    let x = if magnitude(l) == Some(r) { r } else { l };
    (magnitude(r) == Some(x) || magnitude(l) == Some(x)).then_some(Spelled::Relu(x))
}
