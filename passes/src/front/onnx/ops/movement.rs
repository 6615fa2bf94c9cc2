//! Operations that move elements.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::infer::norm_axis;
use crate::ir::op::{DynOp, SliceAxis};
use crate::ir::{Dim, NodeId, Op, Tensor};

/// No axis is gathered to be longer.
const MAX_BORDER: i64 = 1 << 20;

/// Pad: attributes before opset 11, operands since. A border that repeats the map is gathered from it; a negative one is
/// cut off.
pub fn pad(c: &mut Ctx<'_>) -> Done {
    let mode = c.word("mode", "constant");
    let known = match mode.as_str() {
        "constant" => amounts(c)?.filter(|a| a.iter().any(|&a| a < 0)),
        "reflect" | "edge" | "wrap" => Some(
            amounts(c)?
                .ok_or("its amounts are computed from data; relinc needs them constant or shape-derived")?,
        ),
        other => return Err(format!("pads in mode '{other}', which relinc does not know").into()),
    };
    let x = c.need(0)?;
    let value = if c.opset < 11 { c.float("value", 0.0) } else { 0.0 };
    match known {
        Some(all) if mode != "constant" => return repeated(c, x, &mode, &all),
        Some(all) => return cropped(c, x, all, value),
        None if c.opset >= 11 => {
            let operands = c.operands(4)?;
            return c.emit(Op::Dyn(DynOp::Pad), &operands);
        }
        None => {}
    }
    let amounts = c.ints("pads").ok_or("has no pads")?;
    match c.b.static_form(DynOp::Pad, x, &[amounts])? {
        Op::Pad { before, after, .. } => c.emit(Op::Pad { before, after, value }, &[x]),
        op => c.emit(op, &[x]),
    }
}

/// The amounts of a Pad for every axis, first those before, then those after, where they are known.
fn amounts(c: &mut Ctx<'_>) -> Result<Option<Vec<i64>>, Stop> {
    let x = c.need(0)?;
    let rank = c.ty(x)?.rank();
    let listed = if c.opset >= 11 { c.fixed_ints(1)? } else { c.ints("pads") };
    let Some(listed) = listed else { return Ok(None) };
    let axes: Vec<i64> = match c.has(3) {
        true => c.fixed_ints(3)?.ok_or("its axes are computed from data")?,
        false => (0..rank as i64).collect(),
    };
    if listed.len() != 2 * axes.len() {
        return Err(format!("{} amounts for {} axes", listed.len(), axes.len()).into());
    }
    let mut all = vec![0; 2 * rank];
    for (i, &a) in axes.iter().enumerate() {
        let a = norm_axis(a, rank)?;
        (all[a], all[rank + a]) = (listed[i], listed[axes.len() + i]);
    }
    Ok(Some(all))
}

/// Each axis with a border gathered by its places in the map.
fn repeated(c: &mut Ctx<'_>, x: NodeId, mode: &str, all: &[i64]) -> Done {
    let dims = c.ty(x)?.dims;
    let rank = dims.len();
    let mut y = x;
    for (axis, dim) in dims.iter().enumerate() {
        let (before, after) = (all[axis], all[rank + axis]);
        if before == 0 && after == 0 {
            continue;
        }
        let n = dim.fixed().filter(|&n| n > 0).ok_or("pads the batch")? as i64;
        let limit = if mode == "reflect" { n - 1 } else { MAX_BORDER };
        if before.max(after) > limit || before.min(after) < -n || before + n + after < 1 {
            return Err(format!("pads axis {axis} of {n} by {before} and {after} in mode '{mode}', where it has nothing to repeat").into());
        }
        // What is wrapped is what is left of the axis.
        let first = (-before).max(0);
        let left = n - first + after.min(0);
        let place = |i: i64| match mode {
            "edge" => i.clamp(0, n - 1),
            "wrap" => first + (i - first).rem_euclid(left),
            _ if i < 0 => -i,
            _ if i >= n => 2 * (n - 1) - i,
            _ => i,
        };
        let at: Vec<i64> = (-before..n + after).map(place).collect();
        y = gathered(c, y, axis, &at)?;
    }
    c.emit(Op::Identity, &[y])
}

