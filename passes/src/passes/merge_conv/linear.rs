//! A linear layer after another one, after a flattened convolution, or after the mean of a 1×1 convolution.

use super::border;
use super::pair::{Pair, named, unmixed};
use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::{NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let before = g.operand(at, 0).ok_or(Skip::NoMatch)?;
    match g.op(before) {
        Op::Linear => {
            unmixed(g, before, before, at)?;
            let x = g.operand(before, 0).ok_or(Skip::NoMatch)?;
            let mut p = Patch::new();
            let merged = product(cx, &mut p, before, at, x.into())?;
            Ok(p.replace(at, merged))
        }
        Op::Reshape(_) => flattened(cx, at, before),
        Op::GlobalMean { keep: false } => meaned(cx, at, before),
        _ => Err(Skip::NoMatch),
    }
}

fn flattened(cx: &Cx<'_>, at: NodeId, flat: NodeId) -> Result<Patch, Skip> {
    let pair = Pair::of_flattened(cx, at, flat)?;
    let mut p = Patch::new();
    let merged = border::add(cx, &pair, &mut p).map_err(Skip::Refused)?;
    let rows = p.add(&cx.graph.node(at).name, Op::Reshape(cx.facts.ty(at).dims.clone()), &[merged]);
    Ok(p.replace(at, rows))
}

/// The mean and a convolution of single elements commute.
fn meaned(cx: &Cx<'_>, at: NodeId, mean: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let conv = g.operand(mean, 0).ok_or(Skip::NoMatch)?;
    let Op::Conv(c) = g.op(conv) else { return Err(Skip::NoMatch) };
    unmixed(g, mean, conv, at)?;
    unmixed(g, conv, conv, at)?;
    let kernel = g.const_operand(conv, 1).map(|w| w.shape()[2..].to_vec()).unwrap_or_default();
    if kernel != [1, 1] || c.strides != [1, 1] || c.pads != [0; 4] {
        return Err(Skip::Refused(format!(
            "{} stands before the mean '{}', which commutes with a 1×1 convolution of every element alone",
            named(g, conv),
            g.node(mean).name
        )));
    }
    let x = g.operand(conv, 0).ok_or(Skip::NoMatch)?;
    let mut p = Patch::new();
    let mean = p.add(&g.node(mean).name, g.op(mean).clone(), &[x.into()]);
    let merged = product(cx, &mut p, conv, at, mean)?;
    Ok(p.replace(at, merged))
}

/// Adds `linear(x, w₂·w₁, w₂·b₁ + b₂)`; `first` is a linear layer or a 1×1 convolution in groups.
fn product(cx: &Cx<'_>, p: &mut Patch, first: NodeId, second: NodeId, x: Ref) -> Result<Ref, Skip> {
    let g = cx.graph;
    let group = if let Op::Conv(c) = g.op(first) { c.group } else { 1 };
    let matrix =
        |id| g.const_operand(id, 1).and_then(|t| Some((t.shape(), t.as_f32()?))).ok_or(Skip::NoMatch);
    let bias = |id| g.const_operand(id, 2).and_then(|b| b.as_f32());
    let ((s1, w1), (s2, w2)) = (matrix(first)?, matrix(second)?);
    let (middle, depth, out) = (s1[0], s1[1], s2[0]);
    let inputs = depth * group;
    if out.saturating_mul(middle).saturating_mul(depth) > super::MAX_WORK {
        let pair = format!("{} and {}", named(g, first), named(g, second));
        return Err(Skip::Refused(format!(
            "{pair} are too large to multiply: {out}×{middle} by {middle}×{inputs}"
        )));
    }
    let (b1, b2) = (bias(first), bias(second));
    let (mut w, mut b) = (Vec::with_capacity(out * inputs), vec![]);
    for o in 0..out {
        let mut row = vec![0f64; inputs];
        let mut sum = b2.map_or(0.0, |b| f64::from(b[o]));
        for m in 0..middle {
            let v = f64::from(w2[o * middle + m]);
            let to = m / (middle / group) * depth;
            for (r, &e) in row[to..to + depth].iter_mut().zip(&w1[m * depth..(m + 1) * depth]) {
                *r += v * f64::from(e);
            }
            sum += v * b1.map_or(0.0, |b| f64::from(b[m]));
        }
        w.extend(row.iter().map(|&v| v as f32));
        b.push(sum as f32);
    }
    let name = &g.node(second).name;
    let mut operands = vec![x, p.constant(format!("{name}.merged.weight"), Tensor::f32([out, inputs], w))];
    if b1.is_some() || b2.is_some() {
        operands.push(p.constant(format!("{name}.merged.bias"), Tensor::f32([out], b)));
    }
    Ok(p.add(name, Op::Linear, &operands))
}
