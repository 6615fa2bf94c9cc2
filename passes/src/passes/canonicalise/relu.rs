//! The ways exporters spell ReLU, with a cap or without, and ReLUs inside leaky ones.

use super::gates;
use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::op::Compare;
use crate::ir::{Binary, DType, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    if let Some((x, cap)) = capped(cx, at) {
        let op = match *g.op(at) == gates::bounded(cap) {
            true => Op::CappedRelu { cap },
            false => gates::bounded(cap),
        };
        let mut p = Patch::new();
        let r = p.add(&g.node(at).name, op, &[x.into()]);
        return Ok(p.replace(at, r));
    }
    let x = match g.op(at) {
        Op::Clip { min: 0.0, max: f32::MAX.. } => g.operand(at, 0),
        Op::Binary(Binary::Max) => g.operand(at, 0).filter(|_| is_zero(cx, g.operand(at, 1))),
        Op::Where => positive_part(cx, at),
        Op::LeakyRelu { slope } => return leaky(cx, at, Slope::Scalar(*slope)),
        Op::PRelu => {
            let s = g.operand(at, 1).filter(|&s| g.const_of(s).is_some()).ok_or(Skip::NoMatch)?;
            return leaky(cx, at, Slope::Tensor(s));
        }
        _ => None,
    };
    let x = x.filter(|&x| cx.facts.ty(x) == cx.facts.ty(at)).ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let r = p.add(&g.node(at).name, Op::Relu, &[x.into()]);
    Ok(p.replace(at, r))
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
            let bent = *g.op(at) == Op::Relu || is_zero(cx, g.operand(at, 1));
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

fn is_zero(cx: &Cx<'_>, id: Option<NodeId>) -> bool {
    id.and_then(|id| cx.graph.const_of(id)).and_then(|t| t.splat_value()) == Some(0.0)
}

/// `where(x > 0, x, 0)` and `where(x ≥ 0, x, 0)`.
fn positive_part(cx: &Cx<'_>, at: NodeId) -> Option<NodeId> {
    let g = cx.graph;
    let [cond, a, b] = g.operands(at)[..] else { return None };
    let Op::Compare(Compare::Greater | Compare::GreaterEqual) = g.op(cond) else { return None };
    let same = g.operand(cond, 0) == Some(a) && is_zero(cx, g.operand(cond, 1)) && is_zero(cx, Some(b));
    same.then_some(a)
}

enum Slope {
    Scalar(f32),
    Tensor(NodeId),
}

/// `s·x + (1−s)·relu(x)`.
fn leaky(cx: &Cx<'_>, at: NodeId, slope: Slope) -> Result<Patch, Skip> {
    let g = cx.graph;
    let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
    let name = &g.node(at).name;
    let mut p = Patch::new();
    let (s, rest): (Ref, Tensor) = match slope {
        Slope::Scalar(s) => (p.constant(format!("{name}.slope"), Tensor::scalar(s)), Tensor::scalar(1.0 - s)),
        Slope::Tensor(id) => {
            let t = g.const_of(id).ok_or(Skip::NoMatch)?;
            let v = t.as_f32().ok_or(Skip::NoMatch)?;
            (id.into(), Tensor::f32(t.shape(), v.iter().map(|s| 1.0 - s).collect::<Vec<_>>()))
        }
    };
    let rest = p.constant(format!("{name}.rest"), rest);
    let linear = p.add(format!("{name}.linear"), Op::Binary(Binary::Mul), &[x.into(), s]);
    let relu = p.add(format!("{name}.relu"), Op::Relu, &[x.into()]);
    let scaled = p.add(format!("{name}.positive"), Op::Binary(Binary::Mul), &[relu, rest]);
    let sum = p.add(name, Op::Binary(Binary::Add), &[linear, scaled]);
    Ok(p.replace(at, sum))
}
