//! Gemm, MatMul and MatMul + Add with constant weights → `linear`.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::movement;
use crate::ir::{Binary, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    match *cx.graph.op(at) {
        Op::MatMul => from_product(cx, at, 1.0, 1.0, false),
        Op::Gemm { alpha, beta, trans_a: false, trans_b } => from_product(cx, at, alpha, beta, trans_b),
        Op::Binary(Binary::Add) => take_bias(cx, at),
        _ => Err(Skip::NoMatch),
    }
}

fn from_product(cx: &Cx<'_>, at: NodeId, alpha: f32, beta: f32, trans_b: bool) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
    let w_id = g.operand(at, 1).ok_or(Skip::NoMatch)?;
    let w = g.const_of(w_id).filter(|w| w.rank() == 2).ok_or(Skip::NoMatch)?;
    let v = w.as_f32().ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let weights: Ref = if trans_b && alpha == 1.0 {
        w_id.into()
    } else {
        let (mut v, shape) = if trans_b {
            (v.to_vec(), w.shape().to_vec())
        } else {
            movement::transpose(v, w.shape(), &[1, 0])
        };
        if alpha != 1.0 {
            v.iter_mut().for_each(|e| *e *= alpha);
        }
        p.constant(format!("{}.linear", g.node(w_id).name), Tensor::f32(shape, v))
    };
    let outs = if trans_b { w.shape()[0] } else { w.shape()[1] };
    let mut operands = vec![x.into(), weights];
    if let Some(c_id) = g.operand(at, 2) {
        let c = g.const_of(c_id).ok_or(Skip::NoMatch)?;
        operands.push(match bias(c, outs, beta) {
            Some(b) if b == **c => c_id.into(),
            Some(b) => p.constant(format!("{}.bias", g.node(c_id).name), b),
            None => return Err(Skip::NoMatch),
        });
    }
    let n = p.add(name, Op::Linear, &operands);
    Ok(p.replace(at, n))
}

/// A per-output addend as `f32[outs]` times `beta`, when `t` broadcasts as one along the last axis.
fn bias(t: &Tensor, outs: usize, beta: f32) -> Option<Tensor> {
    let v = t.as_f32()?;
    let lead_is_one = t.shape().iter().rev().skip(1).all(|&d| d == 1);
    let last = t.shape().last().copied().unwrap_or(1);
    if !lead_is_one || (last != outs && last != 1) {
        return None;
    }
    let v: Vec<f32> = (0..outs).map(|i| beta * v[if last == 1 { 0 } else { i }]).collect();
    Some(Tensor::f32([outs], v))
}

/// `add(linear(x, w), c)` → `linear(x, w, c)`.
fn take_bias(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let [l, c_id] = g.operands(at)[..] else { return Err(Skip::NoMatch) };
    let Some(c) = g.const_of(c_id) else { return Err(Skip::NoMatch) };
    if !matches!(g.op(l), Op::Linear) || g.operand(l, 2).is_some() || g.use_count(l) != 1 {
        return Err(Skip::NoMatch);
    }
    let [x, w] = g.operands(l)[..] else { return Err(Skip::NoMatch) };
    let outs = cx.facts.ty(w).at(1)[0];
    if cx.facts.ty(l) != cx.facts.ty(at) {
        return Err(Skip::NoMatch);
    }
    let b = bias(c, outs, 1.0).ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let b: Ref = if b == **c { c_id.into() } else { p.constant(format!("{}.bias", g.node(c_id).name), b) };
    let n = p.add(&g.node(at).name, Op::Linear, &[x.into(), w.into(), b]);
    Ok(p.replace(at, n))
}
