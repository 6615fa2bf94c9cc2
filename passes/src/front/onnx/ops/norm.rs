//! Normalisations. By running statistics they are operations of their own; by statistics of the value they are written out, and
//! vanish where the value is a constant.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use super::elementwise::scalar;
use super::window;
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, Dim, NodeId, Op, Type, Unary};

const EVAL: &str = "call model.eval() and export with training=TrainingMode.EVAL";

/// BatchNormalization. Its training form is read where it normalises a constant, as weights are standardised.
pub fn batch_norm(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let training = c.flag("training_mode", false);
    if training && !c.is_constant(x) {
        return Err(format!("is in training mode, so its statistics depend on the batch; {EVAL}").into());
    }
    if (1..c.node.output.len()).any(|k| c.reads_output(k)) {
        return Err(format!("its statistics are read, the mark of a training export; {EVAL}").into());
    }
    if !c.flag("spatial", true) {
        return Err("normalises every pixel on its own (spatial = 0); export it per channel".into());
    }
    let eps = c.float("epsilon", 1e-5);
    if training {
        let rank = c.ty(x)?.rank();
        let axes = (0..rank).filter(|&a| a != 1).collect();
        let y = standardised(c, x, axes, eps)?;
        return affine(c, y, [1, 2], rank.saturating_sub(2));
    }
    if (1..c.node.output.len()).any(|k| c.output(k).is_some()) {
        c.b.notice(
            "BatchNormalization names statistics that nothing reads, the mark of a training export: here it normalises by its running \
             statistics, elsewhere perhaps by those of the batch",
        );
    }
    let mut operands = c.operands(5)?;
    if c.ty(x)?.rank() != 3 {
        return c.emit(Op::BatchNorm { eps }, &operands);
    }
    operands[0] = window::lifted(c, x)?;
    window::emit(c, Op::BatchNorm { eps }, &operands, 1)
}

/// Says what normalising by statistics of an image means, where it is one.
fn warn(c: &mut Ctx<'_>, x: NodeId) {
    if !c.is_constant(x) {
        let op = c.node.op_type.clone();
        c.b.notice(format!(
            "{op} normalises by statistics of each image: a square root and a division that most secure runtimes lack or pay dearly for. \
             BatchNormalization costs nothing there"
        ));
    }
}

/// `(x − mean) / √(variance + eps)` over these axes.
fn standardised(c: &mut Ctx<'_>, x: NodeId, axes: Vec<usize>, eps: f32) -> Result<NodeId, Stop> {
    let mean = Op::Reduce { kind: ReduceKind::Mean, axes, keep: true };
    let centre = c.helper(mean.clone(), &[x])?;
    let off = c.helper(Op::Binary(Binary::Sub), &[x, centre])?;
    let square = c.helper(Op::Binary(Binary::Mul), &[off, off])?;
    let variance = c.helper(mean, &[square])?;
    divided(c, off, variance, eps)
}

/// `x / √(square + eps)`.
fn divided(c: &mut Ctx<'_>, x: NodeId, square: NodeId, eps: f32) -> Result<NodeId, Stop> {
    let eps = scalar(c, eps)?;
    let sum = c.helper(Op::Binary(Binary::Add), &[square, eps])?;
    let deviation = c.helper(Op::Unary(Unary::Sqrt), &[sum])?;
    c.helper(Op::Binary(Binary::Div), &[x, deviation])
}

/// `scale·y + shift`, the operands at `slots` where they are given, each followed by so many axes of 1.
fn affine(c: &mut Ctx<'_>, y: NodeId, slots: [usize; 2], behind: usize) -> Done {
    let mut y = y;
    for (slot, op) in slots.into_iter().zip([Binary::Mul, Binary::Add]) {
        if c.has(slot) {
            let k = c.need(slot)?;
            let k = widened(c, k, behind)?;
            y = c.helper(Op::Binary(op), &[y, k])?;
        }
    }
    c.emit(Op::Identity, &[y])
}

/// A value with so many axes of 1 at its end.
fn widened(c: &mut Ctx<'_>, k: NodeId, behind: usize) -> Result<NodeId, Stop> {
    if behind == 0 {
        return Ok(k);
    }
    let mut dims = c.ty(k)?.dims;
    dims.resize(dims.len() + behind, Dim::Fixed(1));
    c.helper(Op::Reshape(dims), &[k])
}

