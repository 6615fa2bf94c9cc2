//! Pooling.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use super::window::{self, Sliding};
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, NodeId, Op, Tensor, Window};

/// The map a pool reads, its window, and over how many axes it slides.
fn read(c: &mut Ctx<'_>) -> Result<(NodeId, Sliding, usize), Stop> {
    let spatial = window::spatial(c)?;
    let x = c.need(0)?;
    let x = window::lifted(c, x)?;
    let s = window::sliding(c, x, None, spatial)?;
    Ok((x, s, spatial))
}

fn plain(c: &Ctx<'_>, s: Sliding) -> Window {
    Window { kernel: s.kernel, strides: s.strides, pads: s.pads, ceil: c.flag("ceil_mode", false) }
}

/// MaxPool.
pub fn max(c: &mut Ctx<'_>) -> Done {
    if c.reads_output(1) {
        return Err(
            "its Indices output is used, which relinc does not compute; export without unpooling".into()
        );
    }
    let (x, s, spatial) = read(c)?;
    if s.dilations == [1; 2] {
        let w = plain(c, s);
        return window::emit(c, Op::MaxPool(w), &[x], spatial);
    }
    if c.word("auto_pad", "NOTSET").starts_with("SAME") {
        return Err(
            "pads a dilated window automatically, which runtimes do differently; give its pads".into()
        );
    }
    let columns = dilated(c, x, &s, 0)?;
    let y = dilated(c, columns, &s, 1)?;
    if spatial == 2 {
        return c.emit(Op::Identity, &[y]);
    }
    window::emit(c, Op::Identity, &[y], spatial)
}

/// The largest of the taps along one axis of a dilated pool: one gather for each tap.
fn dilated(c: &mut Ctx<'_>, x: NodeId, s: &Sliding, i: usize) -> Result<NodeId, Stop> {
    let size = c.ty(x)?.dims[2 + i].fixed().ok_or("a spatial dimension depends on the batch")?;
    let (k, stride, dilation) = (s.kernel[i], s.strides[i], s.dilations[i]);
    let padded = size + s.pads[i] + s.pads[i + 2];
    let room = padded.checked_sub(dilation * (k - 1) + 1).ok_or("its window does not fit the padded size")?;
    let outputs = match c.flag("ceil_mode", false) {
        false => room / stride + 1,
        // None starts behind the operand.
        true => {
            let n = room.div_ceil(stride) + 1;
            if (n - 1) * stride >= size + s.pads[i] { n - 1 } else { n }
        }
    };
    let place =
        |o: usize, tap: usize| (o * stride + tap * dilation).checked_sub(s.pads[i]).filter(|&p| p < size);
    let mut largest = None;
    for tap in 0..k {
        // A tap in the padding repeats one in the map, which changes no maximum.
        let at = |o: usize| place(o, tap).or_else(|| (0..k).find_map(|t| place(o, t)));
        let at = (0..outputs).map(|o| at(o).map(|p| p as i64)).collect::<Option<Vec<_>>>();
        let at = at.ok_or("has windows that lie wholly in the padding; pad less")?;
        let places = c.helper(Op::Const(Tensor::ints(&at).into()), &[])?;
        let taps = c.helper(Op::Gather { axis: 2 + i }, &[x, places])?;
        largest = Some(match largest {
            None => taps,
            Some(y) => c.helper(Op::Binary(Binary::Max), &[y, taps])?,
        });
    }
    largest.ok_or_else(|| "has no kernel".into())
}

/// AveragePool.
pub fn average(c: &mut Ctx<'_>) -> Done {
    let (x, s, spatial) = read(c)?;
    if s.dilations != [1; 2] {
        return Err("is a dilated average, which relinc has not; use dilation 1".into());
    }
    let (window, count_pad) = (plain(c, s), c.flag("count_include_pad", false));
    window::emit(c, Op::AvgPool { window, count_pad }, &[x], spatial)
}

/// GlobalAveragePool: the mean over every spatial axis.
pub fn global_mean(c: &mut Ctx<'_>) -> Done {
    global(c, |_| Op::GlobalMean { keep: true })
}

/// GlobalMaxPool: the maximum over every spatial axis.
pub fn global_max(c: &mut Ctx<'_>) -> Done {
    global(c, |rank| Op::Reduce { kind: ReduceKind::Max, axes: (2..rank).collect(), keep: true })
}

fn global(c: &mut Ctx<'_>, op: impl Fn(usize) -> Op) -> Done {
    let x = c.need(0)?;
    match c.ty(x)?.rank() {
        0..=2 => Err("has no spatial axes".into()),
        3 => {
            let map = window::lifted(c, x)?;
            window::emit(c, op(4), &[map], 1)
        }
        rank => c.emit(op(rank), &[x]),
    }
}
