//! Reading a node's attributes.

use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Typed access to attributes by name; a missing one takes the default ONNX gives it.
pub trait Attrs {
    /// The attribute of this name.
    fn attr(&self, name: &str) -> Option<&AttributeProto>;
    /// An integer.
    fn int(&self, name: &str, default: i64) -> i64 {
        self.attr(name).map_or(default, |a| a.i)
    }
    /// A truth value.
    fn flag(&self, name: &str, default: bool) -> bool {
        self.int(name, default as i64) != 0
    }
    /// A float.
    fn float(&self, name: &str, default: f32) -> f32 {
        self.attr(name).map_or(default, |a| a.f)
    }
    /// A word.
    fn word(&self, name: &str, default: &str) -> String {
        self.attr(name).map_or_else(|| default.into(), |a| String::from_utf8_lossy(&a.s).into_owned())
    }
    /// A list of integers.
    fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attr(name).map(|a| a.ints.clone())
    }
}

impl Attrs for NodeProto {
    fn attr(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|a| a.name == name)
    }
}

/// Is a domain that of ONNX's own operators?
pub fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Moves a tensor attribute out.
pub fn take_tensor(node: &mut NodeProto, name: &str) -> Option<TensorProto> {
    node.attribute.iter_mut().find(|a| a.name == name)?.t.take()
}

/// Moves a graph attribute out.
pub fn take_graph(node: &mut NodeProto, name: &str) -> Option<GraphProto> {
    node.attribute.iter_mut().find(|a| a.name == name)?.g.take()
}
