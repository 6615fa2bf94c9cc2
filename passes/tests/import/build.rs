//! Small ONNX models in code.

use prost::Message;
use relinc_passes::front::onnx::{ImportError, ImportOptions, Imported, import};
use relinc_passes::interp::Interp;
use relinc_passes::ir::infer::{Facts, infer};
use relinc_passes::ir::{NodeId, Op, Tensor};
use relinc_passes::proto::tensor_proto::DataType;
use relinc_passes::proto::tensor_shape_proto::{Dimension, dimension};
use relinc_passes::proto::*;

/// An attribute of any kind.
pub fn attr(name: &str) -> AttributeProto {
    AttributeProto { name: name.into(), ..Default::default() }
}
pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attr(name) }
}
pub fn ints(name: &str, v: &[i64]) -> AttributeProto {
    AttributeProto { ints: v.to_vec(), ..attr(name) }
}
pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attr(name) }
}
pub fn word(name: &str, s: &str) -> AttributeProto {
    AttributeProto { s: s.as_bytes().to_vec(), ..attr(name) }
}
pub fn tensor(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto { t: Some(t), ..attr(name) }
}
pub fn graph(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(g), ..attr(name) }
}

/// A float tensor counting up in steps of a tenth.
pub fn floats(name: &str, dims: &[i64]) -> TensorProto {
    let n: i64 = dims.iter().product();
    list(name, dims, &(1..=n).map(|i| i as f32 * 0.1).collect::<Vec<_>>())
}
pub fn list(name: &str, dims: &[i64], v: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: v.iter().flat_map(|f| f.to_le_bytes()).collect(),
        ..Default::default()
    }
}
pub fn longs(name: &str, v: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![v.len() as i64],
        data_type: DataType::Int64 as i32,
        int64_data: v.to_vec(),
        ..Default::default()
    }
}
pub fn long(name: &str, v: i64) -> TensorProto {
    TensorProto { dims: vec![], ..longs(name, &[v]) }
}
pub fn truth(name: &str, v: bool) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: DataType::Bool as i32,
        raw_data: vec![v as u8],
        ..Default::default()
    }
}

/// A node.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(|s| s.to_string()).collect(),
        output: outputs.iter().map(|s| s.to_string()).collect(),
        attribute,
        ..Default::default()
    }
}

/// A typed name; 0 is an open dimension, a negative one the symbol of that number (−1 is `batch`).
pub fn value(name: &str, elem_type: DataType, dims: &[i64]) -> ValueInfoProto {
    let dim = |&d: &i64| Dimension {
        value: match d {
            0 => None,
            -1 => Some(dimension::Value::DimParam("batch".into())),
            d if d < 0 => Some(dimension::Value::DimParam(format!("s{}", -d))),
            d => Some(dimension::Value::DimValue(d)),
        },
        ..Default::default()
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let t = type_proto::Tensor { elem_type: elem_type as i32, shape: Some(shape) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { value: Some(type_proto::Value::TensorType(t)), ..Default::default() }),
        ..Default::default()
    }
}

/// A model under construction.
#[derive(Clone)]
pub struct Model {
    pub proto: ModelProto,
    pub options: ImportOptions,
}

/// A model of this opset with input `x` and output `y`.
pub fn model(opset: i64, x: &[i64]) -> Model {
    let graph = GraphProto {
        name: "fixture".into(),
        input: vec![value("x", DataType::Float, x)],
        output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
        ..Default::default()
    };
    let proto = ModelProto {
        ir_version: 8,
        producer_name: "fixture".into(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        graph: Some(graph),
        ..Default::default()
    };
    Model { proto, options: ImportOptions::default() }
}

impl Model {
    pub fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.as_mut().unwrap()
    }
    pub fn node(mut self, op: &str, inputs: &[&str], outputs: &[&str], attrs: Vec<AttributeProto>) -> Model {
        self.graph().node.push(node(op, inputs, outputs, attrs));
        self
    }
    pub fn init(mut self, t: TensorProto) -> Model {
        self.graph().initializer.push(t);
        self
    }
    pub fn input(mut self, v: ValueInfoProto) -> Model {
        self.graph().input.push(v);
        self
    }
    pub fn output(mut self, name: &str) -> Model {
        self.graph().output.push(ValueInfoProto { name: name.into(), ..Default::default() });
        self
    }
    pub fn keep_batch(mut self) -> Model {
        self.options.keep_batch = true;
        self
    }
    pub fn dim(mut self, name: &str, size: usize) -> Model {
        self.options.dims.push((name.into(), size));
        self
    }
    pub fn bytes(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }
    pub fn try_import(&self) -> Result<Imported, ImportError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.onnx");
        std::fs::write(&file, self.bytes()).unwrap();
        import(&file, &self.options)
    }
    /// Imports and infers.
    pub fn import(&self) -> Read {
        let m = self.try_import().unwrap_or_else(|e| panic!("{e}"));
        let facts = infer(&m.graph).unwrap_or_else(|e| panic!("{e:?}"));
        Read { m, facts }
    }
    /// The refusal, as text.
    pub fn refusal(&self) -> String {
        match self.try_import() {
            Ok(m) => panic!("imported: {:?}", m.graph),
            Err(e) => e.to_string(),
        }
    }
    /// Asserts a refusal that says all of this.
    pub fn refused(&self, words: &[&str]) {
        let text = self.refusal();
        for w in words {
            assert!(text.contains(w), "{w:?} is missing in: {text}");
        }
    }
}

/// An imported model with its facts.
pub struct Read {
    pub m: Imported,
    pub facts: Facts,
}

impl Read {
    pub fn id(&self, name: &str) -> NodeId {
        self.m.graph.by_name(name).unwrap_or_else(|| panic!("no value {name} in {:?}", self.m.graph))
    }
    pub fn op(&self, name: &str) -> &Op {
        self.m.graph.op(self.id(name))
    }
    /// A value's type as text, such as `f32[N,10]`.
    pub fn ty(&self, name: &str) -> String {
        self.facts.ty(self.id(name)).to_string()
    }
    /// What a dynamic operation resolves to.
    pub fn resolved(&self, name: &str) -> Op {
        let id = self.id(name);
        let operands: Vec<_> = self.m.graph.operands(id).into_iter().map(|o| self.facts.of(o)).collect();
        match self.m.graph.op(id) {
            Op::Dyn(d) => relinc_passes::ir::infer::resolve(*d, &operands).unwrap(),
            op => op.clone(),
        }
    }
    /// The dimensions and the elements of the first output.
    pub fn run(&self, shape: &[usize], x: Vec<f32>) -> (Vec<usize>, Vec<f32>) {
        let out = Interp::new(&self.m.graph).unwrap().run(vec![Tensor::f32(shape, x)]).unwrap();
        (out[0].shape().to_vec(), out[0].as_f32().unwrap().to_vec())
    }
    pub fn notices(&self) -> String {
        self.m.notices.join("\n")
    }
    pub fn constant(&self, name: &str) -> Vec<f32> {
        self.m.graph.const_of(self.id(name)).unwrap().as_f32().unwrap().to_vec()
    }
}
