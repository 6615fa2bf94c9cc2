//! How many secure comparisons a node takes.

#![deny(clippy::wildcard_enum_match_arm)]

use super::op::ReduceKind;
use super::{Binary, Facts, Graph, NodeId, Op};
use crate::choice::comparisons_under;

/// Secure comparisons a node costs for one image; a dense mask saves none. 0 where its type is not known.
pub fn comparisons(g: &Graph, facts: &Facts, id: NodeId) -> usize {
    let Some(out) = facts.get(id).map(|f| &f.ty) else { return 0 };
    let n = out.elements();
    // The largest of groups: one less each than it has members.
    let read = || g.operand(id, 0).and_then(|x| facts.get(x)).map_or(n, |f| f.ty.elements());
    let rows = |axis: usize| n / out.at(1).get(axis).copied().unwrap_or(1).max(1);
    match g.op(id) {
        Op::Relu | Op::LeakyRelu { .. } | Op::PRelu => n,
        Op::CappedRelu { cap } | Op::MaskedRelu { cap, .. } => n * comparisons_under(*cap),
        Op::Clip { min, max } => n * (usize::from(min.is_finite()) + usize::from(max.is_finite())),
        Op::Unary(u) => n * u.function().compared,
        Op::Binary(Binary::Max | Binary::Min) | Op::Compare(_) => n,
        Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow) => 0,
        Op::MaxPool(w) => n * (w.kernel[0] * w.kernel[1] - 1),
        Op::Reduce { kind: ReduceKind::Max, .. } | Op::ArgMax { .. } => read().saturating_sub(n),
        Op::Reduce { kind: ReduceKind::Mean | ReduceKind::Sum, .. } => 0,
        Op::Softmax { axis } | Op::LogSoftmax { axis } => n - rows(*axis),
        Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Dyn(_) => 0,
        Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul | Op::BatchNorm { .. } | Op::Where => 0,
        Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Identity | Op::Dropout | Op::Cast(_) => 0,
        Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } | Op::Gather { .. } => 0,
        Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => 0,
    }
}
