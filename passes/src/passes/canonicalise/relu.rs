//! The ways exporters spell ReLU, and ReLUs inside leaky ones.

use super::rectifier::{Spelled, spelled};
use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::{Binary, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    let as_wide = |x: NodeId| if cx.facts.ty(x) == cx.facts.ty(at) { Ok(x) } else { Err(Skip::NoMatch) };
    let mut p = Patch::new();
    let y = match g.op(at) {
        Op::Clip { min: 0.0, max: f32::INFINITY } => {
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
            Spelled::Relu(x) => p.add(name, Op::Relu, &[as_wide(x)?.into()]),
            Spelled::Negative(x) => {
                let zero = p.constant(format!("{name}.zero"), Tensor::scalar(0.0));
                p.add(name, Op::Binary(Binary::Min), &[as_wide(x)?.into(), zero])
            }
            Spelled::Leaky(x, slope) => return leaky(cx, at, as_wide(x)?, Slope::Scalar(slope)),
            Spelled::Sloped(x, slope) => return leaky(cx, at, x, Slope::Tensor(slope)),
        },
    };
    Ok(p.replace(at, y))
}

/// Is every element 0, whatever the batch?
pub(super) fn is_zero(cx: &Cx<'_>, id: NodeId) -> bool {
    let g = cx.graph;
    match g.op(id) {
        Op::Expand(_) | Op::Reshape(_) | Op::Transpose(_) => g.operand(id, 0).is_some_and(|x| is_zero(cx, x)),
        _ => g.const_of(id).and_then(|t| t.splat_value()) == Some(0.0),
    }
}

enum Slope {
    Scalar(f32),
    Tensor(NodeId),
}

/// `s·x + (1−s)·relu(x)`.
fn leaky(cx: &Cx<'_>, at: NodeId, x: NodeId, slope: Slope) -> Result<Patch, Skip> {
    let g = cx.graph;
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
