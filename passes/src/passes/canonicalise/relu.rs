//! The ways exporters spell ReLU, with a cap or without, and ReLUs inside leaky ones.

use super::gates;
use super::rectifier::{Spelled, spelled};
use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::op::Compare;
use crate::ir::{Binary, DType, NodeId, Op, Tensor, Unary};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    let as_wide = |x: NodeId| if cx.facts.ty(x) == cx.facts.ty(at) { Ok(x) } else { Err(Skip::NoMatch) };
    let mut p = Patch::new();
    if let Some((x, cap)) = capped(cx, at) {
        let op = match *g.op(at) == gates::bounded(cap) {
            true => Op::CappedRelu { cap },
            false => gates::bounded(cap),
        };
        let r = p.add(name, op, &[x.into()]);
        return Ok(p.replace(at, r));
    }
    if let Some(same) = clipped_twice(cx, at).or_else(|| again(cx, at)).or_else(|| mirrored(cx, at)) {
        return Ok(same);
    }
    if let Some((op, [l, r])) = chosen_extreme(cx, at) {
        let y = p.add(name, Op::Binary(op), &[l.into(), r.into()]);
        return Ok(p.replace(at, y));
    }
    let y = match g.op(at) {
        Op::Clip { min: 0.0, max: f32::MAX.. } => {
            let x = as_wide(g.operand(at, 0).ok_or(Skip::NoMatch)?)?;
            p.add(name, Op::Relu, &[x.into()])
        }
        Op::LeakyRelu { slope } => {
            return leaky(cx, at, g.operand(at, 0).ok_or(Skip::NoMatch)?, Slope::Scalar(*slope));
        }
        Op::PRelu => {
            let s = g.operand(at, 1).filter(|&s| g.const_of(s).is_some()).ok_or(Skip::NoMatch)?;
            return leaky(cx, at, g.operand(at, 0).ok_or(Skip::NoMatch)?, Slope::Tensor(s));
        }
        _ => match spelled(cx, at).ok_or(Skip::NoMatch)? {
            Spelled::Bent { x, above: 1.0, below: 0.0 } => p.add(name, Op::Relu, &[as_wide(x)?.into()]),
            Spelled::Bent { x, above: 0.0, below: 1.0 } => {
                let zero = p.constant(format!("{name}.zero"), Tensor::scalar(0.0));
                p.add(name, Op::Binary(Binary::Min), &[as_wide(x)?.into(), zero])
            }
            Spelled::Bent { .. } if cx.facts.ty(at).dtype != DType::F32 => return Err(Skip::NoMatch),
            Spelled::Bent { x, above: 1.0, below } => {
                return leaky(cx, at, as_wide(x)?, Slope::Scalar(below));
            }
            Spelled::Bent { x, above, below } => return bent(cx, at, as_wide(x)?, [above, below]),
            Spelled::Sloped(x, slope) => return leaky(cx, at, x, Slope::Tensor(slope)),
        },
    };
    Ok(p.replace(at, y))
}

/// The same ReLU of the same value, that stands before.
fn again(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    g.op(at).relu_cap().filter(|_| !matches!(g.op(at), Op::MaskedRelu { .. }))?;
    g.node(at).layer.is_none().then_some(())?;
    let first = g
        .users(g.operand(at, 0)?)
        .into_iter()
        .map(|(user, _)| user)
        .filter(|&u| g.op(u) == g.op(at))
        .min()?;
    (first < at).then(|| Patch::redirect(at, first))
}

/// `relu(−x)` is `relu(x) − x`, which compares nothing more where relu(x) is computed anyway.
fn mirrored(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let negative = g.operand(at, 0).filter(|_| *g.op(at) == Op::Relu)?;
    let x = g.operand(negative, 0).filter(|_| *g.op(negative) == Op::Unary(Unary::Neg))?;
    let relu = g.users(x).into_iter().map(|(user, _)| user).find(|&u| *g.op(u) == Op::Relu)?;
    let mut p = Patch::new();
    let y = p.add(&g.node(at).name, Op::Binary(Binary::Sub), &[relu.into(), x.into()]);
    Some(p.replace(at, y))
}

