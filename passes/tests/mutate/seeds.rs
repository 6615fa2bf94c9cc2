//! What cases are mutated from: the `.pir` cases of the passes, graphs in the spellings of exporters, and, where it is there, small
//! files of the shared folder.

use prost::Message;
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::driver::valid;
use relinc_passes::ir::text::parse;
use relinc_passes::proto::tensor_proto::DataType;
use relinc_passes::proto::tensor_shape_proto::{Dimension, dimension};
use relinc_passes::proto::*;
use std::path::{Path, PathBuf};

/// Files from the shared folder are no larger than this.
const LARGEST: u64 = 16 << 10;

/// The graphs of all cases in text.
pub fn pir() -> Vec<String> {
    let mut files = vec![];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Of the package of passes, or of the whole workspace.
    let mut folders =
        vec![if root.join("passes").is_dir() { root.join("passes/tests") } else { root.join("tests") }];
    while let Some(d) = folders.pop() {
        for p in std::fs::read_dir(d).unwrap().flatten().map(|e| e.path()) {
            match p.extension() {
                None if p.is_dir() => folders.push(p),
                Some(e) if e == "pir" => files.push(p),
                _ => {}
            }
        }
    }
    files.sort();
    let graph = |p: &PathBuf| {
        let text = std::fs::read_to_string(p).unwrap();
        let before = text.split("# expect").next().unwrap_or_default();
        before.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect::<String>()
    };
    files.iter().map(graph).collect()
}

/// Models.
pub fn onnx(folder: &Path) -> Vec<ModelProto> {
    let mut all: Vec<ModelProto> = WRITTEN.iter().map(|t| model(t)).collect();
    let file = folder.join("seed.onnx");
    for g in pir().iter().filter_map(|t| parse(t).ok()) {
        let emitted = valid::check(&g).ok().and_then(|v| emit(&v, &file, &OnnxOptions::default()).ok());
        if emitted.is_some() {
            all.extend(ModelProto::decode(std::fs::read(&file).unwrap().as_slice()));
        }
    }
    let shared = std::env::var_os("RELINC_SHARED").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = if root.join("passes").is_dir() { "../shared" } else { "../../shared" };
    let shared = shared.unwrap_or_else(|| root.join(beside));
    for sub in ["cases", "models"] {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(shared.join(sub)).into_iter().flatten().flatten().map(|e| e.path()).collect();
        files.sort();
        // Mutants of what is made to take long take long.
        let bomb = |p: &Path| p.to_string_lossy().contains("bomb");
        let small = |p: &&PathBuf| !bomb(p) && std::fs::metadata(p).is_ok_and(|m| m.len() <= LARGEST);
        for p in files.iter().filter(|p| p.extension().is_some_and(|e| e == "onnx")).filter(small) {
            all.extend(ModelProto::decode(std::fs::read(p).unwrap().as_slice()));
        }
    }
    all
}

