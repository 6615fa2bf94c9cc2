//! Constant subgraphs, integers that follow from shapes, and parameters that arrive as operands.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::interp::eval_const;
use crate::ir::infer::resolve;
use crate::ir::op::DynOp;
use crate::ir::{Dim, Graph, NodeId, Op, Tensor};

/// Folding must not blow a graph up: an `expand` of a scalar to more elements than this stays.
const MAX_FOLDED: usize = 1 << 24;
/// Nor may many: with all constants of a graph at more elements than this, those that grow it stay.
const MAX_CONSTANTS: usize = 1 << 26;
/// Constants up to this size are too small to be counted.
const SMALL: usize = 1 << 12;

/// May a constant of so many elements take the place of its operands?
fn has_room(g: &Graph, operands: &[NodeId], elements: usize) -> bool {
    if elements <= SMALL {
        return true;
    }
    let len = |id: NodeId| g.const_of(id).map_or(0, |t| t.len());
    let freed: usize = operands.iter().filter(|&&o| g.use_count(o) == 1).map(|&o| len(o)).sum();
    let all = || g.ids().map(len).fold(0, usize::saturating_add);
    elements <= freed || elements <= MAX_FOLDED && all() + elements - freed <= MAX_CONSTANTS
}

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
        && has_room(g, &operands, fact.ty.elements())
        && !fact.ty.dims.contains(&Dim::Batch)
    {
        let t = eval_const(g.op(at), &k).map_err(Skip::Refused)?;
        let mut p = Patch::new();
        let c = p.constant(name, t);
        return Ok(p.replace(at, c));
    }
    if let Op::Dyn(DynOp::FillInt { .. } | DynOp::FillFloat { .. }) = g.op(at) {
        return Err(Skip::Refused("all constants would come to more than 2^26 elements".into()));
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
