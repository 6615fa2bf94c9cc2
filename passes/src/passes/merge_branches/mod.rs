//! Merges parallel linear branches from one value, whose results are added, into one convolution.
//!
//! **Before**: `conv(x, w₁, b₁) + conv(x, w₂, b₂) + x + pad(slice(x)) + r`, in any order and number.
//!
//! **After**: `conv(x, w, b) + r`. The identity is a 1×1 kernel of ones; an option-A shortcut, rows and columns sliced
//! with a step and channels padded with zeros, is a sparse 1×1 kernel with that stride. `r`, what is not linear in x, stays.
//!
//! **Conditions**: at least one branch is a convolution; convolutions have constant weights, and each branch is read by
//! this addition alone. The strides agree. Kernels of other sizes, paddings and dilations are aligned by their offsets in
//! x; different groups are merged in their common ones. At most 2²⁴ weights come out. A weighed pass: a small kernel
//! beside a large one may cost less than rounds, a slice beside a dense kernel nothing.
//!
//! **Formula**: with output i reading `x[i·s + a·d − p]` through tap a, the merged padding is `max p`, and the weights of
//! equal offsets add. Biases add. Computed in double precision.
//!
//! **Source**: Ding et al., RepVGG (CVPR 2021), for 3×3 + 1×1 + identity.

mod branch;
mod kernel;

use crate::driver::patch::{Patch, Ref};
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{Binary, NodeId, Op, Tensor};
use crate::passes::merge_conv::MAX_WEIGHTS;
use crate::passes::sums::{addends, inside_a_sum, is_sum};
use branch::{Branch, Reading, readings};
use kernel::Sizes;

/// See the module documentation.
#[derive(Debug)]
pub struct MergeBranches;

impl Pass for MergeBranches {
    fn about(&self) -> About {
        About::new(
            "merge-branches",
            Guarantee::Exact,
            &[Phase::Lowering, Phase::Folding, Phase::FoldingBeforeTuning],
            include_str!("mod.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !is_sum(g, cx.facts, at) || cx.facts.ty(at).rank() != 4 || inside_a_sum(g, cx.facts, at) {
            return Err(Skip::NoMatch);
        }
        let addends = addends(g, cx.facts, at);
        let all: Vec<(usize, Reading<'_>)> = addends
            .iter()
            .enumerate()
            .filter(|(_, a)| cx.facts.ty(**a) == cx.facts.ty(at))
            .flat_map(|(i, &a)| readings(g, cx.facts, a).into_iter().map(move |r| (i, r)))
            .collect();
        let convolved = all.iter().filter(|(_, r)| r.is_conv);
        let mut sources: Vec<NodeId> = convolved.map(|(_, r)| r.source).collect();
        sources.sort_unstable();
        sources.dedup();
        let mut why = None;
        for source in sources {
            let from: Vec<_> = all.iter().filter(|(_, r)| r.source == source).collect();
            if from.len() < 2 {
                continue;
            }
            match merge(cx, at, source, &from) {
                Ok((merged, sum)) => return Ok(patch(cx, at, source, &addends, &merged, sum)),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        Err(why.map_or(Skip::NoMatch, Skip::Refused))
    }
}

/// The addends that merge, and their sum; or why none do.
fn merge<'a>(
    cx: &Cx<'a>,
    at: NodeId,
    source: NodeId,
    from: &[&(usize, Reading<'a>)],
) -> Result<(Vec<usize>, kernel::Sum), String> {
    let g = cx.graph;
    let beside = |what: &str| format!("{what}, so the branches from '{}' stay apart", g.node(source).name);
    let lead = from.iter().find_map(|(_, r)| r.branch.as_ref().ok().filter(|_| r.is_conv));
    let refused = || from.iter().find_map(|(_, r)| r.branch.as_ref().err());
    let Some(lead) = lead else {
        return Err(beside(refused().map_or("no convolution can be merged", |w| w.as_str())));
    };
    let fit = |(i, r): &&(usize, Reading<'a>)| {
        let branch = r.branch.as_ref().ok().filter(|b| b.strides == lead.strides)?;
        Some((*i, branch.clone()))
    };
    let chosen: Vec<(usize, Branch<'a>)> = from.iter().filter_map(fit).collect();
    if chosen.len() < 2 {
        let other =
            from.iter().find_map(|(_, r)| r.branch.as_ref().ok().filter(|b| b.strides != lead.strides));
        return Err(beside(&match (refused(), other) {
            (Some(why), _) => why.clone(),
            (None, Some(o)) => format!("one has strides {:?} and another {:?}", lead.strides, o.strides),
            (None, None) => "only one can be merged".into(),
        }));
    }
    let map = |id: NodeId| <[usize; 3]>::try_from(cx.facts.ty(id).per_sample());
    let (Ok(from), Ok(to)) = (map(source), map(at)) else {
        return Err(beside("their operand is no map"));
    };
    let (addends, branches): (Vec<usize>, Vec<Branch<'a>>) = chosen.into_iter().unzip();
    let sum = kernel::add(&branches, Sizes { from, to }, MAX_WEIGHTS, cx.options.sketch)
        .map_err(|why| beside(&why))?;
    Ok((addends, sum))
}

/// The merged convolution and the addends that stay.
fn patch(
    cx: &Cx<'_>,
    at: NodeId,
    source: NodeId,
    addends: &[NodeId],
    merged: &[usize],
    sum: kernel::Sum,
) -> Patch {
    let name = &cx.graph.node(at).name;
    let mut p = Patch::new();
    let mut operands: Vec<Ref> = vec![source.into(), p.constant(format!("{name}.merged.weight"), sum.weight)];
    if let Some(b) = sum.bias {
        operands.push(p.constant(format!("{name}.merged.bias"), Tensor::f32([b.len()], b)));
    }
    let mut total = p.add(format!("{name}.merged"), Op::Conv(sum.conv), &operands);
    for (_, &rest) in addends.iter().enumerate().filter(|(i, _)| !merged.contains(i)) {
        total = p.add(format!("{name}.sum"), Op::Binary(Binary::Add), &[total, rest.into()]);
    }
    p.replace(at, total)
}
