//! Reductions, softmax and argmax.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::op::{DynOp, ReduceKind};
use crate::ir::{Binary, Dim, NodeId, Op, Tensor, Unary};

/// The reduction a node describes, and the operands it reads after the data; `None` reduces nothing.
fn form(c: &mut Ctx<'_>, x: NodeId, kind: ReduceKind) -> Result<Option<(Op, Option<NodeId>)>, Stop> {
    let keep = c.flag("keepdims", true);
    if c.has(1) {
        let axes = c.need(1)?;
        if c.fact(axes)?.ty.elements() > 0 {
            return Ok(Some((Op::Dyn(DynOp::Reduce { kind, keep }), Some(axes))));
        }
    }
    let axes = match c.ints("axes").filter(|a| !a.is_empty()) {
        Some(a) => a,
        None if c.flag("noop_with_empty_axes", false) => return Ok(None),
        None => (0..c.ty(x)?.rank() as i64).collect(),
    };
    Ok(Some((c.b.static_form(DynOp::Reduce { kind, keep }, x, &[axes])?, None)))
}

fn operands(x: NodeId, axes: Option<NodeId>) -> Vec<NodeId> {
    std::iter::once(x).chain(axes).collect()
}

/// ReduceMean, ReduceSum and ReduceMax: axes as attribute, as operand, or all.
pub fn reduce(c: &mut Ctx<'_>) -> Done {
    let kind = match c.node.op_type.as_str() {
        "ReduceMean" => ReduceKind::Mean,
        "ReduceSum" => ReduceKind::Sum,
        _ => ReduceKind::Max,
    };
    let x = c.need(0)?;
    match form(c, x, kind)? {
        Some((op, axes)) => c.emit(op, &operands(x, axes)),
        None => c.emit(Op::Identity, &[x]),
    }
}

/// ReduceMin = −max(−x).
pub fn min(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let Some((op, axes)) = form(c, x, ReduceKind::Max)? else { return c.emit(Op::Identity, &[x]) };
    let negated = c.helper(Op::Unary(Unary::Neg), &[x])?;
    let largest = c.helper(op, &operands(negated, axes))?;
    c.emit(Op::Unary(Unary::Neg), &[largest])
}

/// The sum of squares over the node's axes.
fn squares(c: &mut Ctx<'_>) -> Result<(Op, Vec<NodeId>), Stop> {
    let x = c.need(0)?;
    let form = form(c, x, ReduceKind::Sum)?;
    let (op, axes) = form.ok_or("reduces nothing; remove it")?;
    let square = c.helper(Op::Binary(Binary::Mul), &[x, x])?;
    Ok((op, operands(square, axes)))
}

/// ReduceSumSquare.
pub fn sum_square(c: &mut Ctx<'_>) -> Done {
    let (op, operands) = squares(c)?;
    c.emit(op, &operands)
}

/// ReduceL2 = √(sum of squares).
pub fn l2(c: &mut Ctx<'_>) -> Done {
    let (op, operands) = squares(c)?;
    let sum = c.helper(op, &operands)?;
    c.emit(Op::Unary(Unary::Sqrt), &[sum])
}

/// ReduceProd of known integers, as shape arithmetic uses it.
pub fn prod(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let v = c.fact(x)?.fixed_ints().filter(|_| c.fact(x).is_ok_and(|f| f.ty.rank() == 1));
    let v = v.ok_or("is supported only on a list of sizes that does not depend on the batch")?;
    let p = v.iter().try_fold(1i64, |p, &v| p.checked_mul(v)).ok_or("overflows")?;
    let shape: &[usize] = if c.flag("keepdims", true) { &[1] } else { &[] };
    c.emit_const(Tensor::i64(shape, vec![p]))
}

/// Softmax and LogSoftmax. Before opset 13 they flatten everything from `axis` on.
pub fn softmax(c: &mut Ctx<'_>) -> Done {
    let log = c.node.op_type == "LogSoftmax";
    let x = c.need(0)?;
    let ty = c.ty(x)?;
    let axis = if c.opset >= 13 {
        c.axis(-1, ty.rank())?
    } else {
        let first = c.axis(1, ty.rank())?;
        let wide: Vec<usize> = (first..ty.rank()).filter(|&i| ty.dims[i] != Dim::Fixed(1)).collect();
        match wide[..] {
            [] => first,
            [one] => one,
            _ => {
                return Err(format!(
                    "before opset 13 it runs over axes {wide:?} of {ty} at once; export with opset 13 or later, or \
                     reshape to two dimensions first"
                )
                .into());
            }
        }
    };
    c.emit(if log { Op::LogSoftmax { axis } } else { Op::Softmax { axis } }, &[x])
}

/// ArgMax.
pub fn arg_max(c: &mut Ctx<'_>) -> Done {
    if c.flag("select_last_index", false) {
        return Err("asks for the last of equal maxima; relinc picks the first".into());
    }
    let x = c.need(0)?;
    let axis = c.axis(0, c.ty(x)?.rank())?;
    c.emit(Op::ArgMax { axis, keep: c.flag("keepdims", true) }, &[x])
}
