//! Whether a node's attributes are what its operator has: of their types, given once, and numbers.

use super::operators::{Operator, versions};
use crate::proto::NodeProto;
use crate::proto::attribute_proto::AttributeType as T;

/// Integers that are truth values.
const FLAGS: &[&str] = &[
    "allowzero",
    "ceil_mode",
    "count_include_pad",
    "exclude_outside",
    "keepdims",
    "noop_with_empty_axes",
    "storage_order",
    "training_mode",
    "transA",
    "transB",
];
/// Those that bound or fill, of which one may be infinite.
const UNBOUNDED: &[&str] = &["max", "min", "value_float", "extrapolation_value"];

fn words(kind: T) -> &'static str {
    match kind {
        T::Undefined => "of a type",
        T::Float => "a float",
        T::Int => "an integer",
        T::String => "a word",
        T::Tensor => "a tensor",
        T::Graph => "a graph",
        T::SparseTensor => "a sparse tensor",
        T::TypeProto => "a type",
        T::Floats => "a list of floats",
        T::Ints => "a list of integers",
        T::Strings => "a list of words",
        T::Tensors => "a list of tensors",
        T::Graphs => "a list of graphs",
        T::SparseTensors => "a list of sparse tensors",
        T::TypeProtos => "a list of types",
    }
}

/// Refuses what no operator's attributes are: given twice, referring to nothing, no numbers.
///
/// # Errors
/// The first such attribute, by name.
pub fn plain(node: &NodeProto) -> Result<(), String> {
    for (i, a) in node.attribute.iter().enumerate() {
        let name = &a.name;
        if node.attribute[..i].iter().any(|b| b.name == *name) {
            return Err(format!("its attribute {name} is given twice"));
        }
        if !a.ref_attr_name.is_empty() {
            return Err(format!("its attribute {name} refers to one of a function, and it is in none"));
        }
        if FLAGS.contains(&name.as_str()) && !(0..=1).contains(&a.i) {
            return Err(format!("its attribute {name} is {}; it is 0 or 1", a.i));
        }
        if a.f.is_nan() || (a.f.is_infinite() && !UNBOUNDED.contains(&name.as_str())) {
            return Err(format!("its attribute {name} is {}", a.f));
        }
    }
    Ok(())
}

/// Refuses attributes that an operator has not, or has of another type, and misses those that it cannot go without.
///
/// # Errors
/// The first such attribute, by name.
pub fn check(node: &NodeProto, operator: &Operator, opset: i64) -> Result<(), String> {
    for a in &node.attribute {
        let Some(known) = operator.attribute(&a.name) else { return Err(unknown(node, &a.name, opset)) };
        // Files of the first operator sets name no types.
        if a.r#type != T::Undefined as i32 && a.r#type != known.kind as i32 {
            return Err(format!("its attribute {} must be {}", a.name, words(known.kind)));
        }
    }
    let given = |name: &str| node.attribute.iter().any(|a| a.name == name);
    match operator.attributes.iter().find(|a| a.required && !given(a.name)) {
        Some(a) => Err(format!("has no attribute {}, and needs it", a.name)),
        None => Ok(()),
    }
}

fn unknown(node: &NodeProto, name: &str, opset: i64) -> String {
    let others: Vec<String> = versions(&node.op_type)
        .iter()
        .filter(|o| o.attribute(name).is_some())
        .map(|o| o.since.to_string())
        .collect();
    match others.is_empty() {
        true => format!("has no attribute {name} in any operator set"),
        false => format!(
            "has no attribute {name} in operator set {opset}, only as operator set {} has it; the file mixes them: export it again",
            others.join(" or ")
        ),
    }
}
