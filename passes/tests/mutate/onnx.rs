//! Mutations that know ONNX: nodes, edges, attributes, shapes, initializers, names and operator sets.

use super::bytes;
use super::run::{below, once_in, pick};
use prost::Message;
use relinc_passes::proto::tensor_shape_proto::{Dimension, dimension};
use relinc_passes::proto::*;
use relinc_passes::splitmix::SplitMix;

/// A mutant's bytes.
pub fn mutant(seeds: &[ModelProto], dice: &mut SplitMix) -> Vec<u8> {
    let mut m = pick(dice, seeds).clone();
    for _ in 0..=below(dice, 3).min(below(dice, 3)) {
        let other = pick(dice, seeds).clone();
        mutate(&mut m, &other, dice);
    }
    let mut b = m.encode_to_vec();
    if once_in(dice, 12) {
        bytes::mutate(&mut b, dice);
    }
    b
}

/// Operations of one operand that can stand anywhere.
const ONE: [&str; 26] = [
    "Relu",
    "Sigmoid",
    "Tanh",
    "Abs",
    "Neg",
    "Exp",
    "Sqrt",
    "Erf",
    "Identity",
    "Softmax",
    "LogSoftmax",
    "LeakyRelu",
    "HardSwish",
    "Clip",
    "Softplus",
    "Ceil",
    "Floor",
    "Log",
    "Reciprocal",
    "Gelu",
    "Mish",
    "HardSigmoid",
    "Dropout",
    "Flatten",
    "Transpose",
    "Shape",
];
const TWO: [&str; 16] = [
    "Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "PRelu", "MatMul", "Greater", "Less", "Equal", "Concat",
    "Sum", "Mean", "Where",
];
const OTHER: [&str; 34] = [
    "Conv",
    "Gemm",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "BatchNormalization",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "ReduceL2",
    "ReduceProd",
    "ReduceSumSquare",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Split",
    "Pad",
    "Expand",
    "Gather",
    "Cast",
    "Constant",
    "ConstantOfShape",
    "ArgMax",
    "Size",
    "Range",
    "NonZero",
    "QuantizeLinear",
    "DequantizeLinear",
    "If",
    "Not",
    "And",
];
const ATTRIBUTES: [&str; 30] = [
    "axis",
    "axes",
    "keepdims",
    "perm",
    "pads",
    "strides",
    "dilations",
    "kernel_shape",
    "group",
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "epsilon",
    "alpha",
    "beta",
    "transA",
    "transB",
    "to",
    "mode",
    "split",
    "start",
    "end",
    "starts",
    "ends",
    "value",
    "min",
    "max",
    "allowzero",
    "training_mode",
    "noop_with_empty_axes",
];
const INTS: [i64; 16] =
    [0, 1, -1, 2, 3, 4, 5, -2, 7, 16, 1000, 1 << 20, i32::MAX as i64, i64::MAX, i64::MIN, 1 << 40];
const FLOATS: [f32; 14] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    6.0,
    1e-5,
    1e-45,
    1e30,
    -1e30,
    f32::MAX,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    -0.0,
];

fn small(dice: &mut SplitMix, was: i64) -> i64 {
    match below(dice, 4) {
        0 => *pick(dice, &INTS),
        1 => was.wrapping_add(1),
        2 => was.wrapping_sub(1),
        _ => below(dice, 6) as i64,
    }
}

/// Every name that a node can read.
fn names(g: &GraphProto) -> Vec<String> {
    let inputs = g.input.iter().map(|v| v.name.clone());
    let weights = g.initializer.iter().map(|t| t.name.clone());
    let made = g.node.iter().flat_map(|n| n.output.iter().cloned());
    inputs.chain(weights).chain(made).filter(|n| !n.is_empty()).collect()
}

