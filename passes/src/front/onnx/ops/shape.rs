//! Shapes, reshapes and casts.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done};
use super::super::tensor::data_type;
use crate::ir::infer::{Fact, norm_axis, resolve};
use crate::ir::op::DynOp;
use crate::ir::{DType, Data, Dim, Op, SymInt, Tensor};
use crate::proto::tensor_proto::DataType;

/// Reshape. Where the file fixes the batch, a target that begins with that number begins with the batch.
pub fn reshape(c: &mut Ctx<'_>) -> Done {
    let (x, target) = (c.need(0)?, c.need(1)?);
    let dynamic = DynOp::Reshape { allow_zero: c.flag("allowzero", false) };
    let (data, want) = (c.fact(x)?, c.fact(target)?);
    if want.ty.rank() != 1 {
        return Err(format!("reads its target shape from {}, which is no list", want.ty).into());
    }
    let first = want.fixed_ints().and_then(|v| v.first().copied());
    if c.was_fixed(x)?.is_some_and(|k| first == Some(k as i64)) {
        let mut ints = want.ints.clone().unwrap_or_default();
        ints[0] = Dim::Batch.into();
        let want = Fact { ints: Some(ints), konst: None, ..want.clone() };
        let op =
            resolve(dynamic, &[data, &want]).map_err(|why| format!("{why}; {}", c.b.only_at_its_batch()))?;
        return c.emit(op, &[x]);
    }
    c.emit(Op::Dyn(dynamic), &[x, target])
}

/// Flatten: two dimensions, split at `axis`.
pub fn flatten(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let ty = c.ty(x)?;
    let axis = c.int("axis", 1);
    let at = if axis == ty.rank() as i64 { ty.rank() } else { norm_axis(axis, ty.rank())? };
    let product = |dims: &[Dim]| {
        dims.iter().try_fold(SymInt::fixed(1), |p, &d| p.times(d.into())).and_then(SymInt::as_dim)
    };
    match (product(&ty.dims[..at]), product(&ty.dims[at..])) {
        (Some(a), Some(b)) => c.emit(Op::Reshape(vec![a, b]), &[x]),
        _ if c.b.rebatched.is_some() => {
            Err(format!("flattens the batch into another axis; {}", c.b.only_at_its_batch()).into())
        }
        _ => Err("flattens the batch into another axis; flatten from axis 1".into()),
    }
}

/// Squeeze: an attribute before opset 13, an operand since; without either, every axis of size 1.
pub fn squeeze(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    if c.opset >= 13 && c.has(1) {
        let axes = c.need(1)?;
        return c.emit(Op::Dyn(DynOp::Squeeze), &[x, axes]);
    }
    let axes = match c.ints("axes").filter(|_| c.opset < 13) {
        Some(a) => a,
        None if c.was_fixed(x)? == Some(1) => {
            return Err(format!(
                "drops every axis of size 1, the batch among them; {}",
                c.b.only_at_its_batch()
            )
            .into());
        }
        None => {
            let dims = c.ty(x)?.dims;
            (0..dims.len() as i64).filter(|&i| dims[i as usize] == Dim::Fixed(1)).collect()
        }
    };
    let op = c.b.static_form(DynOp::Squeeze, x, &[axes])?;
    c.emit(op, &[x])
}

/// Unsqueeze: an attribute before opset 13, an operand since.
pub fn unsqueeze(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    if c.opset >= 13 {
        let axes = c.need(1)?;
        return c.emit(Op::Dyn(DynOp::Unsqueeze), &[x, axes]);
    }
    let axes = c.ints("axes").ok_or("has no axes")?;
    let op = c.b.static_form(DynOp::Unsqueeze, x, &[axes])?;
    c.emit(op, &[x])
}

/// Expand. As with Reshape, a target that begins with the file's batch begins with the batch.
pub fn expand(c: &mut Ctx<'_>) -> Done {
    let (x, shape) = (c.need(0)?, c.need(1)?);
    let want = c.fact(shape)?;
    let same_rank = want.ty.at(1) == [c.fact(x)?.ty.rank()];
    let first = want.fixed_ints().filter(|_| same_rank).and_then(|v| v.first().copied());
    if c.was_fixed(x)?.is_some_and(|k| k > 1 && first == Some(k as i64)) {
        let mut ints = c.fact(shape)?.ints.clone().unwrap_or_default();
        ints[0] = Dim::Batch.into();
        let want = Fact { ints: Some(ints), konst: None, ..c.fact(shape)?.clone() };
        let op = resolve(DynOp::Expand, &[c.fact(x)?, &want])
            .map_err(|why| format!("{why}; {}", c.b.only_at_its_batch()))?;
        return c.emit(op, &[x]);
    }
    c.emit(Op::Dyn(DynOp::Expand), &[x, shape])
}

/// Shape; `start` and `end` since opset 15.
pub fn shape(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let rank = c.ty(x)?.rank() as i64;
    let bound = |v: i64| (if v < 0 { v.saturating_add(rank) } else { v }).clamp(0, rank) as usize;
    let (start, end) = (bound(c.int("start", 0)), bound(c.int("end", rank)));
    c.emit(Op::Shape { start, end: end.max(start) }, &[x])
}

/// Size, where it does not depend on the batch.
pub fn size(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let dims = c.fixed_dims(x)?.ok_or("depends on the batch; use Shape and Gather")?;
    c.emit_const(Tensor::i64([], vec![dims.iter().product::<usize>() as i64]))
}

/// CastLike: to the type of the second operand.
pub fn cast_like(c: &mut Ctx<'_>) -> Done {
    let (x, like) = (c.need(0)?, c.need(1)?);
    let to = c.ty(like)?.dtype;
    c.emit(Op::Cast(to), &[x])
}

/// Cast to the IR's types; half and double precision become `f32`, `int32` becomes `i64`.
pub fn cast(c: &mut Ctx<'_>) -> Done {
    let element = data_type(c.int("to", 0) as i32)?;
    let to = match element {
        DataType::Float => DType::F32,
        DataType::Float16 | DataType::Bfloat16 | DataType::Double => {
            let name = element.as_str_name().to_lowercase();
            c.b.notice(format!("casts to {name}; relinc computes in float32"));
            DType::F32
        }
        DataType::Int64 | DataType::Int32 => DType::I64,
        DataType::Uint8 => DType::U8,
        DataType::Bool => DType::Bool,
        other => {
            let name = other.as_str_name().to_lowercase();
            return Err(format!("casts to {name}, which relinc has not; cast to float or int64").into());
        }
    };
    let x = c.need(0)?;
    // Truth values, and floats that follow from shapes, reach shape arithmetic only as constants.
    let shape = c.fixed_dims(x)?;
    let truth = c.konst(x).and_then(|k| match (to, k.data()) {
        (DType::I64, Data::Bool(v)) => Some(Tensor::i64(k.shape(), v.iter().map(|&b| b as i64).collect())),
        (DType::I64, Data::F32(v)) => Some(Tensor::i64(k.shape(), v.iter().map(|&f| f as i64).collect())),
        _ => None,
    });
    let known = match (to, c.fact(x)?.fixed_ints(), shape) {
        (DType::Bool, Some(v), Some(s)) => Some(Tensor::bool(s, v.iter().map(|&i| i != 0).collect())),
        (DType::F32, Some(v), Some(s)) => Some(Tensor::f32(s, v.iter().map(|&i| i as f32).collect())),
        _ => None,
    };
    match truth.or(known) {
        Some(t) => c.emit_const(t),
        None => c.emit(Op::Cast(to), &[x]),
    }
}
