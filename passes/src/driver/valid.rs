//! Only a validated graph can be emitted: every back end takes [`Valid`].

use super::weights;
use crate::choice::Choice;
use crate::ir::infer::infer;
use crate::ir::{DType, Facts, Graph, NodeId, Op};

/// A graph that [`check`] accepted, with its facts.
#[derive(Debug)]
pub struct Valid<'g> {
    graph: &'g Graph,
    facts: Facts,
    order: Vec<NodeId>,
}

impl<'g> Valid<'g> {
    /// The graph.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }
    /// Types of every value.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
    /// A topological order.
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }
}

/// One thing that is wrong with a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{op} '{node}': {why}")]
pub struct Invalid {
    /// The value's name.
    pub node: String,
    /// The operation.
    pub op: &'static str,
    /// What is wrong.
    pub why: String,
}

/// Checks that the graph is acyclic, fully typed, free of operand-borne parameters, that masks hold numbers of choices, and that what
/// is computed with is finite.
/// Reports everything that is wrong at once.
pub fn check(g: &Graph) -> Result<Valid<'_>, Vec<Invalid>> {
    let bad =
        |id: NodeId, why: String| Invalid { node: g.node(id).name.clone(), op: g.op(id).mnemonic(), why };
    let facts = infer(g).map_err(|errors| {
        errors.into_iter().map(|e| Invalid { node: e.node, op: e.op, why: e.why }).collect::<Vec<_>>()
    })?;
    let order = g.topo().map_err(|n| vec![bad(n, "is part of a cycle".into())])?;
    let mut errors = vec![];
    for &id in &order {
        match g.op(id) {
            Op::Dyn(_) => errors.push(bad(id, "still has parameters as operands; run canonicalise".into())),
            Op::MaskedRelu { .. } => match g.const_operand(id, 1).and_then(|t| t.as_u8()) {
                Some(m) if Choice::of_codes(m).is_ok() => {}
                Some(_) => errors
                    .push(bad(id, format!("a mask value means nothing; allowed are {}", Choice::codes()))),
                None => errors.push(bad(id, "the mask is not a constant".into())),
            },
            Op::Input(t) if t.rank() == 0 || t.elements() == 0 => {
                errors.push(bad(id, format!("input {t} is no image")))
            }
            Op::Input(t) if t.dtype != DType::F32 => {
                errors.push(bad(id, format!("input {t} must be f32; feed floats and drop the Cast")))
            }
            _ => {}
        }
    }
    errors.extend(weights::unusable(g).into_iter().map(|(id, why)| bad(id, why)));
    if g.outputs().is_empty() {
        errors.push(Invalid { node: g.name.clone(), op: "graph", why: "has no output".into() });
    }
    if errors.is_empty() { Ok(Valid { graph: g, facts, order }) } else { Err(errors) }
}
