//! IR → ONNX, portable: it runs in any ONNX runtime, and index tensors are `Constant` nodes as MPC importers want them.

mod nodes;
mod proto;
mod stream;
pub(crate) use stream::write_elements;

pub use stream::write_model;

use super::EmitError;
use crate::driver::valid::Valid;
use crate::ir::{DType, Graph, NodeId, Op, Tensor};
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use nodes::Emitter;
use proto::Node;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// The opsets this back end writes.
pub const OPSETS: std::ops::RangeInclusive<i64> = 13..=23;

/// How to write the model.
#[derive(Debug, Clone)]
pub struct OnnxOptions {
    /// Operator set version.
    pub opset: i64,
    /// Weights larger than this many bytes in all are written beside the model.
    pub external_over: usize,
    /// Key–value pairs kept in the model's metadata.
    pub metadata: Vec<(String, String)>,
    /// Leave the elements of initializers out: names, types and shapes only.
    pub blank: bool,
    /// Who shall read it.
    pub dialect: Dialect,
}

/// The way of writing among those that ONNX allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Any ONNX runtime.
    #[default]
    Portable,
    /// CrypTen: only weights are initializers, since it shares those as parameters, and single numbers are `Constant`
    /// nodes; products are `MatMul`, since its `Gemm` multiplies by alpha and beta; no `Identity`; no attribute that is
    /// 0, since it takes the absent field for an unknown type.
    Crypten,
}

impl Dialect {
    /// The target it belongs to.
    fn target(self) -> &'static str {
        match self {
            Dialect::Portable => "onnx",
            Dialect::Crypten => "crypten",
        }
    }
}

impl Default for OnnxOptions {
    fn default() -> Self {
        OnnxOptions {
            opset: 17,
            external_over: super::EXTERNAL_OVER,
            metadata: vec![],
            blank: false,
            dialect: Dialect::Portable,
        }
    }
}

/// The IR format version that belongs to an opset (the lowest that allows it, so that old runtimes read the file).
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        _ => 11,
    }
}

/// Does ONNX have a form for every operation?
///
/// # Errors
/// All that have none.
pub fn check(valid: &Valid<'_>, options: &OnnxOptions) -> Result<(), EmitError> {
    let names = value_names(valid.graph(), valid.order());
    emitted(valid, &names, options).map(drop)
}

/// Nodes and initializers.
type Emitted<'a> = (Vec<Node<'a>>, Vec<(String, Cow<'a, Tensor>)>);

fn emitted<'a>(
    valid: &'a Valid<'a>,
    names: &'a HashMap<NodeId, String>,
    options: &OnnxOptions,
) -> Result<Emitted<'a>, EmitError> {
    let target = options.dialect.target();
    if !OPSETS.contains(&options.opset) {
        let why =
            format!("opset {} is not written; choose {} to {}", options.opset, OPSETS.start(), OPSETS.end());
        return Err(EmitError::Refused { target, why });
    }
    let mut e = Emitter::new(valid, names, options.opset, options.dialect);
    for &id in valid.order() {
        e.emit(id);
    }
    let mut nodes = std::mem::take(&mut e.errors);
    if !nodes.is_empty() {
        nodes.sort();
        return Err(EmitError::Unsupported { target, nodes });
    }
    Ok(e.finish())
}

/// Writes the graph to `path`; weights over `external_over` bytes go to `<file name>.data` beside it.
pub fn emit(valid: &Valid<'_>, path: &Path, options: &OnnxOptions) -> Result<(), EmitError> {
    let g = valid.graph();
    let names = value_names(g, valid.order());
    let (mut nodes, initializers) = emitted(valid, &names, options)?;
    for o in g.outputs().iter().filter(|o| names[&o.node] != o.name) {
        let proto = proto::node("Identity", &o.name, &[names[&o.node].clone()], &o.name, vec![]);
        nodes.push(Node { proto, value: None });
    }
    let mut initializers: Vec<(String, &Tensor)> =
        initializers.iter().map(|(n, t)| (n.clone(), &**t)).collect();
    let mut headers = vec![];
    if options.blank {
        headers = initializers.drain(..).map(|(n, t)| proto::tensor_header(&n, t)).collect();
    }
    let graph = GraphProto {
        initializer: headers,
        name: if g.name.is_empty() { "relinc".into() } else { g.name.clone() },
        input: g.inputs().iter().map(|&i| proto::value_info(&names[&i], valid.facts().ty(i))).collect(),
        output: g.outputs().iter().map(|o| proto::value_info(&o.name, valid.facts().ty(o.node))).collect(),
        ..Default::default()
    };
    let pair = |(k, v): &(String, String)| StringStringEntryProto { key: k.clone(), value: v.clone() };
    let model = ModelProto {
        ir_version: ir_version(options.opset),
        producer_name: "relinc".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: options.opset }],
        metadata_props: options.metadata.iter().map(pair).collect(),
        ..Default::default()
    };
    write_model(path, model, graph, (&nodes, &initializers), options.external_over)
        .map_err(|why| EmitError::Write { file: path.display().to_string(), why })
}

/// The ONNX name of every value: the node's own, except that a value that is an output takes the output's name.
fn value_names(g: &Graph, order: &[NodeId]) -> HashMap<NodeId, String> {
    let mut names: HashMap<NodeId, String> = order.iter().map(|&id| (id, g.node(id).name.clone())).collect();
    for o in g.outputs() {
        let free = !matches!(g.op(o.node), Op::Input(_) | Op::Const(_))
            && g.by_name(&o.name).is_none_or(|n| n == o.node);
        let first = g.outputs().iter().find(|p| p.node == o.node).is_some_and(|p| p.name == o.name);
        if free && first {
            names.insert(o.node, o.name.clone());
        }
    }
    for o in g.outputs() {
        let clash: Vec<NodeId> =
            names.iter().filter(|(id, n)| **n == o.name && **id != o.node).map(|(&id, _)| id).collect();
        for id in clash {
            let fresh = g.fresh_name(&format!("{}.value", o.name));
            names.insert(id, fresh);
        }
    }
    names
}

/// Is a constant a parameter (an initializer), rather than an index or shape (a `Constant` node)?
fn is_parameter(g: &Graph, id: NodeId, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Portable => g.const_of(id).is_some_and(|t| t.dtype() == DType::F32),
        Dialect::Crypten => super::is_weight(g, id),
    }
}
