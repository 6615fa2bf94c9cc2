//! Convolutions and matrix products.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done};
use super::window;
use crate::ir::{Conv, Dim, Op};

/// Conv.
pub fn conv(c: &mut Ctx<'_>) -> Done {
    let spatial = window::spatial(c)?;
    let group = usize::try_from(c.int("group", 1)).ok().filter(|&g| g > 0).ok_or("its group is no count")?;
    let mut operands = c.operands(3)?;
    let &[x, w, ..] = &operands[..] else { return Err("lacks its weights".into()) };
    let (map, weights) = (c.ty(x)?, c.ty(w)?);
    if map.rank() != weights.rank() {
        return Err(format!("its weights {weights} are none for {map}").into());
    }
    let (x, w) = (window::lifted(c, x)?, window::lifted(c, w)?);
    operands[..2].copy_from_slice(&[x, w]);
    let kernel = match c.fixed_dims(w)?.as_deref() {
        Some(&[_, _, h, w]) => Some([h, w]),
        _ => None,
    };
    let s = window::sliding(c, x, kernel, spatial)?;
    let conv = Conv { strides: s.strides, pads: s.pads, dilations: s.dilations, group };
    window::emit(c, Op::Conv(conv), &operands, spatial)
}

/// Gemm.
pub fn gemm(c: &mut Ctx<'_>) -> Done {
    let operands = c.operands(3)?;
    let op = Op::Gemm {
        alpha: c.float("alpha", 1.0),
        beta: c.float("beta", 1.0),
        trans_a: c.flag("transA", false),
        trans_b: c.flag("transB", false),
    };
    c.emit(op, &operands)
}

/// MatMul. A vector is a matrix of one row on the left and of one column on the right, which the product has not.
pub fn matmul(c: &mut Ctx<'_>) -> Done {
    let (a, b) = (c.need(0)?, c.need(1)?);
    let (left, right) = (c.ty(a)?.dims, c.ty(b)?.dims);
    let one = Dim::Fixed(1);
    let x = match left[..] {
        [k] => c.helper(Op::Reshape(vec![one, k]), &[a])?,
        _ => a,
    };
    let y = match right[..] {
        [k] => c.helper(Op::Reshape(vec![k, one]), &[b])?,
        _ => b,
    };
    if (x, y) == (a, b) {
        return c.emit(Op::MatMul, &[a, b]);
    }
    let made = c.helper(Op::MatMul, &[x, y])?;
    let mut dims = c.ty(made)?.dims;
    if right.len() == 1 {
        dims.pop();
    }
    if left.len() == 1 {
        dims.remove(dims.len() - if right.len() == 1 { 1 } else { 2 });
    }
    c.emit(Op::Reshape(dims), &[made])
}
