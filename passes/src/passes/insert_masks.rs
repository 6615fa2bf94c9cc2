//! Puts the given masks on the ReLU layers.
//!
//! **Before**: `relu(x) @relu03` or `capped_relu(x) {cap=c} @relu03`, and a mask for `relu03`.
//!
//! **After**: `masked_relu(x, mask[, slope=…][, quadratic=…]) {cap=c} @relu03`.
//!
//! **Conditions**: the layer has a mask of its shape C×H×W; layers without one keep all their ReLUs.
//!
//! **Formula**: `y = m=1 ? min(max(x, 0), c) : m=4 ? max(x, 0) : m=3 ? a·x² + b·x + c : m=0 ? slope·x : 0`, per element, the same for every image; c is
//! infinite in a layer without a cap.
//!
//! **Source**: RLNet (Sarkar et al., arXiv 2402.05521) and SENet (Kundu et al., ICLR 2023, arXiv 2301.09254), whose removed ReLUs
//! are the identity; the values 2 (zero), 3 (quadratic) and 4 (without the cap) and the slope are ours.

use crate::choice::Choice;
use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{NodeId, Op, Tensor};
use crate::layers::mask_shape;
use crate::masks::Masks;

/// See the module documentation.
#[derive(Debug)]
pub struct InsertMasks(
    /// What is inserted.
    pub Masks,
);

impl InsertMasks {
    /// Its name.
    pub const NAME: &str = "insert-masks";
}

impl Pass for InsertMasks {
    fn about(&self) -> About {
        About::opt_in(
            InsertMasks::NAME,
            Guarantee::Learned,
            &[Phase::Lowering],
            include_str!("insert_masks.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let node = g.node(at);
        let (Op::Relu | Op::CappedRelu { .. }, Some(layer)) = (&node.op, &node.layer) else {
            return Err(Skip::NoMatch);
        };
        let cap = node.op.relu_cap().ok_or(Skip::NoMatch)?;
        let Some(mask) = self.0.layers.get(layer) else { return Err(Skip::NoMatch) };
        if mask.only(Choice::Relu) {
            return Err(Skip::NoMatch);
        }
        if mask.shape != mask_shape(cx.facts, at) {
            return Err(Skip::Refused(format!("the mask of {layer} is {:?}", mask.shape)));
        }
        let channels = cx.facts.ty(at).dims.get(1).and_then(|d| d.fixed());
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let mut p = Patch::new();
        let codes = mask.values.iter().map(|c| c.code()).collect();
        let codes = Tensor::u8(cx.facts.ty(at).per_sample(), codes);
        let mut operands = vec![x.into(), p.constant(format!("{layer}.mask"), codes)];
        let mut given = vec![];
        for (&choice, values) in &mask.parameters {
            let Some(named) = choice.parameters() else { continue };
            let each = named.neutral.len();
            if channels != Some(values.len() / each) {
                return Err(Skip::Refused(format!("the {}s of {layer} are not one a channel", named.name)));
            }
            if values.chunks(each).any(|v| v != named.neutral) {
                let t = Tensor::f32(named.shape(values.len() / each), values.clone());
                operands.push(p.constant(format!("{layer}.{}", named.name), t));
                given.push(choice);
            }
        }
        let n = p.add_in_layer(&node.name, Op::MaskedRelu { cap, given }, &operands, Some(layer));
        Ok(p.replace(at, n))
    }
}
