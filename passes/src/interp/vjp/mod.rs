//! Reverse mode for activations: the gradient of a scalar function of output 0 with respect to chosen values.
//! Weights get no gradient.

mod conv;
mod dense;
mod elementwise;
mod moves;
mod pool;
mod reduce;
mod rules;

use super::arg::f32s;
use super::error::InterpError;
use super::plan::{Plan, Step};
use super::run::Interp;
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;
use crate::ir::tensor::{Shared, Tensor};
use std::sync::Arc;

/// Runs forward keeping what backward needs, then pulls `cotangent` of output 0 (the gradient with respect to
/// it, of its shape) back. `visit(node, value, gradient)` is called once for each node in `wanted`, last one
/// first, with tensors of the node's shape `[N,…]`; a node that output 0 does not depend on gets zeros. Work
/// stops above the earliest wanted nodes. Returns the outputs, all of them, in order.
///
/// ReLU and its kind have derivative 0 at their corner; maxima pass the gradient to the first largest element.
/// An operation without a rule on the way is an error naming it.
pub fn gradients(
    g: &Graph,
    inputs: Vec<Tensor>,
    cotangent: &mut dyn FnMut(&Tensor) -> Tensor,
    wanted: &[NodeId],
    visit: &mut dyn FnMut(NodeId, &Tensor, &Tensor),
) -> Result<Vec<Tensor>, InterpError> {
    let first =
        g.outputs().first().ok_or_else(|| InterpError::Request("the graph has no output".into()))?.node;
    let outputs = g.outputs().iter().map(|o| o.node);
    let interp = Interp::for_nodes(g, &outputs.chain(wanted.iter().copied()).collect::<Vec<_>>())?;
    let plan = interp.plan();
    let way = Way::new(g, plan, first, wanted);

    let mut at = 0;
    let mut tape = Tape { shapes: vec![], values: vec![None; plan.steps.len()] };
    let mut values = interp.run_shared(inputs, &mut |_, value| {
        tape.shapes.push(value.shape().to_vec());
        if way.keep[at] {
            tape.values[at] = Some(value.clone());
        }
        at += 1;
    })?;
    values.truncate(g.outputs().len());

    let seed = cotangent(&values[0]);
    if seed.shape() != values[0].shape() || seed.as_f32().is_none() {
        return Err(InterpError::Request(format!(
            "the cotangent is {}{:?}, output 0 is {}{:?}",
            seed.dtype(),
            seed.shape(),
            values[0].dtype(),
            values[0].shape()
        )));
    }
    let mut grads: Vec<Option<Tensor>> = vec![None; plan.steps.len()];
    grads[plan.targets[0]] = Some(seed);
    for (slot, step) in plan.steps.iter().enumerate().rev() {
        let error = |why: String| InterpError::Node {
            node: g.node(step.node).name.clone(),
            op: g.op(step.node).mnemonic(),
            why,
        };
        let grad = grads[slot].take();
        if way.wanted[slot] {
            let value = tape.values[slot].as_ref().ok_or_else(|| error("its value was not kept".into()))?;
            f32s(value, "the wanted value").map_err(error)?;
            match &grad {
                Some(grad) => visit(step.node, value, grad),
                None => visit(step.node, value, &Tensor::f32(value.shape(), vec![0.0; value.len()])),
            }
        }
        if let Some(grad) = grad.filter(|_| step.uses.iter().any(|u| way.live[u.slot])) {
            let pulled = tape.pull(g.op(step.node), step, slot, &way, grad).map_err(error)?;
            for (u, d) in step.uses.iter().zip(pulled) {
                if let Some(d) = d.filter(|_| way.live[u.slot]) {
                    add(&mut grads[u.slot], d);
                }
            }
        }
        tape.values[slot] = None;
    }
    Ok(values.into_iter().map(|s| Arc::try_unwrap(s).unwrap_or_else(|s| Tensor::clone(&s))).collect())
}

/// Which slots the gradient passes through, and which values it needs there.
struct Way {
    wanted: Vec<bool>,
    /// Depends on a wanted value, or is one, and output 0 depends on it.
    live: Vec<bool>,
    keep: Vec<bool>,
}

impl Way {
    fn new(g: &Graph, plan: &Plan, first: NodeId, wanted: &[NodeId]) -> Way {
        let n = plan.steps.len();
        let mut way = Way { wanted: vec![false; n], live: vec![false; n], keep: vec![false; n] };
        let mut below = vec![false; n];
        for (i, s) in plan.steps.iter().enumerate() {
            way.wanted[i] = wanted.contains(&s.node);
            way.live[i] = way.wanted[i] || s.uses.iter().any(|u| way.live[u.slot]);
            below[i] = s.node == first;
        }
        for (i, s) in plan.steps.iter().enumerate().rev() {
            if below[i] {
                s.uses.iter().for_each(|u| below[u.slot] = true);
            }
        }
        way.live.iter_mut().zip(&below).for_each(|(l, b)| *l &= b);
        for (i, s) in plan.steps.iter().enumerate() {
            way.keep[i] |= way.wanted[i];
            if way.live[i] && s.uses.iter().any(|u| way.live[u.slot]) {
                let op = g.op(s.node);
                way.keep[i] |= rules::reads_output(op);
                for (slot, u) in s.uses.iter().enumerate() {
                    way.keep[u.slot] |= rules::reads_operand(op, slot);
                }
            }
        }
        way
    }
}

/// What the forward run leaves behind.
struct Tape {
    shapes: Vec<Vec<usize>>,
    values: Vec<Option<Shared>>,
}

impl Tape {
    fn pull(
        &self,
        op: &Op,
        step: &Step,
        slot: usize,
        way: &Way,
        dy: Tensor,
    ) -> Result<Vec<Option<Tensor>>, String> {
        let operand = |u: &super::plan::Use| rules::Operand {
            shape: &self.shapes[u.slot],
            value: self.values[u.slot].as_deref(),
            live: way.live[u.slot],
        };
        let operands: Vec<rules::Operand<'_>> = step.uses.iter().map(operand).collect();
        rules::pull(op, &operands, self.values[slot].as_deref(), dy)
    }
}

/// Adds a gradient to what a value has already.
fn add(sum: &mut Option<Tensor>, d: Tensor) {
    match (sum.as_mut().and_then(Tensor::as_f32_mut), d.as_f32()) {
        (Some(s), Some(v)) => {
            super::par::pieces(s, 1, |at, p| p.iter_mut().zip(&v[at..]).for_each(|(a, b)| *a += b))
        }
        _ => *sum = Some(d),
    }
}
