//! Which channels of which values must have one scale.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::ir::movement::slice_range;
use crate::ir::op::ReduceKind;
use crate::ir::op::unary::Scaling;
use crate::ir::scales::Scales;
use crate::ir::{Binary, DType, Facts, Graph, NodeId, Op, Tensor, Type};
use crate::masks;
use crate::passes::affine::is_linear;

const ABSENT: usize = usize::MAX;

/// The channels of all values, grouped. A value's channels lie on its axis 1; a value without such an axis has one.
#[derive(Debug)]
pub struct Classes {
    /// Index of a value's channel 0, by the node's index.
    first: Vec<usize>,
    scales: Scales,
    /// Of a root: must its scale be positive?
    positive: Vec<bool>,
}

impl Classes {
    /// Groups the channels of a graph. The scales on both sides of convolutions, linear layers, products by constants
    /// and the node `free` are independent of each other.
    pub fn of(g: &Graph, facts: &Facts, free: Option<NodeId>) -> Classes {
        let order = g.topo().unwrap_or_default();
        let nodes = order.iter().map(|id| id.index() + 1).max().unwrap_or(0);
        let (mut first, mut n) = (vec![ABSENT; nodes], 0);
        for &id in &order {
            if g.const_of(id).is_none() && facts.get(id).is_some_and(|f| f.ty.dtype == DType::F32) {
                first[id.index()] = n;
                n += channels(facts.ty(id));
            }
        }
        let c = Classes { first, scales: Scales::new(n), positive: vec![false; n] };
        let mut r = Relating { g, facts, c };
        for &id in order.iter().filter(|&&id| Some(id) != free) {
            r.relate(id);
        }
        for o in g.outputs() {
            r.pin(&[o.node], "the model's output keeps its scale".into());
        }
        r.c.scales.flatten();
        r.c
    }

    /// The class of a channel, or `None` for what has no scale: constants, and values that are not f32.
    pub fn class(&self, v: NodeId, channel: usize) -> Option<usize> {
        let first = self.first.get(v.index()).copied().filter(|&f| f != ABSENT)?;
        (first + channel < self.positive.len()).then(|| self.scales.root(first + channel))
    }

    /// Why a class keeps its scale.
    pub fn pinned(&self, class: usize) -> Option<&str> {
        self.scales.pinned(class)
    }

    /// Must the scale be positive?
    pub fn positive(&self, class: usize) -> bool {
        self.positive[class]
    }
}

/// Channels of a value of this type.
pub fn channels(ty: &Type) -> usize {
    ty.dims.get(1).and_then(|d| d.fixed()).unwrap_or(1)
}

/// Does a constant broadcast to a value of this type with no size of its own along the batch?
pub fn broadcasts(c: &Tensor, ty: &Type) -> bool {
    let (shape, to) = (c.shape(), ty.at(1));
    let lead = to.len().checked_sub(shape.len());
    let fits = |lead: usize| {
        shape.iter().zip(&to[lead..]).enumerate().all(|(i, (&a, &b))| a == 1 || (a == b && i + lead > 0))
    };
    c.as_f32().is_some() && lead.is_some_and(fits)
}

/// The operand and the slot of the constant of an elementwise operation that a constant takes part in.
pub fn with_constant(g: &Graph, facts: &Facts, id: NodeId) -> Option<(NodeId, usize)> {
    let [a, b] = g.operands(id)[..] else { return None };
    let (x, slot) = match (g.const_of(a), g.const_of(b)) {
        (None, Some(_)) => (a, 1),
        (Some(_), None) => (b, 0),
        _ => return None,
    };
    let c = g.const_operand(id, slot)?;
    (facts.ty(x) == facts.ty(id) && broadcasts(c, facts.ty(id))).then_some((x, slot))
}

/// Does the operation have weights that take a scale on either side?
pub fn takes_scales(g: &Graph, facts: &Facts, id: NodeId) -> bool {
    is_linear(g, id) && (matches!(g.op(id), Op::Conv(_)) || facts.ty(id).rank() == 2)
}

/// Is it a product by a constant, or a division by one, that takes a scale on either side?
pub fn is_product(g: &Graph, facts: &Facts, id: NodeId) -> bool {
    let Op::Binary(b @ (Binary::Mul | Binary::Div)) = g.op(id) else { return false };
    with_constant(g, facts, id).is_some_and(|(_, slot)| *b == Binary::Mul || slot == 1)
}

