//! The table of rules: what each operation needs, and which file pulls a gradient through it.

use super::super::arg::{Arg, f32s};
use super::super::exec::settle;
use super::{conv, dense, elementwise, moves, pool, reduce};
use crate::ir::op::{Op, ReduceKind};
use crate::ir::tensor::Tensor;

/// An operand as a rule sees it.
pub(super) struct Operand<'a> {
    pub shape: &'a [usize],
    /// The value, where [`reads_operand`] asked for it.
    pub value: Option<&'a Tensor>,
    /// Its gradient is wanted.
    pub live: bool,
}

impl<'a> Operand<'a> {
    /// The value that [`reads_operand`] asked for.
    pub fn tensor(&self) -> Result<&'a Tensor, String> {
        self.value.ok_or_else(|| "an operand's value was not kept".to_string())
    }
    /// Its `f32` elements.
    pub fn f32s(&self) -> Result<&'a [f32], String> {
        f32s(self.tensor()?, "an operand")
    }
}

/// The gradient of each operand that has one.
pub(super) type Pulled = Result<Vec<Option<Tensor>>, String>;

/// Does the rule read the result's value?
pub(super) fn reads_output(op: &Op) -> bool {
    matches!(op, Op::Relu | Op::MaskedRelu(_) | Op::Softmax { .. } | Op::LogSoftmax { .. })
}

/// Does the rule read an operand's value?
pub(super) fn reads_operand(op: &Op, slot: usize) -> bool {
    use crate::ir::op::Binary::{Add, Sub};
    match op {
        Op::Relu | Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::Concat { .. } => false,
        Op::Binary(Add | Sub) | Op::GlobalMean { .. } | Op::AvgPool { .. } => false,
        Op::Pad { .. } | Op::Slice(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => false,
        Op::Identity | Op::Dropout | Op::Cast(_) => false,
        Op::Reduce { kind: ReduceKind::Mean | ReduceKind::Sum, .. } => false,
        Op::MaskedRelu(_) | Op::Gather { .. } | Op::BatchNorm { .. } => slot > 0,
        Op::Conv(_) | Op::Linear => slot == 1,
        Op::Where => slot == 0,
        _ => true,
    }
}

/// Pulls `dy`, the gradient of the result, back to the operands. `y` is the result where [`reads_output`] says so.
pub(super) fn pull(op: &Op, x: &[Operand<'_>], y: Option<&Tensor>, dy: Tensor) -> Pulled {
    let output = || y.ok_or_else(|| "its value was not kept".to_string());
    let parameters_are_constant = || match x[1..].iter().any(|p| p.live) {
        true => Err("has no gradient for its parameters".to_string()),
        false => Ok(()),
    };
    match op {
        Op::Conv(_) | Op::Linear | Op::BatchNorm { .. } | Op::MaskedRelu(_) | Op::PRelu => {
            parameters_are_constant()?
        }
        _ => {}
    }
    let one = |d: Result<Tensor, String>| d.map(|d| vec![Some(d)]);
    match op {
        Op::Conv(c) => one(conv::conv(c, x[0].shape, x[1].tensor()?, &dy)),
        Op::Linear => one(dense::linear(x[0].shape, x[1].tensor()?, &dy)),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            dense::gemm(x, (*alpha, *beta), (*trans_a, *trans_b), dy)
        }
        Op::MatMul => dense::matmul(x, &dy),
        Op::BatchNorm { eps } => one(elementwise::batch_norm(x, *eps, dy)),
        Op::Relu => one(elementwise::relu(output()?, dy)),
        Op::MaskedRelu(_) => one(elementwise::masked_relu(x, output()?, dy)),
        Op::LeakyRelu { slope } => {
            one(elementwise::scaled(dy, x[0].f32s()?, |v| if v > 0.0 { 1.0 } else { *slope }))
        }
        Op::PRelu => {
            let slope = super::super::movement::expand(x[1].f32s()?, x[1].shape, dy.shape());
            let d = |v: f32, s: f32| if v > 0.0 { 1.0 } else { s };
            one(elementwise::broadcast_product(dy, x[0].tensor()?, &Tensor::f32(vec![slope.len()], slope), d))
        }
        Op::Clip { min, max } => {
            one(elementwise::scaled(dy, x[0].f32s()?, |v| f32::from(v > *min && v < *max)))
        }
        Op::Unary(u) => one(elementwise::unary(*u, x[0].f32s()?, dy)),
        Op::Binary(b) => elementwise::binary(*b, x, dy),
        Op::Where => elementwise::choose(x, dy),
        Op::MaxPool(w) => one(pool::max_pool(w, x[0].tensor()?, &dy)),
        Op::AvgPool { window, count_pad } => one(pool::avg_pool(window, *count_pad, x[0].shape, &dy)),
        Op::GlobalMean { .. } => {
            let axes: Vec<usize> = (2..x[0].shape.len()).collect();
            one(reduce::spread(x[0].shape, &axes, true, dy))
        }
        Op::Reduce { kind: ReduceKind::Max, axes, .. } => one(reduce::largest(x[0].tensor()?, axes, &dy)),
        Op::Reduce { kind, axes, .. } => one(reduce::spread(x[0].shape, axes, *kind == ReduceKind::Mean, dy)),
        Op::Softmax { axis } => one(reduce::softmax(output()?, *axis, false, dy)),
        Op::LogSoftmax { axis } => one(reduce::softmax(output()?, *axis, true, dy)),
        Op::Identity | Op::Dropout | Op::Reshape(_) => one(Ok(dy.reshaped(x[0].shape))),
        Op::Cast(crate::ir::tensor::DType::F32) => one(Ok(dy)),
        Op::Pad { .. } | Op::Slice(_) | Op::Transpose(_) | Op::Expand(_) | Op::Gather { .. } => {
            one(moves::scatter(op, x, &dy))
        }
        Op::Concat { axis } => moves::split(x, *axis, &dy),
        Op::Dyn(_) => {
            let mut args = x.iter().map(|o| o.tensor().map(Arg::Ref)).collect::<Result<Vec<_>, _>>()?;
            let settled = settle(op, &mut args, None)?;
            pull(&settled, &x[..args.len()], y, dy)
        }
        Op::Input(_) | Op::Const(_) | Op::Compare(_) | Op::ArgMax { .. } | Op::Cast(_) | Op::Shape { .. } => {
            Err("has no gradient".into())
        }
    }
}