/// Models a line a thing: `x: f32[N,3,8,8]` an input, `w: f32[2,2] = rand` or a list an initializer, `y = Op(a, b) k=1 m=[1,2]
/// s="…"` a node, `-> y, z` the outputs, `opset 17`.
const WRITTEN: &[&str] = &[
    "opset 17\nx: f32[N,3,8,8]\nw: f32[4,3,3,3] = rand\nb: f32[4] = rand\nc = Conv(x, w, b) pads=[1,1,1,1] strides=[2,2]\n\
     g: f32[4] = 1\nh: f32[4] = rand\nv: f32[4] = 2\nn = BatchNormalization(c, g, h, h, v)\nr = Relu(n)\nw2: f32[4,4,3,3] = rand\n\
     d = Conv(r, w2) pads=[1,1,1,1]\ns = Add(d, n)\nq = Relu(s)\np = MaxPool(q) kernel_shape=[2,2] strides=[2,2]\n\
     a = GlobalAveragePool(p)\nf = Flatten(a)\nl: f32[5,4] = rand\nk: f32[5] = rand\ny = Gemm(f, l, k) transB=1\n-> y",
    "opset 13\nx: f32[N,2,6,6]\nt = Shape(x)\ni: i64[] = 0\nn = Gather(t, i)\nz: i64[1] = 0\nu = Unsqueeze(n, z)\nm: i64[1] = -1\n\
     s = Concat(u, m) axis=0\nr = Relu(x)\nf = Reshape(r, s)\nw: f32[72,3] = rand\nq = MatMul(f, w)\nb: f32[3] = rand\ny = Add(b, q)\n-> y",
    "opset 18\nx: f32[1,4,5,5]\nw: f32[4,2,3,3] = rand\nc = Conv(x, w) group=2 auto_pad=\"SAME_UPPER\"\nlo: f32[] = 0\nhi: f32[] = 6\n\
     r = Clip(c, lo, hi)\nh = HardSigmoid(r) alpha=0.16666667\nm = Mul(r, h)\nax: i64[2] = 2 3\ng = ReduceMean(m, ax) keepdims=0\n\
     y = Softmax(g) axis=1\n-> y",
    "opset 11\nx: f32[N,3,4,4]\na, b, c = Split(x) axis=1 split=[1,1,1]\nj = Concat(c, a, b) axis=1\n\
     p: i64[8] = 0 0 1 1 0 0 1 1\nz: f32[] = 0\nq = Pad(j, p, z) mode=\"constant\"\nt = Transpose(q) perm=[0,2,3,1]\nr = LeakyRelu(t) alpha=0.1\n\
     u = Transpose(r) perm=[0,3,1,2]\ne = AveragePool(u) kernel_shape=[3,3] pads=[1,1,1,1] count_include_pad=1\nf = Flatten(e)\n\
     w: f32[108,4] = rand\ny = Gemm(f, w)\n-> y",
    "opset 15\nx: f32[N,4]\nw: f32[4,6] = rand\nm = MatMul(x, w)\ns: f32[6] = rand\np = PRelu(m, s)\nc = Constant() value_float=0.5\n\
     g = Greater(p, c)\nz = Sub(p, p)\nk = Where(g, p, z)\ne = Exp(k)\no: i64[1] = 1\nt = ReduceSum(e, o) keepdims=1\ny = Div(e, t)\n-> y",
    "opset 17\nx: f32[N,2,7,7]\nw: f32[6,2,3,3] = rand\nb: f32[6] = rand\nc = Conv(x, w, b) dilations=[2,2] pads=[2,2,2,2]\ns = Sigmoid(c)\n\
     m = Mul(c, s)\nd: f32[6,1,3,3] = rand\nq = Conv(m, d) group=6 pads=[1,1,1,1]\nr = Relu(q)\ng = GlobalAveragePool(r)\n\
     e: f32[3,6,1,1] = rand\nh = Conv(g, e)\ni = Relu(h)\nj: f32[6,3,1,1] = rand\nk = Conv(i, j)\nl = Sigmoid(k)\nn = Mul(r, l)\n\
     st: i64[1] = 1\nen: i64[1] = 5\nax: i64[1] = 2\nsl = Slice(n, st, en, ax)\no = GlobalMaxPool(sl)\nf = Flatten(o)\ny = LogSoftmax(f) axis=-1\n-> y",
    "opset 14\nx: f32[N,2,4,4]\nsc: f32[] = 0.1\nzp: u8[] = 3\nq = QuantizeLinear(x, sc, zp)\nd = DequantizeLinear(q, sc, zp)\n\
     ax: i64[1] = 1\nm = ReduceMax(d) axes=[2,3] keepdims=1\ns = Squeeze(m)\nsh: i64[4] = 1 2 4 4\nv: f32[1,2,1,1] = rand\ne = Expand(v, sh)\n\
     a = Mul(d, e)\nr = Relu(a)\nid = Identity(r)\ndr = Dropout(id)\nf = Flatten(dr) axis=1\nw: f32[32,3] = rand\ny = MatMul(f, w)\n-> y, s",
    "opset 17\nx: f32[N,8]\nw: f32[8,8] = rand\na = MatMul(x, w)\nr = Relu(a)\nt = Tanh(r)\nn = Neg(t)\nb = Abs(n)\nc = Sqrt(b)\nd = Erf(c)\n\
     e = Add(d, r)\nf = Max(e, a)\ng = Min(f, x)\ntwo: f32[] = 2\nh = Pow(g, two)\ni = Mean(h, g)\nv: f32[3,8] = rand\ny = Gemm(i, v) transB=1 alpha=0.5\n-> y",
    "opset 17\nx: f32[N,2,5,5]\nw: f32[4,2,1,1] = rand\nc = Conv(x, w)\nv: f32[4,4,3,3] = rand\nd = Conv(c, v)\nu: f32[4,2,3,3] = rand\n\
     e = Conv(x, u)\ns = Add(d, e)\nr = Relu(s)\nq = Relu(r)\np = MaxPool(q) kernel_shape=[3,3]\nf = Flatten(p)\nl: f32[3,4] = rand\n\
     y = Gemm(f, l) transB=1\n-> y",
    "opset 17\nx: f32[N,3,4,4]\na = Shape(x) start=2\nb = Cast(a) to=1\nh: f32[] = 0.5\nc = Mul(b, h)\nd = Ceil(c)\ne = Cast(d) to=7\n\
     i = ReduceProd(a) keepdims=1\nm: i64[2] = 0 -1\nj = Reshape(x, m)\nz = ConstantOfShape(a)\nk = Mul(x, z)\nl = Add(k, x)\nn = Size(x)\n\
     q = Relu(l)\nf = Flatten(q)\nw: f32[48,2] = rand\ny = MatMul(f, w)\n-> y",
];

