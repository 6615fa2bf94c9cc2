//! Whether a node's attributes are what ONNX's operators have: of one type each, given once, and numbers.

use super::attrs::is_own;
use tract_onnx::pb::NodeProto;
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

/// What the operators that are read may have, in any version of theirs: operators, attributes.
const KNOWN: &[(&[&str], &[&str])] = &[
    (
        &[
            "Abs",
            "Ceil",
            "Exp",
            "Floor",
            "Log",
            "Max",
            "Mean",
            "Min",
            "Neg",
            "PRelu",
            "Reciprocal",
            "Relu",
            "Sigmoid",
            "Sqrt",
            "Sum",
            "Tanh",
        ],
        &["consumed_inputs"],
    ),
    (&["Add", "Div", "Mul", "Sub"], &["axis", "broadcast", "consumed_inputs"]),
    (&["And", "Equal", "Greater", "Less", "Or", "Pow", "Xor"], &["axis", "broadcast"]),
    (&["ArgMax"], &["axis", "keepdims", "select_last_index"]),
    (
        &["AveragePool"],
        &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"],
    ),
    (
        &["BatchNormalization"],
        &["consumed_inputs", "epsilon", "is_test", "momentum", "spatial", "training_mode"],
    ),
    (&["Cast"], &["round_mode", "saturate", "to"]),
    (&["CastLike"], &["round_mode", "saturate"]),
    (&["Clip"], &["consumed_inputs", "max", "min"]),
    (&["Concat", "Flatten", "Gather", "LogSoftmax", "Softmax"], &["axis"]),
    (
        &["Constant"],
        &[
            "sparse_value",
            "value",
            "value_float",
            "value_floats",
            "value_int",
            "value_ints",
            "value_string",
            "value_strings",
        ],
    ),
    (&["ConstantOfShape"], &["value"]),
    (&["Conv"], &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]),
    (&["DepthToSpace", "SpaceToDepth"], &["blocksize", "mode"]),
    (&["DequantizeLinear"], &["axis", "block_size", "output_dtype"]),
    (&["Dropout"], &["consumed_inputs", "is_test", "ratio", "seed"]),
    (
        &[
            "Erf",
            "Expand",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "GreaterOrEqual",
            "HardSwish",
            "Identity",
            "LessOrEqual",
            "MatMul",
            "Mish",
            "NonZero",
            "Not",
            "Round",
            "Sign",
            "Size",
            "Softplus",
            "Tile",
            "Where",
        ],
        &[],
    ),
    (&["GatherND"], &["batch_dims"]),
    (&["Gelu"], &["approximate"]),
    (&["Gemm"], &["alpha", "beta", "broadcast", "transA", "transB"]),
    (&["GroupNormalization"], &["epsilon", "num_groups", "stash_type"]),
    (&["HardSigmoid"], &["alpha", "beta", "consumed_inputs"]),
    (&["If"], &["else_branch", "then_branch"]),
    (&["InstanceNormalization"], &["consumed_inputs", "epsilon"]),
    (&["LayerNormalization", "RMSNormalization"], &["axis", "epsilon", "stash_type"]),
    (&["LeakyRelu"], &["alpha", "consumed_inputs"]),
    (&["LpNormalization"], &["axis", "p"]),
    (
        &["MaxPool"],
        &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"],
    ),
    (&["Pad"], &["mode", "paddings", "pads", "value"]),
    (&["QuantizeLinear"], &["axis", "block_size", "output_dtype", "precision", "saturate"]),
    (&["Range"], &["stash_type"]),
    (
        &["ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"],
        &["axes", "keepdims", "noop_with_empty_axes"],
    ),
    (&["Reshape"], &["allowzero", "consumed_inputs", "shape"]),
    (
        &["Resize"],
        &[
            "antialias",
            "axes",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ],
    ),
    (&["Shape"], &["end", "start"]),
    (&["Slice"], &["axes", "ends", "starts"]),
    (&["Split"], &["axis", "num_outputs", "split"]),
    (&["Squeeze", "Unsqueeze"], &["axes"]),
    (&["Swish", "ThresholdedRelu"], &["alpha"]),
    (&["Transpose"], &["perm"]),
    (&["Upsample"], &["height_scale", "mode", "scales", "width_scale"]),
];

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
pub fn check(node: &NodeProto) -> Result<(), String> {
    let (op, attributes) = (node.op_type.as_str(), &node.attribute);
    let own = is_own(&node.domain);
    let known = KNOWN.iter().find(|(ops, _)| own && ops.contains(&op)).map(|(_, names)| names);
    for (i, a) in attributes.iter().enumerate() {
        let name = &a.name;
        if attributes[..i].iter().any(|b| b.name == *name) {
            return Err(format!("its attribute {name} is given twice"));
        }
        if known.is_some_and(|known| !known.contains(&name.as_str())) {
            return Err(format!("has no attribute {name} in any operator set"));
        }
        if !a.ref_attr_name.is_empty() {
            return Err(format!("its attribute {name} refers to one of a function, and it is in none"));
        }
        // Files of the first operator sets name no types.
        let typed = a.r#type != T::Undefined as i32;
        if let Some((_, word)) = expected(name).filter(|(t, _)| typed && a.r#type != *t as i32) {
            return Err(format!("its attribute {name} must be {word}"));
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
