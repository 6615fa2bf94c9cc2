//! One operation on concrete tensors: parameters resolved, shapes checked, then the kernel.

use super::arg::Arg;
use super::{conv, elementwise, matmul, norm, pool, reduce, zip};
use crate::ir::infer::{Fact, infer_op, resolve};
use crate::ir::movement;
use crate::ir::op::{Op, ReduceKind};
use crate::ir::shape::{Dim, SymInt, Type};
use crate::ir::tensor::{DType, Data, Tensor};
use std::borrow::Cow;
use std::sync::Arc;

/// Elements a result may have; more is taken for a mistake in the graph, not tried.
const MAX_ELEMENTS: usize = 1 << 33;

/// Computes one operation on concrete operands: what constant folding needs. `Input` cannot be computed; a
/// symbolic batch only where it follows from the element count (`Reshape`).
pub fn eval_const(op: &Op, operands: &[&Tensor]) -> Result<Tensor, String> {
    exec(op, operands.iter().map(|t| Arg::Ref(t)).collect(), None)
}

/// Computes one operation. After [`infer_op`] has accepted the operands, kernels rely on their shapes.
pub(crate) fn exec(op: &Op, mut args: Vec<Arg<'_>>, batch: Option<usize>) -> Result<Tensor, String> {
    let op = make_concrete(op, &mut args, batch)?;
    let op = op.as_ref();
    let facts: Vec<Fact> = args.iter().map(|a| fact(a, false)).collect();
    let out = infer_op(op, &facts.iter().collect::<Vec<_>>())?.ty.at(batch.unwrap_or(1));
    out.iter()
        .try_fold(1usize, |p, &d| p.checked_mul(d))
        .filter(|&n| n <= MAX_ELEMENTS)
        .ok_or_else(|| format!("the result {out:?} is larger than 2^33 elements"))?;
    let mut args = args.into_iter();
    let Some(x) = args.next() else {
        return match op {
            Op::Const(t) => Ok(Tensor::clone(t)),
            _ => Err("has no value".into()),
        };
    };
    let rest: Vec<Arg<'_>> = args.collect();
    let maybe = |i: usize| rest.get(i).map(|a| &**a);
    let arg = |i: usize| maybe(i).ok_or_else(|| "an operand is missing".to_string());
    match op {
        Op::Input(_) | Op::Const(_) | Op::Dyn(_) => Err("takes no operands".into()),
        Op::Conv(c) => conv::conv(c, &x, arg(0)?, maybe(1)),
        Op::Linear => matmul::linear(&x, arg(0)?, maybe(1), out),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            matmul::gemm((&x, *trans_a), (arg(0)?, *trans_b), maybe(1), *alpha, *beta, out)
        }
        Op::MatMul => matmul::matmul(&x, arg(0)?, out),
        Op::BatchNorm { eps } => norm::batch_norm(x, [arg(0)?, arg(1)?, arg(2)?, arg(3)?], *eps),
        Op::Relu => elementwise::relu(x),
        Op::CappedRelu { cap } => elementwise::clip(x, 0.0, *cap),
        Op::MaskedRelu { cap, given } => {
            let parameters = given.iter().zip(rest.iter().skip(1)).map(|(&c, t)| (c, &**t)).collect();
            elementwise::masked_relu(x, *cap, arg(0)?, parameters)
        }
        Op::LeakyRelu { slope } => elementwise::leaky_relu(x, *slope),
        Op::PRelu => zip::prelu(x, second(rest)?, out),
        Op::Clip { min, max } => elementwise::clip(x, *min, *max),
        Op::Unary(u) => elementwise::unary(*u, x),
        Op::Binary(b) => zip::binary(*b, x, second(rest)?, out),
        Op::Compare(c) => zip::compare(*c, &x, arg(0)?, out),
        Op::Where => zip::choose(&x, arg(0)?, arg(1)?, out),
        Op::MaxPool(w) => pool::max_pool(w, &x, out),
        Op::AvgPool { window, count_pad } => pool::avg_pool(window, *count_pad, &x, out),
        Op::GlobalMean { .. } => {
            reduce::reduce(ReduceKind::Mean, &x, &(2..x.rank()).collect::<Vec<_>>(), out)
        }
        Op::Reduce { kind, axes, .. } => reduce::reduce(*kind, &x, axes, out),
        Op::ArgMax { axis, .. } => reduce::arg_max(&x, *axis, out),
        Op::Softmax { axis } => norm::softmax(x, *axis, false),
        Op::LogSoftmax { axis } => norm::softmax(x, *axis, true),
        Op::Identity | Op::Dropout => Ok(x.into_tensor()),
        Op::Reshape(_) => Ok(x.into_tensor().reshaped(out)),
        Op::Cast(to) => Ok(elementwise::cast(x, *to)),
        Op::Shape { start, end } => {
            let dims: Vec<i64> = x.shape().iter().map(|&d| d as i64).collect();
            let end = (*end).min(dims.len());
            Ok(Tensor::ints(dims.get((*start).min(end)..end).unwrap_or(&[])))
        }
        Op::Pad { .. }
        | Op::Slice(_)
        | Op::Transpose(_)
        | Op::Expand(_)
        | Op::Gather { .. }
        | Op::Concat { .. } => {
            let at = match op {
                Op::Gather { axis } => Some((arg(0)?.positions(x.shape()[*axis])?, arg(0)?.shape().to_vec())),
                _ => None,
            };
            let parts: Vec<&Tensor> = std::iter::once(&*x).chain(rest.iter().map(|a| &**a)).collect();
            moved(op, &parts, at.as_ref().map(|(p, s)| (&p[..], &s[..])), out)
        }
    }
}