fn shape(dims: &str) -> Vec<&str> {
    dims.trim_end_matches(']').split(',').map(str::trim).filter(|d| !d.is_empty()).collect()
}

/// A model from its text.
fn model(text: &str) -> ModelProto {
    let mut m = ModelProto { ir_version: 8, producer_name: "seed".into(), ..Default::default() };
    let mut g = GraphProto { name: "seed".into(), ..Default::default() };
    let mut seed = 1;
    for line in text.lines().map(str::trim) {
        if let Some(v) = line.strip_prefix("opset ") {
            let version = v.parse().unwrap();
            m.opset_import.push(OperatorSetIdProto { domain: String::new(), version });
        } else if let Some(names) = line.strip_prefix("-> ") {
            let info = |n: &str| ValueInfoProto { name: n.trim().into(), ..Default::default() };
            g.output = names.split(',').map(info).collect();
        } else if let Some((name, rest)) = line.split_once(": ") {
            let (ty, value) = rest.split_once(" = ").map_or((rest, None), |(t, v)| (t, Some(v)));
            let (element, dims) = ty.split_once('[').unwrap();
            let element = match element {
                "f32" => DataType::Float,
                "i64" => DataType::Int64,
                _ => DataType::Uint8,
            };
            match value {
                Some(v) => g.initializer.push(initializer(name, element, &shape(dims), v, &mut seed)),
                None => g.input.push(input(name, element, &shape(dims))),
            }
        } else {
            g.node.push(node(line));
        }
    }
    m.graph = Some(g);
    m
}

fn input(name: &str, element: DataType, dims: &[&str]) -> ValueInfoProto {
    let dim = |d: &&str| Dimension {
        value: Some(match d.parse() {
            Ok(n) => dimension::Value::DimValue(n),
            Err(_) => dimension::Value::DimParam(d.to_string()),
        }),
        ..Default::default()
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let t = type_proto::Tensor { elem_type: element as i32, shape };
    let ty = TypeProto { value: Some(type_proto::Value::TensorType(t)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(ty), ..Default::default() }
}

fn initializer(name: &str, element: DataType, dims: &[&str], value: &str, seed: &mut u64) -> TensorProto {
    let dims: Vec<i64> = dims.iter().map(|d| d.parse().unwrap()).collect();
    let n = dims.iter().product::<i64>() as usize;
    *seed += 1;
    let mut dice = relinc_passes::splitmix::SplitMix::new(*seed);
    let given: Vec<f32> = match value {
        "rand" => (0..n).map(|_| dice.uniform() - 0.4).collect(),
        list => list.split(' ').map(|v| v.parse().unwrap()).cycle().take(n).collect(),
    };
    let raw_data = match element {
        DataType::Float => given.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DataType::Int64 => given.iter().flat_map(|&v| (v as i64).to_le_bytes()).collect(),
        _ => given.iter().map(|&v| v as u8).collect(),
    };
    TensorProto { name: name.into(), dims, data_type: element as i32, raw_data, ..Default::default() }
}

fn node(line: &str) -> NodeProto {
    let (outputs, rest) = line.split_once(" = ").unwrap();
    let (op, rest) = rest.split_once('(').unwrap();
    let (inputs, attrs) = rest.split_once(')').unwrap();
    let names = |s: &str| s.split(',').map(|n| n.trim().to_string()).filter(|n| !n.is_empty()).collect();
    NodeProto {
        op_type: op.into(),
        input: names(inputs),
        output: names(outputs),
        attribute: attrs.split_whitespace().map(attribute).collect(),
        ..Default::default()
    }
}

fn attribute(text: &str) -> AttributeProto {
    use attribute_proto::AttributeType;
    let (name, v) = text.split_once('=').unwrap();
    let a = AttributeProto { name: name.into(), ..Default::default() };
    if let Some(list) = v.strip_prefix('[') {
        let ints = shape(list).iter().map(|d| d.parse().unwrap()).collect();
        return AttributeProto { ints, r#type: AttributeType::Ints as i32, ..a };
    }
    if let Some(s) = v.strip_prefix('"') {
        let s = s.trim_end_matches('"').as_bytes().to_vec();
        return AttributeProto { s, r#type: AttributeType::String as i32, ..a };
    }
    match v.parse() {
        Ok(i) => AttributeProto { i, r#type: AttributeType::Int as i32, ..a },
        Err(_) => AttributeProto { f: v.parse().unwrap(), r#type: AttributeType::Float as i32, ..a },
    }
}
