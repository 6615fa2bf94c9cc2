//! Constants, and values that are constant although the file computes them.

use super::super::attrs::take_tensor;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::op::DynOp;
use crate::ir::{Data, Op, Tensor};

/// Constant, in each of its forms.
pub fn constant(c: &mut Ctx<'_>) -> Done {
    let Some(name) = c.output(0) else { return Ok(()) };
    if let Some(proto) = take_tensor(&mut c.node, "value") {
        let t = c.b.tensor(proto, &name).ok_or(Stop::Operand)?;
        return c.emit_const(t);
    }
    let Some(a) = c.node.attribute.iter().find(|a| a.name.starts_with("value_")) else {
        return Err("holds no dense tensor; export it as one".into());
    };
    let t = match a.name.as_str() {
        "value_float" => Tensor::scalar(a.f),
        "value_floats" => Tensor::f32([a.floats.len()], a.floats.clone()),
        "value_int" => Tensor::i64([], vec![a.i]),
        "value_ints" => Tensor::ints(&a.ints),
        other => return Err(format!("holds a {other}, which relinc has not").into()),
    };
    c.emit_const(t)
}

/// ConstantOfShape.
pub fn constant_of_shape(c: &mut Ctx<'_>) -> Done {
    let value = match take_tensor(&mut c.node, "value") {
        Some(p) => {
            let name = c.output(0).unwrap_or_default();
            c.b.tensor(p, &name).ok_or(Stop::Operand)?
        }
        None => Tensor::scalar(0.0),
    };
    if value.len() != 1 {
        return Err("does not fill with exactly one value".into());
    }
    let op = match value.data() {
        Data::F32(v) => v.first().map(|&value| DynOp::FillFloat { value }),
        Data::I64(v) => v.first().map(|&value| DynOp::FillInt { value }),
        _ => return Err("fills with an element type other than float and int64".into()),
    };
    let op = op.ok_or("has an empty value")?;
    let shape = c.need(0)?;
    let fact = c.fact(shape)?;
    if fact.ints.is_some() && fact.fixed_ints().is_none() {
        // As many as there are images: one element, expanded.
        let one = c.helper(Op::Const(value.reshaped([]).into()), &[])?;
        return c.emit(Op::Dyn(DynOp::Expand), &[one, shape]);
    }
    c.emit(Op::Dyn(op), &[shape])
}

/// Range between constants.
pub fn range(c: &mut Ctx<'_>) -> Done {
    const WHY: &str = "is supported only between constants that do not depend on the batch";
    let ints = [c.fixed_ints(0)?, c.fixed_ints(1)?, c.fixed_ints(2)?];
    if let [Some(a), Some(b), Some(d)] = &ints {
        let (&[a], &[b], &[d]) = (&a[..], &b[..], &d[..]) else {
            return Err("is not between scalars".into());
        };
        let n = if d == 0 { 0 } else { ((b as i128 - a as i128) as f64 / d as f64).ceil().max(0.0) as usize };
        if d == 0 || n > 1 << 24 {
            return Err("has no step, or more than 2^24 elements".into());
        }
        let v: Vec<i64> = (0..n as i64).map(|i| a.wrapping_add(d.wrapping_mul(i))).collect();
        return c.emit_const(Tensor::ints(&v));
    }
    let mut v = [0f32; 3];
    for (i, v) in v.iter_mut().enumerate() {
        let id = c.need(i)?;
        *v = *c.konst(id).ok_or(WHY)?.as_f32().and_then(|v| v.first()).ok_or(WHY)?;
    }
    let n = ((v[1] - v[0]) / v[2]).ceil().max(0.0);
    if !n.is_finite() || n > (1 << 24) as f32 {
        return Err("has no step, or more than 2^24 elements".into());
    }
    let v: Vec<f32> = (0..n as usize).map(|i| v[0] + v[2] * i as f32).collect();
    c.emit_const(Tensor::f32([v.len()], v))
}

/// NonZero of a constant: the indices, one row for each axis.
pub fn non_zero(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let k = c.konst(x).ok_or("depends on data; relinc supports it on constants only")?;
    let hit: Vec<bool> = match k.data() {
        Data::F32(v) => v.iter().map(|&v| v != 0.0).collect(),
        Data::I64(v) => v.iter().map(|&v| v != 0).collect(),
        Data::U8(v) => v.iter().map(|&v| v != 0).collect(),
        Data::Bool(v) => v.clone(),
    };
    let at: Vec<usize> = (0..hit.len()).filter(|&i| hit[i]).collect();
    let strides = crate::ir::tensor::strides(k.shape());
    let mut out = Vec::with_capacity(at.len() * strides.len());
    for (axis, &step) in strides.iter().enumerate() {
        out.extend(at.iter().map(|&i| (i / step % k.shape()[axis]) as i64));
    }
    c.emit_const(Tensor::i64([k.rank(), at.len()], out))
}
