//! One handler for each ONNX operation, and the table that finds it.

mod constant;
mod control;
mod elementwise;
mod linear;
mod logic;
mod movement;
mod norm;
mod pool;
mod quantized;
mod reduce;
mod shape;
mod window;

use super::ctx::{Ctx, Done};

type Handler = fn(&mut Ctx<'_>) -> Done;

/// Every operation of ONNX's own domain that relinc reads, sorted by name.
pub static OPS: &[(&str, Handler)] = &[
    ("Abs", elementwise::unary),
    ("Add", elementwise::binary),
    ("And", logic::connective),
    ("ArgMax", reduce::arg_max),
    ("AveragePool", pool::average),
    ("BatchNormalization", norm::batch_norm),
    ("Cast", shape::cast),
    ("Ceil", elementwise::unary),
    ("Clip", elementwise::clip),
    ("Concat", movement::concat),
    ("Constant", constant::constant),
    ("ConstantOfShape", constant::constant_of_shape),
    ("Conv", linear::conv),
    ("DequantizeLinear", quantized::dequantize),
    ("Div", elementwise::binary),
    ("Dropout", norm::dropout),
    ("Equal", logic::compare),
    ("Erf", elementwise::unary),
    ("Exp", elementwise::unary),
    ("Expand", shape::expand),
    ("Flatten", shape::flatten),
    ("Floor", elementwise::unary),
    ("Gather", movement::gather),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", pool::global_average),
    ("GlobalMaxPool", pool::global_max),
    ("Greater", logic::compare),
    ("GreaterOrEqual", logic::compare),
    ("HardSigmoid", elementwise::hard_sigmoid),
    ("HardSwish", elementwise::unary),
    ("Identity", elementwise::identity),
    ("If", control::if_),
    ("LeakyRelu", elementwise::leaky_relu),
    ("Less", logic::compare),
    ("LessOrEqual", logic::compare),
    ("Log", elementwise::unary),
    ("LogSoftmax", reduce::softmax),
    ("MatMul", linear::matmul),
    ("Max", elementwise::chain),
    ("MaxPool", pool::max),
    ("Mean", elementwise::mean),
    ("Min", elementwise::chain),
    ("Mul", elementwise::binary),
    ("Neg", elementwise::unary),
    ("NonZero", constant::non_zero),
    ("Not", logic::not),
    ("Or", logic::connective),
    ("PRelu", elementwise::prelu),
    ("Pad", movement::pad),
    ("Pow", elementwise::pow),
    ("QuantizeLinear", quantized::quantize),
    ("Range", constant::range),
    ("Reciprocal", elementwise::unary),
    ("ReduceL2", reduce::l2),
    ("ReduceMax", reduce::reduce),
    ("ReduceMean", reduce::reduce),
    ("ReduceMin", reduce::min),
    ("ReduceProd", reduce::prod),
    ("ReduceSum", reduce::reduce),
    ("ReduceSumSquare", reduce::sum_square),
    ("Relu", elementwise::relu),
    ("Reshape", shape::reshape),
    ("Shape", shape::shape),
    ("Sigmoid", elementwise::unary),
    ("Size", shape::size),
    ("Slice", movement::slice),
    ("Softmax", reduce::softmax),
    ("Softplus", elementwise::unary),
    ("Split", movement::split),
    ("Sqrt", elementwise::unary),
    ("Squeeze", shape::squeeze),
    ("Sub", elementwise::binary),
    ("Sum", elementwise::chain),
    ("Tanh", elementwise::unary),
    ("Transpose", movement::transpose),
    ("Unsqueeze", shape::unsqueeze),
    ("Where", logic::where_),
    ("Xor", logic::connective),
];

const SMOOTH: &str =
    "a smooth activation has no exact secure form here; train with ReLU, LeakyReLU or HardSwish instead";
const QUANTIZED: &str = "integer arithmetic is not imported; export the float model";
const RECURRENT: &str = "relinc compiles feed-forward classifiers only";

/// What to do about operations that are known and not supported.
static HINTS: &[(&[&str], &str)] = &[
    (&["Elu", "Selu", "Celu", "Gelu", "Mish", "Swish", "Softsign", "ThresholdedRelu"], SMOOTH),
    (&["ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "DynamicQuantizeLinear"], QUANTIZED),
    (&["LSTM", "GRU", "RNN", "Scan", "Loop"], RECURRENT),
    (&["Resize", "Upsample"], "resize the images before the model"),
    (&["ConvTranspose"], "upsampling convolutions do not occur in classifiers; export only the classifier"),
    (
        &["LayerNormalization", "InstanceNormalization", "GroupNormalization", "LpNormalization", "LRN"],
        "it normalises by statistics of the very image, which needs secure division; train with BatchNorm instead",
    ),
    (&["Tile"], "use Expand, or repeat the data in the weights"),
];

/// Imports one node.
pub fn import(c: &mut Ctx<'_>) -> Done {
    let (op, domain) = (c.node.op_type.clone(), c.node.domain.clone());
    if !domain.is_empty() && domain != "ai.onnx" {
        return Err(format!(
            "belongs to domain '{domain}' and the file brings no function for it; export with standard operations \
             only, without runtime-specific optimisation"
        )
        .into());
    }
    if let Ok(i) = OPS.binary_search_by(|(name, _)| (*name).cmp(op.as_str())) {
        return OPS[i].1(c);
    }
    let hint = HINTS.iter().find(|(names, _)| names.contains(&op.as_str())).map(|(_, h)| *h);
    let hint = hint.unwrap_or("relinc has no such operation; simplify the model (onnxsim) or replace it");
    Err(format!("is not supported: {hint}").into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::OPS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
