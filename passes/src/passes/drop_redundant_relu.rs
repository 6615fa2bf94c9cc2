//! Takes the ReLU off elements whose operand cannot be negative.
//!
//! **Before**: `relu(x) @relu02` or `masked_relu(x, mask) @relu02` where x, or some of its elements, are never negative:
//! a ReLU's result, and what sums, poolings, products with positive constants and moves make of such.
//!
//! **After**: `x`; where only some elements are known, or the mask has zeros, `masked_relu(x, mask')` with the identity
//! for those that are.
//!
//! A cap that the operand never passes goes likewise: then `relu(x)`, or its elements in a mask become ReLUs without a cap. An
//! element that has its cap keeps both its comparisons.
//!
//! **Conditions**: what is before the layer stays non-negative under the masks of the layers there, so this runs when
//! masks are on. Before that such a layer has a name of its own, behind those of all others, and a mask file may mask it:
//! a file that makes relu00 the identity and does not name the ReLU after it means a network in which that one works. It
//! counts in no total and no budget, and a search makes it the identity: while the layers before it keep their ReLUs it
//! costs nothing. Non-negativity follows from intervals, of all elements together and then of single ones through masks,
//! sums and reshapes; from the weights, too, where the range of the model's input is declared (`--input-range`).
//!
//! **Formula**: `x ≥ 0 ⇒ max(x, 0) = x`.
//!
//! **Source**: ReLU is idempotent.

use crate::choice::{Choice, NO_CAP};
use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, PassError, Phase, Skip};
use crate::ir::infer::infer;
use crate::ir::{Binary, Facts, Graph, NodeId, Op};
use crate::masks::{self, LayerMask, MaskError, Masks};
use crate::passes::commute_relu_maxpool::uncapped;
use crate::passes::intervals::{Interval, Intervals};
use crate::passes::masked;

/// See the module documentation.
#[derive(Debug)]
pub struct DropRedundantRelu;

