//! The graph under construction: names to values, weights converted when first read, facts kept up to date.

use super::ctx::{Ctx, Stop};
use super::error::{ExternalWeight, NodeError};
use super::functions::{Functions, Item};
use super::operators::Element;
use super::signature::{self, Elements as ElementTypes};
use super::skim::Elements;
use super::{batch, dims, integers, ops, order, tensor};
use crate::ir::infer::{Fact, Facts, infer_op, resolve};
use crate::ir::op::DynOp;
use crate::ir::stored::Span;
use crate::ir::{DType, Dim, Graph, NodeId, Op, Shared, SymInt, Tensor, Type};
use crate::proto::tensor_proto::DataType;
use crate::proto::{NodeProto, TensorProto, ValueInfoProto};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// A node of the graph.
    Node(NodeId),
    /// A sequence, by its place among them.
    Sequence(usize),
    /// Nothing: its node was refused.
    Refused,
}

/// The import's working state.
#[derive(Debug, Default)]
pub struct Builder {
    /// The graph so far.
    pub graph: Graph,
    /// What is known of its values.
    pub facts: Facts,
    /// Names defined so far.
    pub values: HashMap<String, Value>,
    /// Weights nobody has read yet.
    pub pending: HashMap<String, TensorProto>,
    /// Elements of them that are still in the file.
    pub elements: HashMap<String, (Elements, Arc<Span>)>,
    /// The file.
    pub file: Option<Arc<File>>,
    /// Elements that are in the file shall stay there.
    pub in_file: bool,
    /// Names helpers must not take: every value of the file.
    pub reserved: HashSet<String>,
    /// Every value somebody reads.
    pub reads: HashSet<String>,
    /// The model's functions.
    pub functions: Functions,
    /// The folder external data lies in.
    pub folder: PathBuf,
    /// The number of images the file fixes, where the batch is symbolic now.
    pub rebatched: Option<usize>,
    /// Small values that follow from constants, besides those that the facts hold.
    pub small: HashMap<NodeId, Shared>,
    /// What the file's values hold there.
    pub types: ElementTypes,
    /// Values that are integers in the file and floats here.
    pub integers: HashMap<String, DataType>,
    /// The elements of sequences.
    pub sequences: Vec<Vec<NodeId>>,
    /// Refused nodes.
    pub errors: Vec<NodeError>,
    /// Unreadable weights.
    pub external: Vec<ExternalWeight>,
    /// Remarks for the user.
    pub notices: Vec<String>,
    /// Narrow float types met among the weights.
    pub narrow: BTreeSet<&'static str>,
    /// The next number of a helper's name, by what it begins with.
    pub helpers: HashMap<String, usize>,
    /// Elements of all constants.
    pub constants: usize,
    /// Elements that stand in the file.
    pub weights: usize,
    /// The absent operand, once needed.
    pub absent: Option<NodeId>,
}

/// No value of a classifier has more elements for one image.
const MAX_ELEMENTS: usize = 1 << 27;

/// Constants that are computed have no more elements than this in all, and than twice those of the file.
const MAX_CONSTANTS: usize = 1 << 26;

impl Builder {
    /// Adds a remark once.
    pub fn notice(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notices.contains(&text) {
            self.notices.push(text);
        }
    }

    /// Adds a node, infers it, and refuses what would mix images.
    pub fn add(&mut self, name: &str, op: Op, operands: &[NodeId]) -> Result<NodeId, Stop> {
        let met = self.meet(&op, operands)?;
        let operands = met.as_deref().unwrap_or(operands);
        let facts: Vec<&Fact> =
            operands.iter().map(|&o| self.facts.get(o)).collect::<Option<_>>().ok_or(Stop::Operand)?;
        let fact = mixes_batch(&op, &facts).and_then(|()| infer_op(&op, &facts));
        let fact = fact.map_err(|why| self.explain(why, &facts, |f| infer_op(&op, f).map(|_| ())))?;
        let size = fact.ty.at(1).into_iter().try_fold(1usize, usize::checked_mul);
        if size.is_none_or(|n| n > MAX_ELEMENTS) {
            return Err(format!("its result {} is too large", fact.ty).into());
        }
        if fact.ty.dims.iter().filter(|&&d| d == Dim::Batch).count() > 1 {
            return Err(format!("its result {} pairs images with each other", fact.ty).into());
        }
        let empty = fact.ty.dtype == DType::F32 && size == Some(0);
        if empty && (fact.ty.dims.contains(&Dim::Batch) || !operands.iter().all(|&o| self.is_constant(o))) {
            return Err(format!("its result {} has no elements", fact.ty).into());
        }
        if let Op::Const(_) | Op::Dyn(DynOp::FillInt { .. } | DynOp::FillFloat { .. }) = op {
            self.constants += size.unwrap_or(0);
            if self.constants > MAX_CONSTANTS.saturating_add(2 * self.weights) {
                return Err("constants that the file computes come to too many elements".into());
            }
        }
        let value = self.computed(&op, operands, &fact);
        let id = self.graph.add(name, op, operands);
        self.facts.set(id, fact);
        self.small.extend(value.map(|v| (id, v)));
        Ok(id)
    }

