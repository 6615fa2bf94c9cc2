//! ONNX in: `ModelProto` to the IR, nearly one node to one operation.
//!
//! Parameters that arrive as operands stay operands (`Op::Dyn`), shape subgraphs stay subgraphs; `canonicalise`
//! folds both. Every offending node of a file is reported at once.

mod attributes;
mod attrs;
mod batch;
mod builder;
mod ctx;
mod data_files;
mod decode;
mod dims;
mod error;
mod external;
mod functions;
mod integers;
mod known;
mod narrow;
mod operators;
mod ops;
mod order;
mod outputs;
mod signature;
mod skim;
mod tensor;

pub use data_files::data_files;
pub use error::{ExternalWeight, ImportError, NodeError};

use crate::driver::weights;
use crate::ir::{Graph, Op};
use crate::proto::{GraphProto, ModelProto, ValueInfoProto};
use builder::{Builder, Value};
use ctx::Stop;
use decode::Decoded;
use functions::Functions;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The newest operator set whose semantics were checked against this importer.
pub const NEWEST_OPSET: i64 = 23;
/// Beyond this a number is no operator set's.
const MOST_OPSETS: i64 = 64;
/// The oldest operator set read without a remark.
pub const OLDEST_OPSET: i64 = 9;

/// What the caller decides.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Leave a batch that the file fixes at 1 as it is.
    pub keep_batch: bool,
    /// Sizes for open dimensions, by name (`--dim NAME=N`); an unnamed one is called `input[axis]`.
    pub dims: Vec<(String, usize)>,
    /// Leave large weights in the file and read them when somebody looks at their elements. The file must stay as it is.
    pub in_file: bool,
    /// Keep the class scores alone; every output where absent.
    pub scores: Option<Wanted>,
}

/// Which output is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its name. Without one the output that can be class scores is taken, and there must be one such.
    pub output: Option<String>,
    /// The classes of the data, where they are known: they tell scores from features.
    pub classes: Option<usize>,
    /// What it is for.
    pub need: Need,
}

/// What an output is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Need {
    /// To be computed: the only output of a file may be anything.
    #[default]
    One,
    /// To be compared with labels: it must be class scores.
    Scores,
    /// To be looked at: all outputs stay where it is open which one is meant.
    OrAll,
}

/// An imported model.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The graph, every value of it inferred.
    pub graph: Graph,
    /// Where it came from.
    pub info: ModelInfo,
    /// What the user should know.
    pub notices: Vec<String>,
    /// The outputs of the file, by name and in its order.
    pub outputs: Vec<String>,
}

/// Where a model came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelInfo {
    /// The file.
    pub path: PathBuf,
    /// Its sha256, in hexadecimal (of this file alone, not of external data).
    pub sha256: String,
    /// Version of ONNX's own operators.
    pub opset: i64,
    /// The exporter and its version.
    pub producer: String,
    /// Version of the file format.
    pub ir_version: i64,
}

/// Reads an ONNX file.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Imported, ImportError> {
    let Decoded { mut model, elements, file, sha256 } = decode::read(path)?;
    let opset = functions::default_opset(&model.opset_import).ok_or_else(|| {
        ImportError::NotOnnx(path.into(), "it imports none of ONNX's own operator sets".into())
    })?;
    if opset < 7 {
        return Err(ImportError::Opset(path.into(), opset));
    }
    if opset > MOST_OPSETS {
        return Err(ImportError::NotOnnx(path.into(), format!("there is no operator set {opset}")));
    }
    let info = info(path, &model, opset);
    let graph = model.graph.take().unwrap_or_default();
    if let Some(name) = broken_name(&graph) {
        return Err(ImportError::NotOnnx(path.into(), format!("the name {name:?} holds a line break")));
    }
    let mut b = Builder {
        graph: Graph::new(graph.name.clone()),
        functions: Functions::new(std::mem::take(&mut model.functions)),
        folder: folder(path),
        elements,
        file: Some(file),
        in_file: options.in_file,
        ..Builder::default()
    };
    drop(model);
    if !(OLDEST_OPSET..=NEWEST_OPSET).contains(&opset) {
        b.notice(format!(
            "opset {opset} is outside {OLDEST_OPSET}–{NEWEST_OPSET}, which relinc is tested with; verify the result"
        ));
    }
    inputs(&mut b, &graph, options).map_err(|e| ImportError::Inputs(path.into(), e))?;
    let names: Vec<String> = graph.output.iter().map(|o| o.name.clone()).collect();
    let named = options.scores.as_ref().and_then(|w| w.output.as_deref());
    nodes(&mut b, graph, opset, |o| named.is_none_or(|n| n == o || !names.iter().any(|o| o == n)));
    if !b.external.is_empty() {
        return Err(ImportError::External { file: path.into(), weights: b.external });
    }
    if !b.errors.is_empty() {
        let outputs = names.into_iter().filter(|_| named.is_none()).collect();
        return Err(ImportError::Unsupported { file: path.into(), nodes: b.errors, outputs });
    }
    let chosen = outputs::choose(&mut b.graph, &b.facts, &names, options);
    if let Some(said) = chosen.map_err(|why| ImportError::Outputs(path.into(), why))? {
        b.notice(said);
    }
    b.finish();
    // The hash comes with the largest magnitudes of what stays in the file.
    let info = ModelInfo { sha256: sha256.get(path)?, ..info };
    let name = |id| b.graph.node(id).name.clone();
    let spoilt = |(id, why)| NodeError { name: name(id), op_type: "weight".into(), why };
    let bad: Vec<NodeError> = weights::unusable(&b.graph).into_iter().map(spoilt).collect();
    if !bad.is_empty() {
        return Err(ImportError::Unsupported { file: path.into(), nodes: bad, outputs: vec![] });
    }
    Ok(Imported { graph: b.graph, info, notices: b.notices, outputs: names })
}

