//! What a rule returns: nodes to add and values to replace. A rule never mutates the graph itself.

use crate::ir::infer::{InferError, infer_node};
use crate::ir::{Facts, Graph, NodeId, Op, Tensor};

/// An operand of a new node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ref {
    /// A node that is already in the graph.
    Old(NodeId),
    /// The n-th node of the patch.
    New(usize),
}

impl From<NodeId> for Ref {
    fn from(id: NodeId) -> Ref {
        Ref::Old(id)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct NewNode {
    name: String,
    op: Op,
    operands: Vec<Ref>,
    layer: Option<String>,
}

/// A rewrite of one place in a graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    nodes: Vec<NewNode>,
    replace: Vec<(NodeId, Ref)>,
    remove: Vec<NodeId>,
}

/// A patch that does not fit the graph: a bug in the pass that made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// A new node has no type.
    #[error("the new node does not type: {0}")]
    Infer(#[from] InferError),
    /// The replacement has another type than the value it replaces.
    #[error("'{name}' of type {old} would become {new}")]
    Type {
        /// The replaced value.
        name: String,
        /// Its type.
        old: String,
        /// The replacement's type.
        new: String,
    },
}

impl Patch {
    /// An empty patch.
    pub fn new() -> Patch {
        Patch::default()
    }
    /// Adds a node and returns a reference to it.
    pub fn add(&mut self, name: impl Into<String>, op: Op, operands: &[Ref]) -> Ref {
        self.nodes.push(NewNode { name: name.into(), op, operands: operands.to_vec(), layer: None });
        Ref::New(self.nodes.len() - 1)
    }
    /// Adds a node that belongs to a ReLU layer.
    pub fn add_in_layer(
        &mut self,
        name: impl Into<String>,
        op: Op,
        operands: &[Ref],
        layer: Option<&str>,
    ) -> Ref {
        let r = self.add(name, op, operands);
        if let Some(n) = self.nodes.last_mut() {
            n.layer = layer.map(str::to_string);
        }
        r
    }
    /// Adds a constant.
    pub fn constant(&mut self, name: impl Into<String>, t: Tensor) -> Ref {
        self.add(name, Op::Const(std::sync::Arc::new(t)), &[])
    }
    /// Every reader of `old` shall read `new`; a new node takes over the old one's name.
    pub fn replace(mut self, old: NodeId, new: impl Into<Ref>) -> Patch {
        self.replace.push((old, new.into()));
        self
    }
    /// A patch that lets every reader of `old` read the existing node `new`.
    pub fn redirect(old: NodeId, new: NodeId) -> Patch {
        Patch::new().replace(old, new)
    }
    /// A patch that removes a node nobody reads.
    pub fn removal(dead: NodeId) -> Patch {
        Patch { remove: vec![dead], ..Patch::default() }
    }

    /// Does it only redirect and remove?
    pub fn adds_nothing(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Applies the patch, inferring the new nodes and checking that no value changes its type.
    pub fn apply(self, g: &mut Graph, facts: &mut Facts) -> Result<(), PatchError> {
        let mut ids: Vec<NodeId> = vec![];
        for n in self.nodes {
            let operands: Vec<NodeId> = n.operands.iter().map(|r| resolve(*r, &ids)).collect();
            let id = g.add(n.name, n.op, &operands);
            g.set_layer(id, n.layer);
            ids.push(id);
            if let Some(f) = infer_node(g, facts, id)? {
                facts.set(id, f);
            }
        }
        let replace: Vec<(NodeId, NodeId)> =
            self.replace.into_iter().map(|(old, new)| (old, resolve(new, &ids))).collect();
        for &(old, new) in &replace {
            let (was, is) = (facts.ty(old), facts.ty(new));
            if was != is {
                return Err(PatchError::Type {
                    name: g.node(old).name.clone(),
                    old: was.to_string(),
                    new: is.to_string(),
                });
            }
            g.redirect_except(old, new, &ids);
        }
        // What one of them read may be what another replaces.
        let named: Vec<(NodeId, NodeId, String)> =
            replace.iter().map(|&(old, new)| (old, new, g.node(old).name.clone())).collect();
        for (old, new, name) in named {
            g.remove_unread(old);
            if !g.contains(old) && ids.contains(&new) && g.contains(new) {
                g.rename(new, &name);
            }
        }
        for id in self.remove.into_iter().chain(ids) {
            g.remove_unread(id);
        }
        Ok(())
    }
}

fn resolve(r: Ref, ids: &[NodeId]) -> NodeId {
    match r {
        Ref::Old(id) => id,
        Ref::New(i) => ids[i],
    }
}
