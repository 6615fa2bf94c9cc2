//! The graph: one node per value, edges from a value to the operand slots that read it.

use super::op::Op;
use super::shape::Type;
use super::tensor::{Shared, Tensor};
use petgraph::Direction::{Incoming, Outgoing};
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::collections::HashMap;
use std::sync::Arc;

/// A value and the node that makes it.
pub type NodeId = NodeIndex<u32>;

/// A named value: an operation and what it is called.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value's name, unique in the graph; from the exporter where there was one.
    pub name: String,
    /// What computes the value.
    pub op: Op,
    /// The ReLU layer this node belongs to (`relu00`, …), once layers are named.
    pub layer: Option<String>,
}

/// A named graph output.
#[derive(Debug, Clone)]
pub struct Output {
    /// The name the caller sees.
    pub name: String,
    /// The value.
    pub node: NodeId,
}

/// A directed acyclic graph of single-output operations.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The graph's name.
    pub name: String,
    g: StableDiGraph<Node, u32>,
    inputs: Vec<NodeId>,
    outputs: Vec<Output>,
    names: HashMap<String, NodeId>,
    /// For a base of names, a number below which all of `base.1`, `base.2`, … are taken.
    taken: HashMap<String, usize>,
    /// Operand slots that read each node, by its index.
    reads: Vec<u32>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Graph {
        Graph { name: name.into(), ..Graph::default() }
    }

    /// Adds a node reading `operands` in order. A name already taken gets a numeric suffix.
    pub fn add(&mut self, name: impl Into<String>, op: Op, operands: &[NodeId]) -> NodeId {
        let name = self.take_name(&name.into());
        let is_input = matches!(op, Op::Input(_));
        let id = self.g.add_node(Node { name: name.clone(), op, layer: None });
        self.names.insert(name, id);
        if self.reads.len() <= id.index() {
            self.reads.resize(id.index() + 1, 0);
        }
        for (slot, &from) in operands.iter().enumerate() {
            self.read(from, id, slot as u32);
        }
        if is_input {
            self.inputs.push(id);
        }
        id
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: impl Into<String>, t: Tensor) -> NodeId {
        self.add(name, Op::Const(Arc::new(t)), &[])
    }

    fn read(&mut self, from: NodeId, by: NodeId, slot: u32) {
        self.g.add_edge(from, by, slot);
        self.reads[from.index()] += 1;
    }

    /// A name no node has yet: `base`, or `base.1`, `base.2`, …
    pub fn fresh_name(&self, base: &str) -> String {
        self.fresh(base).0
    }
    /// The same with its number.
    fn fresh(&self, base: &str) -> (String, Option<usize>) {
        if !self.names.contains_key(base) {
            return (base.to_string(), None);
        }
        let first = self.taken.get(base).copied().unwrap_or(1);
        let name = |i| (format!("{base}.{i}"), Some(i));
        (first..).map(name).find(|n| !self.names.contains_key(&n.0)).unwrap_or_default()
    }
    fn take_name(&mut self, base: &str) -> String {
        let (name, number) = self.fresh(base);
        if let Some(i) = number {
            self.taken.insert(base.to_string(), i + 1);
        }
        name
    }
    fn free_name(&mut self, name: &str) {
        self.names.remove(name);
        if let Some((base, number)) = name.rsplit_once('.')
            && let Ok(i) = number.parse::<usize>()
            && let Some(first) = self.taken.get_mut(base)
        {
            *first = i.min(*first);
        }
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.g[id]
    }
    /// The operation of a node.
    pub fn op(&self, id: NodeId) -> &Op {
        &self.g[id].op
    }
    /// Replaces a node's operation in place (operands unchanged).
    pub fn set_op(&mut self, id: NodeId, op: Op) {
        self.g[id].op = op;
    }
    /// Names the ReLU layer a node belongs to.
    pub fn set_layer(&mut self, id: NodeId, layer: Option<String>) {
        self.g[id].layer = layer;
    }
    /// Is the node still in the graph?
    pub fn contains(&self, id: NodeId) -> bool {
        self.g.contains_node(id)
    }
    /// The node of this name.
    pub fn by_name(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }
    /// Renames a node; a name already taken gets a suffix.
    pub fn rename(&mut self, id: NodeId, name: &str) {
        if self.g[id].name == name {
            return;
        }
        let old = std::mem::take(&mut self.g[id].name);
        self.free_name(&old);
        let fresh = self.take_name(name);
        self.names.insert(fresh.clone(), id);
        self.g[id].name = fresh;
    }

    /// Operands in slot order.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        let mut e: Vec<_> = self.g.edges_directed(id, Incoming).map(|e| (*e.weight(), e.source())).collect();
        e.sort_unstable();
        e.into_iter().map(|(_, n)| n).collect()
    }
    /// The operand in one slot.
    pub fn operand(&self, id: NodeId, slot: usize) -> Option<NodeId> {
        self.g.edges_directed(id, Incoming).find(|e| *e.weight() as usize == slot).map(|e| e.source())
    }
    /// Replaces all operands.
    pub fn set_operands(&mut self, id: NodeId, operands: &[NodeId]) {
        let old: Vec<_> = self.g.edges_directed(id, Incoming).map(|e| (e.id(), e.source())).collect();
        for (e, from) in old {
            self.g.remove_edge(e);
            self.reads[from.index()] -= 1;
        }
        for (slot, &from) in operands.iter().enumerate() {
            self.read(from, id, slot as u32);
        }
    }
    /// Every (reader, slot), in a stable order.
    pub fn users(&self, id: NodeId) -> Vec<(NodeId, usize)> {
        let mut u: Vec<_> =
            self.g.edges_directed(id, Outgoing).map(|e| (e.target(), *e.weight() as usize)).collect();
        u.sort_unstable();
        u
    }
    /// How many operand slots and graph outputs read the value.
    pub fn use_count(&self, id: NodeId) -> usize {
        self.reads[id.index()] as usize + self.outputs.iter().filter(|o| o.node == id).count()
    }
    /// Is the value a graph output?
    pub fn is_output(&self, id: NodeId) -> bool {
        self.outputs.iter().any(|o| o.node == id)
    }
    /// The constant a node holds.
    pub fn const_of(&self, id: NodeId) -> Option<&Shared> {
        if let Op::Const(t) = &self.g[id].op { Some(t) } else { None }
    }
    /// The constant in an operand slot.
    pub fn const_operand(&self, id: NodeId, slot: usize) -> Option<&Shared> {
        self.const_of(self.operand(id, slot)?)
    }

    /// Graph inputs in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }
    /// Graph outputs in order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }
    /// The only input and its type.
    ///
    /// # Errors
    /// A sentence for the user where there is none or another.
    pub fn only_input(&self) -> Result<(NodeId, &Type), String> {
        match self.inputs() {
            [id] => match self.op(*id) {
                Op::Input(t) => Ok((*id, t)),
                _ => Err("the graph's input is no input".into()),
            },
            v => Err(format!("the model has {} inputs; relinc feeds images to models with one", v.len())),
        }
    }
    /// The only output.
    ///
    /// # Errors
    /// A sentence for the user where there is none or another.
    pub fn only_output(&self) -> Result<NodeId, String> {
        match self.outputs() {
            [o] => Ok(o.node),
            v => Err(format!("the model has {} outputs; relinc compares the class scores of one", v.len())),
        }
    }
    /// Adds a graph output.
    pub fn add_output(&mut self, name: impl Into<String>, node: NodeId) {
        self.outputs.push(Output { name: name.into(), node });
    }
    /// Lets an output show another value under its name.
    pub fn set_output(&mut self, i: usize, node: NodeId) {
        if let Some(o) = self.outputs.get_mut(i) {
            o.node = node;
        }
    }
    /// Keeps the outputs of these names, and removes what only the others needed.
    pub fn retain_outputs(&mut self, keep: impl Fn(&str) -> bool) {
        let (kept, gone): (Vec<Output>, _) =
            std::mem::take(&mut self.outputs).into_iter().partition(|o| keep(&o.name));
        self.outputs = kept;
        gone.into_iter().for_each(|o| self.remove_unread(o.node));
    }

    /// Every node, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.g.node_indices()
    }
    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.g.node_count()
    }
    /// True when there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets every reader of `old` (operands and graph outputs) read `new` instead.
    pub fn redirect(&mut self, old: NodeId, new: NodeId) {
        self.redirect_except(old, new, &[]);
    }
    /// As [`Graph::redirect`], leaving the readers in `except` alone.
    pub fn redirect_except(&mut self, old: NodeId, new: NodeId, except: &[NodeId]) {
        let edges: Vec<_> = self
            .g
            .edges_directed(old, Outgoing)
            .filter(|e| !except.contains(&e.target()))
            .map(|e| (e.id(), e.target(), *e.weight()))
            .collect();
        for (e, to, slot) in edges {
            self.g.remove_edge(e);
            self.reads[old.index()] -= 1;
            self.read(new, to, slot);
        }
        for o in &mut self.outputs {
            if o.node == old {
                o.node = new;
            }
        }
    }

    /// Removes a node nobody reads, then every operand that is left unread by it. Graph inputs stay.
    pub fn remove_unread(&mut self, id: NodeId) {
        let mut stack = vec![id];
        while let Some(n) = stack.pop() {
            if !self.contains(n) || self.use_count(n) > 0 || matches!(self.op(n), Op::Input(_)) {
                continue;
            }
            let operands = self.operands(n);
            operands.iter().for_each(|o| self.reads[o.index()] -= 1);
            stack.extend(operands);
            let name = std::mem::take(&mut self.g[n].name);
            self.free_name(&name);
            self.g.remove_node(n);
        }
    }

    /// Removes the inputs that nothing reads, unless nothing reads any, and returns their names.
    pub fn remove_unread_inputs(&mut self) -> Vec<String> {
        let (read, unread): (Vec<_>, Vec<_>) = self.inputs.iter().partition(|&&i| self.use_count(i) > 0);
        if read.is_empty() {
            return vec![];
        }
        self.inputs = read;
        let name = |&id: &NodeId| self.g[id].name.clone();
        let names: Vec<String> = unread.iter().map(name).collect();
        for id in unread {
            self.names.remove(&self.g[id].name);
            self.g.remove_node(id);
        }
        names
    }

    /// A topological order that prefers insertion order, or `Err` with a node on a cycle.
    pub fn topo(&self) -> Result<Vec<NodeId>, NodeId> {
        use std::cmp::Reverse;
        use std::collections::BinaryHeap;
        let size = self.g.node_indices().next_back().map_or(0, |n| n.index() + 1);
        let mut missing = vec![0usize; size];
        let mut ready = BinaryHeap::new();
        for n in self.g.node_indices() {
            missing[n.index()] = self.g.edges_directed(n, Incoming).count();
            if missing[n.index()] == 0 {
                ready.push(Reverse(n));
            }
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(n)) = ready.pop() {
            order.push(n);
            for e in self.g.edges_directed(n, Outgoing) {
                let k = &mut missing[e.target().index()];
                *k -= 1;
                if *k == 0 {
                    ready.push(Reverse(e.target()));
                }
            }
        }
        match self.g.node_indices().find(|n| missing[n.index()] > 0) {
            Some(n) => Err(n),
            None => Ok(order),
        }
    }
}
