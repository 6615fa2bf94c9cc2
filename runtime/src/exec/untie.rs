//! Constants that several operations read, told apart where training would move them apart.
//!
//! Exporters write equal constants once: the βs of a fresh network, all 0, are one initializer. Only weights of
//! products are tied on purpose.

use super::network::{Role, role};
use relinc_passes::ir::{Graph, NodeId, Op};

/// Is a constant in this slot the same parameter for all such readers?
fn tied(op: &Op, slot: usize) -> bool {
    role(op, slot) == Some(Role::Weight) && !matches!(op, Op::PRelu)
}

/// The graph with a copy of each trained constant for every reader, but for tied weights, which keep one together.
pub(super) fn untie(mut g: Graph) -> Graph {
    let constants: Vec<NodeId> =
        g.ids().filter(|&id| g.const_of(id).is_some_and(|t| t.as_f32().is_some())).collect();
    for c in constants {
        let (tied, mut others): (Vec<_>, Vec<_>) =
            g.users(c).into_iter().partition(|&(id, slot)| tied(g.op(id), slot));
        let trained = !tied.is_empty() || others.iter().any(|&(id, slot)| role(g.op(id), slot).is_some());
        if !trained {
            continue;
        }
        if tied.is_empty() {
            others.remove(0);
        }
        for (id, slot) in others {
            let copy = g.add(g.node(c).name.clone(), g.op(c).clone(), &[]);
            let mut operands = g.operands(id);
            operands[slot] = copy;
            g.set_operands(id, &operands);
        }
    }
    g
}
