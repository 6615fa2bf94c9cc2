//! Which values must have one scale, and which scale they get.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Ranges;
use crate::ir::op::unary::Scaling;
use crate::ir::scales::Scales;
use crate::ir::{Binary, DType, Graph, NodeId, Op};
use crate::masks;
use crate::passes::affine::is_linear;
use std::collections::HashMap;

/// Values grouped into layers of one scale.
#[derive(Debug, Clone)]
pub struct Layers {
    /// By the nodes' indices.
    scales: Scales,
    largest: HashMap<usize, f64>,
    target: i32,
    /// The operand's group by the result's, of squares.
    root_of: HashMap<usize, usize>,
}

/// The scale a layer gets.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Shift {
    /// The convolution or linear layer whose weights change.
    pub node: String,
    /// Its result becomes itself times 2^−this.
    pub shift: i32,
}

/// The scale of every convolution and linear layer that normalise-ranges would change.
pub fn shifts(g: &Graph, ranges: &Ranges) -> Vec<Shift> {
    let layers = Layers::of(g, ranges);
    let linear = g.topo().unwrap_or_default().into_iter().filter(|&id| is_linear(g, id));
    linear
        .map(|id| Shift { node: g.node(id).name.clone(), shift: layers.shift(id) })
        .filter(|s| s.shift != 0)
        .collect()
}

impl Layers {
    /// Groups the values of a graph.
    pub fn of(g: &Graph, ranges: &Ranges) -> Layers {
        let mut l = Layers {
            scales: Scales::new(g.ids().map(|id| id.index() + 1).max().unwrap_or(0)),
            largest: HashMap::new(),
            target: ranges.target,
            root_of: HashMap::new(),
        };
        for id in g.topo().unwrap_or_default() {
            l.join_operands(g, id);
        }
        for o in g.outputs() {
            l.pin(o.node, "the model's output belongs to its layer");
        }
        l.relate_squares(g);
        for id in g.ids() {
            if let Some(&v) = ranges.largest.get(&g.node(id).name) {
                let root = l.scales.root(id.index());
                let m = l.largest.entry(root).or_insert(0.0);
                *m = m.max(v);
            }
        }
        l
    }

    /// Relates the result of a node to its operands.
    #[allow(clippy::wildcard_enum_match_arm, reason = "what is not related is pinned, which changes nothing")]
    fn join_operands(&mut self, g: &Graph, id: NodeId) {
        let operands = g.operands(id);
        let number = |o: &NodeId| g.const_of(*o).is_none_or(|t| t.dtype() == DType::F32);
        match g.op(id) {
            Op::Const(_) => {}
            Op::Input(_) => self.pin(id, "the model's input belongs to its layer"),
            Op::Conv(_) | Op::Linear if is_linear(g, id) => {
                if let Some(&c) = operands[1..].iter().find(|&&c| g.use_count(c) != 1) {
                    let why = format!("'{}' is read by two operations", g.node(c).name);
                    self.pin(id, &why);
                    self.pin(operands[0], &why);
                }
            }
            Op::Binary(Binary::Mul) => match operands[..] {
                [x, c] | [c, x] if g.const_of(c).is_some() && g.const_of(x).is_none() => self.join(id, x),
                // Related when all else is.
                [x, y] if x == y => {}
                _ => self.pin_all(g, id, &operands),
            },
            op if commutes(g, id) => {
                let read =
                    if matches!(op, Op::MaskedRelu { .. } | Op::Gather { .. }) { 1 } else { operands.len() };
                let values = &operands[..read];
                let skip = usize::from(matches!(op, Op::Where));
                values.iter().skip(skip).filter(|o| number(o)).for_each(|&o| self.join(id, o));
            }
            _ => self.pin_all(g, id, &operands),
        }
    }

