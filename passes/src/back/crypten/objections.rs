//! What CrypTen 0.4.1 cannot run of a graph in the simple form.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::driver::valid::Valid;
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, Graph, NodeId, Op, Unary, Window};

/// Everything CrypTen cannot run, one sentence a node, sorted.
pub fn objections(valid: &Valid<'_>) -> Vec<String> {
    let g = valid.graph();
    let mut all: Vec<String> = valid
        .order()
        .iter()
        .filter_map(|&id| {
            let why = objection(valid, id)?;
            Some(format!("{} '{}': {why}", g.op(id).mnemonic(), g.node(id).name))
        })
        .collect();
    all.sort();
    all
}

#[allow(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused by name")]
fn objection(valid: &Valid<'_>, id: NodeId) -> Option<String> {
    let g = valid.graph();
    let constant = |slot| g.const_operand(id, slot).is_some();
    let no_class = || Some("CrypTen 0.4.1 has no operation for it".to_string());
    match g.op(id) {
        Op::Input(_)
        | Op::Const(_)
        | Op::Relu
        | Op::CappedRelu { .. }
        | Op::Clip { .. }
        | Op::Reshape(_)
        | Op::Transpose(_) => None,
        Op::Linear | Op::Conv(_) if !constant(1) => Some("its weights are not constant".into()),
        Op::Linear | Op::Conv(_) | Op::GlobalMean { .. } | Op::Expand(_) | Op::Slice(_) => None,
        Op::Softmax { axis: 0 } | Op::LogSoftmax { axis: 0 } => Some("works across the batch".into()),
        Op::Softmax { .. } | Op::LogSoftmax { .. } => None,
        Op::Binary(Binary::Add | Binary::Sub | Binary::Mul) => None,
        Op::Binary(Binary::Div) if !constant(0) => None,
        Op::Binary(Binary::Div) => Some("divides a constant by a shared value".into()),
        Op::MatMul if !constant(0) => None,
        Op::MatMul => Some("multiplies a constant from the left".into()),
        Op::Unary(Unary::Sigmoid | Unary::Exp | Unary::Sqrt | Unary::Erf) => None,
        Op::Reduce { kind: ReduceKind::Mean, .. } => None,
        Op::AvgPool { window: w, count_pad } => pool_objection(w, *count_pad),
        Op::Gather { .. } if !constant(1) => Some("its indices are not public".into()),
        Op::Gather { axis: 0 } | Op::Concat { axis: 0 } => Some("works across the batch".into()),
        Op::Gather { .. } => indices_objection(g, id),
        Op::Concat { .. } => None,
        Op::PRelu => Some("has a slope that is not constant".into()),
        Op::MaskedRelu { .. } => {
            Some("a dense mask saves nothing on any runtime; run compact-relu first".into())
        }
        _ => no_class(),
    }
}

fn pool_objection(w: &Window, count_pad: bool) -> Option<String> {
    let why = if w.kernel[0] != w.kernel[1] || w.strides[0] != w.strides[1] {
        "CrypTen only averages square windows with equal steps"
    } else if w.ceil {
        "CrypTen does not round the size of an average pool up"
    } else if !count_pad && w.pads != [0; 4] {
        "CrypTen counts the padding of an average pool"
    } else {
        return None;
    };
    Some(why.into())
}

/// CrypTen holds constants as f32, which keeps integers up to 2²⁴ apart.
fn indices_objection(g: &Graph, id: NodeId) -> Option<String> {
    let largest = g.const_operand(id, 1)?.as_i64()?.iter().max().copied()?;
    (largest > 1 << 24).then(|| format!("index {largest} is above 2^24, where CrypTen rounds constants"))
}
