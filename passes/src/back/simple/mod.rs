//! Rewrites a graph into the few operations that the back ends of CrypTen and MP-SPDZ write; they run it themselves.
//!
//! **Before**: any operation of the left column. **After**: the right column.
//!
//! | before | after |
//! |---|---|
//! | an operation that reads one value twice | the second time through a reshape to the same shape |
//! | casts between floats | that reshape |
//! | pad | concat with zeros, made as `z − z` of gathered elements |
//! | conv, average pool with unequal padding | pad apart |
//! | slice with a step | gathers along the axes |
//! | max pool | gathers of the window's places, then `b + relu(a − b)` level by level |
//! | max, min, one-sided clip, abs | the same with one ReLU |
//! | batch norm | product and sum by constants a channel |
//! | constants as first operand, division by constants | operands swapped, product by the inverse |
//! | negation | differences |
//! | mean that drops its axes | mean that keeps them, reshape |
//! | sum | halves added to each other, axis by axis |
//! | constants in a concat | zeros plus the constant |
//!
//! **Conditions**: none; what is left over, each back end names and refuses.
//!
//! **Formula**: `max(a, b) = b + max(a − b, 0)`.
//!
//! **Source**: operations that CrypTen 0.4.1 reads rightly, after its source: `nn.Graph.forward` counts a value that is read twice as one, `Conv` takes its
//! horizontal padding from the wrong element, `Pad` reads its amounts in another order, pools look at one side of a
//! window only, `Slice` has no step, and there are no classes for the others.

#![deny(clippy::wildcard_enum_match_arm)]

mod pool;
mod rewrite;

use super::EmitError;
use crate::driver::patch::{Patch, Ref};
use crate::driver::valid::Valid;
use crate::driver::{self, About, Cx, Guarantee, Options, Pass, Phase, Skip};
use crate::ir::movement::slice_range;
use crate::ir::op::{ReduceKind, SliceAxis};
use crate::ir::{Binary, Conv, DType, Dim, Graph, NodeId, Op, Tensor, Unary, Window};
use crate::passes::affine::{Affine, channel_constant};
use rewrite::Rewrite;

/// See the module documentation.
#[derive(Debug)]
pub struct SimpleForm;

/// A valid graph in the simple form; the same function.
pub(super) fn form(valid: &Valid<'_>, target: &'static str) -> Result<Graph, EmitError> {
    let mut g = valid.graph().clone();
    match driver::run(&SimpleForm, &mut g, &Options::default()) {
        Ok(_) => Ok(g),
        Err(e) => Err(EmitError::Refused { target, why: e.to_string() }),
    }
}

