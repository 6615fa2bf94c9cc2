//! Whether there is anything to mask, and where a network's comparisons are when there is not.

use crate::error::Error;
use crate::model::Model;
use crate::report::count;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Binary, Graph, NodeId, Op, Unary, comparisons};
use relinc_passes::passes::canonicalise::{hard_sigmoid_of, is_gated};
use std::collections::BTreeMap;

/// Has the network a ReLU layer that a search may take ReLUs from?
///
/// # Errors
/// It has none; the operations that hold its comparisons are named.
pub fn maskable(m: &Model) -> Result<(), Error> {
    if m.layers.iter().any(|l| !l.redundant) {
        return Ok(());
    }
    let facts = infer(&m.graph).map_err(|e| Error::Input(format!("{}: {}", m.info.path.display(), e[0])))?;
    let (mut held, mut others) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, usize>::new());
    for id in m.graph.ids() {
        match comparisons(&m.graph, &facts, id) as u64 {
            0 => activation(&m.graph, id).into_iter().for_each(|name| *others.entry(name).or_default() += 1),
            n => *held.entry(named(&m.graph, id)).or_default() += n,
        }
    }
    let others: Vec<String> = others.iter().map(|(name, n)| format!("{n} {name}")).collect();
    let have = match held.is_empty() {
        true => "It has no secure comparison at all".to_string(),
        false => {
            let all: u64 = held.values().sum();
            let each: Vec<String> = held.iter().map(|(name, n)| format!("{name} ({})", count(*n))).collect();
            format!("Its {} secure comparisons are in other operations: {}", count(all), each.join(", "))
        }
    };
    let beside = match others.is_empty() {
        true => String::new(),
        false => format!("; its activations without one: {}", others.join(", ")),
    };
    Err(Error::Input(format!(
        "{}: there is no ReLU layer, so there is nothing to mask. {have}{beside}. Compile it without a budget, or train it with ReLUs \
         in their place",
        m.info.path.display()
    )))
}

/// What holds comparisons, under the name that users know.
fn named(g: &Graph, id: NodeId) -> &'static str {
    let multiplies = |&(user, _): &(NodeId, usize)| gated(g, user) == Some("hard swish");
    match hard_sigmoid_of(g, id) {
        Some(_) if g.users(id).iter().any(multiplies) => "hard swish",
        Some(_) => "hard sigmoid",
        None => g.op(id).mnemonic(),
    }
}

/// An activation without comparisons.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is no activation is not named")]
fn activation(g: &Graph, id: NodeId) -> Option<&'static str> {
    match g.op(id) {
        Op::Binary(Binary::Mul) => gated(g, id).filter(|name| *name == "SiLU"),
        Op::Unary(Unary::Sigmoid) if g.users(id).iter().any(|(user, _)| gated(g, *user).is_some()) => None,
        Op::Unary(u @ (Unary::Sigmoid | Unary::Tanh | Unary::Erf | Unary::Softplus | Unary::Exp)) => {
            Some(u.name())
        }
        _ => None,
    }
}

/// A product with a gate of its own operand.
fn gated(g: &Graph, id: NodeId) -> Option<&'static str> {
    let [a, b] = g.operands(id)[..] else { return None };
    let gate = [(a, b), (b, a)].into_iter().find(|&(x, gate)| is_gated(g, x, gate)).map(|(_, gate)| gate)?;
    Some(if hard_sigmoid_of(g, gate).is_some() { "hard swish" } else { "SiLU" })
}
