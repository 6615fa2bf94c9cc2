//! Moves the padding between two convolutions to the first: with merge-conv after it, what merge-hoisted does at once.

use relinc_passes::driver::patch::{Patch, Ref};
use relinc_passes::driver::{About, Cx, Guarantee, Pass, Skip};
use relinc_passes::ir::op::Conv;
use relinc_passes::ir::{Graph, NodeId, Op};

/// A pass of tests alone.
#[derive(Debug)]
pub struct HoistPadding;

impl Pass for HoistPadding {
    fn about(&self) -> About {
        About::new("hoist-padding", Guarantee::ExactInterior, &[], include_str!("hoist_padding.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let first = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let (Op::Conv(one), Op::Conv(two)) = (g.op(first), g.op(at)) else { return Err(Skip::NoMatch) };
        let pointwise = |id: NodeId| g.const_operand(id, 1).is_none_or(|w| w.shape()[2..] == [1, 1]);
        let alone = g.use_count(first) == 1 && !g.is_output(first);
        let constant = [first, at].iter().all(|&id| constants(g, id).is_some());
        if two.pads == [0; 4] || pointwise(first) || !alone || !constant {
            return Err(Skip::NoMatch);
        }
        let mut wide = one.clone();
        for (i, &p) in two.pads.iter().enumerate() {
            wide.pads[i] += p * wide.strides[i % 2];
        }
        let (w1, w2) = (constants(g, first).unwrap(), constants(g, at).unwrap());
        let x = g.operand(first, 0).ok_or(Skip::NoMatch)?;
        let mut p = Patch::new();
        let operands = [vec![x.into()], w1].concat();
        let wide = p.add(format!("{}.padded", g.node(first).name), Op::Conv(wide), &operands);
        let conv = Conv { pads: [0; 4], ..two.clone() };
        let n = p.add(&g.node(at).name, Op::Conv(conv), &[vec![wide], w2].concat());
        Ok(p.replace(at, n))
    }
}

/// Weights and bias, where they are constants.
fn constants(g: &Graph, id: NodeId) -> Option<Vec<Ref>> {
    let all = &g.operands(id)[1..];
    all.iter().map(|&o| g.const_of(o).map(|_| Ref::Old(o))).collect()
}
