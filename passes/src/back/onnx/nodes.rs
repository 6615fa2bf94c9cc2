//! One IR operation → one or a few ONNX nodes.

#![deny(clippy::wildcard_enum_match_arm)]

use super::proto::{Node, float, int, ints, node};
use super::{Dialect, is_parameter};
use crate::driver::valid::Valid;
use crate::ir::movement;
use crate::ir::op::ReduceKind;
use crate::ir::op::unary::Shares;
use crate::ir::{DType, Dim, Graph, NodeId, Op, Tensor, Window};
use crate::proto::AttributeProto;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Collects nodes and initializers in topological order.
pub struct Emitter<'a> {
    valid: &'a Valid<'a>,
    g: &'a Graph,
    names: &'a HashMap<NodeId, String>,
    opset: i64,
    dialect: Dialect,
    nodes: Vec<Node<'a>>,
    initializers: Vec<(String, Cow<'a, Tensor>)>,
    /// Value names that are taken.
    used: HashSet<String>,
    /// Names of nodes that are taken.
    labels: HashSet<String>,
    /// Nodes that cannot be expressed, in words.
    pub errors: Vec<String>,
}

impl<'a> Emitter<'a> {
    pub fn new(
        valid: &'a Valid<'a>,
        names: &'a HashMap<NodeId, String>,
        opset: i64,
        dialect: Dialect,
    ) -> Self {
        let g = valid.graph();
        let used = names.values().chain(g.outputs().iter().map(|o| &o.name)).cloned().collect();
        Emitter {
            valid,
            g,
            names,
            opset,
            dialect,
            nodes: vec![],
            initializers: vec![],
            used,
            labels: HashSet::new(),
            errors: vec![],
        }
    }