fn second(rest: Vec<Arg<'_>>) -> Result<Arg<'_>, String> {
    rest.into_iter().next().ok_or_else(|| "an operand is missing".to_string())
}

/// What is known of a concrete operand; with `values`, its elements too (what [`resolve`] reads).
fn fact(t: &Tensor, values: bool) -> Fact {
    let ty = Type { dtype: t.dtype(), dims: t.shape().iter().map(|&d| Dim::Fixed(d)).collect() };
    let ints = t.as_i64().filter(|_| values).map(|v| v.iter().map(|&i| SymInt::fixed(i)).collect());
    Fact { ty, ints, konst: values.then(|| Arc::new(t.clone())) }
}

/// The operation without symbolic parts: `Dyn` resolved (its parameter operands dropped), `N` replaced.
pub(crate) fn make_concrete<'o>(
    op: &'o Op,
    args: &mut Vec<Arg<'_>>,
    batch: Option<usize>,
) -> Result<Cow<'o, Op>, String> {
    let resolved = match op {
        Op::Dyn(d) => {
            let fill = args.len() == 1;
            let facts: Vec<Fact> = args.iter().enumerate().map(|(i, a)| fact(a, fill || i > 0)).collect();
            // Checks the number of operands before `resolve` reads them.
            infer_op(op, &facts.iter().collect::<Vec<_>>())?;
            let op = resolve(*d, &facts.iter().collect::<Vec<_>>())?;
            args.truncate(if matches!(op, Op::Const(_)) { 0 } else { 1 });
            Cow::Owned(op)
        }
        op => Cow::Borrowed(op),
    };
    let fixed = |dims: &[Dim], n: Option<usize>| -> Result<Vec<Dim>, String> {
        let n = n.ok_or("depends on the batch, which no input fixes")?;
        Ok(dims.iter().map(|d| Dim::Fixed(d.at(n))).collect())
    };
    Ok(match resolved.as_ref() {
        Op::Reshape(d) if d.contains(&Dim::Batch) => {
            let one: usize = d.iter().map(|d| d.at(1)).product();
            let implied = args.first().filter(|_| one > 0).map(|x| x.len() / one);
            Cow::Owned(Op::Reshape(fixed(d, batch.or(implied))?))
        }
        Op::Expand(d) if d.contains(&Dim::Batch) => Cow::Owned(Op::Expand(fixed(d, batch)?)),
        _ => resolved,
    })
}

/// A rearrangement of elements, whatever their type.
fn moved(
    op: &Op,
    parts: &[&Tensor],
    at: Option<(&[usize], &[usize])>,
    out: Vec<usize>,
) -> Result<Tensor, String> {
    let read = if matches!(op, Op::Concat { .. }) { parts.len() } else { 1 };
    macro_rules! of {
        ($elements:ident, $wrap:expr, $fill:expr) => {{
            let parts = parts[..read].iter().map(|p| Some((p.$elements()?, p.shape())));
            let parts = parts.collect::<Option<Vec<_>>>().ok_or("operands differ in type")?;
            movement::moved(op, &parts, at, &out, $fill).map($wrap)
        }};
    }
    let data = match parts[0].dtype() {
        DType::F32 => of!(as_f32, Data::F32, |f| f),
        DType::I64 => of!(as_i64, Data::I64, |f| f as i64),
        DType::U8 => of!(as_u8, Data::U8, |f| f as u8),
        DType::Bool => of!(as_bool, Data::Bool, |f| f != 0.0),
    };
    Ok(Tensor::new(out, data.ok_or("moves nothing")?))
}
