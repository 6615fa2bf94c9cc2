//! Chains of additions seen as one sum.

use crate::ir::{Binary, Facts, Graph, NodeId, Op};

/// Is it an addition whose operands are both of its type or broadcast to it?
pub(crate) fn is_sum(g: &Graph, facts: &Facts, at: NodeId) -> bool {
    let whole = |&o: &NodeId| facts.ty(o) == facts.ty(at);
    matches!(g.op(at), Op::Binary(Binary::Add)) && g.operands(at).iter().any(whole)
}

/// Is it an addend of a larger sum alone, which is looked at instead?
pub(crate) fn inside_a_sum(g: &Graph, facts: &Facts, at: NodeId) -> bool {
    match g.users(at)[..] {
        [(user, _)] => !g.is_output(at) && is_sum(g, facts, user) && facts.ty(user) == facts.ty(at),
        _ => false,
    }
}

/// What a chain of additions adds, in order.
pub(crate) fn addends(g: &Graph, facts: &Facts, at: NodeId) -> Vec<NodeId> {
    let mut all = vec![];
    let mut stack = vec![at];
    while let Some(n) = stack.pop() {
        let inner = n != at && (g.use_count(n) != 1 || facts.ty(n) != facts.ty(at) || !is_sum(g, facts, n));
        match inner {
            true => all.push(n),
            false => stack.extend(g.operands(n).into_iter().rev()),
        }
    }
    all
}