    pub fn finish(self) -> (Vec<Node<'a>>, Vec<(String, Cow<'a, Tensor>)>) {
        (self.nodes, self.initializers)
    }

    fn name(&self, id: NodeId) -> String {
        self.names[&id].clone()
    }

    /// A name for a helper value beside node `id` that nothing else has.
    fn aux(&mut self, id: NodeId, what: &str) -> String {
        let base = format!("{}.{what}", self.names[&id]);
        let fresh = (0..).map(|i| if i == 0 { base.clone() } else { format!("{base}.{i}") });
        let name = fresh.into_iter().find(|n| !self.used.contains(n)).unwrap_or(base);
        self.used.insert(name.clone());
        name
    }

    /// Adds a node; it is called after its output, or after its layer where it is the layer's ReLU.
    fn push(
        &mut self,
        id: NodeId,
        op: &str,
        inputs: &[String],
        output: &str,
        mut attrs: Vec<AttributeProto>,
    ) {
        if self.dialect == Dialect::Crypten {
            attrs.retain(says_something);
        }
        let n = self.g.node(id);
        // A layer may have two: elements with their cap and without.
        let free = |l: &String| (l == output || !self.used.contains(l)) && !self.labels.contains(l);
        let label = match (&n.layer, &n.op) {
            (Some(l), Op::Relu | Op::CappedRelu { .. }) if free(l) => l,
            _ => output,
        };
        self.labels.insert(label.into());
        self.nodes.push(Node { proto: node(op, label, inputs, output, attrs), value: None });
    }

    /// The node itself, reading its operands.
    fn plain(&mut self, id: NodeId, op: &str, attrs: Vec<AttributeProto>) {
        let inputs: Vec<String> = self.g.operands(id).iter().map(|&o| self.name(o)).collect();
        let out = self.name(id);
        self.push(id, op, &inputs, &out, attrs);
    }

    /// A number of the type of a node's value.
    fn number(&self, id: NodeId, v: f32) -> Tensor {
        match self.valid.facts().ty(id).dtype {
            DType::F32 => Tensor::scalar(v),
            DType::I64 => Tensor::i64([], vec![v as i64]),
            DType::U8 => Tensor::u8([], vec![v as u8]),
            DType::Bool => Tensor::bool([], vec![v != 0.0]),
        }
    }

    fn clip(&mut self, id: NodeId, min: f32, max: f32) {
        let bound = |v: f32| v.is_finite().then(|| self.number(id, v));
        let mut bounds = vec![("min", bound(min)), ("max", bound(max))];
        while bounds.last().is_some_and(|b| b.1.is_none()) {
            bounds.pop();
        }
        self.with_constants(id, "Clip", &bounds, vec![])
    }

    /// A `Constant`, which is called as its output is.
    fn constant(&mut self, name: String, t: Cow<'a, Tensor>) -> String {
        self.labels.insert(name.clone());
        self.nodes.push(Node { proto: node("Constant", &name, &[], &name, vec![]), value: Some(t) });
        name
    }

    /// The node, reading its operands and further constants.
    fn with_constants(
        &mut self,
        id: NodeId,
        op: &str,
        constants: &[(&str, Option<Tensor>)],
        attrs: Vec<AttributeProto>,
    ) {
        let mut inputs: Vec<String> = self.g.operands(id).iter().map(|&o| self.name(o)).collect();
        for (what, t) in constants {
            inputs.push(match t {
                Some(t) => {
                    let name = self.aux(id, what);
                    self.constant(name, Cow::Owned(t.clone()))
                }
                None => String::new(),
            });
        }
        let out = self.name(id);
        self.push(id, op, &inputs, &out, attrs);
    }

    fn operand_name(&self, id: NodeId, slot: usize) -> String {
        self.g.operand(id, slot).map(|o| self.name(o)).unwrap_or_default()
    }

    /// A target shape for Reshape: the batch is −1.
    fn shape_tensor(dims: &[Dim]) -> Tensor {
        Tensor::ints(&dims.iter().map(|d| d.fixed().map_or(-1, |n| n as i64)).collect::<Vec<_>>())
    }

    fn refuse(&mut self, id: NodeId, why: &str) {
        let n = self.g.node(id);
        self.errors.push(format!("{} '{}': {why}", n.op.mnemonic(), n.name));
    }

    pub fn emit(&mut self, id: NodeId) {
        let g = self.g;
        match g.op(id) {
            Op::Input(_) => {}
            Op::Const(t) if is_parameter(g, id, self.dialect) => {
                // CrypTen gets the matrix of a product transposed, under another name.
                let read = |(user, slot): (NodeId, usize)| !(slot == 1 && matches!(g.op(user), Op::Linear));
                if self.dialect == Dialect::Portable || g.users(id).into_iter().any(read) {
                    self.initializers.push((self.name(id), Cow::Borrowed(&**t)));
                }
            }
            Op::Const(t) => {
                let name = self.name(id);
                self.constant(name, Cow::Borrowed(&**t));
            }
            Op::Conv(c) => {
                let k = self.valid.facts().ty(g.operands(id)[1]).at(1);
                let attrs = vec![
                    ints("dilations", &c.dilations),
                    int("group", c.group as i64),
                    ints("kernel_shape", &k[2..]),
                    ints("pads", &c.pads),
                    ints("strides", &c.strides),
                ];
                self.plain(id, "Conv", attrs)
            }
            Op::Linear => self.linear(id),
            Op::Gemm { alpha, beta, trans_a, trans_b } => {
                let attrs = vec![
                    float("alpha", *alpha),
                    float("beta", *beta),
                    int("transA", *trans_a as i64),
                    int("transB", *trans_b as i64),
                ];
                self.plain(id, "Gemm", attrs)
            }
            Op::MatMul => self.plain(id, "MatMul", vec![]),
            Op::BatchNorm { eps } => self.plain(id, "BatchNormalization", vec![float("epsilon", *eps)]),
            Op::Relu => self.plain(id, "Relu", vec![]),
            Op::MaskedRelu { .. } => {
                self.refuse(id, "a dense mask saves nothing on any runtime; run compact-relu first")
            }
            Op::LeakyRelu { slope } => self.plain(id, "LeakyRelu", vec![float("alpha", *slope)]),
            Op::PRelu => self.plain(id, "PRelu", vec![]),
            Op::Clip { min, max } => self.clip(id, *min, *max),
            Op::CappedRelu { cap } => self.clip(id, 0.0, *cap),
            Op::Unary(u) => match u.function().onnx.filter(|_| u.function().shares != Shares::TakenApart) {
                Some(op) => self.plain(id, op, vec![]),
                None => self.refuse(id, "is no operation of ONNX by itself; run canonicalise"),
            },
            Op::Binary(b) => self.plain(id, b.onnx(), vec![]),
            Op::Compare(c) => self.plain(id, c.onnx(), vec![]),
            Op::Where => self.plain(id, "Where", vec![]),
            Op::MaxPool(w) => self.plain(id, "MaxPool", window(w)),
            Op::AvgPool { window: w, count_pad } => {
                let mut attrs = window(w);
                attrs.push(int("count_include_pad", *count_pad as i64));
                self.plain(id, "AveragePool", attrs)
            }
            Op::GlobalMean { keep } => self.global_mean(id, *keep),
            Op::Reduce { kind, axes, keep } => self.reduce(id, *kind, axes, *keep),
            Op::Pad { before, after, value } => {
                let amounts: Vec<i64> = before.iter().chain(after).map(|&n| n as i64).collect();
                let constants =
                    [("pads", Some(Tensor::ints(&amounts))), ("value", Some(self.number(id, *value)))];
                self.with_constants(id, "Pad", &constants, vec![])
            }
            Op::Slice(s) => {
                let of = |f: fn(&crate::ir::op::SliceAxis) -> i64| {
                    Some(Tensor::ints(&s.iter().map(f).collect::<Vec<_>>()))
                };
                let constants = [
                    ("starts", of(|a| a.start)),
                    ("ends", of(|a| a.end)),
                    ("axes", of(|a| a.axis as i64)),
                    ("steps", of(|a| a.step)),
                ];
                self.with_constants(id, "Slice", &constants, vec![])
            }
            Op::Concat { axis } => self.plain(id, "Concat", vec![int("axis", *axis as i64)]),
            Op::Gather { axis } => self.plain(id, "Gather", vec![int("axis", *axis as i64)]),
            Op::Reshape(d) => {
                self.with_constants(id, "Reshape", &[("shape", Some(Self::shape_tensor(d)))], vec![])
            }
            Op::Transpose(p) => self.plain(id, "Transpose", vec![ints("perm", p)]),
            Op::Expand(d) => {
                let from = self.valid.facts().ty(g.operands(id)[0]);
                if d.iter().enumerate().any(|(i, d)| *d == Dim::Batch && from.dims.get(i) != Some(d)) {
                    return self.expand_to_batch(id, d);
                }
                let to: Vec<i64> = d.iter().map(|d| d.fixed().map_or(1, |n| n as i64)).collect();
                self.with_constants(id, "Expand", &[("shape", Some(Tensor::ints(&to)))], vec![])
            }
            Op::Softmax { axis } => self.plain(id, "Softmax", vec![int("axis", *axis as i64)]),
            Op::LogSoftmax { axis } => self.plain(id, "LogSoftmax", vec![int("axis", *axis as i64)]),
            Op::ArgMax { axis, keep } => {
                self.plain(id, "ArgMax", vec![int("axis", *axis as i64), int("keepdims", *keep as i64)])
            }
            Op::Identity | Op::Dropout => self.plain(id, "Identity", vec![]),
            Op::Cast(t) => self.plain(id, "Cast", vec![int("to", i64::from(super::proto::data_type(*t)))]),
            Op::Shape { start, end } if self.opset >= 15 => {
                self.plain(id, "Shape", vec![int("start", *start as i64), int("end", *end as i64)])
            }
            Op::Shape { .. } => self.refuse(id, "needs opset 15 or newer"),
            Op::Dyn(_) => self.refuse(id, "still has parameters as operands; run canonicalise"),
        }
    }

    /// An expansion to as many images as the input has.
    fn expand_to_batch(&mut self, id: NodeId, dims: &[Dim]) {
        let g = self.g;
        let batched = |&i: &NodeId| {
            matches!(g.op(i), Op::Input(_)) && self.valid.facts().ty(i).dims.first() == Some(&Dim::Batch)
        };
        let input = g.ids().find(batched).filter(|_| self.dialect == Dialect::Portable);
        let Some(input) = input.map(|i| self.name(i)) else {
            return self.refuse(
                id,
                "expands to the batch; write it as an elementwise operation with a batched value",
            );
        };
        let (shape, first, images) =
            (self.aux(id, "input_shape"), self.aux(id, "first"), self.aux(id, "images"));
        self.push(id, "Shape", &[input], &shape, vec![]);
        let first = self.constant(first, Cow::Owned(Tensor::ints(&[0])));
        self.push(id, "Gather", &[shape, first], &images, vec![int("axis", 0)]);
        let mut parts = vec![];
        for (i, d) in dims.iter().enumerate() {
            parts.push(match d {
                Dim::Batch => images.clone(),
                Dim::Fixed(n) => {
                    let name = self.aux(id, &format!("size{i}"));
                    self.constant(name, Cow::Owned(Tensor::ints(&[*n as i64])))
                }
            });
        }
        let (to, x, out) = (self.aux(id, "to"), self.operand_name(id, 0), self.name(id));
        self.push(id, "Concat", &parts, &to, vec![int("axis", 0)]);
        self.push(id, "Expand", &[x, to], &out, vec![]);
    }

    fn linear(&mut self, id: NodeId) {
        let g = self.g;
        let rank = self.valid.facts().ty(id).rank();
        if rank == 2 && self.dialect == Dialect::Portable {
            return self.plain(id, "Gemm", vec![int("transB", 1)]);
        }
        let (x, w) = (self.operand_name(id, 0), self.operand_name(id, 1));
        let transposed = self.aux(id, "weight_t");
        match g.const_operand(id, 1).and_then(|t| Some((t.as_f32()?, t.shape()))) {
            Some((v, shape)) => {
                let (v, shape) = movement::transpose(v, shape, &[1, 0]);
                let t = Tensor::f32(shape, v);
                match self.dialect {
                    Dialect::Portable => drop(self.constant(transposed.clone(), Cow::Owned(t))),
                    Dialect::Crypten => self.initializers.push((transposed.clone(), Cow::Owned(t))),
                }
            }
            None => self.push(id, "Transpose", &[w], &transposed, vec![ints("perm", &[1i64, 0])]),
        }
        let out = self.name(id);
        match g.operand(id, 2).map(|b| self.name(b)) {
            None => self.push(id, "MatMul", &[x, transposed], &out, vec![]),
            Some(b) => {
                let product = self.aux(id, "product");
                self.push(id, "MatMul", &[x, transposed], &product, vec![]);
                self.push(id, "Add", &[product, b], &out, vec![]);
            }
        }
    }

    fn global_mean(&mut self, id: NodeId, keep: bool) {
        let ty = self.valid.facts().ty(id).clone();
        if keep {
            return self.plain(id, "GlobalAveragePool", vec![]);
        }
        let (x, pooled, out) = (self.operand_name(id, 0), self.aux(id, "pooled"), self.name(id));
        self.push(id, "GlobalAveragePool", &[x], &pooled, vec![]);
        let shape = self.aux(id, "shape");
        let shape = self.constant(shape, Cow::Owned(Self::shape_tensor(&ty.dims)));
        self.push(id, "Reshape", &[pooled, shape], &out, vec![]);
    }

    fn reduce(&mut self, id: NodeId, kind: ReduceKind, axes: &[usize], keep: bool) {
        let (op, since) = match kind {
            ReduceKind::Mean => ("ReduceMean", 18),
            ReduceKind::Sum => ("ReduceSum", 13),
            ReduceKind::Max => ("ReduceMax", 18),
        };
        let mut attrs = vec![int("keepdims", keep as i64)];
        if self.opset >= since {
            let axes: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
            return self.with_constants(id, op, &[("axes", Some(Tensor::ints(&axes)))], attrs);
        }
        attrs.push(ints("axes", axes));
        self.plain(id, op, attrs)
    }
}

/// Is an attribute more than a number that is 0, which protobuf leaves out?
fn says_something(a: &AttributeProto) -> bool {
    a.i != 0 || a.f != 0.0 || !a.ints.is_empty() || a.t.is_some()
}

fn window(w: &Window) -> Vec<AttributeProto> {
    vec![
        int("ceil_mode", w.ceil as i64),
        ints("kernel_shape", &w.kernel),
        ints("pads", &w.pads),
        ints("strides", &w.strides),
    ]
}
