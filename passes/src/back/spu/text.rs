//! Assembling the StableHLO module: values, constants, arguments.

use super::is_weight;
use super::joined::{Joined, hidden, joined};
use super::lower::lower;
use crate::back::EmitError;
use crate::driver::valid::Valid;
use crate::ir::{DType, Data, Facts, Graph, NodeId, Op, Tensor, Type};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// The argument that holds one unit in the last place, 2^-fraction; there when a convolution takes all taps at once.
pub const UNIT: &str = "%unit";

/// The emitted module, its arguments after the input in order, and what the derived ones of them are.
pub struct Program {
    pub text: String,
    pub arguments: Vec<String>,
    /// Convolutions whose weights one matrix of ring elements holds, one below the other.
    pub matrices: Vec<(String, Vec<NodeId>)>,
    /// Convolutions of several groups whose weights are those of one dense convolution, with zeros between the groups.
    pub dense: Vec<(String, NodeId)>,
    /// Public indices, each `[K,1]`.
    pub indices: Vec<(String, Tensor)>,
}

/// The element type in StableHLO.
fn element(d: DType) -> &'static str {
    match d {
        DType::F32 => "f32",
        DType::I64 => "i32",
        DType::U8 => "i8",
        DType::Bool => "i1",
    }
}

/// A value in the text: its name, dimensions and element type.
#[derive(Debug, Clone)]
pub struct Value {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: DType,
}

/// `tensor<1x16x32x32xf32>`
pub fn ty(shape: &[usize], d: DType) -> String {
    let mut s = String::from("tensor<");
    for n in shape {
        let _ = write!(s, "{n}x");
    }
    s + element(d) + ">"
}

impl Value {
    /// What stands for a value that cannot be written, so that its readers can be looked at too. The program is not kept.
    fn poison(of: &Type, images: usize) -> Value {
        Value { name: "%poison".into(), shape: of.at(images), dtype: of.dtype }
    }
    pub fn ty(&self) -> String {
        ty(&self.shape, self.dtype)
    }
}

/// Writes operations and hands out names.
pub struct Writer<'a> {
    pub g: &'a Graph,
    facts: &'a Facts,
    /// Convolutions written as one product over all taps.
    pub taps: &'a HashSet<NodeId>,
    /// Those that share a product, since they read one value: the first computes it.
    pub siblings: &'a [Vec<NodeId>],
    /// Their sums, not yet truncated.
    pub waiting: HashMap<NodeId, Value>,
    /// Images that the program takes at once.
    images: usize,
    /// Sums of them that share a product and a truncation, by the last addition.
    pub sums: HashMap<NodeId, Joined>,
    body: String,
    next: usize,
    values: HashMap<NodeId, Value>,
    /// Weights `[O,C,kH,kW]` of convolutions of several groups that are written as dense ones.
    pub dense: HashMap<NodeId, Value>,
    /// Weights of products over all taps as matrices `[taps·O, C]`, by the first convolution of each product.
    matrices: HashMap<NodeId, Value>,
    /// What gathers read by, each list once.
    indices: Vec<Vec<i64>>,
}

