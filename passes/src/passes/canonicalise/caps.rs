//! Caps that are written otherwise: one for each channel, as the difference of two ReLUs, or around a shifted operand.

use super::relu::is_zero;
use crate::driver::patch::Patch;
use crate::driver::{Cx, Skip};
use crate::ir::{Binary, DType, NodeId, Op, Shared, Tensor, Unary};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let all = [capped_channels, difference, shifted, magnitude];
    all.iter().find_map(|rule| rule(cx, at)).ok_or(Skip::NoMatch)
}

/// Caps that differ by more are no caps of one layer.
const WIDEST: f32 = 256.0;

/// `min(relu(x), c)` and `relu(min(x, c))` with caps c of channels are `s·min(relu(x/s), cap)`, the largest cap being that of the layer and s
/// the others as parts of it.
fn capped_channels(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let inner = g.operand(at, 0).filter(|&i| g.use_count(i) == 1)?;
    let x = g.operand(inner, 0)?;
    let min = match (g.op(at), g.op(inner)) {
        (Op::Binary(Binary::Min), Op::Relu) => at,
        (Op::Relu, Op::Binary(Binary::Min)) => inner,
        (Op::Binary(Binary::Max), Op::Binary(Binary::Min)) if is_zero(cx, g.operand(at, 1)?) => inner,
        _ => return None,
    };
    let alike = [inner, x].iter().all(|&id| cx.facts.ty(id) == cx.facts.ty(at));
    let caps = g.const_operand(min, 1).filter(|t| alike && one_axis(t))?;
    let v = caps.as_f32()?;
    let cap = v.iter().copied().fold(0.0, f32::max);
    if !v.iter().all(|&c| c > 0.0 && c.is_finite() && cap / c <= WIDEST) {
        return None;
    }
    let name = &g.node(at).name;
    let of = |f: fn(f32, f32) -> f32| Tensor::f32(caps.shape(), v.iter().map(|&c| f(c, cap)).collect());
    let mut p = Patch::new();
    let wider = p.constant(format!("{name}.wider"), of(|c, cap| cap / c));
    let part = p.constant(format!("{name}.part"), of(|c, cap| c / cap));
    let scaled = p.add(format!("{name}.scaled"), Op::Binary(Binary::Mul), &[x.into(), wider]);
    let capped = p.add(format!("{name}.capped"), Op::Clip { min: 0.0, max: cap }, &[scaled]);
    let y = p.add(name, Op::Binary(Binary::Mul), &[capped, part]);
    Some(p.replace(at, y))
}

/// Do its elements differ along one axis, and along no other?
fn one_axis(t: &Shared) -> bool {
    t.shape().iter().filter(|&&n| n > 1).count() == 1 && t.splat_value().is_none()
}

/// `relu(x) − relu(x − c)` and `relu(x) − relu(relu(x) − c)` are `min(relu(x), c)` where c is positive.
fn difference(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let [l, r] = <[NodeId; 2]>::try_from(g.operands(at)).ok()?;
    let relus = *g.op(at) == Op::Binary(Binary::Sub) && [l, r].iter().all(|&o| *g.op(o) == Op::Relu);
    let moved = g.operand(r, 0).filter(|_| relus && l != r)?;
    let (from, c) = less(cx, moved)?;
    let inside = from == l;
    let only = g.use_count(r) == 1 && g.use_count(moved) == 1 && g.use_count(l) == 1 + usize::from(inside);
    let same = inside || g.operand(l, 0) == Some(from);
    let alike = [l, r].iter().all(|&id| cx.facts.ty(id) == cx.facts.ty(at));
    let positive = c.as_f32()?.iter().all(|&c| c > 0.0 && c.is_finite());
    if !(only && same && alike && positive) {
        return None;
    }
    let name = &g.node(at).name;
    let mut p = Patch::new();
    let c = p.constant(format!("{name}.cap"), c);
    let y = p.add(name, Op::Binary(Binary::Min), &[l.into(), c]);
    Some(p.replace(at, y))
}

/// A value less a constant: which, and what.
fn less(cx: &Cx<'_>, id: NodeId) -> Option<(NodeId, Tensor)> {
    let g = cx.graph;
    let (of, t) = (g.operand(id, 0)?, g.const_operand(id, 1)?);
    let v = t.as_f32()?;
    match g.op(id) {
        Op::Binary(Binary::Sub) => Some((of, Tensor::clone(t))),
        Op::Binary(Binary::Add) => Some((of, Tensor::f32(t.shape(), v.iter().map(|v| -v).collect()))),
        _ => None,
    }
}

/// `clip(x − a) + a` is a clip of x to bounds that are a higher.
fn shifted(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let clip = g.operand(at, 0).filter(|&c| g.use_count(c) == 1)?;
    let Op::Clip { min, max } = *g.op(clip) else { return None };
    let (_, back) = less(cx, at)?;
    let (x, down) = less(cx, g.operand(clip, 0)?)?;
    let (back, down) = (back.splat_value()?, down.splat_value()?);
    let alike = [x, clip].iter().all(|&id| cx.facts.ty(id) == cx.facts.ty(at));
    if !alike || back != -down || cx.facts.ty(at).dtype != DType::F32 {
        return None;
    }
    // The largest number stands for no bound in files.
    let moved = |bound: f32| Some(bound + down).filter(|b| bound.is_infinite() || b.abs() < f32::MAX / 2.0);
    let (min, max) = (moved(min)?, moved(max)?);
    let mut p = Patch::new();
    let y = p.add(&g.node(at).name, Op::Clip { min, max }, &[x.into()]);
    Some(p.replace(at, y))
}

/// `√(x·x)` is |x|.
fn magnitude(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let square = g.operand(at, 0).filter(|_| *g.op(at) == Op::Unary(Unary::Sqrt))?;
    let x = match (g.op(square), &g.operands(square)[..]) {
        (Op::Binary(Binary::Mul), &[l, r]) if l == r => l,
        (Op::Binary(Binary::Pow), &[l, two]) if g.const_of(two)?.splat_value() == Some(2.0) => l,
        _ => return None,
    };
    if cx.facts.ty(x) != cx.facts.ty(at) {
        return None;
    }
    let mut p = Patch::new();
    let y = p.add(&g.node(at).name, Op::Unary(Unary::Abs), &[x.into()]);
    Some(p.replace(at, y))
}