    /// Operands as the operation needs them, where they differ: parameters and indices that are known as constants, and constants that hold
    /// the file's number of images, which become one for all.
    fn meet(&mut self, op: &Op, operands: &[NodeId]) -> Result<Option<Vec<NodeId>>, Stop> {
        let mut met = None;
        if matches!(op, Op::Dyn(_) | Op::Gather { .. }) {
            for (i, &o) in operands.iter().enumerate().skip(1) {
                let fact = self.facts.get(o).ok_or(Stop::Operand)?;
                if fact.konst.is_some() || fact.ints.is_some() {
                    continue;
                }
                if let Some(t) = self.small.get(&o).cloned() {
                    let name = self.helper_name("known");
                    met.get_or_insert_with(|| operands.to_vec())[i] = self.add(&name, Op::Const(t), &[])?;
                }
            }
        }
        if let Some(k) = self.rebatched {
            batch::meet(self, op, operands, k, &mut met)?;
        }
        Ok(met)
    }

    /// The static form of an operation whose parameters are attributes.
    pub fn static_form(&self, op: DynOp, x: NodeId, parameters: &[Vec<i64>]) -> Result<Op, Stop> {
        let lists: Vec<Fact> = parameters.iter().map(|p| int_fact(p)).collect();
        let mut facts = vec![self.facts.get(x).ok_or(Stop::Operand)?];
        facts.extend(&lists);
        resolve(op, &facts).map_err(|why| self.explain(why, &facts, |f| resolve(op, f).map(|_| ())))
    }

    /// A reason, with the way out where only the symbolic batch is in the way.
    fn explain(&self, why: String, facts: &[&Fact], retry: impl Fn(&[&Fact]) -> Result<(), String>) -> Stop {
        if let Some(k) = self.rebatched {
            let single: Vec<Fact> = facts.iter().map(|f| at_batch(f, k)).collect();
            if retry(&single.iter().collect::<Vec<_>>()).is_ok() {
                return Stop::Why(format!("{why}; {}", self.only_at_its_batch()));
            }
        }
        Stop::Why(why)
    }

