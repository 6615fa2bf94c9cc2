//! Weights with which no network computes anything: infinities, what is no number, and variances that are not positive.

use crate::ir::op::DynOp;
use crate::ir::{Binary, Graph, NodeId, Op};

/// Every constant that spoils what reads it, and why.
pub fn unusable(g: &Graph) -> Vec<(NodeId, String)> {
    let mut ids: Vec<NodeId> = g.ids().filter(|&id| g.const_of(id).is_some()).collect();
    ids.sort_unstable();
    ids.into_iter().filter_map(|id| Some((id, wrong(g, id)?))).collect()
}

fn wrong(g: &Graph, id: NodeId) -> Option<String> {
    let t = g.const_of(id)?;
    let readers = g.users(id);
    if let Some(&(user, _)) = readers.iter().find(|&&(user, slot)| is_variance(g, user, slot))
        && let Op::BatchNorm { eps } = g.op(user)
        && let Some((i, v)) = t.as_f32()?.iter().enumerate().find(|(_, v)| **v < 0.0 || **v + eps <= 0.0)
    {
        let of = &g.node(user).name;
        return Some(match *v < 0.0 || *v == 0.0 && *eps >= 0.0 {
            true => format!("is the variance of '{of}' and holds {v} at {i}, which is not positive"),
            false => format!(
                "is the variance of '{of}' and holds {v} at {i}: with its epsilon {eps} that is not positive"
            ),
        });
    }
    // Bounds and what is compared with may be infinite.
    if t.is_finite() || !computed_with(g, id) {
        return None;
    }
    let (i, v) = t.as_f32()?.iter().enumerate().find(|(_, v)| !v.is_finite())?;
    Some(format!("holds {v} at {i}; a network computes with finite numbers alone: train or export it again"))
}

fn is_variance(g: &Graph, user: NodeId, slot: usize) -> bool {
    matches!(g.op(user), Op::BatchNorm { .. }) && slot == 4
}

/// Is the constant multiplied or added somewhere, also after it was moved?
fn computed_with(g: &Graph, id: NodeId) -> bool {
    let mut moved = vec![id];
    while let Some(id) = moved.pop() {
        for (user, _) in g.users(id) {
            match g.op(user) {
                Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul | Op::BatchNorm { .. } => {
                    return true;
                }
                Op::PRelu | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Div) => return true,
                Op::Transpose(_) | Op::Reshape(_) | Op::Identity | Op::Dropout => moved.push(user),
                Op::Dyn(DynOp::Reshape { .. } | DynOp::Squeeze | DynOp::Unsqueeze) => moved.push(user),
                _ => {}
            }
        }
    }
    false
}
