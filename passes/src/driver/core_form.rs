//! The core form: the operations that may be left of a graph when `canonicalise` is done with it. The executor, the
//! fixed-point emulator and the back ends of secure runtimes have these and no others.

#![deny(clippy::wildcard_enum_match_arm)]

use super::valid::Invalid;
use crate::ir::op::unary::Shares;
use crate::ir::{Graph, NodeId, Op};

/// What canonicalise makes of a node that is not in the core form; `None` where it is.
pub fn taken_apart(g: &Graph, id: NodeId) -> Option<&'static str> {
    const LEAKY: &str = "s·x + (1−s)·relu(x)";
    match g.op(id) {
        Op::LeakyRelu { .. } => Some(LEAKY),
        Op::PRelu => g.const_operand(id, 1).map(|_| LEAKY),
        Op::Identity | Op::Dropout => Some("its operand"),
        Op::Unary(u) => {
            (u.function().shares == Shares::TakenApart).then_some("products with a gate, or a clip")
        }
        Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Cast(_) => None,
        // With parameters or weights that are computed from data.
        Op::Dyn(_) | Op::Gemm { .. } => None,
        Op::Conv(_) | Op::Linear | Op::MatMul | Op::BatchNorm { .. } => None,
        Op::Relu
        | Op::CappedRelu { .. }
        | Op::MaskedRelu { .. }
        | Op::Clip { .. }
        | Op::Binary(_)
        | Op::Compare(_)
        | Op::Where => None,
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Reduce { .. } => None,
        Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } | Op::Gather { .. } => None,
        Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => None,
        Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } => None,
    }
}

/// Checks that a graph is in the core form.
///
/// # Errors
/// Every node that is not.
pub fn check(g: &Graph) -> Result<(), Vec<Invalid>> {
    let wrong = g.ids().filter_map(|id| {
        let of = taken_apart(g, id)?;
        let (node, op) = (g.node(id).name.clone(), g.op(id).mnemonic());
        Some(Invalid { node, op, why: format!("is not in the core form; canonicalise makes {of} of it") })
    });
    let wrong: Vec<Invalid> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