impl Pass for DropRedundantRelu {
    fn about(&self) -> About {
        About::new(
            "drop-redundant-relu",
            Guarantee::Exact,
            &[Phase::Lowering],
            include_str!("drop_redundant_relu.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let cap = g.op(at).relu_cap().ok_or(Skip::NoMatch)?;
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let bounds = cx.analysis_of_values(|| Intervals::of(g, cx.facts, cx.options.input_range));
        let idle = cap != NO_CAP && bounds.never_above(x, cap);
        match g.op(at) {
            Op::Relu if bounds.never_negative(x) => return Ok(Patch::redirect(at, x)),
            Op::CappedRelu { .. } if idle && bounds.never_negative(x) => return Ok(Patch::redirect(at, x)),
            Op::CappedRelu { .. } if idle => return Ok(uncapped(cx, at, x)),
            Op::CappedRelu { .. } => return Err(Skip::NoMatch),
            _ => {}
        }
        let known = elements(g, cx.facts, &bounds, x, DEPTH);
        let old = masked::elements(cx, at).ok_or(Skip::NoMatch)?;
        let known = known.or(idle.then(|| vec![false; old.values.len()])).ok_or(Skip::NoMatch)?;
        if known.len() != old.values.len() {
            return Err(Skip::NoMatch);
        }
        let new = without(&old, &known, idle);
        if new == old.values {
            return Err(Skip::NoMatch);
        }
        let node = g.node(at);
        let name = node.layer.as_deref().unwrap_or(&node.name);
        masked::with_elements(cx, at, &new, &format!("{name}.mask"))
    }
}

/// How many operations [`elements`] looks through.
const DEPTH: usize = 32;

/// Which elements of a value, for one image, are never negative; `None` where no single one is known.
fn elements(g: &Graph, facts: &Facts, bounds: &Intervals, id: NodeId, depth: usize) -> Option<Vec<bool>> {
    let n = facts.ty(id).per_sample().iter().product();
    if bounds.never_negative(id) {
        return Some(vec![true; n]);
    }
    let depth = depth.checked_sub(1)?;
    let of = |slot: usize| {
        let x = g.operand(id, slot).filter(|&x| facts.ty(x).per_sample() == facts.ty(id).per_sample())?;
        elements(g, facts, bounds, x, depth)
    };
    match g.op(id) {
        Op::MaskedRelu { .. } => {
            let (_, mask) = LayerMask::of_node(g, id).filter(|(_, m)| m.values.len() == n)?;
            let passed = of(0);
            let operand = |i: usize| match passed.as_ref().is_some_and(|p| p[i]) {
                true => Interval::new(0.0, f64::INFINITY),
                false => Interval::new(f64::NEG_INFINITY, f64::INFINITY),
            };
            let each = mask.elements().enumerate();
            Some(each.map(|(i, (choice, p))| choice.interval(operand(i), mask.cap, p).low >= 0.0).collect())
        }
        Op::Binary(Binary::Add) => Some(of(0)?.into_iter().zip(of(1)?).map(|(a, b)| a && b).collect()),
        Op::Reshape(_) => {
            let x = g.operand(id, 0)?;
            let same: usize = facts.ty(x).per_sample().iter().product();
            elements(g, facts, bounds, x, depth).filter(|_| same == n)
        }
        _ => None,
    }
}

/// A mask in which known elements have no ReLU, and none the cap where that is idle. One that has it keeps both its comparisons.
fn without(mask: &LayerMask, known: &[bool], idle: bool) -> Vec<Choice> {
    mask.relieved(|i, v| match v {
        Choice::Relu if mask.cap != NO_CAP && !idle => None,
        Choice::Relu if mask.cap != NO_CAP && !known[i] => Some(Choice::Uncapped),
        Choice::Relu | Choice::Uncapped => known[i].then_some(Choice::Identity),
        Choice::Identity | Choice::Zero | Choice::Quadratic => None,
    })
}

/// The layers whose operand is never negative and never above the cap, in a graph as it stands.
pub fn redundant(g: &Graph, facts: &Facts, input_range: Option<(f32, f32)>) -> Vec<NodeId> {
    let bounds = Intervals::of(g, facts, input_range);
    let idle = |&id: &NodeId| match (g.op(id).relu_cap(), g.operand(id, 0)) {
        (Some(cap), Some(x)) => bounds.never_negative(x) && bounds.never_above(x, cap),
        _ => false,
    };
    g.ids().filter(idle).collect()
}

/// Makes masks say what this pass makes of a canonical graph under them: the identity where a ReLU does nothing. Every
/// layer of the graph must have a mask.
///
/// # Errors
/// A graph that does not type, or a mask that does not fit its layer.
pub fn settle(g: &Graph, masks: &mut Masks, input_range: Option<(f32, f32)>) -> Result<(), MaskError> {
    let masked = masks::apply(g, masks)?;
    let facts =
        infer(&masked).map_err(|errors| PassError::Infer { pass: DropRedundantRelu.name(), errors })?;
    let bounds = Intervals::of(&masked, &facts, input_range);
    for id in masked.ids() {
        let (Some(cap), Some(layer)) = (masked.op(id).relu_cap(), &masked.node(id).layer) else { continue };
        let (Some(x), Some(m)) = (masked.operand(id, 0), masks.layers.get_mut(layer)) else { continue };
        let idle = cap != NO_CAP && bounds.never_above(x, cap);
        let known = elements(&masked, &facts, &bounds, x, DEPTH);
        if let Some(known) = known.or(idle.then(|| vec![false; m.values.len()])) {
            m.values = without(m, &known, idle);
        }
    }
    Ok(())
}

/// Is nothing of a layer left but the identity, by a mask that can stay away?
pub fn is_gone(m: &LayerMask) -> bool {
    m.only(Choice::Identity) && m.slopes().is_none_or(|s| s.iter().all(|&v| v == 1.0))
}
