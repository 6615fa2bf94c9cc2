//! Activations that are products with a gate, and hard gates: as products, sums, clips and sigmoids.

use crate::driver::patch::Patch;
use crate::driver::{Cx, Skip};
use crate::ir::op::DynOp;
use crate::ir::{Binary, Graph, NodeId, Op, Tensor, Unary};

const SIXTH: f32 = 1.0 / 6.0;
const HALF: f32 = 0.5;
const GATE: Op = bounded(1.0);

/// Clipped between 0 and a cap.
pub(super) const fn bounded(cap: f32) -> Op {
    Op::Clip { min: 0.0, max: cap }
}

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let Op::Unary(u @ (Unary::Silu | Unary::HardSwish | Unary::HardSigmoid)) = *g.op(at) else {
        return Err(Skip::NoMatch);
    };
    let x = g.operand(at, 0).ok_or(Skip::NoMatch)?.into();
    let name = &g.node(at).name;
    let gate_name = if u == Unary::HardSigmoid { name.clone() } else { format!("{name}.gate") };
    let mut p = Patch::new();
    let gate = if u == Unary::Silu {
        p.add(gate_name, Op::Unary(Unary::Sigmoid), &[x])
    } else {
        let sixth = p.constant(format!("{name}.sixth"), Tensor::scalar(SIXTH));
        let half = p.constant(format!("{name}.half"), Tensor::scalar(HALF));
        let scaled = p.add(format!("{name}.scaled"), Op::Binary(Binary::Mul), &[x, sixth]);
        let moved = p.add(format!("{name}.moved"), Op::Binary(Binary::Add), &[scaled, half]);
        p.add(gate_name, GATE, &[moved])
    };
    let y = if u == Unary::HardSigmoid { gate } else { p.add(name, Op::Binary(Binary::Mul), &[x, gate]) };
    Ok(p.replace(at, y))
}

/// Is a value between 0 and a cap c a gate and no activation? So it is where the model ends with it; where it opens the channels of a
/// larger map; and in a hard sigmoid, whose operand has c/2 added and which multiplies another value.
pub(super) fn is_gate(cx: &Cx<'_>, clip: NodeId) -> bool {
    let g = cx.graph;
    let half = match *g.op(clip) {
        Op::Clip { max, .. } => max / 2.0,
        _ => return false,
    };
    let moved = g.operand(clip, 0).is_some_and(|x| {
        let added = |slot| g.const_operand(x, slot)?.splat_value();
        match g.op(x) {
            Op::Binary(Binary::Add) => added(0).or(added(1)) == Some(half),
            Op::Binary(Binary::Sub) => added(1) == Some(-half),
            _ => false,
        }
    });
    let elements = |id: NodeId| cx.facts.ty(id).elements();
    let (mut reached, mut read) = (vec![clip], false);
    while let Some(id) = reached.pop() {
        for (user, _) in g.users(id) {
            let constant = g.operands(user).iter().any(|&o| g.const_of(o).is_some());
            match g.op(user) {
                Op::Binary(Binary::Mul | Binary::Div) if !constant => {
                    if moved || elements(user) > elements(id) {
                        return true;
                    }
                    read = true;
                }
                Op::Binary(Binary::Mul | Binary::Div | Binary::Add | Binary::Sub) if constant => {
                    reached.push(user);
                }
                Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) | Op::Identity | Op::Dropout => {
                    reached.push(user);
                }
                Op::Dyn(DynOp::Reshape { .. } | DynOp::Squeeze | DynOp::Unsqueeze | DynOp::Expand) => {
                    reached.push(user);
                }
                _ => read = true,
            }
        }
    }
    !read
}

/// The operand of a hard sigmoid that was taken apart here.
pub fn hard_sigmoid_of(g: &Graph, gate: NodeId) -> Option<NodeId> {
    let by = |id: NodeId, b: Binary, c: f32| {
        let same = *g.op(id) == Op::Binary(b) && g.const_operand(id, 1)?.splat_value() == Some(c);
        g.operand(id, 0).filter(|_| same)
    };
    let moved = g.operand(gate, 0).filter(|_| *g.op(gate) == GATE)?;
    by(by(moved, Binary::Add, HALF)?, Binary::Mul, SIXTH)
}

/// Does a node multiply `x` by its sigmoid or hard sigmoid?
pub fn is_gated(g: &Graph, x: NodeId, gate: NodeId) -> bool {
    let sigmoid = *g.op(gate) == Op::Unary(Unary::Sigmoid) && g.operand(gate, 0) == Some(x);
    sigmoid || hard_sigmoid_of(g, gate) == Some(x)
}