/// All but the hash.
fn info(path: &Path, model: &ModelProto, opset: i64) -> ModelInfo {
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    ModelInfo {
        path: path.into(),
        sha256: String::new(),
        opset,
        producer: producer.trim().to_string(),
        ir_version: model.ir_version,
    }
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.into(),
        _ => PathBuf::from("."),
    }
}

/// A name that would break the lines in which it is told.
fn broken_name(graph: &GraphProto) -> Option<&str> {
    let values = graph.input.iter().chain(&graph.output).map(|v| &v.name);
    let weights = graph.initializer.iter().map(|t| &t.name);
    let nodes = graph.node.iter().flat_map(|n| n.output.iter().chain([&n.name, &n.op_type, &n.domain]));
    values.chain(weights).chain(nodes).map(String::as_str).find(|n| n.contains(['\n', '\r']))
}

/// Adds the graph's inputs: those of the file that are no weights.
fn inputs(b: &mut Builder, graph: &GraphProto, options: &ImportOptions) -> Result<(), Vec<String>> {
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let infos: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|i| !weights.contains(i.name.as_str())).collect();
    if infos.iter().any(|i| i.name.is_empty()) {
        return Err(vec!["an input has no name".into()]);
    }
    if graph.output.iter().any(|o| o.name.is_empty()) {
        return Err(vec!["an output has no name".into()]);
    }
    b.types.extend(infos.iter().filter_map(|i| Some((i.name.clone(), dims::declared_element(i)?))));
    let infos = read(b, graph, infos);
    let typed = dims::inputs(&infos, options)?;
    b.rebatched = typed.rebatched;
    b.integers = typed.integers.into_iter().collect();
    typed.notices.into_iter().for_each(|n| b.notice(n));
    for (name, ty) in typed.types {
        if b.values.contains_key(&name) {
            return Err(vec![format!("two inputs are called '{name}'")]);
        }
        match b.add(&name, Op::Input(ty), &[]) {
            Ok(id) => drop(b.values.insert(name, Value::Node(id))),
            Err(Stop::Why(why)) => return Err(vec![format!("input '{name}': {why}")]),
            Err(Stop::Operand) => {}
        }
    }
    Ok(())
}

/// The inputs that some node or output reads; those that nothing reads are left out, unless that is all of them.
fn read<'a>(b: &mut Builder, graph: &GraphProto, infos: Vec<&'a ValueInfoProto>) -> Vec<&'a ValueInfoProto> {
    let outputs = graph.output.iter().map(|o| o.name.as_str());
    let read: HashSet<&str> = graph.node.iter().flat_map(order::reads).chain(outputs).collect();
    let (used, unused): (Vec<_>, Vec<_>) =
        infos.iter().copied().partition(|i: &&ValueInfoProto| read.contains(i.name.as_str()));
    if used.is_empty() {
        return infos;
    }
    for i in unused {
        b.notice(format!("input '{}' is left out: nothing reads it", i.name));
    }
    used
}

/// Imports what the outputs that are `wanted` need.
fn nodes(b: &mut Builder, graph: GraphProto, opset: i64, wanted: impl Fn(&str) -> bool) {
    let GraphProto { node, initializer, sparse_initializer, output, input, value_info, .. } = graph;
    let mut refuse = |op_type: &str, name: &str, why: &str| {
        b.errors.push(NodeError { name: name.into(), op_type: op_type.into(), why: why.into() });
    };
    for s in sparse_initializer {
        let name = s.values.map(|v| v.name).unwrap_or_default();
        refuse("initializer", &name, "is sparse; export it as a dense tensor");
    }
    b.take_initializers(initializer);
    let items = b.inline(node, opset);
    let outputs: Vec<&str> = output.iter().map(|o| o.name.as_str()).filter(|o| wanted(o)).collect();
    b.run(items, &outputs);
    b.check_declared(input.iter().chain(&value_info).chain(&output));
    for (i, name) in outputs.iter().copied().enumerate() {
        if outputs[..i].contains(&name) {
            refuse_output(b, name, "is an output twice; give each output a name of its own");
            continue;
        }
        match b.value(name) {
            Ok(id) => b.graph.add_output(name, id),
            Err(Stop::Why(_)) => refuse_output(b, name, "nothing in the file computes it"),
            Err(Stop::Operand) => {}
        }
    }
}

fn refuse_output(b: &mut Builder, name: &str, why: &str) {
    b.errors.push(NodeError { name: name.into(), op_type: "output".into(), why: why.into() });
}
