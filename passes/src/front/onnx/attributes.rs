//! Whether a node's attributes are what ONNX's operators have: of one type each, given once, and numbers.

use tract_onnx::pb::AttributeProto;
use tract_onnx::pb::attribute_proto::AttributeType as T;

const FLOATS: &[&str] = &[
    "alpha",
    "beta",
    "bias",
    "cubic_coeff_a",
    "epsilon",
    "extrapolation_value",
    "gamma",
    "lambd",
    "max",
    "min",
    "momentum",
    "ratio",
    "value_float",
];
const INTS: &[&str] = &[
    "allowzero",
    "antialias",
    "axis",
    "batch_dims",
    "block_size",
    "blocksize",
    "ceil_mode",
    "count_include_pad",
    "end",
    "exclude_outside",
    "group",
    "keepdims",
    "largest",
    "noop_with_empty_axes",
    "num_groups",
    "num_outputs",
    "p",
    "saturate",
    "select_last_index",
    "sorted",
    "spatial",
    "start",
    "storage_order",
    "training_mode",
    "transA",
    "transB",
    "value_int",
];
const LISTS: &[&str] = &[
    "axes",
    "dilations",
    "ends",
    "kernel_shape",
    "output_padding",
    "pads",
    "perm",
    "starts",
    "strides",
    "value_ints",
];
const WORDS: &[&str] = &[
    "approximate",
    "auto_pad",
    "coordinate_transformation_mode",
    "equation",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
    "reduction",
];
/// Those that bound or fill, of which one may be infinite.
const UNBOUNDED: &[&str] = &["max", "min", "value_float", "extrapolation_value"];

/// The type that every operator gives an attribute of this name, where there is but one.
fn expected(name: &str) -> Option<(T, &'static str)> {
    let of = |names: &[&str]| names.contains(&name);
    match () {
        () if of(FLOATS) => Some((T::Float, "a float")),
        () if of(INTS) => Some((T::Int, "an integer")),
        () if of(LISTS) => Some((T::Ints, "a list of integers")),
        () if of(WORDS) => Some((T::String, "a word")),
        () => None,
    }
}

/// Refuses attributes that mean nothing, of a node of ONNX's own operators.
///
/// # Errors
/// The first such attribute, by name.
pub fn check(attributes: &[AttributeProto]) -> Result<(), String> {
    for (i, a) in attributes.iter().enumerate() {
        let name = &a.name;
        if attributes[..i].iter().any(|b| b.name == *name) {
            return Err(format!("its attribute {name} is given twice"));
        }
        if !a.ref_attr_name.is_empty() {
            return Err(format!("its attribute {name} refers to one of a function, and it is in none"));
        }
        // Files of the first operator sets name no types.
        let typed = a.r#type != T::Undefined as i32;
        if let Some((_, word)) = expected(name).filter(|(t, _)| typed && a.r#type != *t as i32) {
            return Err(format!("its attribute {name} must be {word}"));
        }
        if a.f.is_nan() || (a.f.is_infinite() && !UNBOUNDED.contains(&name.as_str())) {
            return Err(format!("its attribute {name} is {}", a.f));
        }
    }
    Ok(())
}