impl<'a> Writer<'a> {
    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%{}", self.next - 1)
    }
    /// The dimensions of a node's value.
    pub fn shape(&self, id: NodeId) -> Vec<usize> {
        self.facts.ty(id).at(self.images)
    }
    /// Emits `%n = text` and returns the value.
    pub fn put(&mut self, shape: &[usize], dtype: DType, text: &str) -> Value {
        let name = self.fresh();
        let _ = writeln!(self.body, "    {name} = {text}");
        Value { name, shape: shape.to_vec(), dtype }
    }
    /// A comment that says which node the following operations are: `run.py --layers` cuts the program there.
    pub fn note(&mut self, id: NodeId) {
        // A sum goes by the name of its largest convolution.
        let id = self.sums.get(&id).map_or(id, |j| j.parts[0].conv);
        let node = self.g.node(id);
        let op = if self.taps.contains(&id) { "conv_taps" } else { node.op.mnemonic() };
        let note = serde_json::json!({"op": op, "name": node.name, "layer": node.layer});
        let _ = writeln!(self.body, "    // node {note}");
    }
    /// Emits an `f32` operation.
    pub fn float(&mut self, shape: &[usize], text: &str) -> Value {
        self.put(shape, DType::F32, text)
    }
    /// A splat constant.
    pub fn splat(&mut self, shape: &[usize], v: f32) -> Value {
        let lit = if v.is_finite() { format!("{v:e}") } else { format!("0x{:08X}", v.to_bits()) };
        let lit = if lit.contains(['.', 'x']) { lit } else { lit.replacen('e', ".0e", 1) };
        self.float(shape, &format!("stablehlo.constant dense<{lit}> : {}", ty(shape, DType::F32)))
    }
    /// An argument `[K,1]` of public indices: gathering by one takes SPU less time than by a constant of the program.
    pub fn indices(&mut self, v: Vec<i64>) -> Value {
        let shape = vec![v.len(), 1];
        let n = self.indices.iter().position(|known| *known == v).unwrap_or_else(|| {
            self.indices.push(v);
            self.indices.len() - 1
        });
        Value { name: format!("%{}", index_name(n)), shape, dtype: DType::I64 }
    }
    /// The weights of the product over all taps whose first convolution this is. What is opened of them is kept for the
    /// queries that follow; that works on an argument, not on what is computed of one.
    pub fn matrix(&mut self, conv: NodeId) -> Value {
        let missing = Value { name: "%missing".into(), shape: vec![], dtype: DType::I64 };
        let m = self.matrices.get(&conv).cloned().unwrap_or(missing);
        let text = format!(
            "stablehlo.custom_call @spu.make_cached_var({}) {{has_side_effect = true}} : ({}) -> {}",
            m.name,
            m.ty(),
            m.ty()
        );
        self.put(&m.shape, m.dtype, &text)
    }
    /// An inline constant.
    pub fn inline(&mut self, t: &Tensor) -> Value {
        if let Some(v) = t.splat_value() {
            return self.splat(t.shape(), v);
        }
        let text = dense(t.data());
        self.put(t.shape(), t.dtype(), &format!("stablehlo.constant {text} : {}", ty(t.shape(), t.dtype())))
    }
    /// The value of a node; inline constants are emitted where they are first read.
    pub fn value(&mut self, id: NodeId) -> Value {
        if let Some(v) = self.values.get(&id) {
            return v.clone();
        }
        let v = match self.g.const_of(id) {
            Some(t) => {
                let t = t.clone();
                self.inline(&t)
            }
            None => Value::poison(self.facts.ty(id), self.images),
        };
        self.values.insert(id, v.clone());
        v
    }
}

/// The n-th argument of indices.
fn index_name(n: usize) -> String {
    format!("i{n:03}")
}

/// `dense<"0x…">`, little-endian; integers narrow to 32 bits, truth values are bit-packed.
fn dense(data: &Data) -> String {
    let mut s = String::from("dense<\"0x");
    let mut hex = |bytes: &[u8]| {
        bytes.iter().for_each(|b| {
            let _ = write!(s, "{b:02X}");
        })
    };
    match data {
        Data::F32(v) => v.iter().for_each(|x| hex(&x.to_le_bytes())),
        Data::I64(v) => v.iter().for_each(|&x| hex(&(x as i32).to_le_bytes())),
        Data::U8(v) => hex(v),
        Data::Bool(v) => v
            .chunks(8)
            .for_each(|c| hex(&[c.iter().enumerate().fold(0, |b, (i, &t)| b | (u8::from(t) << i))])),
    }
    s + "\">"
}

/// The weights that programs read, by name, in the order of execution.
pub fn weights(valid: &Valid<'_>) -> Vec<(String, NodeId)> {
    let g = valid.graph();
    let read = valid.order().iter().copied().filter(|&id| is_weight(g, id) && g.use_count(id) > 0);
    read.enumerate().map(|(n, id)| (format!("w{n:03}"), id)).collect()
}

/// How a program is written.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// Convolutions that are one product over all taps.
    pub taps: &'a HashSet<NodeId>,
    /// Convolutions of several groups that are one dense convolution.
    pub dense: &'a HashSet<NodeId>,
    /// Those that share a product, since they read one value.
    pub siblings: &'a [Vec<NodeId>],
    /// There is an argument [`UNIT`] after the weights.
    pub unit: bool,
    /// Images that the program takes at once.
    pub images: usize,
}