/// One mutation.
fn mutate(m: &mut ModelProto, other: &ModelProto, dice: &mut SplitMix) {
    if once_in(dice, 24) {
        return model(m, other, dice);
    }
    let Some(g) = m.graph.as_mut() else { return };
    if g.node.is_empty() {
        return;
    }
    let i = below(dice, g.node.len());
    match below(dice, 20) {
        0..=2 => insert(g, dice),
        3 | 4 => operation(&mut g.node[i], dice),
        5..=7 => attribute(&mut g.node[i], dice),
        8 => attributes(&mut g.node[i], other, dice),
        9 | 10 => edge(g, i, dice),
        11 => node(g, i, other, dice),
        12 | 13 => values(g, dice),
        14 => dims(g, dice),
        15 | 16 => shape(g, dice),
        17 => rename(g, i, dice),
        18 => constant(g, i, dice),
        _ => graft(g, other, dice),
    }
}

fn model(m: &mut ModelProto, other: &ModelProto, dice: &mut SplitMix) {
    match below(dice, 6) {
        0 | 1 => {
            if let Some(o) = m.opset_import.first_mut() {
                o.version = if once_in(dice, 3) { *pick(dice, &INTS) } else { 6 + below(dice, 19) as i64 };
            }
        }
        2 => m.opset_import.push(OperatorSetIdProto { domain: "custom".into(), version: 1 }),
        3 => m.ir_version = *pick(dice, &INTS),
        4 => m.functions.extend(function(other, dice)),
        _ => {
            // Some of the graph's nodes as a function, which calls itself now and then.
            m.functions.extend(function(&m.clone(), dice));
            if let (Some(g), Some(f)) = (m.graph.as_mut(), m.functions.last())
                && !g.node.is_empty()
            {
                let n = below(dice, g.node.len());
                g.node[n].domain = f.domain.clone().unwrap_or_default();
                g.node[n].op_type = f.name.clone().unwrap_or_default();
            }
        }
    }
}

fn function(of: &ModelProto, dice: &mut SplitMix) -> Option<FunctionProto> {
    let g = of.graph.as_ref()?;
    let take = 1 + below(dice, 3);
    let from = below(dice, g.node.len().max(1));
    let mut node: Vec<NodeProto> = g.node.iter().skip(from).take(take).cloned().collect();
    let (first, last) = (node.first()?.clone(), node.last()?.clone());
    if once_in(dice, 4) {
        node.push(NodeProto { op_type: "F".into(), domain: "custom".into(), ..last.clone() });
    }
    Some(FunctionProto {
        name: Some("F".into()),
        domain: Some("custom".into()),
        input: first.input,
        output: last.output,
        opset_import: of.opset_import.clone(),
        node,
        ..Default::default()
    })
}

/// A new node on an edge.
fn insert(g: &mut GraphProto, dice: &mut SplitMix) {
    let i = below(dice, g.node.len());
    let Some(k) = (!g.node[i].input.is_empty()).then(|| below(dice, g.node[i].input.len())) else { return };
    let (from, to) = (g.node[i].input[k].clone(), format!("new{}", g.node.len()));
    let mut n =
        NodeProto { op_type: pick(dice, &ONE).to_string(), output: vec![to.clone()], ..Default::default() };
    n.input.push(from.clone());
    if once_in(dice, 3) {
        n.op_type = pick(dice, &TWO).to_string();
        let all = names(g);
        n.input.push(if once_in(dice, 2) { from } else { pick(dice, &all).clone() });
        if n.op_type == "Where" {
            n.input.insert(0, pick(dice, &all).clone());
        }
    }
    match n.op_type.as_str() {
        "Softmax" | "LogSoftmax" | "Concat" | "Flatten" => {
            n.attribute.push(int("axis", below(dice, 3) as i64 - 1))
        }
        "Transpose" => {
            let mut perm = vec![0, 1, 2, 3];
            perm.swap(below(dice, 4), below(dice, 4));
            n.attribute.push(ints("perm", perm));
        }
        _ => {}
    }
    g.node[i].input[k] = to;
    g.node.insert(i, n);
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i,
        r#type: attribute_proto::AttributeType::Int as i32,
        ..Default::default()
    }
}

fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    let ty = attribute_proto::AttributeType::Ints as i32;
    AttributeProto { name: name.into(), ints, r#type: ty, ..Default::default() }
}