    /// What to do about a node that works at the file's batch and not at a symbolic one.
    pub fn only_at_its_batch(&self) -> &'static str {
        match self.rebatched {
            None | Some(1) => {
                "the file fixes the batch and this node does not work for any other; import with --keep-batch"
            }
            Some(_) => {
                "the file fixes the batch and this node does not work for any other; export the model with batch 1 or a \
                 free batch (with --keep-batch it can be evaluated and verified as it is, not compiled)"
            }
        }
    }

    /// A name for a value the file does not have.
    pub fn helper_name(&mut self, base: &str) -> String {
        let first = self.helpers.get(base).copied().unwrap_or(1);
        let free = |n: &String| !self.reserved.contains(n) && self.graph.by_name(n).is_none();
        let name = |i| (i, format!("{base}.{i}"));
        let (i, name) = (first..).map(name).find(|(_, n)| free(n)).unwrap_or_default();
        self.helpers.insert(base.to_string(), i + 1);
        name
    }

    /// The empty constant that stands for an optional operand left out in the middle.
    pub fn absent(&mut self) -> Result<NodeId, Stop> {
        if let Some(id) = self.absent {
            return Ok(id);
        }
        let name = self.helper_name("absent");
        let id = self.add(&name, Op::Const(Tensor::f32([0], vec![]).into()), &[])?;
        self.absent = Some(id);
        Ok(id)
    }

    /// The value of a name; a weight is converted here.
    pub fn value(&mut self, name: &str) -> Result<NodeId, Stop> {
        match self.values.get(name) {
            Some(Value::Node(id)) => return Ok(*id),
            Some(Value::Sequence(_)) => {
                return Err(Stop::Why(format!(
                    "reads '{name}', which is a sequence of tensors; relinc has none beyond import"
                )));
            }
            Some(Value::Refused) => return Err(Stop::Operand),
            None => {}
        }
        let Some(mut proto) = self.pending.remove(name) else {
            return Err(Stop::Why(format!("reads '{name}', which nothing in the file defines")));
        };
        let read = self.elements(&mut proto).map_err(|e| format!("cannot be read: {e}"));
        let converted = match read {
            Ok(Some(t)) => Some(t),
            Ok(None) => self.tensor(proto, name),
            Err(why) => {
                self.errors.push(NodeError { name: name.into(), op_type: "initializer".into(), why });
                None
            }
        };
        let Some(t) = converted else {
            self.values.insert(name.into(), Value::Refused);
            return Err(Stop::Operand);
        };
        self.weights += t.len();
        let id = self.add(name, Op::Const(t.into()), &[])?;
        self.values.insert(name.into(), Value::Node(id));
        Ok(id)
    }

    /// Reads the elements that were left in the file, or makes a tensor that leaves them there.
    fn elements(&mut self, proto: &mut TensorProto) -> std::io::Result<Option<Tensor>> {
        if let (true, Some(file)) = (proto.raw_data.is_empty(), &self.file)
            && let Some((e, span)) = self.elements.remove(&proto.name)
        {
            if let (true, Some(t)) = (self.in_file, tensor::stored(proto, span, e.len())) {
                return Ok(Some(t));
            }
            proto.raw_data = e.read(&mut &**file)?;
        }
        Ok(None)
    }

    /// Takes initializers, which are converted when they are read.
    pub fn take_initializers(&mut self, all: Vec<TensorProto>) {
        for t in all {
            self.reserved.insert(t.name.clone());
            if let Ok(element) = tensor::data_type(t.data_type) {
                self.types.insert(t.name.clone(), Element::Tensor(element));
            }
            self.pending.insert(t.name.clone(), t);
        }
    }

    /// Converts a tensor; a failure is recorded under `name`.
    pub fn tensor(&mut self, proto: TensorProto, name: &str) -> Option<Tensor> {
        let narrow = match tensor::data_type(proto.data_type) {
            Ok(DataType::Float16) => Some("float16"),
            Ok(DataType::Bfloat16) => Some("bfloat16"),
            Ok(DataType::Double) => Some("float64"),
            _ => None,
        };
        match tensor::convert(proto, &self.folder) {
            Ok(t) => {
                self.narrow.extend(narrow);
                return Some(t);
            }
            Err(tensor::TensorError::External { location, why }) => {
                self.external.push(ExternalWeight { tensor: name.into(), location, why });
            }
            Err(tensor::TensorError::Bad(why)) => {
                self.errors.push(NodeError { name: name.into(), op_type: "initializer".into(), why });
            }
        }
        None
    }

    /// Replaces calls of the model's functions by their bodies.
    pub fn inline(&mut self, nodes: Vec<NodeProto>, opset: i64) -> Vec<Item> {
        let (items, failed) = self.functions.inline(nodes, opset);
        self.errors.extend(failed.errors);
        self.values.extend(failed.outputs.into_iter().map(|o| (o, Value::Refused)));
        items
    }

    /// Imports nodes as far as `outputs` need them.
    pub fn run(&mut self, items: Vec<Item>, outputs: &[&str]) {
        let mut defined: HashSet<&str> = HashSet::new();
        let mut again = vec![];
        for item in &items {
            for o in item.node.output.iter().filter(|o| !o.is_empty()) {
                let fresh = defined.insert(o);
                if !fresh || self.values.contains_key(o) || self.pending.contains_key(o) {
                    again.push((item, format!("defines '{o}', which the file defines already")));
                }
            }
            self.reserved.extend(item.node.output.iter().cloned());
        }
        if !again.is_empty() {
            again.into_iter().for_each(|(item, why)| self.refuse(item, &why));
            return self.abandon(&items);
        }
        let order = match order::order(&items, outputs) {
            Ok(order) => order,
            Err(stuck) => {
                for i in stuck {
                    self.refuse(&items[i], "is part of a cycle, or reads from one");
                }
                return self.abandon(&items);
            }
        };
        for &i in &order {
            self.reads.extend(order::reads(&items[i].node).into_iter().map(String::from));
        }
        self.reads.extend(outputs.iter().map(|o| o.to_string()));
        let dead = items.len() - order.len();
        if dead > 0 {
            let whose = match outputs {
                [only] => format!("that output '{only}' does not depend on"),
                _ => "that no output depends on".into(),
            };
            self.notice(format!("{dead} node(s) {whose} were left out"));
        }
        let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        for i in order {
            if let Some(item) = items[i].take() {
                self.node(item);
            }
        }
    }

    /// Marks what these nodes would have made, so that nothing complains about its absence.
    fn abandon(&mut self, items: &[Item]) {
        for o in items.iter().flat_map(|i| &i.node.output) {
            self.values.entry(o.clone()).or_insert(Value::Refused);
        }
    }

    fn refuse(&mut self, item: &Item, why: &str) {
        let (name, op_type) = (item.label.clone(), item.node.op_type.clone());
        self.errors.push(NodeError { name, op_type, why: why.into() });
    }

    fn node(&mut self, item: Item) {
        let outputs = item.node.output.clone();
        let (name, op_type) = (item.label.clone(), item.node.op_type.clone());
        let mut ctx = Ctx { b: self, node: item.node, opset: item.opset };
        let checked = signature::check(&ctx.node, ctx.opset, &ctx.b.types);
        let done = integers::meet(&mut ctx)
            .and(checked)
            .map(|types| ctx.b.types.extend(types))
            .map_err(Stop::from)
            .and_then(|()| ops::import(&mut ctx));
        if let Err(Stop::Why(why)) = done {
            self.errors.push(NodeError { name, op_type, why });
        }
        for o in outputs.into_iter().filter(|o| !o.is_empty()) {
            self.values.entry(o).or_insert(Value::Refused);
        }
    }

    /// Refuses declarations of another element type than a value has.
    pub fn check_declared<'a>(&mut self, declared: impl Iterator<Item = &'a ValueInfoProto>) {
        for info in declared {
            if let (Some(said), Some(&is)) = (dims::declared_element(info), self.types.get(&info.name))
                && said != is
            {
                let why = format!("is declared as {said}, and is {is}; export the model again");
                self.errors.push(NodeError { name: info.name.clone(), op_type: "value".into(), why });
            }
        }
    }

    /// Removes what no output reads and closes the books.
    pub fn finish(&mut self) {
        for id in self.graph.ids().collect::<Vec<_>>() {
            self.graph.remove_unread(id);
        }
        for input in self.graph.remove_unread_inputs() {
            self.notice(format!("input '{input}' is left out: nothing that is kept reads it"));
        }
        for t in std::mem::take(&mut self.narrow) {
            self.notice(format!("weights are {t} in the file; relinc computes in float32"));
        }
    }
}