/// LayerNormalization and RMSNormalization: over the axes from `axis` on.
pub fn layer_norm(c: &mut Ctx<'_>) -> Done {
    if c.reads_output(1) || c.reads_output(2) {
        return Err(format!("its statistics are read, the mark of a training export; {EVAL}").into());
    }
    let x = c.need(0)?;
    warn(c, x);
    let rank = c.ty(x)?.rank();
    let axes: Vec<usize> = (c.axis(-1, rank)?..rank).collect();
    let eps = c.float("epsilon", 1e-5);
    let y = if c.node.op_type == "RMSNormalization" {
        let square = c.helper(Op::Binary(Binary::Mul), &[x, x])?;
        let mean = c.helper(Op::Reduce { kind: ReduceKind::Mean, axes, keep: true }, &[square])?;
        divided(c, x, mean, eps)?
    } else {
        standardised(c, x, axes, eps)?
    };
    affine(c, y, [1, 2], 0)
}

/// InstanceNormalization: each channel of each image over its map.
pub fn instance_norm(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    warn(c, x);
    let rank = c.ty(x)?.rank();
    if rank < 3 {
        return Err("has no spatial axes".into());
    }
    let eps = c.float("epsilon", 1e-5);
    let y = standardised(c, x, (2..rank).collect(), eps)?;
    affine(c, y, [1, 2], rank - 2)
}

/// GroupNormalization: each group of channels of each image. Before opset 21 the groups have scales, since then the channels.
pub fn group_norm(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    warn(c, x);
    let Type { dims, .. } = c.ty(x)?;
    let groups = usize::try_from(c.int("num_groups", 0)).unwrap_or(0);
    let sizes: Option<Vec<usize>> = dims.iter().skip(1).map(|d| d.fixed()).collect();
    let sizes = sizes.filter(|s| !s.is_empty()).ok_or("has no channel axis")?;
    if groups == 0 || sizes[0] % groups != 0 {
        return Err(format!("does not divide {} channels into {groups} groups", sizes[0]).into());
    }
    let each: usize = sizes.iter().product::<usize>() / groups;
    let split = c.helper(Op::Reshape(vec![dims[0], Dim::Fixed(groups), Dim::Fixed(each)]), &[x])?;
    let y = standardised(c, split, vec![2], c.float("epsilon", 1e-5))?;
    if c.opset < 21 {
        let y = affine_helper(c, y)?;
        return c.emit(Op::Reshape(dims), &[y]);
    }
    let y = c.helper(Op::Reshape(dims.clone()), &[y])?;
    affine(c, y, [1, 2], dims.len() - 2)
}

/// The same with scales of groups, over `[N,groups,…]`.
fn affine_helper(c: &mut Ctx<'_>, y: NodeId) -> Result<NodeId, Stop> {
    let (scale, shift) = (c.need(1)?, c.need(2)?);
    let (scale, shift) = (widened(c, scale, 1)?, widened(c, shift, 1)?);
    let y = c.helper(Op::Binary(Binary::Mul), &[y, scale])?;
    c.helper(Op::Binary(Binary::Add), &[y, shift])
}

/// LpNormalization: each row along an axis divided by its norm.
pub fn lp_norm(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    warn(c, x);
    let axis = c.axis(-1, c.ty(x)?.rank())?;
    let sum = |axes| Op::Reduce { kind: ReduceKind::Sum, axes, keep: true };
    let norm = match c.int("p", 2) {
        1 => {
            let each = c.helper(Op::Unary(Unary::Abs), &[x])?;
            c.helper(sum(vec![axis]), &[each])?
        }
        2 => {
            let square = c.helper(Op::Binary(Binary::Mul), &[x, x])?;
            let total = c.helper(sum(vec![axis]), &[square])?;
            c.helper(Op::Unary(Unary::Sqrt), &[total])?
        }
        p => return Err(format!("p = {p} is not known, only 1 and 2").into()),
    };
    c.emit(Op::Binary(Binary::Div), &[x, norm])
}

/// Dropout.
pub fn dropout(c: &mut Ctx<'_>) -> Done {
    if c.reads_output(1) {
        return Err(format!("its mask output is used, so the graph is a training graph; {EVAL}").into());
    }
    if c.opset >= 12 && c.has(1) {
        let ratio = c.need(1)?;
        let outside = |k: crate::ir::Shared| {
            k.as_f32().and_then(|v| v.iter().copied().find(|r| !(0.0..1.0).contains(r)))
        };
        if let Some(r) = c.konst(ratio).and_then(outside) {
            return Err(format!(
                "has ratio {r}, which is not from 0 to below 1; export the model in evaluation mode"
            )
            .into());
        }
    }
    if c.opset >= 12 && c.has(2) {
        let mode = c.need(2)?;
        let off = c.konst(mode).and_then(|k| k.as_bool().map(|v| v.iter().all(|on| !on)));
        match off {
            Some(true) => {}
            Some(false) => return Err(format!("is in training mode; {EVAL}").into()),
            None => return Err(format!("its training_mode is not constant; {EVAL}").into()),
        }
    }
    let x = c.need(0)?;
    c.emit(Op::Dropout, &[x])
}