/// The whole module.
pub fn program(
    valid: &Valid<'_>,
    input: NodeId,
    output: NodeId,
    layout: Layout<'_>,
) -> Result<Program, EmitError> {
    let (g, Layout { taps, dense, siblings, unit, images }) = (valid.graph(), layout);
    let sums: HashMap<NodeId, Joined> =
        joined(g, valid.facts(), taps).into_iter().map(|j| (j.sum, j)).collect();
    let hidden: HashSet<NodeId> = sums.values().flat_map(|j| hidden(g, j)).collect();
    let products = products(valid, &sums, taps, siblings);
    let mut w = Writer {
        g,
        facts: valid.facts(),
        taps,
        siblings,
        waiting: HashMap::new(),
        images,
        sums,
        body: String::new(),
        next: 0,
        values: HashMap::new(),
        dense: HashMap::new(),
        matrices: HashMap::new(),
        indices: vec![],
    };
    let shape = |id| valid.facts().ty(id).at(images);
    let mut args = vec![];
    let mut arguments = vec![];
    let arg = Value { name: "%input".into(), shape: shape(input), dtype: DType::F32 };
    args.push(format!("{}: {}", arg.name, arg.ty()));
    w.values.insert(input, arg);
    let derived =
        |(user, slot): (NodeId, usize)| slot == 1 && (taps.contains(&user) || dense.contains(&user));
    for (name, id) in weights(valid).into_iter().filter(|(_, id)| !g.users(*id).into_iter().all(derived)) {
        let v = Value { name: format!("%{name}"), shape: shape(id), dtype: DType::F32 };
        args.push(format!("{}: {}", v.name, v.ty()));
        w.values.insert(id, v);
        arguments.push(name);
    }
    let mut matrices = vec![];
    for convs in products {
        let name = format!("m{:03}", matrices.len());
        let rows = convs.iter().map(|&c| kernel(valid, c).map_or(0, |k| k[0] * k[2] * k[3])).sum();
        let columns = kernel(valid, convs[0]).map_or(0, |k| k[1]);
        let v = Value { name: format!("%{name}"), shape: vec![rows, columns], dtype: DType::I64 };
        args.push(format!("{}: {}", v.name, v.ty()));
        w.matrices.insert(convs[0], v);
        arguments.push(name.clone());
        matrices.push((name, convs));
    }
    let mut spread = vec![];
    for &conv in valid.order().iter().filter(|id| dense.contains(id)) {
        let (name, channels) =
            (format!("d{:03}", spread.len()), g.operand(conv, 0).map_or(0, |x| shape(x)[1]));
        let Some(mut shape) = kernel(valid, conv).filter(|k| k.len() == 4) else { continue };
        shape[1] = channels;
        let v = Value { name: format!("%{name}"), shape, dtype: DType::F32 };
        args.push(format!("{}: {}", v.name, v.ty()));
        w.dense.insert(conv, v);
        arguments.push(name.clone());
        spread.push((name, conv));
    }
    if unit {
        args.push(format!("{UNIT}: {}", ty(&[], DType::F32)));
        arguments.push(UNIT.trim_start_matches('%').into());
    }
    let mut errors = vec![];
    for &id in valid.order() {
        if matches!(g.op(id), Op::Input(_) | Op::Const(_)) || hidden.contains(&id) {
            continue;
        }
        w.note(id);
        let v = lower(&mut w, valid, id).unwrap_or_else(|why| {
            errors.push(format!("{} '{}': {why}", g.op(id).mnemonic(), g.node(id).name));
            Value::poison(valid.facts().ty(id), images)
        });
        w.values.insert(id, v);
    }
    if !errors.is_empty() {
        errors.sort();
        return Err(EmitError::Unsupported { target: "spu", nodes: errors });
    }
    let result = w.value(output);
    let column = |v: &Vec<i64>| Tensor::new(vec![v.len(), 1], Data::I64(v.clone()));
    let indices: Vec<(String, Tensor)> =
        w.indices.iter().enumerate().map(|(n, v)| (index_name(n), column(v))).collect();
    arguments.extend(indices.iter().map(|(name, _)| name.clone()));
    args.extend(indices.iter().map(|(name, t)| format!("%{name}: {}", ty(t.shape(), DType::I64))));
    let text = format!(
        "module @relinc {{\n  func.func @main({}) -> {} {{\n{}    return {} : {}\n  }}\n}}\n",
        args.join(", "),
        result.ty(),
        w.body,
        result.name,
        result.ty()
    );
    Ok(Program { text, arguments, matrices, dense: spread, indices })
}

/// Dimensions of a convolution's weights, `[O,C,kH,kW]`.
fn kernel(valid: &Valid<'_>, conv: NodeId) -> Option<Vec<usize>> {
    Some(valid.facts().ty(valid.graph().operand(conv, 1)?).at(1))
}

/// The products over all taps, in the order of execution: the convolutions of each.
fn products(
    valid: &Valid<'_>,
    sums: &HashMap<NodeId, Joined>,
    taps: &HashSet<NodeId>,
    siblings: &[Vec<NodeId>],
) -> Vec<Vec<NodeId>> {
    let summed = sums.values().map(|j| j.parts.iter().map(|p| p.conv).collect());
    let together: Vec<Vec<NodeId>> = summed.chain(siblings.iter().cloned()).collect();
    let of = |conv: &NodeId| {
        let shared = together.iter().find(|t| t.contains(conv));
        shared.map_or_else(|| Some(vec![*conv]), |t| (t[0] == *conv).then(|| t.clone()))
    };
    valid.order().iter().filter(|id| taps.contains(id)).filter_map(of).collect()
}