/// Elements of an axis at fixed places.
fn gathered(c: &mut Ctx<'_>, x: NodeId, axis: usize, at: &[i64]) -> Result<NodeId, Stop> {
    let places = c.helper(Op::Const(Tensor::ints(at).into()), &[])?;
    c.helper(Op::Gather { axis }, &[x, places])
}

/// Negative amounts cut off, the others added.
fn cropped(c: &mut Ctx<'_>, x: NodeId, all: Vec<i64>, value: f32) -> Done {
    let rank = all.len() / 2;
    let cut = |axis: usize| {
        let (before, after) = (-all[axis].min(0), all[rank + axis].min(0));
        let end = if after < 0 { after } else { i64::MAX };
        (before > 0 || after < 0).then_some(SliceAxis { axis, start: before, end, step: 1 })
    };
    let y = c.helper(Op::Slice((0..rank).filter_map(cut).collect()), &[x])?;
    let added: Vec<i64> = all.iter().map(|&a| a.max(0)).collect();
    let added = c.helper(Op::Const(Tensor::ints(&added).into()), &[])?;
    let mut operands = vec![y, added];
    if c.has(2) {
        operands.push(c.need(2)?);
    } else if value != 0.0 {
        operands.push(c.helper(Op::Const(Tensor::scalar(value).into()), &[])?);
    }
    c.emit(Op::Dyn(DynOp::Pad), &operands)
}

/// Tile: every axis repeated by its places.
pub fn tile(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let dims = c.ty(x)?.dims;
    let times = c
        .fixed_ints(1)?
        .ok_or("its repeats are computed from data; relinc needs them constant or shape-derived")?;
    if times.len() != dims.len() || times.iter().any(|t| !(1..=MAX_BORDER).contains(t)) {
        return Err(format!("repeats {times:?} do not fit {} axes", dims.len()).into());
    }
    let mut y = x;
    for (axis, (&t, dim)) in times.iter().zip(&dims).enumerate().filter(|(_, (t, _))| **t > 1) {
        let n = dim.fixed().ok_or("repeats the batch")? as i64;
        let total = n.checked_mul(t).filter(|&n| n <= MAX_BORDER).ok_or("repeats an axis too often")?;
        y = gathered(c, y, axis, &(0..total).map(|i| i % n).collect::<Vec<_>>())?;
    }
    c.emit(Op::Identity, &[y])
}

/// The map's dimensions, and the block of SpaceToDepth and DepthToSpace.
fn blocks(c: &mut Ctx<'_>) -> Result<(NodeId, Dim, [usize; 3], usize), Stop> {
    let x = c.need(0)?;
    let b = usize::try_from(c.int("blocksize", 0)).unwrap_or(0);
    match c.ty(x)?.dims[..] {
        [n, Dim::Fixed(d), Dim::Fixed(h), Dim::Fixed(w)] if b > 0 => Ok((x, n, [d, h, w], b)),
        _ => Err("needs a map [N,C,H,W] and a blocksize".into()),
    }
}

fn rearranged(
    c: &mut Ctx<'_>,
    x: NodeId,
    n: Dim,
    split: [usize; 5],
    perm: [usize; 6],
    to: [usize; 3],
) -> Done {
    let with_batch =
        |d: &[usize]| std::iter::once(n).chain(d.iter().map(|&d| Dim::Fixed(d))).collect::<Vec<_>>();
    let y = c.helper(Op::Reshape(with_batch(&split)), &[x])?;
    let y = c.helper(Op::Transpose(perm.to_vec()), &[y])?;
    c.emit(Op::Reshape(with_batch(&to)), &[y])
}

