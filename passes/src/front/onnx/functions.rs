//! Model-local functions, inlined where they are called.

use super::attrs::is_own;
use super::error::NodeError;
use crate::proto::{FunctionProto, GraphProto, NodeProto, OperatorSetIdProto};
use prost::Message;
use std::collections::{HashMap, HashSet};

/// Calls nested deeper than this are refused.
const MAX_DEPTH: usize = 64;
/// So are models whose calls are more than this in all,
const MAX_CALLS: usize = 1 << 18;
/// or that inline to more bytes than this.
const MAX_BYTES: usize = 1 << 28;

/// A node with the operator set it is written in.
#[derive(Debug)]
pub struct Item {
    /// The node.
    pub node: NodeProto,
    /// Version of the default domain.
    pub opset: i64,
    /// What messages call it.
    pub label: String,
}

/// The version of ONNX's own operators in a list of imports.
pub fn default_opset(imports: &[OperatorSetIdProto]) -> Option<i64> {
    imports.iter().filter(|o| is_own(&o.domain)).map(|o| o.version).max()
}

type Key = (String, String);

/// Calls that could not be inlined.
#[derive(Debug, Default)]
pub struct Failed {
    /// Why.
    pub errors: Vec<NodeError>,
    /// The values they would have made.
    pub outputs: Vec<String>,
}

impl Failed {
    fn push(&mut self, call: Item, why: impl Into<String>) {
        self.outputs.extend(call.node.output);
        self.errors.push(NodeError { name: call.label, op_type: call.node.op_type, why: why.into() });
    }
}

/// A model's functions by domain and name.
#[derive(Debug, Default)]
pub struct Functions {
    by_name: HashMap<Key, FunctionProto>,
    overloaded: HashSet<Key>,
    /// Prefixes given to calls: a body's last call has its caller's output name.
    prefixes: HashSet<String>,
}

/// What an expansion has come to.
#[derive(Default)]
struct Expansion {
    stack: Vec<Key>,
    out: Vec<Item>,
    failed: Failed,
    prefixes: HashSet<String>,
    calls: usize,
    bytes: usize,
    sizes: HashMap<Key, Size>,
}

/// What a call comes to with all calls inside it.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    calls: usize,
    bytes: usize,
}

impl Expansion {
    /// Have calls come to more than a file of a network has?
    fn spent(&self) -> bool {
        self.calls > MAX_CALLS || self.bytes > MAX_BYTES
    }

    /// A prefix for the values inside a call.
    fn prefix(&mut self, call: &NodeProto) -> Result<String, String> {
        let base = call.output.iter().find(|o| !o.is_empty()).ok_or("has no output, so it does nothing")?;
        let mut prefix = base.clone();
        let mut i = 0;
        while !self.prefixes.insert(prefix.clone()) {
            i += 1;
            prefix = format!("{base}.{i}");
        }
        Ok(prefix)
    }
}

impl Functions {
    /// Takes the functions of a model.
    pub fn new(list: Vec<FunctionProto>) -> Functions {
        let mut f = Functions::default();
        // A name of ONNX's own stays ONNX's.
        for p in list.into_iter().filter(|p| !is_own(p.domain())) {
            let key = (p.domain.clone().unwrap_or_default(), p.name.clone().unwrap_or_default());
            if f.by_name.insert(key.clone(), p).is_some() {
                f.overloaded.insert(key);
            }
        }
        f
    }

    /// The nodes with every call replaced by the function's body, and the calls for which that failed.
    pub fn inline(&mut self, nodes: Vec<NodeProto>, opset: i64) -> (Vec<Item>, Failed) {
        let mut e = Expansion { prefixes: std::mem::take(&mut self.prefixes), ..Expansion::default() };
        for node in nodes {
            let label = label(&node);
            self.expand(Item { node, opset, label }, &mut e);
        }
        self.prefixes = e.prefixes;
        (e.out, e.failed)
    }

    /// Of a call at this depth, beyond all bounds where calls nest too deeply; a function's calls of itself are refused elsewhere.
    fn size(&self, key: &Key, depth: usize, known: &mut HashMap<Key, Size>) -> Size {
        let Some(f) = self.by_name.get(key) else { return Size::default() };
        if depth > MAX_DEPTH {
            return Size { calls: usize::MAX, bytes: 0 };
        }
        if let Some(&size) = known.get(key) {
            return size;
        }
        known.insert(key.clone(), Size::default());
        let mut all = Size { calls: 1, bytes: 0 };
        for n in &f.node {
            let inner = self.size(&(n.domain.clone(), n.op_type.clone()), depth + 1, known);
            all.calls = all.calls.saturating_add(inner.calls);
            all.bytes = all.bytes.saturating_add(inner.bytes).saturating_add(n.encoded_len());
        }
        known.insert(key.clone(), all);
        all
    }

