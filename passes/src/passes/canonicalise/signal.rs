//! Signals `[N,C,L]` are maps of one row wherever layers with weights read them: what is between those layers becomes a map too.

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::{Dim, NodeId, Op, Tensor};

pub(super) fn rewrite(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let g = cx.graph;
    let elementwise = matches!(
        g.op(at),
        Op::Relu
            | Op::CappedRelu { .. }
            | Op::Clip { .. }
            | Op::LeakyRelu { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::PRelu
    );
    let mean = matches!(g.op(at), Op::GlobalMean { .. });
    if !elementwise && !mean && *g.op(at) != (Op::Concat { axis: 1 }) {
        return Err(Skip::NoMatch);
    }
    let operands = g.operands(at);
    let maps: Vec<Option<NodeId>> = operands.iter().map(|&o| map_of(cx, o)).collect();
    if maps.iter().all(Option::is_none) {
        return Err(Skip::NoMatch);
    }
    let name = &g.node(at).name;
    let mut p = Patch::new();
    let mut reads: Vec<Ref> = vec![];
    for (&o, map) in operands.iter().zip(maps) {
        reads.push(match (map, g.const_of(o)) {
            (Some(x), _) => x.into(),
            (None, Some(t)) if elementwise && t.rank() < 2 => o.into(),
            (None, Some(t)) if elementwise && t.rank() <= 3 => {
                let mut shape = t.shape().to_vec();
                shape.insert(t.rank() - 1, 1);
                let v = t.as_f32().ok_or(Skip::NoMatch)?;
                p.constant(format!("{}.map", g.node(o).name), Tensor::f32(shape, v.to_vec()))
            }
            _ => return Err(Skip::NoMatch),
        });
    }
    let map = p.add(format!("{name}.map"), g.op(at).clone(), &reads);
    let y = match g.op(at) {
        Op::GlobalMean { keep: false } => map,
        _ => p.add(name, Op::Reshape(cx.facts.ty(at).dims.clone()), &[map]),
    };
    Ok(p.replace(at, y))
}

/// The map of one row that a signal of several elements is the row of.
fn map_of(cx: &Cx<'_>, id: NodeId) -> Option<NodeId> {
    let g = cx.graph;
    let x = matches!(g.op(id), Op::Reshape(_)).then(|| g.operand(id, 0))??;
    match (&cx.facts.ty(x).dims[..], &cx.facts.ty(id).dims[..]) {
        (&[n, c, Dim::Fixed(1), l], &[m, d, k]) if [n, c, l] == [m, d, k] && l != Dim::Fixed(1) => Some(x),
        _ => None,
    }
}