/// SpaceToDepth.
pub fn space_to_depth(c: &mut Ctx<'_>) -> Done {
    let (x, n, [d, h, w], b) = blocks(c)?;
    if h % b != 0 || w % b != 0 {
        return Err(format!("does not divide {h}×{w} into blocks of {b}").into());
    }
    rearranged(c, x, n, [d, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4], [d * b * b, h / b, w / b])
}

/// DepthToSpace, in both orders.
pub fn depth_to_space(c: &mut Ctx<'_>) -> Done {
    let (x, n, [d, h, w], b) = blocks(c)?;
    if d % (b * b) != 0 {
        return Err(format!("does not divide {d} channels into blocks of {b}×{b}").into());
    }
    let less = d / (b * b);
    let to = [less, h * b, w * b];
    match c.word("mode", "DCR").as_str() {
        "DCR" => rearranged(c, x, n, [b, b, less, h, w], [0, 3, 4, 1, 5, 2], to),
        "CRD" => rearranged(c, x, n, [less, b, b, h, w], [0, 1, 4, 2, 5, 3], to),
        other => Err(format!("mode '{other}' is not known, only DCR and CRD").into()),
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
    let Dim::Fixed(size) = ty.dims[axis] else {
        return Err(format!("splits the batch; {}", c.b.only_at_its_batch()).into());
    };
    if c.opset >= 18 && c.has(1) == c.node.attr("num_outputs").is_some() {
        return Err("needs its sizes or num_outputs, one of them".into());
    }
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
    c.node.attr("axis").ok_or("has no attribute axis")?;
    let axis = c.axis(1, c.ty(first)?.rank())?;
    c.emit(Op::Concat { axis }, &all)
}

/// Gather.
pub fn gather(c: &mut Ctx<'_>) -> Done {
    let (x, indices) = (c.need(0)?, c.need(1)?);
    let axis = c.axis(0, c.ty(x)?.rank())?;
    c.emit(Op::Gather { axis }, &[x, indices])
}

/// GatherND by known places: the axes they run over become one.
pub fn gather_nd(c: &mut Ctx<'_>) -> Done {
    if c.int("batch_dims", 0) != 0 {
        return Err("picks from each image on its own (batch_dims); use Gather".into());
    }
    let (x, indices) = (c.need(0)?, c.need(1)?);
    let known = c.konst(indices).ok_or("its indices are computed from data; relinc needs them constant")?;
    let dims = c.ty(x)?.dims;
    let (&axes, places) = known.shape().split_last().ok_or("its indices have no axis")?;
    let sizes: Option<Vec<usize>> = dims.get(..axes).and_then(|d| d.iter().map(|d| d.fixed()).collect());
    let sizes =
        sizes.filter(|s| !s.is_empty()).ok_or("picks along the batch, or along more axes than there are")?;
    let v = known.as_i64().ok_or("its indices are no integers")?;
    let mut flat = vec![];
    for at in v.chunks_exact(axes) {
        let mut place = 0;
        for (&i, &n) in at.iter().zip(&sizes) {
            let at = usize::try_from(if i < 0 { i.saturating_add(n as i64) } else { i });
            let at = at.ok().filter(|&i| i < n).ok_or_else(|| format!("index {i} is outside {n}"))?;
            place = place * n + at;
        }
        flat.push(place as i64);
    }
    let one: usize = sizes.iter().product();
    let joined = std::iter::once(Dim::Fixed(one)).chain(dims[axes..].iter().copied()).collect();
    let joined = c.helper(Op::Reshape(joined), &[x])?;
    let flat = c.helper(Op::Const(Tensor::i64(places, flat).into()), &[])?;
    c.emit(Op::Gather { axis: 0 }, &[joined, flat])
}

/// Transpose; without a permutation it reverses the axes.
pub fn transpose(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let rank = c.ty(x)?.rank();
    let perm = match c.ints("perm") {
        Some(p) if p.iter().any(|&a| a < 0) => {
            return Err(format!("its perm {p:?} counts from the end").into());
        }
        Some(p) => p.into_iter().map(|a| crate::ir::infer::norm_axis(a, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    c.emit(Op::Transpose(perm), &[x])
}
