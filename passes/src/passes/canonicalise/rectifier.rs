//! ReLUs and other functions with a bend at 0 that are written with comparisons, maxima and absolute values.

use super::relu::is_zero;
use crate::driver::Cx;
use crate::ir::op::Compare;
use crate::ir::{Binary, DType, NodeId, Op, Tensor, Unary};
use std::sync::Arc;

/// What a node computes of one operand.
pub(super) enum Spelled {
    /// `above·x` where x is positive, `below·x` elsewhere.
    Bent {
        /// The operand.
        x: NodeId,
        /// The slope above 0.
        above: f32,
        /// The slope below 0.
        below: f32,
    },
    /// x where positive, elsewhere x times slopes that broadcast: a constant.
    Sloped(NodeId, NodeId),
}

impl Spelled {
    fn relu(x: NodeId) -> Spelled {
        Spelled::Bent { x, above: 1.0, below: 0.0 }
    }
}

/// What a node is, if it is one of them.
pub(super) fn spelled(cx: &Cx<'_>, at: NodeId) -> Option<Spelled> {
    let g = cx.graph;
    let two = || <[NodeId; 2]>::try_from(g.operands(at)).ok();
    match g.op(at) {
        Op::Where => chosen(cx, at),
        Op::Binary(Binary::Max) => {
            let [l, r] = two()?;
            extreme(cx, l, r, f32::max).or_else(|| larger(cx, l, r)).or_else(|| larger(cx, r, l))
        }
        Op::Binary(Binary::Min) => {
            let [l, r] = two()?;
            // The negative part by itself stays as it is written, for others read it.
            let bent = extreme(cx, l, r, f32::min)?;
            (!is_zero(cx, l) && !is_zero(cx, r)).then_some(bent)
        }
        Op::Unary(Unary::Neg) => {
            let least = g.operand(at, 0).filter(|&m| *g.op(m) == Op::Binary(Binary::Min))?;
            let [l, r] = g.operands(least)[..] else { return None };
            match extreme(cx, l, r, f32::min).filter(|_| g.use_count(least) == 1)? {
                Spelled::Bent { x, above, below } => Some(Spelled::Bent { x, above: -above, below: -below }),
                Spelled::Sloped(..) => None,
            }
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
            negative.then_some(Spelled::relu(x))
        }
        _ => None,
    }
}

/// A value as a multiple of another by one number; 0 is one of any.
#[derive(Clone, Copy)]
struct Multiple {
    of: Option<NodeId>,
    by: f32,
}

impl Multiple {
    fn new(cx: &Cx<'_>, id: NodeId) -> Multiple {
        if is_zero(cx, id) {
            return Multiple { of: None, by: 0.0 };
        }
        let g = cx.graph;
        let scaled = |of: NodeId, by: NodeId| {
            let t = g.const_of(by).filter(|t| t.len() == 1 && g.const_of(of).is_none())?;
            Some(Multiple { of: Some(of), by: t.splat_value()? })
        };
        let it = match (g.op(id), &g.operands(id)[..]) {
            (Op::Unary(Unary::Neg), &[x]) => Some(Multiple { of: Some(x), by: -1.0 }),
            (Op::Binary(Binary::Mul), &[l, r]) => scaled(l, r).or_else(|| scaled(r, l)),
            _ => None,
        };
        it.filter(|m| m.by.is_finite()).unwrap_or(Multiple { of: Some(id), by: 1.0 })
    }

    /// The slopes of two multiples of one value. A value may be itself, though it is a multiple of another.
    fn two(cx: &Cx<'_>, ids: [NodeId; 2]) -> Option<(NodeId, [f32; 2])> {
        let [l, r] = ids.map(|id| Multiple::new(cx, id));
        let plain = |k: usize| Multiple { of: Some(ids[k]), by: 1.0 };
        [[l, r], [plain(0), r], [l, plain(1)]].into_iter().find_map(|[l, r]| match (l.of, r.of) {
            (Some(x), Some(y)) if x != y => None,
            (None, None) => None,
            (Some(x), _) | (None, Some(x)) => Some((x, [l.by, r.by])),
        })
    }
}

/// `max(k·x, l·x)` and the like of `min`.
fn extreme(cx: &Cx<'_>, l: NodeId, r: NodeId, larger: fn(f32, f32) -> f32) -> Option<Spelled> {
    let (x, [a, b]) = Multiple::two(cx, [l, r])?;
    // Below 0 the other one wins.
    let above = larger(a, b);
    Some(Spelled::Bent { x, above, below: if above == a { b } else { a } })
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

/// `where(x > 0, k·x, l·x)`, `where(x < 0, 0, x)` and their like.
fn chosen(cx: &Cx<'_>, at: NodeId) -> Option<Spelled> {
    let [cond, a, b] = cx.graph.operands(at)[..] else { return None };
    let (x, is_above) = compared(cx, cond)?;
    let (positive, negative) = if is_above { (a, b) } else { (b, a) };
    match Multiple::two(cx, [positive, negative]) {
        Some((of, [above, below])) if of == x => Some(Spelled::Bent { x, above, below }),
        _ if positive == x => multiple(cx, negative, x, |_| true),
        _ => None,
    }
}

/// `max(x, s·x)` with slopes of channels.
fn larger(cx: &Cx<'_>, x: NodeId, other: NodeId) -> Option<Spelled> {
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
    t.as_f32()?.iter().all(|&s| fit(s)).then_some(Spelled::Sloped(x, slope))
}

/// `x·(x > 0)`, the condition as a number.
fn gated(cx: &Cx<'_>, x: NodeId, gate: NodeId) -> Option<Spelled> {
    let (cond, open) = number(cx, gate)?;
    let (y, above) = compared(cx, cond)?;
    let [above, below] = if above == open { [1.0, 0.0] } else { [0.0, 1.0] };
    (x == y).then_some(Spelled::Bent { x, above, below })
}

/// The condition whose truth a value is as 0 and 1, and whether 1 is true.
fn number(cx: &Cx<'_>, gate: NodeId) -> Option<(NodeId, bool)> {
    let g = cx.graph;
    let one = |id| splat(cx, id) == Some(1.0);
    match (g.op(gate), &g.operands(gate)[..]) {
        (Op::Cast(DType::F32), &[cond]) => Some((cond, true)),
        (Op::Where, &[cond, a, b]) if one(a) && is_zero(cx, b) => Some((cond, true)),
        (Op::Where, &[cond, a, b]) if is_zero(cx, a) && one(b) => Some((cond, false)),
        (Op::Binary(Binary::Sub), &[a, b]) if one(a) => number(cx, b).map(|(cond, open)| (cond, !open)),
        _ => None,
    }
}

/// `(x + |x|) / 2`.
fn half(cx: &Cx<'_>, sum: NodeId, halved: bool) -> Option<Spelled> {
    let g = cx.graph;
    (halved && *g.op(sum) == Op::Binary(Binary::Add)).then_some(())?;
    let [l, r] = g.operands(sum)[..] else { return None };
    let magnitude = |id: NodeId| (*g.op(id) == Op::Unary(Unary::Abs)).then(|| g.operand(id, 0))?;
    let x = if magnitude(l) == Some(r) { r } else { l };
    (magnitude(r) == Some(x) || magnitude(l) == Some(x)).then_some(Spelled::relu(x))
}
