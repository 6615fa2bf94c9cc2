//! The vocabulary of the simple form: a patch under construction, with the pieces several rules need.

use crate::driver::Cx;
use crate::driver::patch::{Patch, Ref};
use crate::ir::{Binary, Dim, NodeId, Op, Tensor};

/// A rewrite of one node.
pub struct Rewrite<'a> {
    /// The graph and its types.
    pub cx: &'a Cx<'a>,
    /// The node.
    pub at: NodeId,
    patch: Patch,
}

impl<'a> Rewrite<'a> {
    pub fn new(cx: &'a Cx<'a>, at: NodeId) -> Rewrite<'a> {
        Rewrite { cx, at, patch: Patch::new() }
    }

    /// The patch that puts `y` in the node's place.
    pub fn finish(self, y: Ref) -> Patch {
        self.patch.replace(self.at, y)
    }

    /// The shape of a value of the graph.
    pub fn dims(&self, id: NodeId) -> Vec<Dim> {
        self.cx.facts.ty(id).dims.clone()
    }

    fn name(&self, what: &str) -> String {
        let base = &self.cx.graph.node(self.at).name;
        if what.is_empty() { base.clone() } else { format!("{base}.{what}") }
    }

    /// A new node of the same ReLU layer.
    pub fn add(&mut self, what: &str, op: Op, operands: &[Ref]) -> Ref {
        let layer = self.cx.graph.node(self.at).layer.as_deref();
        let name = self.name(what);
        self.patch.add_in_layer(name, op, operands, layer)
    }

    pub fn constant(&mut self, what: &str, t: Tensor) -> Ref {
        let name = self.name(what);
        self.patch.constant(name, t)
    }

    pub fn binary(&mut self, what: &str, b: Binary, l: Ref, r: Ref) -> Ref {
        self.add(what, Op::Binary(b), &[l, r])
    }

    /// The same value under another name.
    pub fn copy(&mut self, x: Ref, dims: &[Dim]) -> Ref {
        self.add("copy", Op::Reshape(dims.to_vec()), &[x])
    }

    /// Elements of an axis by public indices.
    pub fn gather(&mut self, what: &str, x: Ref, axis: usize, places: Vec<i64>) -> Ref {
        let idx = self.constant(&format!("{what}_index"), Tensor::ints(&places));
        self.add(what, Op::Gather { axis }, &[x, idx])
    }

    /// Shared zeros: `x`'s shape with `k` elements on an axis. `z − z` needs no truncation.
    pub fn zeros(&mut self, x: Ref, dims: &[Dim], axis: usize, k: usize) -> Ref {
        let mut dims = dims.to_vec();
        dims[axis] = Dim::Fixed(k);
        let piece = self.gather("piece", x, axis, vec![0; k]);
        let again = self.copy(piece, &dims);
        self.binary("zeros", Binary::Sub, piece, again)
    }

    /// `−x`, without a product and its truncation.
    pub fn negated(&mut self, x: Ref, dims: &[Dim]) -> Ref {
        let again = self.copy(x, dims);
        let zero = self.binary("zero", Binary::Sub, x, again);
        self.binary("negated", Binary::Sub, zero, x)
    }

    /// `x` with `value` around it.
    pub fn pad(&mut self, x: Ref, dims: &[Dim], before: &[usize], after: &[usize], value: f32) -> Ref {
        let (mut y, mut dims) = (x, dims.to_vec());
        for axis in 0..dims.len() {
            let mut parts = vec![y];
            for (k, first) in [(before[axis], true), (after[axis], false)].into_iter().filter(|&(k, _)| k > 0)
            {
                let mut border = self.zeros(y, &dims, axis, k);
                if value != 0.0 {
                    let c = self.constant("value", Tensor::scalar(value));
                    border = self.binary("border", Binary::Add, border, c);
                }
                parts.insert(if first { 0 } else { parts.len() }, border);
            }
            if let (true, Some(n)) = (parts.len() > 1, dims[axis].fixed()) {
                y = self.add("padded", Op::Concat { axis }, &parts);
                dims[axis] = Dim::Fixed(before[axis] + n + after[axis]);
            }
        }
        y
    }

    /// A map `[N,C,H,W]` with zeros around it: top, left, bottom, right.
    pub fn pad_map(&mut self, x: Ref, dims: &[Dim], [top, left, bottom, right]: [usize; 4]) -> Ref {
        self.pad(x, dims, &[0, 0, top, left], &[0, 0, bottom, right], 0.0)
    }
}
