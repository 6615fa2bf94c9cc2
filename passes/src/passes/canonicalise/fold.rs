//! Constant subgraphs, integers that follow from shapes, and parameters that arrive as operands.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::interp::eval_const;
use crate::ir::infer::resolve;
use crate::ir::{Dim, NodeId, Op, Tensor};

/// Folding must not blow a graph up: an `expand` of a scalar to more elements than this stays.
const MAX_FOLDED: usize = 1 << 24;

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let name = &g.node(at).name;
    if matches!(g.op(at), Op::Const(_) | Op::Input(_)) {
        return Err(Skip::NoMatch);
    }
    let fact = cx.facts.of(at);
    if let Some(v) = fact.fixed_ints() {
        let mut p = Patch::new();
        let c = p.constant(name, Tensor::i64(fact.ty.at(1), v));
        return Ok(p.replace(at, c));
    }
    let operands = g.operands(at);
    if let Some(k) = operands.iter().map(|&o| g.const_of(o).map(|t| &**t)).collect::<Option<Vec<&Tensor>>>()
        && fact.ty.elements() <= MAX_FOLDED
        && !fact.ty.dims.contains(&Dim::Batch)
    {
        let t = eval_const(g.op(at), &k).map_err(Skip::Refused)?;
        let mut p = Patch::new();
        let c = p.constant(name, t);
        return Ok(p.replace(at, c));
    }
    if let Op::Dyn(d) = *g.op(at) {
        let facts: Vec<_> = operands.iter().map(|&o| cx.facts.of(o)).collect();
        let op = resolve(d, &facts).map_err(Skip::Refused)?;
        let reads: Vec<Ref> = match op {
            Op::Const(_) => vec![],
            _ => vec![operands[0].into()],
        };
        let mut p = Patch::new();
        let n = p.add(name, op, &reads);
        return Ok(p.replace(at, n));
    }
    Err(Skip::NoMatch)
}
