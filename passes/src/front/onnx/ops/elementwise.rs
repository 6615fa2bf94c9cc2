//! Elementwise functions.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::infer::bound;
use crate::ir::op::{Compare, DynOp};
use crate::ir::{Binary, DType, NodeId, Op, Tensor, Unary};

/// HardSigmoid. With another slope than a hard swish has it is a clip: `min(max(alpha·x + beta, 0), 1)`.
pub fn hard_sigmoid(c: &mut Ctx<'_>) -> Done {
    let (alpha, beta) = (c.float("alpha", 0.2), c.float("beta", 0.5));
    if (alpha - 1.0 / 6.0).abs() <= 1e-6 && beta == 0.5 {
        return c.plain(Op::Unary(Unary::HardSigmoid), 1);
    }
    let x = c.need(0)?;
    let scaled = times(c, x, alpha)?;
    let beta = scalar(c, beta)?;
    let moved = c.helper(Op::Binary(Binary::Add), &[scaled, beta])?;
    c.emit(Op::Clip { min: 0.0, max: 1.0 }, &[moved])
}

/// Sign and Round of constants, as weights of binary and integer networks are.
pub fn stepped(c: &mut Ctx<'_>) -> Done {
    let step: fn(f32) -> f32 = match c.node.op_type.as_str() {
        "Sign" => |v| if v == 0.0 { 0.0 } else { v.signum() },
        _ => f32::round_ties_even,
    };
    let x = c.need(0)?;
    let known =
        c.b.evaluated(x)
            .ok_or("is supported on constants only: a step has no gradient and no exact secure form here")?;
    let v = known.as_f32().ok_or("is supported on floats only")?;
    c.emit_const(Tensor::f32(known.shape(), v.iter().map(|&v| step(v)).collect()))
}

/// Elu of slope 0, which is ReLU; others are refused.
pub fn elu(c: &mut Ctx<'_>) -> Done {
    match c.float("alpha", 1.0) == 0.0 {
        true => c.plain(Op::Relu, 1),
        false => Err(format!("is not supported: {}", super::SMOOTH).into()),
    }
}

/// ThresholdedRelu: x above `alpha`, 0 elsewhere.
pub fn thresholded_relu(c: &mut Ctx<'_>) -> Done {
    let alpha = c.float("alpha", 1.0);
    if alpha == 0.0 {
        return c.plain(Op::Relu, 1);
    }
    let x = c.need(0)?;
    let (threshold, zero) = (scalar(c, alpha)?, scalar(c, 0.0)?);
    let above = c.helper(Op::Compare(Compare::Greater), &[x, threshold])?;
    c.emit(Op::Where, &[above, x, zero])
}

/// Swish: `x·sigmoid(alpha·x)`.
pub fn swish(c: &mut Ctx<'_>) -> Done {
    let alpha = c.float("alpha", 1.0);
    if alpha == 1.0 {
        return c.plain(Op::Unary(Unary::Silu), 1);
    }
    let x = c.need(0)?;
    let scaled = times(c, x, alpha)?;
    let gate = c.helper(Op::Unary(Unary::Sigmoid), &[scaled])?;
    c.emit(Op::Binary(Binary::Mul), &[x, gate])
}

/// Gelu, as `(x/2)·(1 + erf(x/√2))`, or with the tanh that approximates it.
pub fn gelu(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let curve = match c.word("approximate", "none").as_str() {
        "none" => {
            let scaled = times(c, x, std::f32::consts::FRAC_1_SQRT_2)?;
            c.helper(Op::Unary(Unary::Erf), &[scaled])?
        }
        "tanh" => {
            let square = c.helper(Op::Binary(Binary::Mul), &[x, x])?;
            let cube = c.helper(Op::Binary(Binary::Mul), &[square, x])?;
            let cube = times(c, cube, 0.044715)?;
            let sum = c.helper(Op::Binary(Binary::Add), &[x, cube])?;
            let scaled = times(c, sum, std::f32::consts::FRAC_2_PI.sqrt())?;
            c.helper(Op::Unary(Unary::Tanh), &[scaled])?
        }
        other => return Err(format!("approximate = '{other}' is not known, only none and tanh").into()),
    };
    let one = scalar(c, 1.0)?;
    let gate = c.helper(Op::Binary(Binary::Add), &[curve, one])?;
    let half = times(c, x, 0.5)?;
    c.emit(Op::Binary(Binary::Mul), &[half, gate])
}

