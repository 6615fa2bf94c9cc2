//! ReLUs, with and without a mask, as what each of their elements is.

use crate::choice::Choice;
use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Skip};
use crate::ir::{NodeId, Op, Tensor};
use crate::masks::LayerMask;

/// What the elements of a ReLU or masked ReLU are; `None` for another node, where images do not lie along the first dimension, and
/// for masks that are no constants.
pub(crate) fn elements(cx: &Cx<'_>, at: NodeId) -> Option<LayerMask> {
    match cx.graph.op(at) {
        op @ (Op::Relu | Op::CappedRelu { .. }) => {
            cx.facts.ty(at).images_first().then_some(())?;
            let n = cx.facts.ty(at).per_sample().iter().product();
            Some(LayerMask::uniform([n, 1, 1], Choice::Relu).with_cap(op.relu_cap()?))
        }
        _ => LayerMask::of_node(cx.graph, at).map(|(_, m)| m),
    }
}

/// The node with other elements, whose parameters stay; the mask gets this name.
pub(crate) fn with_elements(cx: &Cx<'_>, at: NodeId, new: &[Choice], mask: &str) -> Result<Patch, Skip> {
    let node = cx.graph.node(at);
    let cap = node.op.relu_cap().ok_or(Skip::NoMatch)?;
    let given = match &node.op {
        Op::MaskedRelu { given, .. } => given.clone(),
        _ => vec![],
    };
    let mut p = Patch::new();
    let codes = new.iter().map(|c| c.code()).collect();
    let mut operands: Vec<Ref> = cx.graph.operands(at).into_iter().map(Ref::from).collect();
    let mask = p.constant(mask, Tensor::u8(cx.facts.ty(at).per_sample(), codes));
    operands.splice(1..operands.len().min(2), [mask]);
    let y = p.add_in_layer(&node.name, Op::MaskedRelu { cap, given }, &operands, node.layer.as_deref());
    Ok(p.replace(at, y))
}
