//! The order nodes run in, and where each value is read for the last time.

use super::error::InterpError;
use crate::ir::graph::{Graph, NodeId};
use crate::ir::schedule::last_uses;

/// One operand of a step: the slot it is in, and whether this is its last reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub slot: usize,
    pub last: bool,
}

/// One node of the plan; the value of step i lives in slot i.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub node: NodeId,
    pub uses: Vec<Use>,
}

/// A topological plan of the ancestors of some nodes.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    /// The slot of each target, in the order asked.
    pub targets: Vec<usize>,
}

impl Plan {
    /// Plans what computes `targets`. Their values, and only theirs, outlive the run.
    pub fn new(g: &Graph, targets: &[NodeId]) -> Result<Plan, InterpError> {
        if let Some(t) = targets.iter().find(|t| !g.contains(**t)) {
            return Err(InterpError::Request(format!("node {} is not in the graph", t.index())));
        }
        let order = g.topo().map_err(|n| InterpError::Cycle { node: g.node(n).name.clone() })?;
        let bound = order.iter().map(|n| n.index() + 1).max().unwrap_or(0);
        let mut needed = vec![false; bound];
        for t in targets {
            needed[t.index()] = true;
        }
        for &n in order.iter().rev() {
            if needed[n.index()] {
                for o in g.operands(n) {
                    needed[o.index()] = true;
                }
            }
        }
        let mut slot = vec![usize::MAX; bound];
        let mut steps: Vec<Step> = vec![];
        for n in order.into_iter().filter(|n| needed[n.index()]) {
            slot[n.index()] = steps.len();
            let uses = g.operands(n).iter().map(|o| Use { slot: slot[o.index()], last: false }).collect();
            steps.push(Step { node: n, uses });
        }
        let targets: Vec<usize> = targets.iter().map(|t| slot[t.index()]).collect();
        let reads: Vec<Vec<usize>> = steps.iter().map(|s| s.uses.iter().map(|u| u.slot).collect()).collect();
        for (step, dying) in steps.iter_mut().zip(last_uses(&reads, reads.len(), &targets)) {
            for slot in dying {
                step.uses.iter_mut().rev().find(|u| u.slot == slot).into_iter().for_each(|u| u.last = true);
            }
        }
        Ok(Plan { steps, targets })
    }
}
