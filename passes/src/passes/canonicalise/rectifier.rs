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
            let least = g.operand(at, 0).filter(|&m| g.use_count(m) == 1)?;
            let (x, [above, below]) = match (g.op(least), &g.operands(least)[..]) {
                (Op::Binary(Binary::Min), &[l, r]) => match extreme(cx, l, r, f32::min)? {
                    Spelled::Bent { x, above, below } => (x, [-above, -below]),
                    Spelled::Sloped(..) => return None,
                },
                (Op::Clip { min, max: 0.0 }, &[x, ..]) if *min == f32::NEG_INFINITY => (x, [0.0, -1.0]),
                _ => return None,
            };
            // What is flat above 0 is the ReLU of the other sign.
            Some(match product(cx, x) {
                Some((y, by)) if above == 0.0 && by < 0.0 => {
                    Spelled::Bent { x: y, above: below * by, below: 0.0 }
                }
                _ => Spelled::Bent { x, above, below },
            })
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

/// What a value is multiplied by, and by which number, where it is a product with one number; −x is one.
fn product(cx: &Cx<'_>, id: NodeId) -> Option<(NodeId, f32)> {
    let g = cx.graph;
    let scaled = |of: NodeId, by: NodeId| {
        let t = g.const_of(by).filter(|t| t.len() == 1 && g.const_of(of).is_none())?;
        Some((of, t.splat_value()?))
    };
    let it = match (g.op(id), &g.operands(id)[..]) {
        (Op::Unary(Unary::Neg), &[x]) => Some((x, -1.0)),
        (Op::Binary(Binary::Mul), &[l, r]) => scaled(l, r).or_else(|| scaled(r, l)),
        _ => None,
    };
    it.filter(|(_, by)| by.is_finite())
}

/// k where a value is `k·x`, with a number k.
fn factor(cx: &Cx<'_>, id: NodeId, x: NodeId) -> Option<f32> {
    match () {
        () if id == x => Some(1.0),
        () if is_zero(cx, id) => Some(0.0),
        () => product(cx, id).filter(|(of, _)| *of == x).map(|(_, by)| by),
    }
}

/// Two values as multiples of one: of the other where one is 0, so that what is read there is what a mask lets through.
fn multiples(cx: &Cx<'_>, ids: [NodeId; 2]) -> Option<(NodeId, [f32; 2])> {
    let [l, r] = ids;
    let bases = match [l, r].map(|id| is_zero(cx, id)) {
        [true, true] => return None,
        [true, false] => vec![r],
        [false, true] => vec![l],
        [false, false] => {
            [l, r].into_iter().chain([l, r].iter().filter_map(|&id| Some(product(cx, id)?.0))).collect()
        }
    };
    bases.into_iter().find_map(|x| Some((x, [factor(cx, l, x)?, factor(cx, r, x)?])))
}

/// `max(k·x, l·x)` and the like of `min`.
fn extreme(cx: &Cx<'_>, l: NodeId, r: NodeId, larger: fn(f32, f32) -> f32) -> Option<Spelled> {
    let (x, [a, b]) = multiples(cx, [l, r])?;
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
    match (factor(cx, positive, x), factor(cx, negative, x)) {
        (Some(above), Some(below)) => Some(Spelled::Bent { x, above, below }),
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
