//! One handler for each ONNX operation, and the table that finds it.

mod constant;
mod control;
mod einsum;
mod elementwise;
mod linear;
mod logic;
mod movement;
mod norm;
mod pool;
mod quantized;
mod reduce;
mod resize;
mod scatter;
mod sequence;
mod shape;
mod window;

use super::attrs::is_own;
use super::ctx::{Ctx, Done};
use crate::ir::op::{Binary, Compare, Op, Unary};

type Handler = fn(&mut Ctx<'_>) -> Done;

/// The operations of ONNX's own domain that relinc reads, sorted by name, without those that the IR has under the same form:
/// [`Unary::onnx`] and its like.
static OPS: &[(&str, Handler)] = &[
    ("And", logic::connective),
    ("ArgMax", reduce::arg_max),
    ("AveragePool", pool::average),
    ("BatchNormalization", norm::batch_norm),
    ("Cast", shape::cast),
    ("CastLike", shape::cast_like),
    ("Clip", elementwise::clip),
    ("Concat", movement::concat),
    ("ConcatFromSequence", sequence::concat),
    ("Constant", constant::constant),
    ("ConstantOfShape", constant::constant_of_shape),
    ("Conv", linear::conv),
    ("DepthToSpace", movement::depth_to_space),
    ("DequantizeLinear", quantized::dequantize),
    ("Dropout", norm::dropout),
    ("Einsum", einsum::einsum),
    ("Elu", elementwise::elu),
    ("Expand", shape::expand),
    ("Flatten", shape::flatten),
    ("Gather", movement::gather),
    ("GatherND", movement::gather_nd),
    ("Gelu", elementwise::gelu),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", pool::global_mean),
    ("GlobalMaxPool", pool::global_max),
    ("GroupNormalization", norm::group_norm),
    ("HardSigmoid", elementwise::hard_sigmoid),
    ("Identity", sequence::identity),
    ("If", control::if_),
    ("InstanceNormalization", norm::instance_norm),
    ("LayerNormalization", norm::layer_norm),
    ("LeakyRelu", elementwise::leaky_relu),
    ("LogSoftmax", reduce::softmax),
    ("LpNormalization", norm::lp_norm),
    ("MatMul", linear::matmul),
    ("Max", elementwise::chain),
    ("MaxPool", pool::max),
    ("Mean", elementwise::mean),
    ("Min", elementwise::chain),
    ("Mish", elementwise::mish),
    ("NonZero", constant::non_zero),
    ("Not", logic::not),
    ("Or", logic::connective),
    ("PRelu", |c| c.plain(Op::PRelu, 2)),
    ("Pad", movement::pad),
    ("Pow", elementwise::pow),
    ("QuantizeLinear", quantized::quantize),
    ("RMSNormalization", norm::layer_norm),
    ("Range", constant::range),
    ("ReduceL2", reduce::l2),
    ("ReduceMax", reduce::reduce),
    ("ReduceMean", reduce::reduce),
    ("ReduceMin", reduce::min),
    ("ReduceProd", reduce::prod),
    ("ReduceSum", reduce::reduce),
    ("ReduceSumSquare", reduce::sum_square),
    ("Relu", |c| c.plain(Op::Relu, 1)),
    ("Reshape", shape::reshape),
    ("Resize", resize::resize),
    ("Round", elementwise::stepped),
    ("Scatter", scatter::elements),
    ("ScatterElements", scatter::elements),
    ("ScatterND", scatter::nd),
    ("SequenceAt", sequence::at),
    ("SequenceConstruct", sequence::construct),
    ("Shape", shape::shape),
    ("Sign", elementwise::stepped),
    ("Size", shape::size),
    ("Slice", movement::slice),
    ("Softmax", reduce::softmax),
    ("SpaceToDepth", movement::space_to_depth),
    ("Split", movement::split),
    ("SplitToSequence", sequence::split),
    ("Squeeze", shape::squeeze),
    ("Sum", elementwise::chain),
    ("Swish", elementwise::swish),
    ("ThresholdedRelu", elementwise::thresholded_relu),
    ("Tile", movement::tile),
    ("Transpose", movement::transpose),
    ("Unsqueeze", shape::unsqueeze),
    ("Upsample", resize::resize),
    ("Where", |c| c.plain(Op::Where, 3)),
    ("Xor", logic::connective),
];

pub(super) const SMOOTH: &str =
    "a smooth activation has no exact secure form here; train with ReLU, LeakyReLU or HardSwish instead";
const QUANTIZED: &str = "integer arithmetic is not imported; export the float model";
const RECURRENT: &str = "relinc compiles feed-forward classifiers only";

/// What to do about operations that are known and not supported.
static HINTS: &[(&[&str], &str)] = &[
    (&["Selu", "Celu", "Softsign"], SMOOTH),
    (&["ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "DynamicQuantizeLinear"], QUANTIZED),
    (&["LSTM", "GRU", "RNN", "Scan", "Loop"], RECURRENT),
    (&["ConvTranspose"], "upsampling convolutions do not occur in classifiers; export only the classifier"),
    (
        &["LRN", "MeanVarianceNormalization"],
        "it normalises by statistics of the very image, which needs secure division; train with BatchNorm instead",
    ),
];

/// Imports one node.
pub fn import(c: &mut Ctx<'_>) -> Done {
    let (op, domain) = (c.node.op_type.clone(), c.node.domain.clone());
    if !is_own(&domain) {
        return Err(format!(
            "belongs to domain '{domain}' and the file brings no function for it; export with standard operations \
             only, without runtime-specific optimisation"
        )
        .into());
    }
    if let Ok(i) = OPS.binary_search_by(|(name, _)| (*name).cmp(op.as_str())) {
        return OPS[i].1(c);
    }
    if let Some(&u) = Unary::ALL.iter().find(|u| u.function().onnx == Some(op.as_str())) {
        return c.plain(Op::Unary(u), 1);
    }
    if let Some(b) = Binary::of_onnx(&op) {
        return c.plain(Op::Binary(b), 2);
    }
    if let Some(compared) = Compare::of_onnx(&op) {
        return logic::compare(c, compared);
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
