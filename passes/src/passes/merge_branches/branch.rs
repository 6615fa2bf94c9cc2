//! The linear branches that lead to an addend, each seen as a convolution of the value it starts from.

use crate::ir::movement::slice_range;
use crate::ir::op::SliceAxis;
use crate::ir::{Facts, Graph, NodeId, Op, Tensor};
use crate::passes::affine::is_linear;
use crate::passes::merge_conv::pair::named;

/// What a branch multiplies by.
#[derive(Debug, Clone)]
pub(super) enum Weights<'a> {
    /// A convolution's `[out, depth, taps, taps]`, which is read when it is merged, its bias, and its groups.
    Conv { w: &'a Tensor, depth: usize, b: Option<&'a [f32]>, group: usize },
    /// 1 from channel i to channel `first + i`.
    Channels { first: usize },
}

/// A linear function of maps: output (i, j) reads the elements `i·stride + offset` of its source.
#[derive(Debug, Clone)]
pub(super) struct Branch<'a> {
    pub strides: [usize; 2],
    /// Of each tap, rows then columns; negative where it reads padding.
    pub offsets: [Vec<isize>; 2],
    pub weights: Weights<'a>,
}

/// One reading of an addend: a branch from `source`, or why it must stay.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    pub source: NodeId,
    /// A convolution, whether it can be merged or not.
    pub is_conv: bool,
    pub branch: Result<Branch<'a>, String>,
}

/// Every reading of an addend: itself, the convolution that it is, and what a chain of slices of rows and columns and of
/// padded channels starts from.
pub(super) fn readings<'a>(g: &'a Graph, facts: &Facts, addend: NodeId) -> Vec<Reading<'a>> {
    let mut strides = [1, 1];
    let mut offsets = [0isize; 2];
    let mut first = 0;
    let mut at = addend;
    let mut all = vec![];
    loop {
        let branch =
            Branch { strides, offsets: offsets.map(|o| vec![o]), weights: Weights::Channels { first } };
        all.push(Reading { source: at, is_conv: false, branch: Ok(branch) });
        let Some(x) = g.operand(at, 0).filter(|_| g.use_count(at) == 1) else { break };
        match g.op(at) {
            Op::Pad { before, after, value }
                if *value == 0.0 && only_channels(before) && only_channels(after) =>
            {
                first += before[1];
            }
            Op::Slice(axes) => {
                let Some(steps) = rows_and_columns(axes, facts, x) else { break };
                for (axis, (start, step)) in steps {
                    offsets[axis] = offsets[axis] * step as isize + start as isize;
                    strides[axis] *= step;
                }
            }
            _ => break,
        }
        at = x;
    }
    all.extend(convolution(g, addend));
    all
}

fn only_channels(amounts: &[usize]) -> bool {
    amounts.len() == 4 && amounts.iter().enumerate().all(|(i, &n)| n == 0 || i == 1)
}

/// Axis 0 for rows, 1 for columns, with start and step, where only these are sliced, forwards.
fn rows_and_columns(axes: &[SliceAxis], facts: &Facts, x: NodeId) -> Option<Vec<(usize, (usize, usize))>> {
    let one = |a: &SliceAxis| {
        let axis = a.axis.checked_sub(2).filter(|&i| i < 2)?;
        let size = facts.ty(x).dims.get(a.axis)?.fixed()?;
        let step = usize::try_from(a.step).ok().filter(|s| (1..=size.max(1)).contains(s))?;
        Some((axis, (slice_range(a, size).0, step)))
    };
    axes.iter().map(one).collect()
}

fn convolution(g: &Graph, at: NodeId) -> Option<Reading<'_>> {
    let Op::Conv(c) = g.op(at) else { return None };
    let source = g.operand(at, 0)?;
    let refused =
        |why: &str| Some(Reading { source, is_conv: true, branch: Err(format!("{} {why}", named(g, at))) });
    if !is_linear(g, at) {
        return refused("has weights that are not constants");
    }
    if g.use_count(at) != 1 {
        return refused("is read elsewhere, too");
    }
    let t = g.const_operand(at, 1)?;
    let (shape, w) = (t.shape(), &**t);
    let b = g.const_operand(at, 2).and_then(|b| b.as_f32());
    let offsets = [0, 1].map(|i| {
        let tap = |a: usize| (a * c.dilations[i]) as isize - c.pads[i] as isize;
        (0..shape[2 + i]).map(tap).collect()
    });
    let weights = Weights::Conv { w, depth: shape[1], b, group: c.group };
    Some(Reading { source, is_conv: true, branch: Ok(Branch { strides: c.strides, offsets, weights }) })
}