struct Relating<'a> {
    g: &'a Graph,
    facts: &'a Facts,
    c: Classes,
}

impl Relating<'_> {
    fn count(&self, v: NodeId) -> usize {
        match self.c.first.get(v.index()) {
            Some(&f) if f != ABSENT => channels(self.facts.ty(v)),
            _ => 0,
        }
    }

    fn join(&mut self, a: NodeId, i: usize, b: NodeId, k: usize) {
        if i >= self.count(a) || k >= self.count(b) {
            return;
        }
        let (x, y) = (self.c.first[a.index()] + i, self.c.first[b.index()] + k);
        if let Some((gone, root)) = self.c.scales.join(x, y) {
            self.c.positive[root] |= self.c.positive[gone];
        }
    }

    /// Channel by channel; a pair of values without the same number of channels shares one scale.
    fn same(&mut self, a: NodeId, b: NodeId) {
        match (self.count(a), self.count(b)) {
            (n, m) if n == m => (0..n).for_each(|k| self.join(a, k, b, k)),
            _ => self.uniform(a, b),
        }
    }

    fn uniform(&mut self, a: NodeId, b: NodeId) {
        (0..self.count(a)).for_each(|k| self.join(a, k, b, 0));
        (0..self.count(b)).for_each(|k| self.join(b, k, a, 0));
    }

    fn positive(&mut self, v: NodeId) {
        for k in 0..self.count(v) {
            let root = self.c.scales.root(self.c.first[v.index()] + k);
            self.c.positive[root] = true;
        }
    }

    fn pin(&mut self, values: &[NodeId], why: String) {
        let why = why.into();
        for &v in values {
            (0..self.count(v)).for_each(|k| self.c.scales.pin(self.c.first[v.index()] + k, &why));
        }
    }

    fn describe(&self, id: NodeId) -> String {
        format!("{} '{}'", self.g.op(id).mnemonic(), self.g.node(id).name)
    }

    /// The operation has one result only for one scale: 1.
    fn pin_all(&mut self, id: NodeId) {
        let mut values = self.g.operands(id);
        values.push(id);
        let why = format!("{} does not commute with a scale", self.describe(id));
        self.pin(&values, why);
    }

    fn relate(&mut self, id: NodeId) {
        let (g, facts) = (self.g, self.facts);
        let operands = g.operands(id);
        let Some(&x) = operands.first() else {
            if matches!(g.op(id), Op::Input(_)) {
                self.pin(&[id], "the model's input keeps its scale".into());
            }
            return;
        };
        if takes_scales(g, facts, id) || is_product(g, facts, id) {
            return;
        }
        let numbers = |o: &&NodeId| facts.ty(**o).dtype == DType::F32;
        if operands.iter().filter(numbers).all(|&o| g.const_of(o).is_some()) {
            let why = format!("{} reads constants alone", self.describe(id));
            return self.pin(&[id], why);
        }
        let spatial = |axes: &[usize]| axes.iter().all(|&a| a >= 2);
        match g.op(id) {
            Op::Binary(Binary::Add | Binary::Sub) => self.sum(id, &operands),
            Op::Binary(Binary::Max | Binary::Min) if facts.ty(x) == facts.ty(operands[1]) => {
                if operands.iter().any(|&o| g.const_of(o).is_some()) {
                    return self.pin_all(id);
                }
                operands.iter().for_each(|&o| self.same(o, id));
                self.positive(id);
            }
            Op::Relu | Op::LeakyRelu { .. } | Op::MaxPool(_) => {
                self.same(x, id);
                self.positive(id);
            }
            Op::MaskedRelu { .. } if masks::homogeneous(g, id) => {
                self.same(x, id);
                self.positive(id);
            }
            Op::Unary(u) => match u.function().scaling {
                Scaling::Any => self.same(x, id),
                Scaling::Positive => {
                    self.same(x, id);
                    self.positive(id);
                }
                Scaling::Other => self.pin_all(id),
            },
            Op::AvgPool { .. } | Op::GlobalMean { .. } => self.same(x, id),
            Op::Identity | Op::Dropout | Op::Cast(DType::F32) => self.same(x, id),
            Op::Reduce { kind, axes, .. } => {
                if spatial(axes) {
                    self.same(x, id)
                } else {
                    self.uniform(x, id)
                }
                if *kind == ReduceKind::Max {
                    self.positive(id);
                }
            }
            Op::Where if facts.ty(operands[1]) == facts.ty(operands[2]) => {
                if operands[1..].iter().any(|&o| g.const_of(o).is_some()) {
                    return self.pin_all(id);
                }
                self.same(operands[1], id);
                self.same(operands[2], id);
            }
            Op::Pad { before, value, .. } if *value == 0.0 && before.len() >= 2 => {
                (0..self.count(x)).for_each(|k| self.join(x, k, id, before[1] + k));
            }
            Op::Slice(axes) => {
                let axis = axes.iter().find(|a| a.axis == 1).copied();
                let (first, _) = axis.map_or((0, 0), |a| slice_range(&a, self.count(x)));
                let step = axis.map_or(1, |a| a.step);
                for k in 0..self.count(id) {
                    self.join(x, (first as i64 + k as i64 * step) as usize, id, k);
                }
            }
            Op::Gather { axis } => self.gather(id, x, *axis),
            Op::Concat { axis } => self.concat(id, &operands, *axis),
            Op::Reshape(_) => self.reshape(id, x),
            Op::Transpose(p) if p.get(..2) == Some(&[0, 1]) => self.same(x, id),
            Op::Expand(_) if facts.ty(x).rank() == facts.ty(id).rank() => self.same(x, id),
            Op::Transpose(_) | Op::Expand(_) => self.uniform(x, id),
            Op::Input(_) | Op::Const(_) => {}
            Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul | Op::BatchNorm { .. } => {
                self.pin_all(id)
            }
            Op::MaskedRelu { .. } | Op::PRelu | Op::Binary(_) => self.pin_all(id),
            Op::CappedRelu { .. } | Op::Clip { .. } => self.pin_all(id),
            Op::Compare(_) | Op::Where | Op::Pad { .. } | Op::Cast(_) | Op::Shape { .. } => self.pin_all(id),
            Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } | Op::Dyn(_) => self.pin_all(id),
        }
    }

    fn sum(&mut self, id: NodeId, operands: &[NodeId]) {
        let (g, facts) = (self.g, self.facts);
        if let Some((x, _)) = with_constant(g, facts, id) {
            return self.same(x, id);
        }
        let (rank, n) = (facts.ty(id).rank(), channels(facts.ty(id)));
        let alike =
            |&o: &NodeId| g.const_of(o).is_none() && facts.ty(o).rank() == rank && channels(facts.ty(o)) == n;
        if operands.iter().all(alike) {
            operands.iter().for_each(|&o| self.same(o, id));
        } else {
            self.pin_all(id);
        }
    }

    fn gather(&mut self, id: NodeId, x: NodeId, axis: usize) {
        let indices = self.g.const_operand(id, 1).cloned();
        match (axis, indices.as_ref().and_then(|t| Some((t.rank(), t.as_i64()?)))) {
            (0, _) => self.pin_all(id),
            (1, Some((1, list))) => {
                let n = self.count(x) as i64;
                for (k, &i) in list.iter().enumerate() {
                    self.join(x, i.rem_euclid(n.max(1)) as usize, id, k);
                }
            }
            (1, _) => self.uniform(x, id),
            _ => self.same(x, id),
        }
    }

    fn concat(&mut self, id: NodeId, operands: &[NodeId], axis: usize) {
        let mut at = 0;
        for &o in operands {
            let n = channels(self.facts.ty(o));
            if self.g.const_of(o).is_some() {
                let why = format!("{} puts a constant beside it", self.describe(id)).into();
                let first = self.c.first[id.index()] + if axis == 1 { at } else { 0 };
                (first..first + n).for_each(|i| self.c.scales.pin(i, &why));
            } else if axis == 1 {
                (0..n).for_each(|k| self.join(o, k, id, at + k));
            } else {
                self.same(o, id);
            }
            at += n;
        }
    }

    /// Channels follow their elements, when every image keeps its own.
    fn reshape(&mut self, id: NodeId, x: NodeId) {
        let (from, to) = (self.facts.ty(x), self.facts.ty(id));
        let per_image = |t: &Type| t.per_sample().iter().product::<usize>();
        let n = per_image(from);
        let (a, b) = (self.count(x), self.count(id));
        if from.rank() < 2 || to.rank() < 2 || from.dims[0] != to.dims[0] || n != per_image(to) || a * b == 0
        {
            return self.uniform(x, id);
        }
        let step = gcd(n / a, n / b).max(1);
        for e in (0..n).step_by(step) {
            self.join(x, e / (n / a), id, e / (n / b));
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
