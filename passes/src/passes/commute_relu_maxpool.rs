//! Takes ReLUs after a max pool instead of before it, and drops those that can never matter.
//!
//! **Before**: `max_pool(relu(x))`, with a cap or without; `relu(x)` where x is never negative whatever masks make of the network's ReLUs: a
//! sigmoid, an absolute value, a square, and what sums, poolings, products with constants and moves make of them; a cap that x
//! never passes, likewise.
//!
//! **After**: `relu(max_pool(x))`, with as many ReLUs as the pool has results; `x`; `relu(x)`.
//!
//! **Conditions**: the pool alone reads the ReLU, which has no mask, and no window lies in the padding only. That x is
//! never negative follows from intervals, computed from what operations can return. A ReLU whose operand is not negative
//! only because of other ReLUs is a layer like them, since masks may take those away: see drop-redundant-relu.
//!
//! **Formula**: `max(f(a), f(b)) = f(max(a, b))` where f does not fall; padding is −∞ on both sides; `x ≥ 0 ⇒ max(x, 0) = x`.
//!
//! **Source**: ReLU is monotone. The order matters for a comparison protocol alone: a 3×3 pool with step 2 leaves a
//! quarter of the elements.

use crate::choice::NO_CAP;
use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::geometry::Axis;
use crate::ir::{Dim, NodeId, Op, Type, Window};
use crate::passes::intervals::Intervals;

/// See the module documentation.
#[derive(Debug)]
pub struct CommuteReluMaxpool;

impl Pass for CommuteReluMaxpool {
    fn about(&self) -> About {
        About::new(
            "commute-relu-maxpool",
            Guarantee::Exact,
            &[Phase::Canonical, Phase::Trainable],
            include_str!("commute_relu_maxpool.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let x = cx.graph.operand(at, 0).ok_or(Skip::NoMatch)?;
        match cx.graph.op(at) {
            Op::MaxPool(w) => commute(cx, at, x, w),
            op @ (Op::Relu | Op::CappedRelu { .. }) => {
                let bounds = cx.analysis_of_values(|| Intervals::under_any_masks(cx.graph, cx.facts));
                let cap = op.relu_cap().ok_or(Skip::NoMatch)?;
                match (bounds.never_negative(x), bounds.never_above(x, cap)) {
                    (true, true) => Ok(Patch::redirect(at, x)),
                    (false, true) if cap != NO_CAP => Ok(uncapped(cx, at, x)),
                    (true, false) | (false, _) => Err(Skip::NoMatch),
                }
            }
            _ => Err(Skip::NoMatch),
        }
    }
}

fn commute(cx: &Cx<'_>, at: NodeId, relu: NodeId, w: &Window) -> Result<Patch, Skip> {
    let g = cx.graph;
    let node = g.node(relu);
    match &node.op {
        Op::Relu | Op::CappedRelu { .. } => {}
        Op::MaskedRelu { .. } => {
            return Err(Skip::Refused(format!(
                "its operand '{}' is masked, and a mask holds for elements that the pool joins",
                node.name
            )));
        }
        _ => return Err(Skip::NoMatch),
    }
    if g.use_count(relu) != 1 {
        return Err(Skip::Refused(format!("its operand relu '{}' is also read elsewhere", node.name)));
    }
    let x = g.operand(relu, 0).ok_or(Skip::NoMatch)?;
    if only_padding(w, cx.facts.ty(x), cx.facts.ty(at)) {
        return Err(Skip::Refused("a window of it lies in the padding only".into()));
    }
    let mut p = Patch::new();
    let pooled = p.add(format!("{}.pooled", node.name), Op::MaxPool(w.clone()), &[x.into()]);
    let r = p.add_in_layer(&g.node(at).name, node.op.clone(), &[pooled], node.layer.as_deref());
    Ok(p.replace(at, r))
}

/// The ReLU `at` of `x` without its cap.
pub(super) fn uncapped(cx: &Cx<'_>, at: NodeId, x: NodeId) -> Patch {
    let node = cx.graph.node(at);
    let mut p = Patch::new();
    let r = p.add_in_layer(&node.name, Op::Relu, &[x.into()], node.layer.as_deref());
    p.replace(at, r)
}

/// Does a window see no element of its operand?
pub fn only_padding(w: &Window, from: &Type, to: &Type) -> bool {
    (0..2).any(|i| {
        let size = |t: &Type| t.dims.get(2 + i).and_then(|d: &Dim| d.fixed()).unwrap_or(0);
        let axis = Axis::of_window(w, i, size(from), size(to));
        [0, axis.output.saturating_sub(1)].into_iter().any(|o| axis.taps(o).0 == axis.taps(o).1)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::CommuteReluMaxpool;
    use crate::driver::{self, Options};
    use crate::ir::infer::infer;
    use crate::ir::text::parse;
    use crate::ir::{Graph, Op, comparisons};

    /// ReLUs, and comparisons in all.
    fn counts(g: &Graph) -> [usize; 2] {
        let facts = infer(g).unwrap();
        let of = |relus_only: bool| {
            let counted = g.ids().filter(|&id| !relus_only || *g.op(id) == Op::Relu);
            counted.map(|id| comparisons(g, &facts, id)).sum()
        };
        [of(true), of(false)]
    }

    #[test]
    fn an_imagenet_stem_loses_three_quarters_of_its_relus() {
        let mut g = parse(
            "graph stem { %x = input f32[N,3,224,224]
             %w = const f32[64,3,7,7] rand(seed=1)
             %c = conv(%x, %w) {strides=[2,2], pads=[3,3,3,3]}
             %r = relu(%c)
             %p = max_pool(%r) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
             output p = %p }",
        )
        .unwrap();
        assert_eq!(counts(&g), [802_816, 2_408_448]);
        driver::run(&CommuteReluMaxpool, &mut g, &Options::default()).unwrap();
        assert_eq!(counts(&g), [200_704, 1_806_336]);
    }
}