    fn expand(&self, item: Item, e: &mut Expansion) {
        let key = (item.node.domain.clone(), item.node.op_type.clone());
        let Some(function) = self.by_name.get(&key) else {
            e.out.push(item);
            return;
        };
        if e.stack.is_empty() {
            let more = self.size(&key, 0, &mut e.sizes);
            (e.calls, e.bytes) = (e.calls.saturating_add(more.calls), e.bytes.saturating_add(more.bytes));
        }
        let why = if e.spent() {
            "calls of functions come to too many nodes; inline them with onnx.inliner"
        } else if e.stack.contains(&key) {
            "calls itself; recursive functions cannot be inlined"
        } else if e.stack.len() >= MAX_DEPTH {
            "functions nest too deeply; inline them with onnx.inliner"
        } else if self.overloaded.contains(&key) {
            "is an overloaded function; inline it with onnx.inliner"
        } else {
            e.stack.push(key);
            match e.prefix(&item.node).and_then(|prefix| body(function, &item, &prefix)) {
                Ok(items) => items.into_iter().for_each(|i| self.expand(i, e)),
                Err(why) => e.failed.push(item, why),
            }
            e.stack.pop();
            return;
        };
        e.failed.push(item, why);
    }
}

/// What messages call a node.
pub fn label(node: &NodeProto) -> String {
    if !node.name.is_empty() {
        return node.name.clone();
    }
    node.output.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default()
}

/// A function's body with the call's names and attributes put in.
fn body(f: &FunctionProto, call: &Item, prefix: &str) -> Result<Vec<Item>, String> {
    let actual = |list: &[String], i: usize| list.get(i).cloned().unwrap_or_default();
    let mut names: HashMap<String, String> = HashMap::new();
    let made: HashSet<&str> = f.node.iter().flat_map(|n| n.output.iter().map(String::as_str)).collect();
    for (i, formal) in f.input.iter().enumerate() {
        names.insert(formal.clone(), actual(&call.node.input, i));
    }
    let mut passed_through = vec![];
    for (i, formal) in f.output.iter().enumerate() {
        let out = actual(&call.node.output, i);
        if out.is_empty() {
            continue;
        }
        match names.get(formal) {
            // An input handed straight back, or one value under two output names.
            Some(from) => passed_through.push((from.clone(), out)),
            None if !made.contains(formal.as_str()) => {
                return Err(format!("its function never computes its output '{formal}'"));
            }
            None => {
                names.insert(formal.clone(), out);
            }
        }
    }
    let opset = default_opset(&f.opset_import).unwrap_or(call.opset);
    let rename = Rename { names: &names, prefix: Some(prefix) };
    let mut items = vec![];
    for n in &f.node {
        let mut node = n.clone();
        let inner = label(n);
        attributes(&mut node, f, &call.node)?;
        rename.node(&mut node);
        items.push(Item { node, opset, label: format!("{}/{inner}", call.label) });
    }
    for (from, to) in passed_through {
        let node = NodeProto {
            op_type: "Identity".into(),
            input: vec![from],
            output: vec![to.clone()],
            ..Default::default()
        };
        items.push(Item { node, opset, label: to });
    }
    Ok(items)
}

/// Replaces attributes that refer to the call's.
fn attributes(node: &mut NodeProto, f: &FunctionProto, call: &NodeProto) -> Result<(), String> {
    let mut kept = vec![];
    for mut a in std::mem::take(&mut node.attribute) {
        if !a.ref_attr_name.is_empty() {
            match call.attribute.iter().find(|c| c.name == a.ref_attr_name) {
                Some(c) => kept.push(crate::proto::AttributeProto { name: a.name, ..c.clone() }),
                // Declared without a default: absent here means absent there.
                None if f.attribute.contains(&a.ref_attr_name) => {}
                None => {
                    return Err(format!(
                        "leaves attribute '{}' to the function's default; inline it with onnx.inliner",
                        a.ref_attr_name
                    ));
                }
            }
            continue;
        }
        for g in a.g.iter_mut().chain(&mut a.graphs) {
            for n in &mut g.node {
                attributes(n, f, call)?;
            }
        }
        kept.push(a);
    }
    node.attribute = kept;
    Ok(())
}

/// Gives values other names: those in the map, and with a prefix all others too.
pub struct Rename<'a> {
    /// Known renamings.
    pub names: &'a HashMap<String, String>,
    /// Put before every other name.
    pub prefix: Option<&'a str>,
}

impl Rename<'_> {
    fn name(&self, n: &mut String) {
        if n.is_empty() {
            return;
        }
        match (self.names.get(n.as_str()), self.prefix) {
            (Some(to), _) => n.clone_from(to),
            (None, Some(p)) => *n = format!("{p}/{n}"),
            (None, None) => {}
        }
    }

    fn node(&self, node: &mut NodeProto) {
        node.input.iter_mut().chain(&mut node.output).for_each(|n| self.name(n));
        for a in &mut node.attribute {
            a.g.iter_mut().chain(&mut a.graphs).for_each(|g| self.graph(g));
        }
    }

    /// Renames a subgraph's values and its references to outer ones.
    pub fn graph(&self, g: &mut GraphProto) {
        g.node.iter_mut().for_each(|n| self.node(n));
        g.initializer.iter_mut().for_each(|t| self.name(&mut t.name));
        g.input.iter_mut().chain(&mut g.output).for_each(|v| self.name(&mut v.name));
    }
}
