//! What is known of values while a file is read.

use super::builder::Builder;
use crate::interp::eval_const;
use crate::ir::infer::{Fact, resolve};
use crate::ir::{NodeId, Op, Shared, Tensor};
use std::collections::HashSet;

/// Values of more elements are not computed along with each node: parameters of operations are shorter.
const SMALL: usize = 1 << 10;

/// Constants that are computed from others further away than this are not looked into.
const FAR: usize = 64;

impl Builder {
    /// A value that is known while the file is read.
    pub fn known(&self, id: NodeId) -> Option<Shared> {
        self.facts.get(id)?.konst.clone().or_else(|| self.small.get(&id).cloned())
    }

    /// A small value that follows from constants.
    pub fn computed(&self, op: &Op, operands: &[NodeId], fact: &Fact) -> Option<Shared> {
        let small = !operands.is_empty() && fact.ty.elements() <= SMALL;
        let all = operands.iter().filter(|_| small).map(|&o| self.known(o).filter(|t| t.len() <= SMALL));
        let all = all.collect::<Option<Vec<Shared>>>().filter(|all| !all.is_empty())?;
        let all: Vec<&Tensor> = all.iter().map(|t| &**t).collect();
        eval_const(op, &all).ok().map(Shared::from)
    }

    /// What constants come to, whatever its size.
    pub fn evaluated(&self, id: NodeId) -> Option<Shared> {
        self.evaluated_within(id, FAR)
    }

    fn evaluated_within(&self, id: NodeId, depth: usize) -> Option<Shared> {
        if let Some(t) = self.known(id) {
            return Some(t);
        }
        let operands = self.graph.operands(id);
        let inside = depth.checked_sub(1).filter(|_| !operands.is_empty())?;
        let facts: Vec<&Fact> = operands.iter().map(|&o| self.facts.get(o)).collect::<Option<_>>()?;
        let all = operands.iter().map(|&o| self.evaluated_within(o, inside)).collect::<Option<Vec<_>>>()?;
        let all: Vec<&Tensor> = all.iter().map(|t| &**t).collect();
        match self.graph.op(id) {
            Op::Dyn(d) => eval_const(&resolve(*d, &facts).ok()?, &all[..1]).ok(),
            op => eval_const(op, &all).ok(),
        }
        .map(Shared::from)
    }

    /// Does a value follow from constants alone?
    pub fn is_constant(&self, id: NodeId) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            if matches!(self.graph.op(id), Op::Input(_)) {
                return false;
            }
            open.extend(self.graph.operands(id).into_iter().filter(|&o| seen.insert(o)));
        }
        true
    }
}