    /// A square of what is scaled by s is scaled by s²: its group follows that of the operand. Both keep their scale where one must,
    /// and where they are one group.
    fn relate_squares(&mut self, g: &Graph) {
        let square = |&id: &NodeId| {
            matches!(g.op(id), Op::Binary(Binary::Mul)) && g.operand(id, 0) == g.operand(id, 1)
        };
        let squares: Vec<NodeId> = g.topo().unwrap_or_default().into_iter().filter(square).collect();
        loop {
            self.root_of.clear();
            let mut changed = false;
            for &id in &squares {
                let Some(x) = g.operand(id, 0) else { continue };
                let (a, b) = (self.scales.root(x.index()), self.scales.root(id.index()));
                let kept = [x, id].map(|v| self.pinned(v).map(str::to_string));
                let one = (a == b).then(|| "a square and what it is of belong together".to_string());
                let (all, none) = (kept.iter().all(Option::is_some), kept.iter().all(Option::is_none));
                match kept.into_iter().flatten().next().or(one) {
                    Some(why) if !all => {
                        let why = format!("{} '{}': {why}", g.op(id).mnemonic(), g.node(id).name);
                        self.pin(x, &why);
                        self.pin(id, &why);
                        changed = true;
                    }
                    _ if none => {
                        let other = self.root_of.insert(b, a).filter(|other| *other != a);
                        changed |= other.is_some_and(|o| self.scales.join(a, o).is_some());
                    }
                    _ => {}
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn pin_all(&mut self, g: &Graph, id: NodeId, operands: &[NodeId]) {
        let why = format!("{} '{}' does not commute with a scale", g.op(id).mnemonic(), g.node(id).name);
        operands.iter().for_each(|&o| self.pin(o, &why));
        self.pin(id, &why);
    }

    fn join(&mut self, a: NodeId, b: NodeId) {
        self.scales.join(a.index(), b.index());
    }

    fn pin(&mut self, id: NodeId, why: &str) {
        self.scales.pin(id.index(), &why.into());
    }

    /// Why a value keeps its scale.
    pub fn pinned(&self, id: NodeId) -> Option<&str> {
        self.scales.pinned(id.index())
    }

    /// The power of two that brings the layer of a value to a target ±2^`target`; 0 where nothing was measured.
    pub fn wants(&self, id: NodeId, target: i32) -> i32 {
        self.wanted_by(self.scales.root(id.index()), target)
    }

    fn wanted_by(&self, root: usize, target: i32) -> i32 {
        match self.largest.get(&root) {
            Some(&v) if v > 0.0 && v.is_finite() => v.log2().ceil() as i32 - target,
            _ => 0,
        }
    }

    /// s: the value becomes itself times 2^−s.
    pub fn shift(&self, id: NodeId) -> i32 {
        if self.pinned(id).is_some() { 0 } else { self.shift_of(self.scales.root(id.index())) }
    }

    /// Twice the operand's for a square; else what the group and all that follows it need.
    fn shift_of(&self, root: usize) -> i32 {
        match self.root_of.get(&root) {
            Some(&operand) => 2 * self.shift_of(operand),
            None => self.needs(root),
        }
    }

    fn needs(&self, root: usize) -> i32 {
        let half = |n: i32| n.div_euclid(2) + n.rem_euclid(2);
        let following = self.root_of.iter().filter(|(_, operand)| **operand == root);
        let following = following.map(|(square, _)| half(self.needs(*square)));
        following.fold(self.wanted_by(root, self.target), i32::max)
    }

    /// Is the scale of a value's group tied to another's by a square?
    pub fn tied(&self, id: NodeId) -> bool {
        let root = self.scales.root(id.index());
        self.root_of.iter().any(|(square, operand)| *square == root || *operand == root)
    }
}

/// Is the result of scaled operands, by one positive factor, the scaled result?
fn commutes(g: &Graph, id: NodeId) -> bool {
    match g.op(id) {
        Op::MaskedRelu { .. } => masks::homogeneous(g, id),
        Op::Relu | Op::LeakyRelu { .. } => true,
        Op::Unary(u) => u.function().scaling != Scaling::Other,
        Op::Binary(Binary::Add | Binary::Sub | Binary::Max | Binary::Min) | Op::Where | Op::Concat { .. } => {
            true
        }
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Reduce { .. } => true,
        Op::Slice(_) | Op::Gather { .. } | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => true,
        Op::Identity | Op::Dropout => true,
        Op::Pad { value, .. } => *value == 0.0,
        Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Dyn(_) | Op::Cast(_) => false,
        Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul | Op::BatchNorm { .. } => false,
        Op::CappedRelu { .. } | Op::PRelu | Op::Clip { .. } | Op::Compare(_) => false,
        Op::Binary(Binary::Mul | Binary::Div | Binary::Pow) => false,
        Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } => false,
    }
}
