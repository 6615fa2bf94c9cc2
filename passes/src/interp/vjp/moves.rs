//! Gradients of operations that only move elements: each gradient goes where its element came from.

use super::super::arg::{Arg, f32s};
use super::super::exec::exec;
use super::super::movement;
use super::rules::{Operand, Pulled};
use crate::ir::op::{Op, SliceAxis};
use crate::ir::tensor::Tensor;

/// Moves the positions of the elements as the operation moves the elements, then adds each gradient there.
pub(super) fn scatter(op: &Op, x: &[Operand<'_>], dy: &Tensor) -> Result<Tensor, String> {
    let n: usize = x[0].shape.iter().product();
    let mut args = vec![Arg::Own(Tensor::i64(x[0].shape, (0..n as i64).collect()))];
    for o in &x[1..] {
        args.push(Arg::Ref(o.tensor()?));
    }
    let from = match op {
        // Padding comes from nowhere.
        Op::Pad { before, after, .. } => {
            exec(&Op::Pad { before: before.clone(), after: after.clone(), value: -1.0 }, args, None)?
        }
        // The result's own dimensions, which have no symbolic batch.
        Op::Expand(_) => {
            let dims = dy.shape().iter().map(|&d| crate::ir::shape::Dim::Fixed(d)).collect();
            exec(&Op::Expand(dims), args, None)?
        }
        _ => exec(op, args, None)?,
    };
    let mut dx = vec![0.0; n];
    let from = from.as_i64().ok_or("positions must be integers")?;
    for (&i, d) in from.iter().zip(f32s(dy, "the gradient")?) {
        if let Some(x) = usize::try_from(i).ok().and_then(|i| dx.get_mut(i)) {
            *x += d;
        }
    }
    Ok(Tensor::f32(x[0].shape, dx))
}

/// Each operand of a concatenation gets its part.
pub(super) fn split(x: &[Operand<'_>], axis: usize, dy: &Tensor) -> Pulled {
    let v = f32s(dy, "the gradient")?;
    let mut start = 0;
    let part = |o: &Operand<'_>| {
        let end = start + o.shape[axis] as i64;
        let range = SliceAxis { axis, start, end, step: 1 };
        start = end;
        o.live.then(|| Tensor::f32(o.shape, movement::slice(v, dy.shape(), &[range]).0))
    };
    Ok(x.iter().map(part).collect())
}
