//! Canonical names of the ReLU layers: `relu00`, `relu01`, …
//!
//! The order depends on the network alone, not on the file's node order or names: ReLUs are sorted by their depth
//! (the longest path from an input, counted in operations that every exporter writes: convolutions, linear layers,
//! poolings, additions of two activations, nonlinearities), then by a structural signature that ignores names and
//! weights, then by the values of the weights above them, and only then by insertion order. ReLUs whose operand is never
//! negative while all others are in place come last, in the same order: the names of the others are those of the network
//! without them.

use crate::choice::{NO_CAP, comparisons_under};
use crate::ir::{Binary, Facts, Graph, NodeId, Op};
use crate::passes::drop_redundant_relu::redundant;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Operations whose presence does not depend on the exporter.
fn significant(g: &Graph, id: NodeId) -> bool {
    match g.op(id) {
        Op::Conv(_) | Op::Linear | Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } => true,
        Op::Clip { .. } | Op::Unary(_) => true,
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Concat { .. } => true,
        Op::Binary(Binary::Add) => g.operands(id).iter().all(|&o| g.const_of(o).is_none()),
        _ => false,
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    depth: usize,
    signature: [u8; 32],
    weights: [u8; 32],
    order: usize,
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut h = Sha256::new();
    for p in parts {
        h.update((p.len() as u64).to_le_bytes());
        h.update(p);
    }
    h.finalize().into()
}

fn key(g: &Graph, facts: &Facts, id: NodeId, above: &HashMap<NodeId, Key>, order: usize) -> Key {
    let operands: Vec<NodeId> = g.operands(id).into_iter().filter(|&o| g.const_of(o).is_none()).collect();
    let mut keys: Vec<&Key> = operands.iter().filter_map(|o| above.get(o)).collect();
    if !significant(g, id) && keys.len() == 1 {
        return Key { order, ..keys[0].clone() };
    }
    if matches!(g.op(id), Op::Binary(Binary::Add | Binary::Mul)) {
        keys.sort_by_key(|a| (a.depth, a.signature, a.weights));
    }
    let own = format!("{} {:?} {}", g.op(id).mnemonic(), g.op(id).attrs(), facts.ty(id));
    let mut parts: Vec<&[u8]> = vec![own.as_bytes()];
    parts.extend(keys.iter().map(|k| &k.signature[..]));
    let signature = digest(&parts);
    let mut weights: Vec<&[u8]> = keys.iter().map(|k| &k.weights[..]).collect();
    let shapes: Vec<String> = g
        .operands(id)
        .iter()
        .filter_map(|&o| g.const_of(o))
        .map(|t| {
            format!(
                "{:?} {:?}",
                t.shape(),
                t.first_f32(8).map(|v| v.iter().map(|x| x.signum() as i8).collect::<Vec<_>>())
            )
        })
        .collect();
    weights.extend(shapes.iter().map(|s| s.as_bytes()));
    Key {
        depth: keys.iter().map(|k| k.depth).max().unwrap_or(0) + significant(g, id) as usize,
        signature,
        weights: digest(&weights),
        order,
    }
}

/// The ReLU nodes in canonical order.
pub fn canonical_order(g: &Graph, facts: &Facts) -> Vec<NodeId> {
    let mut keys: HashMap<NodeId, Key> = HashMap::new();
    for (i, id) in g.topo().unwrap_or_default().into_iter().enumerate() {
        if g.const_of(id).is_none() {
            let k = key(g, facts, id, &keys, i);
            keys.insert(id, k);
        }
    }
    let mut relus: Vec<NodeId> = g.ids().filter(|&id| g.op(id).relu_cap().is_some()).collect();
    relus.sort_by(|a, b| keys.get(a).cmp(&keys.get(b)));
    relus
}

/// The graph with these ReLUs taken out: what read one reads its operand.
pub fn without(g: &Graph, relus: &[NodeId]) -> Graph {
    let mut lean = g.clone();
    for &id in relus {
        if let Some(x) = lean.operand(id, 0) {
            lean.redirect(id, x);
            lean.remove_unread(id);
        }
    }
    lean
}

/// A ReLU layer of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct ReluLayer {
    /// `relu00`, `relu01`, …
    pub name: String,
    /// Its node.
    pub node: NodeId,
    /// C×H×W.
    pub shape: [usize; 3],
    /// No element is above it; +∞ for none.
    pub cap: f32,
    /// Its operand is never negative while all other layers keep their ReLUs: it then costs nothing and goes.
    pub redundant: bool,
}

impl ReluLayer {
    /// ReLUs of one image.
    pub fn relus(&self) -> usize {
        self.shape.iter().product()
    }
    /// Secure comparisons of one image: one a ReLU, two where the layer has a cap.
    pub fn comparisons(&self) -> usize {
        self.relus() * comparisons_under(self.cap)
    }
    /// Has it a cap?
    pub fn capped(&self) -> bool {
        self.cap != NO_CAP
    }
}

/// Names every ReLU layer of a canonicalised graph and returns the layers in order. A ReLU of a value whose images lie along
/// another dimension than the first is none.
pub fn name_layers(g: &mut Graph, facts: &Facts) -> Vec<ReluLayer> {
    let last = redundant(g, facts, None);
    let mut order = match &last[..] {
        [] => canonical_order(g, facts),
        last => canonical_order(&without(g, last), facts),
    };
    if !last.is_empty() {
        order.extend(canonical_order(g, facts).into_iter().filter(|id| last.contains(id)));
    }
    order.retain(|&id| facts.ty(id).images_first());
    let width = order.len().saturating_sub(1).to_string().len().max(2);
    let layer = |(i, node)| ReluLayer {
        name: format!("relu{i:0width$}"),
        node,
        shape: mask_shape(facts, node),
        cap: g.op(node).relu_cap().unwrap_or(NO_CAP),
        redundant: last.contains(&node),
    };
    let layers: Vec<ReluLayer> = order.into_iter().enumerate().map(layer).collect();
    layers.iter().for_each(|l| g.set_layer(l.node, Some(l.name.clone())));
    layers
}

/// The mask shape C×H×W of a value: its per-sample dimensions, filled up with ones to three, or folded into the first
/// when there are more.
pub fn mask_shape(facts: &Facts, id: NodeId) -> [usize; 3] {
    let d = facts.ty(id).per_sample();
    match d[..] {
        [] => [1, 1, 1],
        [c] => [c, 1, 1],
        [c, h] => [c, h, 1],
        [.., h, w] => [d[..d.len() - 2].iter().product(), h, w],
    }
}
