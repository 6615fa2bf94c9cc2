//! Operations that move elements.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done};
use crate::ir::op::{DynOp, SliceAxis};
use crate::ir::{Dim, Op};

/// Pad: attributes before opset 11, operands since.
pub fn pad(c: &mut Ctx<'_>) -> Done {
    let mode = c.word("mode", "constant");
    if mode != "constant" {
        return Err(format!(
            "pads in mode '{mode}'; relinc pads with a constant only: train with zero padding"
        )
        .into());
    }
    if c.opset >= 11 {
        let operands = c.operands(4)?;
        return c.emit(Op::Dyn(DynOp::Pad), &operands);
    }
    let x = c.need(0)?;
    let amounts = c.ints("pads").ok_or("has no pads")?;
    let value = c.float("value", 0.0);
    match c.b.static_form(DynOp::Pad, x, &[amounts])? {
        Op::Pad { before, after, .. } => c.emit(Op::Pad { before, after, value }, &[x]),
        op => c.emit(op, &[x]),
    }
}

/// Slice: attributes before opset 10, operands since.
pub fn slice(c: &mut Ctx<'_>) -> Done {
    if c.opset >= 10 {
        let operands = c.operands(5)?;
        return c.emit(Op::Dyn(DynOp::Slice), &operands);
    }
    let x = c.need(0)?;
    let starts = c.ints("starts").ok_or("has no starts")?;
    let ends = c.ints("ends").ok_or("has no ends")?;
    let axes = c.ints("axes").unwrap_or_else(|| (0..starts.len() as i64).collect());
    let op = c.b.static_form(DynOp::Slice, x, &[starts, ends, axes])?;
    c.emit(op, &[x])
}

/// Split: one Slice for each output that is read.
pub fn split(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let ty = c.ty(x)?;
    let axis = c.axis(0, ty.rank())?;
    let parts = c.node.output.len();
    let Dim::Fixed(size) = ty.dims[axis] else { return Err("splits the batch".into()) };
    let sizes = if c.opset >= 13 && c.has(1) {
        c.fixed_ints(1)?.ok_or("its sizes are computed from data; relinc needs them constant")?
    } else if let Some(s) = c.ints("split").filter(|s| !s.is_empty()) {
        s
    } else {
        let n = usize::try_from(c.int("num_outputs", parts as i64)).unwrap_or(0);
        if n != parts || n == 0 || (c.opset < 18 && size % n != 0) {
            return Err(format!("does not divide {size} into {parts} parts").into());
        }
        // All parts alike; since opset 18 the last may be smaller.
        let each = size.div_ceil(n);
        (0..n).map(|i| each.min(size.saturating_sub(i * each)) as i64).collect()
    };
    let sum = sizes.iter().try_fold(0i64, |a, &s| a.checked_add(s));
    if sizes.len() != parts || sizes.iter().any(|&s| s < 0) || sum != i64::try_from(size).ok() {
        return Err(format!("its sizes {sizes:?} do not divide {size} into {parts} parts").into());
    }
    let mut start = 0;
    for (k, len) in sizes.into_iter().enumerate() {
        if c.reads_output(k) {
            c.emit_at(k, Op::Slice(vec![SliceAxis { axis, start, end: start + len, step: 1 }]), &[x])?;
        }
        start += len;
    }
    Ok(())
}

/// Concat.
pub fn concat(c: &mut Ctx<'_>) -> Done {
    let all = c.all()?;
    let first = *all.first().ok_or("has no operand")?;
    let axis = c.axis(1, c.ty(first)?.rank())?;
    c.emit(Op::Concat { axis }, &all)
}

/// Gather.
pub fn gather(c: &mut Ctx<'_>) -> Done {
    let (x, indices) = (c.need(0)?, c.need(1)?);
    let axis = c.axis(0, c.ty(x)?.rank())?;
    c.emit(Op::Gather { axis }, &[x, indices])
}

/// Transpose; without a permutation it reverses the axes.
pub fn transpose(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let rank = c.ty(x)?.rank();
    let perm = match c.ints("perm") {
        Some(p) => p.into_iter().map(|a| crate::ir::infer::norm_axis(a, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    c.emit(Op::Transpose(perm), &[x])
}
