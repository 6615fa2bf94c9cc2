//! Planning and running a graph.

use super::arg::Arg;
use super::error::InterpError;
use super::exec::exec;
use super::plan::{Plan, Step};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::op::Op;
use crate::ir::shape::{Dim, Type};
use crate::ir::tensor::{Shared, Tensor};
use std::sync::Arc;

/// A graph ready to run: planned once, run as often as wanted, from several threads if wanted.
#[derive(Debug, Clone)]
pub struct Interp<'g> {
    g: &'g Graph,
    plan: Plan,
}

impl<'g> Interp<'g> {
    /// Plans what the graph's outputs need. Fails on a cycle.
    pub fn new(g: &'g Graph) -> Result<Self, InterpError> {
        let outputs: Vec<NodeId> = g.outputs().iter().map(|o| o.node).collect();
        Ok(Interp { g, plan: Plan::new(g, &outputs)? })
    }

    /// Runs on inputs in graph-input order and returns the outputs in order. The batch is taken from the
    /// inputs' symbolic dimensions. An input of another shape than declared is an error that names both.
    pub fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InterpError> {
        self.run_watched(inputs, &mut |_, _| {})
    }

    /// As [`Interp::run`]; `watch` sees every computed value (not inputs, not constants) as it is made.
    pub fn run_watched(
        &self,
        inputs: Vec<Tensor>,
        watch: &mut dyn FnMut(NodeId, &Tensor),
    ) -> Result<Vec<Tensor>, InterpError> {
        let batch = bind(self.g, &inputs)?;
        let mut inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        let mut slots: Vec<Option<Shared>> = vec![None; self.plan.steps.len()];
        for (i, step) in self.plan.steps.iter().enumerate() {
            let value = match self.g.op(step.node) {
                Op::Input(_) => self.input(step.node, &mut inputs)?,
                Op::Const(t) => t.clone(),
                op => {
                    let value = self.compute(op, step, &mut slots, batch)?;
                    watch(step.node, &value);
                    value
                }
            };
            slots[i] = Some(value);
        }
        let absent = || InterpError::Request("an output was not computed".into());
        let targets = self.plan.targets.iter().map(|&t| slots[t].clone().ok_or_else(absent));
        let out = targets.collect::<Result<Vec<Shared>, _>>()?;
        drop(slots);
        Ok(out.into_iter().map(|s| Arc::try_unwrap(s).unwrap_or_else(|s| Tensor::clone(&s))).collect())
    }

    fn input(&self, node: NodeId, inputs: &mut [Option<Tensor>]) -> Result<Shared, InterpError> {
        let at = self.g.inputs().iter().position(|&i| i == node);
        let t = at.and_then(|i| inputs[i].take());
        t.map(Arc::new).ok_or_else(|| self.error(node, "is not in the graph's list of inputs".into()))
    }

    fn compute(
        &self,
        op: &Op,
        step: &Step,
        slots: &mut [Option<Shared>],
        batch: Option<usize>,
    ) -> Result<Shared, InterpError> {
        let mut args = Vec::with_capacity(step.uses.len());
        for u in &step.uses {
            let value = if u.last { slots[u.slot].take() } else { slots[u.slot].clone() };
            args.push(value.ok_or_else(|| self.error(step.node, "an operand was not computed".into()))?);
        }
        if matches!(op, Op::Identity | Op::Dropout) && args.len() == 1 {
            return Ok(args.remove(0));
        }
        let args = args.into_iter().map(|s| Arc::try_unwrap(s).map_or_else(Arg::Shared, Arg::Own)).collect();
        exec(op, args, batch).map(Arc::new).map_err(|why| self.error(step.node, why))
    }

    fn error(&self, node: NodeId, why: String) -> InterpError {
        InterpError::Node { node: self.g.node(node).name.clone(), op: self.g.op(node).mnemonic(), why }
    }
}

fn concrete(t: &Tensor) -> Type {
    Type { dtype: t.dtype(), dims: t.shape().iter().map(|&d| Dim::Fixed(d)).collect() }
}

/// Checks the inputs against the graph's and returns the batch, if any input has one.
fn bind(g: &Graph, inputs: &[Tensor]) -> Result<Option<usize>, InterpError> {
    if inputs.len() != g.inputs().len() {
        return Err(InterpError::Arity { got: inputs.len(), want: g.inputs().len() });
    }
    let mut batch = None;
    for (&id, t) in g.inputs().iter().zip(inputs) {
        let Op::Input(want) = g.op(id) else { continue };
        let before = batch;
        let fits = t.dtype() == want.dtype
            && t.rank() == want.rank()
            && want.dims.iter().zip(t.shape()).all(|(d, &n)| match d {
                Dim::Fixed(m) => n == *m,
                Dim::Batch => *batch.get_or_insert(n) == n,
            });
        if !fits {
            let mut want = want.clone();
            if let Some(n) = before {
                want.dims = want.at(n).into_iter().map(Dim::Fixed).collect();
            }
            return Err(InterpError::Input {
                input: g.node(id).name.clone(),
                got: concrete(t).to_string(),
                want: want.to_string(),
            });
        }
    }
    Ok(batch)
}