fn operation(n: &mut NodeProto, dice: &mut SplitMix) {
    let one = ONE.contains(&n.op_type.as_str());
    let two = TWO.contains(&n.op_type.as_str());
    n.op_type = match below(dice, 4) {
        0 => pick(dice, &OTHER).to_string(),
        1 => pick(dice, &ONE).to_string(),
        _ if one => pick(dice, &ONE).to_string(),
        _ if two => pick(dice, &TWO).to_string(),
        _ => n.op_type.replace("Max", "Average").replace("Average", "Max").replace("ReduceMean", "ReduceSum"),
    };
    // Those of another operator are refused before anything else is looked at.
    if !once_in(dice, 3) {
        n.attribute.clear();
    }
}

fn attribute(n: &mut NodeProto, dice: &mut SplitMix) {
    if n.attribute.is_empty() || once_in(dice, 4) {
        let name = *pick(dice, &ATTRIBUTES);
        let mut a = int(name, small(dice, 1));
        if once_in(dice, 2) {
            a = ints(name, (0..below(dice, 5)).map(|_| small(dice, 1)).collect());
        }
        a.f = *pick(dice, &FLOATS);
        n.attribute.push(a);
        return;
    }
    let k = below(dice, n.attribute.len());
    let a = &mut n.attribute[k];
    match below(dice, 8) {
        0 => drop(n.attribute.remove(k)),
        1 => a.f = *pick(dice, &FLOATS),
        2 => {
            a.s = pick(
                dice,
                &["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "reflect", "edge", "tanh", "\u{1b}["],
            )
            .as_bytes()
            .to_vec()
        }
        3 if !a.ints.is_empty() => drop(a.ints.pop()),
        4 => a.ints.push(small(dice, 1)),
        5 => a.name = pick(dice, &ATTRIBUTES).to_string(),
        _ if !a.ints.is_empty() => {
            let j = below(dice, a.ints.len());
            a.ints[j] = small(dice, a.ints[j]);
        }
        _ => a.i = small(dice, a.i),
    }
}

/// The attributes of another node.
fn attributes(n: &mut NodeProto, other: &ModelProto, dice: &mut SplitMix) {
    let all = other.graph.as_ref().map(|g| &g.node[..]).unwrap_or_default();
    let same: Vec<&NodeProto> = all.iter().filter(|o| o.op_type == n.op_type || once_in(dice, 10)).collect();
    if !same.is_empty() {
        n.attribute = pick(dice, &same).attribute.clone();
    }
}

fn edge(g: &mut GraphProto, i: usize, dice: &mut SplitMix) {
    let all = names(g);
    let n = &mut g.node[i];
    let k = below(dice, n.input.len().max(1));
    match below(dice, 8) {
        0 if !n.input.is_empty() => drop(n.input.remove(k)),
        1 => n.input.push(pick(dice, &all).clone()),
        2 if !n.input.is_empty() => n.input[k].clear(),
        3 if !n.input.is_empty() => {
            let j = below(dice, n.input.len());
            n.input.swap(k, j);
        }
        4 if !n.input.is_empty() => n.input[k] = n.input[0].clone(),
        5 if !g.output.is_empty() => {
            let o = below(dice, g.output.len());
            g.output[o].name = pick(dice, &all).clone();
        }
        6 => g.output.push(ValueInfoProto { name: pick(dice, &all).clone(), ..Default::default() }),
        _ if !n.input.is_empty() => n.input[k] = pick(dice, &all).clone(),
        _ => {}
    }
}

fn node(g: &mut GraphProto, i: usize, other: &ModelProto, dice: &mut SplitMix) {
    let j = below(dice, g.node.len());
    match below(dice, 5) {
        0 => {
            let n = g.node.remove(i);
            // Its readers read what it read.
            if let (Some(from), Some(to)) = (n.input.first().cloned(), n.output.first().cloned()) {
                let reads = g.node.iter_mut().flat_map(|n| &mut n.input).filter(|r| **r == to);
                reads.for_each(|r| r.clone_from(&from));
            }
        }
        1 => g.node.swap(i, j),
        2 => {
            let mut n = g.node[i].clone();
            n.output.iter_mut().for_each(|o| o.push_str(".again"));
            let (was, is) = (g.node[i].output.first().cloned(), n.output.first().cloned());
            if let (Some(was), Some(is), true) = (was, is, i < j)
                && let Some(r) = g.node[j].input.iter_mut().find(|r| **r == was)
            {
                *r = is;
            }
            g.node.insert(i + 1, n);
        }
        3 => drop(g.node.remove(i)),
        _ => {
            let from = other.graph.as_ref().filter(|o| !o.node.is_empty());
            g.node.extend(from.map(|o| pick(dice, &o.node).clone()));
        }
    }
}

/// Numbers of an initializer.
fn values(g: &mut GraphProto, dice: &mut SplitMix) {
    if g.initializer.is_empty() {
        return;
    }
    let k = below(dice, g.initializer.len());
    let t = &mut g.initializer[k];
    match below(dice, 8) {
        0 => bytes::mutate(&mut t.raw_data, dice),
        1 if t.raw_data.len() >= 4 => {
            let at = below(dice, t.raw_data.len() / 4) * 4;
            t.raw_data[at..at + 4].copy_from_slice(&pick(dice, &FLOATS).to_le_bytes());
        }
        2 if t.data_type == 1 => {
            let v = *pick(dice, &[0.0, 1.0, -1.0, 1e-20, 1e20, 0.5f32]);
            t.raw_data = (0..t.raw_data.len() / 4).flat_map(|_| v.to_le_bytes()).collect();
        }
        3 if t.data_type == 7 && t.raw_data.len() >= 8 => {
            let at = below(dice, t.raw_data.len() / 8) * 8;
            let was = i64::from_le_bytes(t.raw_data[at..at + 8].try_into().unwrap());
            t.raw_data[at..at + 8].copy_from_slice(&small(dice, was).to_le_bytes());
        }
        4 if t.data_type == 1 => {
            let by = *pick(dice, &[0.0, -1.0, 100.0, 1e-3f32]);
            let v = t.raw_data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b) * by);
            t.raw_data = v.flat_map(f32::to_le_bytes).collect();
        }
        5 => t.data_type = below(dice, 24) as i32,
        6 => drop(g.initializer.remove(k)),
        _ if t.data_type == 1 => {
            let v: Vec<f32> = (0..t.raw_data.len() / 4).map(|_| dice.uniform() * 2.0 - 1.0).collect();
            t.raw_data = v.into_iter().flat_map(f32::to_le_bytes).collect();
        }
        _ => {}
    }
}

