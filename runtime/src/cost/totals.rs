//! Counts of a graph for one image.

#![deny(clippy::wildcard_enum_match_arm)]

use relinc_passes::choice::comparisons_under;
use relinc_passes::ir::{DType, Facts, Graph, NodeId, Op, comparisons};
use serde::{Deserialize, Serialize};

/// What is in a graph, for one image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Elements that go through a ReLU, twice those through one with a cap; under a dense mask that is every element of the layer.
    pub relus: u64,
    /// Secure comparisons: ReLUs, clips, maxima, pooling windows, softmax.
    pub comparisons: u64,
    /// Multiply-accumulates of convolutions and matrix products.
    pub macs: u64,
    /// Elements of floating-point constants.
    pub parameters: u64,
    /// Operations with at least one comparison.
    pub nonlinear_layers: u64,
}

/// Counts a graph. Nodes without facts are skipped.
pub fn totals(g: &Graph, facts: &Facts) -> Totals {
    let mut t = Totals::default();
    for id in g.ids() {
        let Some(fact) = facts.get(id) else { continue };
        let op = g.op(id);
        let each = op.relu_cap().map_or(0, comparisons_under) as u64;
        let n = fact.ty.elements() as u64;
        let comparisons = comparisons(g, facts, id) as u64;
        t.relus += n * each;
        t.comparisons += comparisons;
        t.nonlinear_layers += u64::from(comparisons > 0);
        t.macs += macs(g, facts, id);
        if matches!(op, Op::Const(_)) && fact.ty.dtype == DType::F32 {
            t.parameters += n;
        }
    }
    t
}

/// Multiply-accumulates of one node; 0 for everything but convolutions and matrix products.
#[allow(clippy::wildcard_enum_match_arm, reason = "every operation of Kind::Product is listed")]
pub fn macs(g: &Graph, facts: &Facts, id: NodeId) -> u64 {
    let dims = |slot: usize| g.operand(id, slot).and_then(|o| facts.get(o)).map(|f| f.ty.at(1));
    let Some(out) = facts.get(id).map(|f| f.ty.elements()) else { return 0 };
    let inner = match g.op(id) {
        Op::Conv(_) => dims(1).map(|w| w.iter().skip(1).product()),
        Op::Linear | Op::MatMul => dims(0).and_then(|x| x.last().copied()),
        Op::Gemm { trans_a, .. } => dims(0).and_then(|a| a.get(usize::from(!trans_a)).copied()),
        _ => None,
    };
    (out * inner.unwrap_or(0)) as u64
}
