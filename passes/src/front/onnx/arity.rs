//! How many operands and outputs a node may have.

use super::attrs::is_own;
use tract_onnx::pb::NodeProto;

/// Most operands and outputs of the operators that are read, in any version of theirs.
const MOST: &[(usize, usize, &[&str])] = &[
    (0, 1, &["Constant"]),
    (
        1,
        1,
        &[
            "Abs",
            "ArgMax",
            "AveragePool",
            "Cast",
            "Ceil",
            "ConstantOfShape",
            "DepthToSpace",
            "Erf",
            "Exp",
            "Flatten",
            "Floor",
            "Gelu",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "HardSigmoid",
            "HardSwish",
            "Identity",
            "LeakyRelu",
            "Log",
            "LogSoftmax",
            "LpNormalization",
            "Mish",
            "Neg",
            "NonZero",
            "Not",
            "Reciprocal",
            "Relu",
            "Round",
            "Shape",
            "Sigmoid",
            "Sign",
            "Size",
            "Softmax",
            "Softplus",
            "SpaceToDepth",
            "Sqrt",
            "Swish",
            "Tanh",
            "ThresholdedRelu",
            "Transpose",
        ],
    ),
    (1, 2, &["MaxPool"]),
    (1, usize::MAX, &["If"]),
    (
        2,
        1,
        &[
            "Add",
            "And",
            "CastLike",
            "Div",
            "Equal",
            "Expand",
            "Gather",
            "GatherND",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "MatMul",
            "Mul",
            "Or",
            "PRelu",
            "Pow",
            "RMSNormalization",
            "ReduceL2",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "ReduceSumSquare",
            "Reshape",
            "Squeeze",
            "Sub",
            "Unsqueeze",
            "Upsample",
            "Xor",
        ],
    ),
    (2, usize::MAX, &["Split"]),
    (
        3,
        1,
        &[
            "Clip",
            "Conv",
            "DequantizeLinear",
            "Gemm",
            "GroupNormalization",
            "InstanceNormalization",
            "QuantizeLinear",
            "Range",
            "Tile",
            "Where",
        ],
    ),
    (3, 2, &["Dropout"]),
    (3, 3, &["LayerNormalization"]),
    (4, 1, &["Pad", "Resize"]),
    (5, 1, &["Slice"]),
    (5, 5, &["BatchNormalization"]),
    (usize::MAX, 1, &["Concat", "Max", "Mean", "Min", "Sum"]),
];

/// Refuses operands and outputs that an operator of ONNX's own has not.
///
/// # Errors
/// How many there are, and how many there can be.
pub fn check(node: &NodeProto) -> Result<(), String> {
    let own = is_own(&node.domain);
    let op = node.op_type.as_str();
    let Some((operands, outputs, _)) = MOST.iter().find(|(.., ops)| own && ops.contains(&op)) else {
        return Ok(());
    };
    // Names that are left out at the end are none.
    let given = |names: &[String]| names.iter().rposition(|n| !n.is_empty()).map_or(0, |last| last + 1);
    match (given(&node.input), given(&node.output)) {
        (n, _) if n > *operands => Err(format!("has {n} operands and takes {operands}")),
        (_, n) if n > *outputs => Err(format!("has {n} outputs and gives {outputs}")),
        _ => Ok(()),
    }
}
