//! Takes the ReLU off elements whose operand cannot be negative.
//!
//! **Before**: `relu(x) @relu02` or `masked_relu(x, mask) @relu02` where x, or some of its elements, are never negative:
//! a ReLU's result, and what sums, poolings, products with positive constants and moves make of such.
//!
//! **After**: `x`; where only some elements are known, or the mask has zeros, `masked_relu(x, mask')` with the identity
//! for those that are.
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

use crate::insert_masks::InsertMasks;
use crate::intervals::Intervals;
use crate::ir::infer::infer;
use crate::ir::{Binary, Facts, Graph, NodeId, Op, Tensor};
use crate::masks::{IDENTITY, LayerMask, Masks, RELU, ZERO};
use crate::pass::{self, Cx, Guarantee, Options, Pass, PassError, Skip};
use crate::patch::{Patch, Ref};

/// See the module documentation.
pub struct DropRedundantRelu;

impl Pass for DropRedundantRelu {
    fn name(&self) -> &'static str {
        "drop-redundant-relu"
    }
    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }
    fn source(&self) -> &'static str {
        include_str!("drop_redundant_relu.rs")
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !matches!(g.op(at), Op::Relu | Op::MaskedRelu) {
            return Err(Skip::NoMatch);
        }
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let bounds = Intervals::of(g, cx.facts, cx.options.input_range);
        if *g.op(at) == Op::Relu && bounds.never_negative(x) {
            return Ok(Patch::redirect(at, x));
        }
        let per_image = cx.facts.ty(at).per_sample();
        let n = per_image.iter().product();
        let known = elements(g, cx.facts, &bounds, x, DEPTH).ok_or(Skip::NoMatch)?;
        let old = match g.op(at) {
            Op::Relu => vec![RELU; n],
            _ => g.const_operand(at, 1).and_then(|t| t.as_u8()).ok_or(Skip::NoMatch)?.to_vec(),
        };
        let slopes = g.const_operand(at, 2).and_then(|t| t.as_f32());
        let new = without(&old, &known, slopes);
        if new == old || known.len() != old.len() {
            return Err(Skip::NoMatch);
        }
        let node = g.node(at);
        let mut p = Patch::new();
        let layer = node.layer.as_deref();
        let mask = p.constant(format!("{}.mask", layer.unwrap_or(&node.name)), Tensor::u8(per_image, new));
        let mut operands = vec![x.into(), mask];
        operands.extend(g.operand(at, 2).map(Ref::from));
        let y = p.add_in_layer(&node.name, Op::MaskedRelu, &operands, layer);
        Ok(p.replace(at, y))
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
        Op::MaskedRelu => {
            let mask = g.const_operand(id, 1).and_then(|t| t.as_u8()).filter(|m| m.len() == n)?;
            let slopes = g.const_operand(id, 2).and_then(|t| t.as_f32());
            let passed = of(0).filter(|_| g.operand(id, 2).is_none() || slopes.is_some());
            let identity = |i: usize| passed.as_ref().is_some_and(|p| p[i]) && slope(slopes, n, i) >= 0.0;
            Some(mask.iter().enumerate().map(|(i, &m)| matches!(m, RELU | ZERO) || identity(i)).collect())
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

/// The slope of element `i` of `n`, of one a channel; 1 where there is none.
fn slope(slopes: Option<&[f32]>, n: usize, i: usize) -> f32 {
    slopes.filter(|s| !s.is_empty()).map_or(1.0, |s| s[(i / (n / s.len()).max(1)).min(s.len() - 1)])
}

/// A mask in which known elements have no ReLU. An element in a channel of another slope than 1 keeps it: as the
/// identity it would be multiplied.
fn without(mask: &[u8], known: &[bool], slopes: Option<&[f32]>) -> Vec<u8> {
    let settled = |(i, (&m, &k)): (usize, (&u8, &bool))| match m {
        RELU if k && slope(slopes, mask.len(), i) == 1.0 => IDENTITY,
        m => m,
    };
    mask.iter().zip(known).enumerate().map(settled).collect()
}

/// The layers whose operand is never negative, in a graph as it stands.
pub fn redundant(g: &Graph, facts: &Facts, input_range: Option<(f32, f32)>) -> Vec<NodeId> {
    let bounds = Intervals::of(g, facts, input_range);
    let relus = g.ids().filter(|&id| matches!(g.op(id), Op::Relu | Op::MaskedRelu));
    relus.filter(|&id| g.operand(id, 0).is_some_and(|x| bounds.never_negative(x))).collect()
}

/// Makes masks say what this pass makes of a canonical graph under them: the identity where a ReLU does nothing. Every
/// layer of the graph must have a mask.
///
/// # Errors
/// A graph that does not type.
pub fn settle(g: &Graph, masks: &mut Masks, input_range: Option<(f32, f32)>) -> Result<(), PassError> {
    let mut masked = g.clone();
    let options = Options { masks: Some(masks.clone()), input_range, ..Options::default() };
    pass::run(&InsertMasks, &mut masked, &options)?;
    let facts = infer(&masked).map_err(|errors| PassError::Infer { pass: "drop-redundant-relu", errors })?;
    let bounds = Intervals::of(&masked, &facts, input_range);
    for id in masked.ids().filter(|&id| matches!(masked.op(id), Op::Relu | Op::MaskedRelu)) {
        let (Some(layer), Some(x)) = (&masked.node(id).layer, masked.operand(id, 0)) else { continue };
        let known = elements(&masked, &facts, &bounds, x, DEPTH);
        if let (Some(m), Some(known)) = (masks.layers.get_mut(layer), known) {
            m.values = without(&m.values, &known, m.slope.as_deref());
        }
    }
    Ok(())
}

/// Is nothing of a layer left but the identity, by a mask that can stay away?
pub fn is_gone(m: &LayerMask) -> bool {
    m.count(RELU) == 0 && m.count(ZERO) == 0 && m.slope.as_ref().is_none_or(|s| s.iter().all(|&v| v == 1.0))
}