/// Dimensions of an initializer, as a rule with data that fit.
fn dims(g: &mut GraphProto, dice: &mut SplitMix) {
    if g.initializer.is_empty() {
        return;
    }
    let k = below(dice, g.initializer.len());
    let t = &mut g.initializer[k];
    let j = below(dice, t.dims.len().max(1));
    match below(dice, 5) {
        0 => t.dims.insert(j.min(t.dims.len()), 1),
        1 if !t.dims.is_empty() => drop(t.dims.remove(j)),
        2 if !t.dims.is_empty() => t.dims[j] = *pick(dice, &INTS),
        3 => t.dims.reverse(),
        _ if !t.dims.is_empty() => t.dims[j] = 1 + below(dice, 5) as i64,
        _ => {}
    }
    let size = match t.data_type {
        1 => 4,
        7 => 8,
        _ => 1,
    };
    let n =
        t.dims.iter().try_fold(size as i64, |p, &d| p.checked_mul(d)).filter(|n| (0..1 << 16).contains(n));
    if let (Some(n), false, false) = (n, t.raw_data.is_empty(), once_in(dice, 4)) {
        let old = t.raw_data.clone();
        t.raw_data = old.into_iter().cycle().take(n as usize).collect();
    }
}

/// An input's dimensions and type.
fn shape(g: &mut GraphProto, dice: &mut SplitMix) {
    if g.input.is_empty() {
        return;
    }
    let k = below(dice, g.input.len());
    if once_in(dice, 12) {
        let mut more = g.input[k].clone();
        more.name = if once_in(dice, 2) { "more".into() } else { more.name };
        return g.input.push(more);
    }
    let Some(type_proto::Value::TensorType(t)) = g.input[k].r#type.as_mut().and_then(|t| t.value.as_mut())
    else {
        return;
    };
    if once_in(dice, 10) {
        t.elem_type = below(dice, 24) as i32;
        return;
    }
    let Some(s) = t.shape.as_mut() else { return };
    let j = below(dice, s.dim.len().max(1));
    let value = match below(dice, 6) {
        0 => Some(dimension::Value::DimParam(pick(dice, &["N", "M", "h", ""]).to_string())),
        1 => None,
        2 => Some(dimension::Value::DimValue(*pick(dice, &INTS))),
        _ => Some(dimension::Value::DimValue(1 + below(dice, 12) as i64)),
    };
    let dim = Dimension { value, ..Default::default() };
    match below(dice, 8) {
        0 => s.dim.insert(j.min(s.dim.len()), dim),
        1 if !s.dim.is_empty() => drop(s.dim.remove(j)),
        _ if !s.dim.is_empty() => s.dim[j] = dim,
        _ => {}
    }
}

