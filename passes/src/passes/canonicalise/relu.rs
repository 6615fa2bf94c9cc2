//! The ways exporters spell ReLU, and ReLUs inside leaky ones.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::op::Compare;
use crate::ir::{Binary, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let x = match g.op(at) {
        Op::Clip { min: 0.0, max: f32::INFINITY } => g.operand(at, 0),
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
