//! What the interpreter may compute for a part of a batch: operations that keep images apart.

#![deny(clippy::wildcard_enum_match_arm)]

use relinc_passes::ir::{DType, Dim, Facts, Graph, NodeId, Op, Type};

/// Whether a value has one row for each image: a free batch first and nowhere else.
pub(super) fn by_image(ty: &Type) -> bool {
    ty.dims.first() == Some(&Dim::Batch) && ty.dims[1..].iter().all(|d| d.fixed().is_some())
}

/// Whether the operation of a node computes each image's result of that image alone, whatever the batch.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is left to the interpreter, with its batch"
)]
pub(super) fn apart(g: &Graph, facts: &Facts, n: NodeId) -> bool {
    let operands = g.operands(n);
    let constant = |i: usize| operands.get(i).is_none_or(|&o| g.const_of(o).is_some());
    let value = |i: usize| operands.get(i).is_some_and(|&o| g.const_of(o).is_none() && by_image(facts.ty(o)));
    let rest = |from: usize| (from..operands.len()).all(constant);
    let rank = facts.ty(n).rank();
    // Constants that are broadcast are the same for all images.
    let shared = |i: usize| {
        operands.get(i).and_then(|&o| g.const_of(o)).is_none_or(|t| t.rank() < rank || t.shape()[0] == 1)
    };
    let same_rank = |i: usize| operands.get(i).is_some_and(|&o| facts.ty(o).rank() == rank);
    let each = || (0..operands.len()).all(|i| shared(i) && (constant(i) || value(i) && same_rank(i)));
    if !by_image(facts.ty(n)) || facts.ty(n).dtype == DType::I64 {
        return false;
    }
    match g.op(n) {
        Op::Linear => value(0) && rest(1),
        Op::Gemm { trans_a, .. } => !trans_a && value(0) && rest(1) && shared(2),
        Op::MatMul => value(0) && rest(1) && operands.get(1).is_some_and(|&o| facts.ty(o).rank() == 2),
        Op::Relu | Op::CappedRelu { .. } | Op::Clip { .. } | Op::Unary(_) | Op::Cast(_) => value(0),
        Op::MaskedRelu { .. } | Op::BatchNorm { .. } | Op::Conv(_) => value(0) && rest(1),
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } => value(0),
        Op::PRelu | Op::Binary(_) | Op::Compare(_) | Op::Where => each(),
        Op::Reduce { axes, .. } => value(0) && !axes.contains(&0),
        Op::Softmax { axis } | Op::LogSoftmax { axis } => value(0) && *axis != 0,
        // The batch first on both sides: then every image keeps its elements.
        Op::Reshape(_) | Op::Identity => value(0),
        Op::Pad { before, after, .. } => value(0) && before.first() == Some(&0) && after.first() == Some(&0),
        Op::Slice(axes) => value(0) && axes.iter().all(|a| a.axis != 0),
        Op::Transpose(perm) => value(0) && perm.first() == Some(&0),
        Op::Gather { axis } => value(0) && *axis != 0 && rest(1),
        Op::Concat { axis } => *axis != 0 && (0..operands.len()).all(value),
        _ => false,
    }
}
