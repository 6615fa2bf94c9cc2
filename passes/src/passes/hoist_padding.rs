//! Moves the padding between two convolutions to the first, so that merge-conv needs no correction of the border.
//!
//! **Before**: `conv(conv(x, w₁) {pads=p₁, strides=s₁}, w₂) {pads=p₂}`.
//!
//! **After**: `conv(conv(x, w₁) {pads=p₁+p₂·s₁, strides=s₁}, w₂) {pads=0}`, of the same shapes.
//!
//! **Conditions**: switched on; the two are a pair for merge-conv: constant weights, nothing else reads the first
//! result. Pairs that need no strips at the border are left alone.
//!
//! **Formula**: every padding row of the second is one more row of the first, `s₁` rows of x further out. Where the
//! second read zeros it now reads what the first computes of x and zeros around it: another function at the border. To be
//! done before fine-tuning, so that folding the tuned network is exact.
//!
//! **Source**: method section 10, "hoisting the padding to the first conv before fine-tuning".

use crate::driver::patch::{Patch, Ref};
use crate::driver::{Cx, Guarantee, Options, Pass, Skip};
use crate::ir::op::Conv;
use crate::ir::{NodeId, Op};
use crate::passes::merge_conv::pair::Pair;

/// See the module documentation.
pub struct HoistPadding;

impl Pass for HoistPadding {
    fn name(&self) -> &'static str {
        "hoist-padding"
    }
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactInterior
    }
    fn source(&self) -> &'static str {
        include_str!("hoist_padding.rs")
    }
    fn enabled(&self, options: &Options) -> bool {
        options.hoist_padding
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let padded = matches!(g.op(at), Op::Conv(c) if c.pads != [0; 4]);
        if !padded || !cx.options.hoist_padding {
            return Err(Skip::NoMatch);
        }
        let pair = Pair::of_convs(cx, at)?;
        if pair.axes.iter().all(|a| a.merged().1.is_empty()) {
            return Err(Skip::NoMatch);
        }
        let (first, second) = (&pair.first, &pair.second);
        let mut c = first.conv.clone();
        for (i, &p) in second.conv.pads.iter().enumerate() {
            c.pads[i] += p * c.strides[i % 2];
        }
        let constants = |id| g.operands(id)[1..].iter().map(|&o| Ref::Old(o)).collect::<Vec<_>>();
        let mut p = Patch::new();
        let mut operands = vec![pair.x.into()];
        operands.extend(constants(first.node));
        let wide = p.add(format!("{}.padded", g.node(first.node).name), Op::Conv(c), &operands);
        let mut operands = vec![wide];
        operands.extend(constants(second.node));
        let conv = Conv { pads: [0; 4], ..second.conv.clone() };
        let n = p.add(&g.node(at).name, Op::Conv(conv), &operands);
        Ok(p.replace(at, n))
    }
}