/// Mish, as `x·tanh(softplus(x))`.
pub fn mish(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let soft = c.helper(Op::Unary(Unary::Softplus), &[x])?;
    let gate = c.helper(Op::Unary(Unary::Tanh), &[soft])?;
    c.emit(Op::Binary(Binary::Mul), &[x, gate])
}

/// A number.
pub fn scalar(c: &mut Ctx<'_>, v: f32) -> Result<NodeId, Stop> {
    c.helper(Op::Const(Tensor::scalar(v).into()), &[])
}

/// `k·x`.
fn times(c: &mut Ctx<'_>, x: NodeId, k: f32) -> Result<NodeId, Stop> {
    let k = scalar(c, k)?;
    c.helper(Op::Binary(Binary::Mul), &[x, k])
}

/// Pow; an integer exponent of a float becomes a float.
pub fn pow(c: &mut Ctx<'_>) -> Done {
    let (x, mut e) = (c.need(0)?, c.need(1)?);
    if c.ty(x)?.dtype == DType::F32 && c.ty(e)?.dtype != DType::F32 {
        e = match c.konst(e).filter(|k| k.len() == 1) {
            Some(k) => {
                let v = k.as_i64().and_then(|v| v.first()).ok_or("has an exponent that is no number")?;
                let t = Tensor::f32(k.shape(), vec![*v as f32]);
                c.helper(Op::Const(t.into()), &[])?
            }
            None => c.helper(Op::Cast(DType::F32), &[e])?,
        };
    }
    c.emit(Op::Binary(Binary::Pow), &[x, e])
}

/// All operands but the last, combined.
fn fold(c: &mut Ctx<'_>, b: Binary, all: &[NodeId]) -> Result<NodeId, super::super::ctx::Stop> {
    let mut acc = *all.first().ok_or("has no operand")?;
    for &x in &all[1..] {
        acc = c.helper(Op::Binary(b), &[acc, x])?;
    }
    Ok(acc)
}

/// Sum, Max and Min of any number of operands.
pub fn chain(c: &mut Ctx<'_>) -> Done {
    let b = Binary::of_onnx(&c.node.op_type).unwrap_or(Binary::Add);
    let all = c.all()?;
    match &all[..] {
        [] => Err("has no operand".into()),
        [x] => c.emit(Op::Identity, &[*x]),
        [most @ .., last] => {
            let acc = fold(c, b, most)?;
            c.emit(Op::Binary(b), &[acc, *last])
        }
    }
}

/// Mean of any number of operands.
pub fn mean(c: &mut Ctx<'_>) -> Done {
    let all = c.all()?;
    let sum = fold(c, Binary::Add, &all)?;
    let factor = scalar(c, 1.0 / all.len() as f32)?;
    c.emit(Op::Binary(Binary::Mul), &[sum, factor])
}

/// LeakyRelu.
pub fn leaky_relu(c: &mut Ctx<'_>) -> Done {
    let slope = c.float("alpha", 0.01);
    c.plain(Op::LeakyRelu { slope }, 1)
}

/// Clip: attributes before opset 11, operands since.
pub fn clip(c: &mut Ctx<'_>) -> Done {
    if c.opset < 11 {
        let x = c.need(0)?;
        let min = bound(c.float("min", f32::NEG_INFINITY));
        let max = bound(c.float("max", f32::INFINITY));
        return c.emit(Op::Clip { min, max }, &[x]);
    }
    let operands = c.operands(3)?;
    c.emit(Op::Dyn(DynOp::Clip), &operands)
}