fn rename(g: &mut GraphProto, i: usize, dice: &mut SplitMix) {
    let Some(was) = g.node[i].output.first().cloned() else { return };
    let long = "n".repeat(3000);
    let is = pick(
        dice,
        &["", "a/b", "\u{1b}[31mred", "y", "relu00", "x.1", "..", "\"q\"", "%poison", "0", "\n", &long],
    )
    .to_string();
    g.node[i].output[0] = is.clone();
    if once_in(dice, 4) {
        return;
    }
    let reads = g.node.iter_mut().flat_map(|n| &mut n.input).chain(g.output.iter_mut().map(|o| &mut o.name));
    reads.filter(|r| **r == was).for_each(|r| r.clone_from(&is));
}

/// Makes a constant of an operand, or an operand of a constant.
fn constant(g: &mut GraphProto, i: usize, dice: &mut SplitMix) {
    if g.node[i].input.is_empty() {
        return;
    }
    let k = below(dice, g.node[i].input.len());
    let name = g.node[i].input[k].clone();
    match g.initializer.iter().position(|t| t.name == name) {
        Some(at) if once_in(dice, 2) => {
            let t = g.initializer.remove(at);
            let value = AttributeProto { name: "value".into(), t: Some(t), r#type: 4, ..Default::default() };
            let n = NodeProto {
                op_type: "Constant".into(),
                output: vec![name],
                attribute: vec![value],
                ..Default::default()
            };
            g.node.insert(0, n);
        }
        Some(at) => {
            let made = format!("{name}.made");
            let n = NodeProto {
                op_type: pick(dice, &ONE).to_string(),
                input: vec![g.initializer[at].name.clone()],
                output: vec![made.clone()],
                ..Default::default()
            };
            g.node[i].input[k] = made;
            g.node.insert(0, n);
        }
        None if !g.initializer.is_empty() => {
            let t = pick(dice, &g.initializer).name.clone();
            g.node[i].input[k] = t;
        }
        None => {}
    }
}

/// The other model's graph behind this one's output.
fn graft(g: &mut GraphProto, other: &ModelProto, dice: &mut SplitMix) {
    let Some(mut o) = other.graph.clone() else { return };
    let (Some(out), Some(input)) = (g.output.first().cloned(), o.input.first().cloned()) else { return };
    if g.node.len() + o.node.len() > 80 {
        return;
    }
    let all = names(g);
    let from = if once_in(dice, 2) { out.name } else { pick(dice, &all).clone() };
    let known = |n: &str| {
        if n == input.name {
            from.clone()
        } else if n.is_empty() {
            String::new()
        } else {
            format!("o.{n}")
        }
    };
    for n in &mut o.node {
        n.input.iter_mut().chain(&mut n.output).for_each(|n| *n = known(n));
    }
    o.initializer.iter_mut().for_each(|t| t.name = known(&t.name));
    o.output.iter_mut().for_each(|v| v.name = known(&v.name));
    g.node.extend(o.node);
    g.initializer.extend(o.initializer);
    g.output = o.output;
}
