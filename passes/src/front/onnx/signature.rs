//! Whether a node is what ONNX has in the operator set of its file: by operator, operands, results and their element types.

use super::attributes;
use super::attrs::{Attrs, is_own};
use super::operators::{Count, Element, Holds, Operator, Parameter, versions};
use crate::proto::NodeProto;
use crate::proto::tensor_proto::DataType;
use std::collections::HashMap;

/// What the values of a file hold, by their names, as far as it is known.
pub type Elements = HashMap<String, Element>;

/// Checks a node; the element types of its outputs, where they are known.
///
/// # Errors
/// What ONNX has not in this operator set, and what to do about it.
pub fn check(node: &NodeProto, opset: i64, known: &Elements) -> Result<Vec<(String, Element)>, String> {
    if !is_own(&node.domain) || versions(&node.op_type).is_empty() {
        return attributes::plain(node).map(|()| vec![]);
    }
    let operator = in_set(&node.op_type, opset)?;
    attributes::plain(node)?;
    attributes::check(node, operator, opset)?;
    counts(node, operator)?;
    let bound = operands(node, operator, known)?;
    let outputs = node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
    Ok(outputs.filter_map(|(i, name)| Some((name.clone(), result(node, operator, i, &bound)?))).collect())
}

/// Runtimes take it in any operator set, since their own tools write it so.
const OLDER_THAN_ONNX: &str = "LayerNormalization";

/// The operator as it is in an operator set.
fn in_set(name: &str, opset: i64) -> Result<&'static Operator, String> {
    let all = versions(name);
    let newest = all.iter().rev().find(|o| o.since <= opset);
    match (newest, all.first()) {
        (Some(o), _) if o.withdrawn => Err(format!(
            "is withdrawn since operator set {} and the file is of {opset}; export it again",
            o.since
        )),
        (Some(o), _) => Ok(o),
        (None, Some(first)) if name == OLDER_THAN_ONNX => Ok(first),
        (None, first) => {
            let since = first.map_or(0, |f| f.since);
            Err(format!(
                "exists from operator set {since} on, and the file is of {opset}; export it with opset {since}"
            ))
        }
    }
}

/// How many parameters there are at least and at most.
fn range(of: &[Parameter]) -> (usize, usize) {
    let least = of.iter().rposition(|p| match p.count {
        Count::One => true,
        Count::Optional => false,
        Count::Many { least, .. } => least > 0,
    });
    let many = of.iter().any(|p| matches!(p.count, Count::Many { .. }));
    (least.map_or(0, |i| i + 1), if many { usize::MAX } else { of.len() })
}

fn counts(node: &NodeProto, operator: &Operator) -> Result<(), String> {
    // Names that are left out at the end are none.
    let given = |names: &[String]| names.iter().rposition(|n| !n.is_empty()).map_or(0, |last| last + 1);
    let (least, most) = range(&operator.operands);
    let (operands, outputs) = (given(&node.input), given(&node.output));
    if operands > most {
        return Err(format!("has {operands} operands and takes {most}"));
    }
    let lacks = |i: usize| node.input.get(i).is_none_or(String::is_empty);
    let needed = |p: &Parameter| p.count != Count::Optional;
    if let Some(i) = (0..least).find(|&i| lacks(i) && operator.operands.get(i).is_some_and(needed)) {
        return Err(format!("lacks operand {i}"));
    }
    match range(&operator.results).1 {
        most if outputs > most => Err(format!("has {outputs} outputs and gives {most}")),
        _ => Ok(()),
    }
}

/// What each type variable stands for, and the operand that says so.
type Bound<'a> = HashMap<&'static str, (Element, &'a str)>;

fn operands<'a>(node: &'a NodeProto, operator: &Operator, known: &Elements) -> Result<Bound<'a>, String> {
    let mut bound = Bound::new();
    let last = operator.operands.len().saturating_sub(1);
    for (i, name) in node.input.iter().enumerate() {
        let (Some(&element), Some(p)) = (known.get(name), operator.operands.get(i.min(last))) else {
            continue;
        };
        match p.holds {
            Holds::Any => {}
            Holds::Type(wanted) if wanted == element => {}
            Holds::Type(wanted) => {
                return Err(format!("reads '{name}' as {wanted}, and it is {element}; {CAST}"));
            }
            Holds::Variable(v) => {
                if let Some(types) = operator.types(v).filter(|types| !types.has(element)) {
                    return Err(format!("reads '{name}', which is {element}, and takes {types}; {CAST}"));
                }
                let (first, whose) = *bound.entry(v).or_insert((element, name));
                let alike = !matches!(p.count, Count::Many { alike: false, .. });
                if alike && first != element {
                    return Err(format!(
                        "reads '{whose}', which is {first}, and '{name}', which is {element}, and takes only one type; {CAST}"
                    ));
                }
            }
        }
    }
    Ok(bound)
}

const CAST: &str = "put a Cast before it, or export the model again";

/// What output `i` holds.
fn result(node: &NodeProto, operator: &Operator, i: usize, bound: &Bound<'_>) -> Option<Element> {
    let last = operator.results.len().checked_sub(1)?;
    let result = operator.results[i.min(last)];
    if matches!(result.count, Count::Many { alike: false, .. }) {
        return None;
    }
    let variable = match result.holds {
        Holds::Any => return None,
        Holds::Type(element) => return Some(element),
        Holds::Variable(v) => v,
    };
    let of = |v: &str| bound.get(v).map(|(element, _)| *element);
    if let Some(element) = of(variable) {
        return Some(element);
    }
    let number = |n: i64| i32::try_from(n).ok().and_then(|n| DataType::try_from(n).ok());
    let named =
        |name: &str| number(node.int(name, 0)).filter(|t| *t != DataType::Undefined).map(Element::Tensor);
    let tensor = |name: &str| node.attr(name)?.t.as_ref().and_then(|t| number(t.data_type.into()));
    match node.op_type.as_str() {
        "Cast" => named("to"),
        "Constant" => constant(node, tensor("value")).map(Element::Tensor),
        "ConstantOfShape" => match node.attr("value") {
            Some(_) => tensor("value").map(Element::Tensor),
            None => Some(Element::Tensor(DataType::Float)),
        },
        "DequantizeLinear" => named("output_dtype").or_else(|| of("T2")),
        "QuantizeLinear" => named("output_dtype").or(Some(Element::Tensor(DataType::Uint8))),
        "SplitToSequence" | "SequenceConstruct" => match of("T")? {
            Element::Tensor(t) => Some(Element::Sequence(t)),
            Element::Sequence(_) => None,
        },
        "SequenceAt" | "ConcatFromSequence" => match of("S")? {
            Element::Sequence(t) => Some(Element::Tensor(t)),
            Element::Tensor(_) => None,
        },
        _ => operator.types(variable)?.only(),
    }
}

fn constant(node: &NodeProto, value: Option<DataType>) -> Option<DataType> {
    let given = |name: &str| node.attr(name).is_some();
    match () {
        () if given("value_float") || given("value_floats") => Some(DataType::Float),
        () if given("value_int") || given("value_ints") => Some(DataType::Int64),
        () => value,
    }
}