/// `where(l < r, l, r)` and its like are the smaller or the larger of two values.
fn chosen_extreme(cx: &Cx<'_>, at: NodeId) -> Option<(Binary, [NodeId; 2])> {
    let g = cx.graph;
    let [cond, a, b] = g.operands(at)[..] else { return None };
    let (Op::Compare(c), DType::F32) = (g.op(cond).clone(), cx.facts.ty(at).dtype) else { return None };
    let [l, r] = g.operands(cond)[..] else { return None };
    let whole = [l, r].iter().any(|&x| cx.facts.ty(x) == cx.facts.ty(at));
    let smaller = match c {
        Compare::Less | Compare::LessEqual => true,
        Compare::Greater | Compare::GreaterEqual => false,
        Compare::Equal => return None,
    };
    let same = |x: NodeId, y: NodeId| {
        x == y
            || matches!((g.const_of(x), g.const_of(y)), (Some(s), Some(t)) if s.len() == 1 && t.len() == 1 && s.splat_value() == t.splat_value())
    };
    let (straight, crossed) = (same(a, l) && same(b, r), same(a, r) && same(b, l));
    if !whole || is_zero(cx, l) || is_zero(cx, r) || !(straight || crossed) {
        return None;
    }
    Some((if smaller == straight { Binary::Min } else { Binary::Max }, [l, r]))
}

/// A clip of what is clipped already: the operand where that is within the bounds, else one clip to both.
fn clipped_twice(cx: &Cx<'_>, at: NodeId) -> Option<Patch> {
    let g = cx.graph;
    let bounds = |id: NodeId| match *g.op(id) {
        Op::Clip { min, max } if min <= max => Some([min, max]),
        Op::CappedRelu { cap } => Some([0.0, cap]),
        _ => None,
    };
    let Op::Clip { .. } = g.op(at) else { return None };
    let inner = g.operand(at, 0)?;
    let ([low, high], [min, max]) = (bounds(inner)?, bounds(at)?);
    if min <= low && high <= max {
        return Some(Patch::redirect(at, inner));
    }
    let mut p = Patch::new();
    let both = Op::Clip { min: low.clamp(min, max), max: high.clamp(min, max) };
    let y = p.add(&g.node(at).name, both, &[g.operand(inner, 0)?.into()]);
    Some(p.replace(at, y))
}

/// The operand and the cap of a node that is `min(max(x, 0), cap)`, by itself or with the one before it, and no gate.
fn capped(cx: &Cx<'_>, at: NodeId) -> Option<(NodeId, f32)> {
    let g = cx.graph;
    let x = g.operand(at, 0).filter(|&x| cx.facts.ty(x) == cx.facts.ty(at))?;
    let same = |cap: f32| 0.0 < cap && cap < f32::MAX && cx.facts.ty(at).dtype == DType::F32;
    let before = || g.operand(x, 0).filter(|&y| g.use_count(x) == 1 && cx.facts.ty(y) == cx.facts.ty(at));
    match g.op(at) {
        Op::Clip { min: 0.0, max } if same(*max) && *g.op(x) != Op::Relu => {
            (!gates::is_gate(cx, at)).then_some((x, *max))
        }
        Op::Relu | Op::Binary(Binary::Max) => {
            let bent = *g.op(at) == Op::Relu || g.operand(at, 1).is_some_and(|zero| is_zero(cx, zero));
            let cap = upper_bound(cx, x).filter(|&cap| bent && same(cap))?;
            Some((before()?, cap))
        }
        _ if *g.op(x) == Op::Relu => {
            let cap = upper_bound(cx, at).filter(|&cap| same(cap))?;
            Some((before()?, cap))
        }
        _ => None,
    }
}

/// What a node limits its operand to from above, where it changes nothing else that is above 0.
fn upper_bound(cx: &Cx<'_>, id: NodeId) -> Option<f32> {
    match cx.graph.op(id) {
        Op::Clip { min: ..=0.0, max } => Some(*max),
        Op::Binary(Binary::Min) => cx.graph.const_operand(id, 1)?.splat_value(),
        _ => None,
    }
}

