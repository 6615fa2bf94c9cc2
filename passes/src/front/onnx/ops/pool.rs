//! Pooling.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use super::window;
use crate::ir::op::ReduceKind;
use crate::ir::{NodeId, Op, Window};

fn read(c: &mut Ctx<'_>) -> Result<(NodeId, Window), Stop> {
    window::two_dimensional(c)?;
    if c.ints("dilations").is_some_and(|d| d.iter().any(|&d| d != 1)) {
        return Err("is a dilated pool, which relinc has not; use dilation 1".into());
    }
    let x = c.need(0)?;
    let s = window::sliding(c, x, None)?;
    let ceil = c.flag("ceil_mode", false);
    Ok((x, Window { kernel: s.kernel, strides: s.strides, pads: s.pads, ceil }))
}

/// MaxPool.
pub fn max(c: &mut Ctx<'_>) -> Done {
    if c.reads_output(1) {
        return Err(
            "its Indices output is used, which relinc does not compute; export without unpooling".into()
        );
    }
    let (x, window) = read(c)?;
    c.emit(Op::MaxPool(window), &[x])
}

/// AveragePool.
pub fn average(c: &mut Ctx<'_>) -> Done {
    let (x, window) = read(c)?;
    let count_pad = c.flag("count_include_pad", false);
    c.emit(Op::AvgPool { window, count_pad }, &[x])
}

/// GlobalMaxPool: the maximum over every spatial axis.
pub fn global_max(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let axes: Vec<usize> = (2..c.ty(x)?.rank()).collect();
    if axes.is_empty() {
        return Err("has no spatial axes".into());
    }
    c.emit(Op::Reduce { kind: ReduceKind::Max, axes, keep: true }, &[x])
}