impl Pass for SimpleForm {
    fn about(&self) -> About {
        About::new("simple-form", Guarantee::Exact, &[Phase::Emission], include_str!("mod.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let mut w = Rewrite::new(cx, at);
        let y = match read_twice(&mut w).or_else(|| rewritten(&mut w)) {
            Some(y) => y,
            None => return Err(Skip::NoMatch),
        };
        Ok(w.finish(y))
    }
}

/// The same node, reading copies of a value it reads more than once.
fn read_twice(w: &mut Rewrite<'_>) -> Option<Ref> {
    let operands = w.cx.graph.operands(w.at);
    let repeated =
        |i: usize| operands[..i].contains(&operands[i]) && w.cx.graph.const_of(operands[i]).is_none();
    let repeats: Vec<bool> = (0..operands.len()).map(repeated).collect();
    if !repeats.contains(&true) {
        return None;
    }
    let mut fresh = vec![];
    for (&o, again) in operands.iter().zip(repeats) {
        fresh.push(if again { w.copy(o.into(), &w.dims(o)) } else { o.into() });
    }
    let op = w.cx.graph.op(w.at).clone();
    Some(w.add("", op, &fresh))
}

/// The value in the simple form; `None` where it is in them already.
#[allow(clippy::wildcard_enum_match_arm, reason = "what stays as it is, a back end has or refuses by name")]
fn rewritten(w: &mut Rewrite<'_>) -> Option<Ref> {
    let g = w.cx.graph;
    let x = g.operand(w.at, 0)?;
    let (xr, dims) = (Ref::from(x), w.dims(x));
    match g.op(w.at).clone() {
        Op::Cast(DType::F32) if w.cx.facts.ty(x).dtype == DType::F32 => Some(w.copy(xr, &dims)),
        Op::Pad { before, after, value } => Some(w.pad(xr, &dims, &before, &after, value)),
        Op::Conv(c) if c.pads.iter().any(|&p| p != c.pads[0]) => {
            let padded = w.pad_map(xr, &dims, c.pads);
            let operands: Vec<Ref> =
                std::iter::once(padded).chain(g.operands(w.at)[1..].iter().map(|&o| o.into())).collect();
            Some(w.add("", Op::Conv(Conv { pads: [0; 4], ..c }), &operands))
        }
        Op::AvgPool { window, count_pad: true } if window.pads != [window.pads[0]; 4] => {
            let padded = w.pad_map(xr, &dims, window.pads);
            let window = Window { pads: [0; 4], ..window };
            Some(w.add("", Op::AvgPool { window, count_pad: true }, &[padded]))
        }
        Op::Slice(axes) => slice(w, xr, &dims, &axes),
        Op::MaxPool(window) => Some(pool::max_pool(w, xr, &dims, &window)),
        Op::Binary(b) => binary(w, b, x, g.operand(w.at, 1)?),
        Op::Clip { min, max } => clip(w, xr, &dims, min, max),
        Op::BatchNorm { .. } => {
            let a = Affine::of_batch_norm(g, w.at)?;
            let of = |v: &[f64]| channel_constant(dims.len(), v.iter().map(|&c| c as f32).collect());
            let (scale, shift) = (w.constant("scale", of(&a.scale)), w.constant("shift", of(&a.shift)));
            let scaled = w.binary("scaled", Binary::Mul, xr, scale);
            Some(w.binary("", Binary::Add, scaled, shift))
        }
        Op::Unary(u) => unary(w, u, xr, &dims),
        Op::Reduce { kind: ReduceKind::Mean, axes, keep: false } => {
            let kept = w.add("mean", Op::Reduce { kind: ReduceKind::Mean, axes, keep: true }, &[xr]);
            let to = w.dims(w.at);
            Some(w.add("", Op::Reshape(to), &[kept]))
        }
        Op::Reduce { kind: ReduceKind::Sum, axes, .. } if !axes.contains(&0) => sum(w, xr, dims, &axes),
        Op::Concat { axis } => concat(w, axis),
        _ => None,
    }
}

/// Only slices that CrypTen has not: steps, and bounds counted from the end.
fn slice(w: &mut Rewrite<'_>, x: Ref, dims: &[Dim], axes: &[SliceAxis]) -> Option<Ref> {
    let plain = |a: &SliceAxis| a.step == 1 && a.start >= 0 && a.end >= 0;
    if axes.iter().all(plain) {
        return None;
    }
    let mut y = x;
    for a in axes {
        let (first, count) = slice_range(a, dims[a.axis].fixed()?);
        let places = (0..count as i64).map(|k| first as i64 + k * a.step).collect();
        y = w.gather("places", y, a.axis, places);
    }
    Some(y)
}

fn binary(w: &mut Rewrite<'_>, b: Binary, l: NodeId, r: NodeId) -> Option<Ref> {
    let g = w.cx.graph;
    let (lc, rc) = (g.const_of(l).is_some(), g.const_of(r).is_some());
    let (lr, rr) = (Ref::from(l), Ref::from(r));
    match b {
        Binary::Add | Binary::Mul if lc && !rc => Some(w.binary("", b, rr, lr)),
        Binary::Sub if lc && !rc => {
            let negative = w.negated(rr, &w.dims(r));
            Some(w.binary("", Binary::Add, negative, lr))
        }
        Binary::Div if rc && !lc => {
            let t = g.const_of(r)?;
            let inverse: Vec<f32> = t.as_f32()?.iter().map(|c| 1.0 / c).collect();
            inverse.iter().all(|c| c.is_finite()).then_some(())?;
            let c = w.constant("inverse", Tensor::f32(t.shape(), inverse));
            Some(w.binary("", Binary::Mul, lr, c))
        }
        // b + relu(a − b), where b is the constant if there is one; min(a, b) = a − relu(a − b).
        Binary::Max | Binary::Min => {
            let (a, b2) = if lc { (rr, lr) } else { (lr, rr) };
            let d = w.binary("difference", Binary::Sub, a, b2);
            let d = w.add("positive", Op::Relu, &[d]);
            let (sum, x, y) = if b == Binary::Min { (Binary::Sub, a, d) } else { (Binary::Add, d, b2) };
            Some(w.binary("", sum, x, y))
        }
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow => None,
    }
}

/// Sums without a product: the two halves of an axis are added until one element is left, odd ones at the end.
fn sum(w: &mut Rewrite<'_>, x: Ref, mut dims: Vec<Dim>, axes: &[usize]) -> Option<Ref> {
    let mut y = x;
    for &axis in axes {
        let mut n = dims[axis].fixed()?;
        let mut odd = vec![];
        while n > 1 {
            let part = |start: usize, end: usize| {
                Op::Slice(vec![SliceAxis { axis, start: start as i64, end: end as i64, step: 1 }])
            };
            let half = n / 2;
            let (a, b) = (w.add("half", part(0, half), &[y]), w.add("half", part(half, 2 * half), &[y]));
            if n % 2 == 1 {
                odd.push(w.add("odd", part(n - 1, n), &[y]));
            }
            y = w.binary("halves", Binary::Add, a, b);
            n = half;
        }
        for o in odd {
            y = w.binary("with_odd", Binary::Add, y, o);
        }
        dims[axis] = Dim::Fixed(1);
    }
    let to = w.dims(w.at);
    Some(w.add("", Op::Reshape(to), &[y]))
}

/// Values of a fixed-point runtime do not get as far.
const FAR: f32 = 1e9;

fn clip(w: &mut Rewrite<'_>, x: Ref, dims: &[Dim], min: f32, max: f32) -> Option<Ref> {
    // In x − min a bound out there would swallow x.
    match (min > -FAR, max < FAR) {
        (true, true) => None,
        (false, false) => Some(w.copy(x, dims)),
        (true, false) if min == 0.0 => Some(w.add("", Op::Relu, &[x])),
        (true, false) => {
            let c = w.constant("bound", Tensor::scalar(min));
            let d = w.binary("difference", Binary::Sub, x, c);
            let d = w.add("positive", Op::Relu, &[d]);
            Some(w.binary("", Binary::Add, d, c))
        }
        (false, true) => {
            let c = w.constant("bound", Tensor::scalar(max));
            let d = w.binary("difference", Binary::Sub, x, c);
            let d = w.add("positive", Op::Relu, &[d]);
            Some(w.binary("", Binary::Sub, x, d))
        }
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "what stays as it is, a back end has or refuses by name")]
fn unary(w: &mut Rewrite<'_>, u: Unary, x: Ref, dims: &[Dim]) -> Option<Ref> {
    match u {
        Unary::Neg => Some(w.negated(x, dims)),
        Unary::Abs => {
            let r = w.add("positive", Op::Relu, &[x]);
            let again = w.copy(r, dims);
            let twice = w.binary("twice", Binary::Add, r, again);
            Some(w.binary("", Binary::Sub, twice, x))
        }
        _ => None,
    }
}

/// Constants among the operands, also those as large as the batch, become shared values of the others' kind.
fn concat(w: &mut Rewrite<'_>, axis: usize) -> Option<Ref> {
    let g = w.cx.graph;
    let operands = g.operands(w.at);
    let expanded = |o: NodeId| g.operand(o, 0).filter(|_| matches!(g.op(o), Op::Expand(_)));
    let constant =
        |o: NodeId| [Some(o), expanded(o)].into_iter().flatten().find(|&c| g.const_of(c).is_some());
    let secret = operands.iter().copied().find(|&o| constant(o).is_none())?;
    if operands.iter().all(|&o| constant(o).is_none()) {
        return None;
    }
    let parts: Vec<Ref> = operands
        .iter()
        .map(|&o| match constant(o) {
            None => o.into(),
            Some(c) => {
                let size = w.dims(o)[axis].at(1);
                let zeros = w.zeros(secret.into(), &w.dims(secret), axis, size);
                w.binary("constant", Binary::Add, zeros, c.into())
            }
        })
        .collect();
    Some(w.add("", Op::Concat { axis }, &parts))
}