/// Is every element 0, whatever the batch?
pub(super) fn is_zero(cx: &Cx<'_>, id: NodeId) -> bool {
    let g = cx.graph;
    match g.op(id) {
        Op::Expand(_) | Op::Reshape(_) | Op::Transpose(_) => g.operand(id, 0).is_some_and(|x| is_zero(cx, x)),
        Op::Binary(Binary::Sub) => g.operand(id, 0) == g.operand(id, 1),
        _ => g.const_of(id).and_then(|t| t.splat_value()) == Some(0.0),
    }
}

enum Slope {
    Scalar(f32),
    Tensor(NodeId),
}

/// Slopes above it lose x beside them in single precision.
const STEEP: f32 = 256.0;

/// `below·x + (above − below)·relu(x)`, where neither is steep.
fn bent(cx: &Cx<'_>, at: NodeId, x: NodeId, slopes: [f32; 2]) -> Result<Patch, Skip> {
    if slopes.iter().any(|s| s.abs() > STEEP) {
        return Err(Skip::NoMatch);
    }
    let [above, below] = slopes;
    let name = &cx.graph.node(at).name;
    let mut p = Patch::new();
    let mut parts = vec![];
    if below != 0.0 {
        parts.push(times(&mut p, name, "linear", x.into(), below));
    }
    if above != below {
        let relu = p.add(format!("{name}.relu"), Op::Relu, &[x.into()]);
        parts.push(times(&mut p, name, "positive", relu, above - below));
    }
    let y = match parts[..] {
        [] => return Err(Skip::NoMatch),
        [one] => one,
        _ => p.add(name, Op::Binary(Binary::Add), &parts),
    };
    Ok(p.replace(at, y))
}

fn times(p: &mut Patch, name: &str, what: &str, x: Ref, by: f32) -> Ref {
    if by == 1.0 {
        return x;
    }
    let s = p.constant(format!("{name}.{what}_slope"), Tensor::scalar(by));
    p.add(format!("{name}.{what}"), Op::Binary(Binary::Mul), &[x, s])
}

/// `s·x + (1−s)·relu(x)`; of a steep slope `relu(x) + s·min(x, 0)`.
fn leaky(cx: &Cx<'_>, at: NodeId, x: NodeId, slope: Slope) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    let mut p = Patch::new();
    let (s, t): (Ref, Tensor) = match slope {
        Slope::Scalar(s) => (p.constant(format!("{name}.slope"), Tensor::scalar(s)), Tensor::scalar(s)),
        Slope::Tensor(id) => (id.into(), Tensor::clone(g.const_of(id).ok_or(Skip::NoMatch)?)),
    };
    let v = t.as_f32().ok_or(Skip::NoMatch)?;
    let multiply = Op::Binary(Binary::Mul);
    let parts = if v.iter().any(|s| s.abs() > STEEP) {
        let zero = p.constant(format!("{name}.zero"), Tensor::scalar(0.0));
        let below = p.add(format!("{name}.negative"), Op::Binary(Binary::Min), &[x.into(), zero]);
        let linear = p.add(format!("{name}.linear"), multiply, &[below, s]);
        [linear, p.add(format!("{name}.relu"), Op::Relu, &[x.into()])]
    } else {
        let rest = Tensor::f32(t.shape(), v.iter().map(|s| 1.0 - s).collect::<Vec<_>>());
        let rest = p.constant(format!("{name}.rest"), rest);
        let linear = p.add(format!("{name}.linear"), multiply.clone(), &[x.into(), s]);
        let relu = p.add(format!("{name}.relu"), Op::Relu, &[x.into()]);
        [linear, p.add(format!("{name}.positive"), multiply, &[relu, rest])]
    };
    let sum = p.add(name, Op::Binary(Binary::Add), &parts);
    Ok(p.replace(at, sum))
}