fn int_fact(v: &[i64]) -> Fact {
    Fact {
        ty: Type { dtype: DType::I64, dims: vec![Dim::Fixed(v.len())] },
        ints: Some(v.iter().map(|&i| SymInt::fixed(i)).collect()),
        konst: None,
    }
}

/// The same fact for the file's number of images.
fn at_batch(f: &Fact, k: usize) -> Fact {
    let at = |s: &SymInt| SymInt::fixed(s.batch.saturating_mul(k as i64).saturating_add(s.add));
    Fact {
        ty: Type { dtype: f.ty.dtype, dims: f.ty.at(k).into_iter().map(Dim::Fixed).collect() },
        ints: f.ints.as_ref().map(|v| v.iter().map(at).collect()),
        konst: f.konst.clone(),
    }
}

/// Refuses operations whose result for one image would depend on the others in the batch.
fn mixes_batch(op: &Op, facts: &[&Fact]) -> Result<(), String> {
    let dynamic;
    let op = match op {
        Op::Dyn(d @ DynOp::Reduce { .. }) if facts.len() == 2 => {
            dynamic = resolve(*d, facts)?;
            &dynamic
        }
        op => op,
    };
    let all: Vec<usize>;
    let axes: &[usize] = match op {
        Op::Reduce { axes, .. } => axes,
        Op::GlobalMean { .. } => {
            all = (2..facts.first().map_or(0, |f| f.ty.rank())).collect();
            &all
        }
        // The axis that is summed over is the last one of the first operand.
        Op::MatMul | Op::Gemm { trans_a: false, .. } => {
            all = facts.first().and_then(|f| f.ty.rank().checked_sub(1)).into_iter().collect();
            &all
        }
        Op::Gemm { trans_a: true, .. } => &[0],
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::Conv(_) => &[1, 2, 3],
        Op::Cast(DType::F32)
            if facts.iter().any(|f| f.ints.iter().flatten().any(|i| i.as_fixed().is_none())) =>
        {
            return Err("makes a float of the number of images, on which a result must not depend".into());
        }
        Op::Gather { axis } | Op::Softmax { axis } | Op::LogSoftmax { axis } | Op::ArgMax { axis, .. } => {
            std::slice::from_ref(axis)
        }
        _ => return Ok(()),
    };
    let dims = facts.first().map_or(&[][..], |f| &f.ty.dims);
    if axes.iter().any(|&a| dims.get(a) == Some(&Dim::Batch)) {
        return Err("works across the batch, so that one image's result depends on the others".into());
    }
    Ok(())
}
