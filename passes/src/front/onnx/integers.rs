//! Images that are integers in the file. Here they are the same numbers as `f32`: what only moves them stays, the Cast to
//! float after it is left out, and arithmetic before that Cast, which would round or wrap, is refused.

use super::attrs::Attrs;
use super::builder::Builder;
use super::ctx::Ctx;
use super::tensor::data_type;
use crate::proto::NodeProto;
use crate::proto::tensor_proto::DataType;

/// Bits and sign of an integer type.
fn width(t: DataType) -> Option<(u32, bool)> {
    Some(match t {
        DataType::Uint8 => (8, false),
        DataType::Int8 => (8, true),
        DataType::Uint16 => (16, false),
        DataType::Int16 => (16, true),
        DataType::Uint32 => (32, false),
        DataType::Int32 => (32, true),
        DataType::Uint64 => (64, false),
        DataType::Int64 => (64, true),
        _ => return None,
    })
}

/// Is it a type of integers?
pub fn is_integer(t: DataType) -> bool {
    width(t).is_some()
}

/// Does every number of one type fit another?
fn widens(from: DataType, to: DataType) -> bool {
    match (width(from), width(to)) {
        (Some((a, signed)), Some((b, to_signed))) => match (signed, to_signed) {
            (true, false) => false,
            (false, true) => b > a,
            _ => b >= a,
        },
        _ => false,
    }
}

/// What the user should know of an input of integers.
pub fn notice(input: &str, t: DataType) -> String {
    let name = t.as_str_name().to_lowercase();
    let numbers = match t {
        DataType::Uint8 => "numbers of 0…255 (data: scale=255)",
        DataType::Int8 => "numbers of −128…127",
        _ => "whole numbers (data: scale=255, if they are pixels of 0…255)",
    };
    format!(
        "input '{input}' is {name} in the file: its Cast is left out, and the input is float32, here and in what is written, with the \
         same {numbers}"
    )
}

/// Operations that only move elements of their first operand.
const MOVES: &[&str] = &[
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Pad",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// What a node makes of integers.
enum Makes {
    /// Integers of this type.
    Integers(DataType),
    /// Something else.
    Other,
}

fn makes(node: &NodeProto, of: DataType, at: &[usize], to: DataType) -> Result<Makes, String> {
    let name = of.as_str_name().to_lowercase();
    match node.op_type.as_str() {
        "Shape" | "Size" => Ok(Makes::Other),
        "Cast" if !is_integer(to) && to != DataType::Bool => Ok(Makes::Other),
        "Cast" if widens(of, to) => Ok(Makes::Integers(to)),
        "Cast" => Err(format!(
            "casts {name} elements of the input to {}, which changes numbers; cast them to float",
            to.as_str_name().to_lowercase()
        )),
        "Concat" if at.len() == node.input.len() => Ok(Makes::Integers(of)),
        op if MOVES.contains(&op) && at == [0] => Ok(Makes::Integers(of)),
        op if MOVES.contains(&op) => {
            Err("reads the model's input as indices or sizes; relinc compiles networks that take images"
                .into())
        }
        _ => Err(format!(
            "computes with {name} elements of the input, where results are rounded or wrap; cast the input to float first"
        )),
    }
}

/// What operands of integers mean for a node that is about to be imported.
///
/// # Errors
/// Arithmetic on integers, in words.
pub fn meet(c: &mut Ctx<'_>) -> Result<(), String> {
    let of = |b: &Builder, name: &String| b.integers.get(name).copied();
    let at: Vec<usize> = (0..c.node.input.len()).filter(|&i| of(c.b, &c.node.input[i]).is_some()).collect();
    let Some(t) = at.first().and_then(|&i| of(c.b, &c.node.input[i])) else { return Ok(()) };
    let to = data_type(c.int("to", 0) as i32).unwrap_or(DataType::Undefined);
    if let Makes::Integers(t) = makes(&c.node, t, &at, to)? {
        c.b.integers.extend(c.node.output.iter().filter(|o| !o.is_empty()).map(|o| (o.clone(), t)));
        if c.node.op_type == "Cast" {
            c.node.op_type = "Identity".into();
        }
    }
    Ok(())
}
