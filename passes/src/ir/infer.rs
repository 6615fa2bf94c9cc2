//! Shape inference with a symbolic batch. Integer values that shape subgraphs compute are carried along.

#![deny(clippy::wildcard_enum_match_arm)]

mod resolve;

pub use resolve::{bound, norm_axis, resolve, resolve_all};

use super::geometry::Axis;
use super::graph::{Graph, NodeId};
use super::op::{Compare, Conv, DynOp, Kind, Op, ReduceKind, SliceAxis, Window};
use super::shape::{Dim, SymInt, Type};
use super::tensor::{DType, Data, Shared};
use crate::ir::movement;

/// Shapes, axes and amounts are no longer than this. Longer constants are indices of elements, which nothing is computed from.
const MAX_INTS: usize = 1 << 12;

/// No value has more elements than this for one image.
const MAX_ELEMENTS: usize = 1 << 30;

/// What is known of a value without running the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Element type and dimensions.
    pub ty: Type,
    /// The elements, for integer values that are constant or affine in the batch.
    pub ints: Option<Vec<SymInt>>,
    /// The constant itself, where the value is one.
    pub konst: Option<Shared>,
}

impl Fact {
    pub(super) fn plain(ty: Type) -> Fact {
        Fact { ty, ints: None, konst: None }
    }
    /// The integer elements, when none depends on the batch.
    pub fn fixed_ints(&self) -> Option<Vec<i64>> {
        self.ints.as_ref()?.iter().map(|v| v.as_fixed()).collect()
    }
}

/// The facts of every node of a graph.
#[derive(Debug, Clone, Default)]
pub struct Facts(Vec<Option<Fact>>);

impl Facts {
    /// The facts of a node; panics for a node that was not inferred (a programming error).
    pub fn of(&self, id: NodeId) -> &Fact {
        self.0[id.index()].as_ref().expect("node was inferred")
    }
    /// The facts of a node, if inferred.
    pub fn get(&self, id: NodeId) -> Option<&Fact> {
        self.0.get(id.index())?.as_ref()
    }
    /// The type of a node.
    pub fn ty(&self, id: NodeId) -> &Type {
        &self.of(id).ty
    }
    /// Records the facts of a node.
    pub fn set(&mut self, id: NodeId, f: Fact) {
        if self.0.len() <= id.index() {
            self.0.resize(id.index() + 1, None);
        }
        self.0[id.index()] = Some(f);
    }
    /// Types and integers alone: the constants' memory is then the graph's.
    pub fn without_constants(mut self) -> Facts {
        self.0.iter_mut().flatten().for_each(|f| f.konst = None);
        self
    }
}

/// A node whose shape cannot be inferred, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{op} '{node}': {why}")]
pub struct InferError {
    /// The value's name.
    pub node: String,
    /// The operation.
    pub op: &'static str,
    /// What is wrong.
    pub why: String,
}

/// Infers every node. Errors of independent nodes are all reported.
pub fn infer(g: &Graph) -> Result<Facts, Vec<InferError>> {
    let order = g.topo().map_err(|n| {
        vec![InferError {
            node: g.node(n).name.clone(),
            op: g.op(n).mnemonic(),
            why: "is part of a cycle".into(),
        }]
    })?;
    let mut facts = Facts::default();
    let mut errors = vec![];
    for id in order {
        match infer_node(g, &facts, id) {
            Ok(Some(f)) => facts.set(id, f),
            Ok(None) => {}
            Err(e) => errors.push(e),
        }
    }
    if errors.is_empty() { Ok(facts) } else { Err(errors) }
}

/// Infers one node from its operands' facts; `None` when an operand has none (it failed before).
pub fn infer_node(g: &Graph, facts: &Facts, id: NodeId) -> Result<Option<Fact>, InferError> {
    let operands = g.operands(id);
    let Some(ops) = operands.iter().map(|&o| facts.get(o)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let fact = infer_op(g.op(id), &ops).and_then(|f| {
        let elements = f.ty.at(1).into_iter().try_fold(1usize, usize::checked_mul);
        match elements.is_some_and(|n| n <= MAX_ELEMENTS) {
            true => Ok(f),
            false => Err(format!("its result {} is too large", f.ty)),
        }
    });
    let named = |why| InferError { node: g.node(id).name.clone(), op: g.op(id).mnemonic(), why };
    fact.map(Some).map_err(named)
}

/// The cap of a ReLU, where it can be one.
fn capped(cap: f32) -> Option<f32> {
    Some(cap).filter(|&cap| cap > 0.0)
}

fn arity(op: &Op) -> (usize, usize) {
    match op {
        Op::Input(_) | Op::Const(_) => (0, 0),
        Op::Conv(_) | Op::Linear | Op::Gemm { .. } => (2, 3),
        Op::MaskedRelu { given, .. } => (2 + given.len(), 2 + given.len()),
        Op::MatMul | Op::Binary(_) | Op::Compare(_) | Op::PRelu | Op::Gather { .. } => (2, 2),
        Op::BatchNorm { .. } => (5, 5),
        Op::Where => (3, 3),
        Op::Concat { .. } => (1, usize::MAX),
        Op::Dyn(DynOp::Pad) => (2, 4),
        Op::Dyn(DynOp::Slice) => (3, 5),
        Op::Dyn(DynOp::Clip) => (1, 3),
        Op::Dyn(DynOp::FillInt { .. } | DynOp::FillFloat { .. }) => (1, 1),
        Op::Dyn(DynOp::Reshape { .. } | DynOp::Reduce { .. } | DynOp::Expand) => (2, 2),
        Op::Dyn(DynOp::Squeeze | DynOp::Unsqueeze) => (2, 2),
        Op::Relu | Op::CappedRelu { .. } | Op::LeakyRelu { .. } | Op::Clip { .. } => (1, 1),
        Op::Unary(_) | Op::Cast(_) => (1, 1),
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } | Op::Reduce { .. } => (1, 1),
        Op::Pad { .. } | Op::Slice(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => (1, 1),
        Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } => (1, 1),
        Op::Identity | Op::Dropout | Op::Shape { .. } => (1, 1),
    }
}

/// NumPy broadcasting of two shapes.
pub fn broadcast(a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, String> {
    let rank = a.len().max(b.len());
    let at = |s: &[Dim], i: usize| {
        if i + s.len() < rank { Dim::Fixed(1) } else { s[i + s.len() - rank] }
    };
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Ok(x),
            (Dim::Fixed(1), y) => Ok(y),
            (x, Dim::Fixed(1)) => Ok(x),
            (x, y) => Err(format!("dimensions {x} and {y} do not broadcast")),
        })
        .collect()
}

/// Height and width of what windows of two axes give.
fn spatial(ty: &Type, axis: impl Fn(usize, usize) -> Axis, ceil: bool) -> Result<[usize; 2], String> {
    let mut out = [0; 2];
    for (i, out) in out.iter_mut().enumerate() {
        let a = axis(i, ty.dims[2 + i].fixed().ok_or("a spatial dimension depends on the batch")?);
        if a.kernel == 0 || a.stride == 0 || a.dilation == 0 {
            return Err("kernel, stride and dilation must be at least 1".into());
        }
        let padded = a.input + a.pad[0] + a.pad[1];
        let n = a.outputs(ceil);
        *out = n.ok_or_else(|| format!("a window of {} does not fit the padded size {padded}", a.span()))?;
    }
    Ok(out)
}

fn want_rank(ty: &Type, rank: usize) -> Result<(), String> {
    if ty.rank() == rank { Ok(()) } else { Err(format!("operand {ty} must have rank {rank}")) }
}

fn conv(c: &Conv, ops: &[&Fact]) -> Result<Type, String> {
    let (x, w) = (&ops[0].ty, &ops[1].ty);
    want_rank(x, 4)?;
    want_rank(w, 4)?;
    let wd =
        w.dims.iter().map(|d| d.fixed()).collect::<Option<Vec<_>>>().ok_or("weights depend on the batch")?;
    let cin = x.dims[1].fixed().ok_or("the channel dimension depends on the batch")?;
    if c.group == 0 || wd[1] * c.group != cin || wd[0] % c.group != 0 {
        return Err(format!("weights {w} do not fit {cin} input channels in {} group(s)", c.group));
    }
    if let Some(b) = ops.get(2)
        && b.ty.dims != [Dim::Fixed(wd[0])]
    {
        return Err(format!("bias {} does not fit {} output channels", b.ty, wd[0]));
    }
    let [h, wi] = spatial(x, |i, input| Axis::unsized_conv(c, i, input, wd[2 + i]), false)?;
    Ok(Type::f32([x.dims[0], Dim::Fixed(wd[0]), Dim::Fixed(h), Dim::Fixed(wi)]))
}

fn pool(w: &Window, x: &Type) -> Result<Type, String> {
    want_rank(x, 4)?;
    if (0..4).any(|i| w.pads[i] >= w.kernel[i % 2]) {
        return Err(format!(
            "pads by {:?}, but a pool's padding has to be smaller than its window {:?}",
            w.pads, w.kernel
        ));
    }
    let [h, wi] = spatial(x, |i, input| Axis::of_window(w, i, input, 0), w.ceil)?;
    Ok(Type::f32([x.dims[0], x.dims[1], Dim::Fixed(h), Dim::Fixed(wi)]))
}

fn matmul(a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, String> {
    if a.len() < 2 || b.len() < 2 {
        return Err("operands must have rank 2 or more".into());
    }
    let (m, k) = (a[a.len() - 2], a[a.len() - 1]);
    let (k2, n) = (b[b.len() - 2], b[b.len() - 1]);
    if k != k2 {
        return Err(format!("inner dimensions {k} and {k2} differ"));
    }
    let mut out = broadcast(&a[..a.len() - 2], &b[..b.len() - 2])?;
    out.extend([m, n]);
    Ok(out)
}

fn reduce(x: &Type, axes: &[usize], keep: bool) -> Result<Vec<Dim>, String> {
    if (1..axes.len()).any(|i| axes[..i].contains(&axes[i])) {
        return Err(format!("names an axis twice among {axes:?}"));
    }
    if let Some(a) = axes.iter().find(|&&a| a >= x.rank()) {
        return Err(format!("axis {a} is not one of {x}"));
    }
    Ok((0..x.rank())
        .filter(|i| keep || !axes.contains(i))
        .map(|i| if axes.contains(&i) { Dim::Fixed(1) } else { x.dims[i] })
        .collect())
}

fn product(dims: &[Dim]) -> Option<SymInt> {
    dims.iter().try_fold(SymInt::fixed(1), |p, &d| p.times(d.into()))
}

fn check_axis(axis: usize, ty: &Type) -> Result<(), String> {
    if axis < ty.rank() { Ok(()) } else { Err(format!("axis {axis} is not one of {ty}")) }
}

fn slice_type(s: &[SliceAxis], x: &Type) -> Result<Type, String> {
    let mut dims = x.dims.clone();
    for (i, a) in s.iter().enumerate() {
        check_axis(a.axis, x)?;
        if s[..i].iter().any(|b| b.axis == a.axis) {
            return Err(format!("names axis {} twice", a.axis));
        }
        if a.step == 0 {
            return Err("has a step of 0".into());
        }
        match x.dims[a.axis] {
            Dim::Fixed(d) => dims[a.axis] = Dim::Fixed(movement::slice_range(a, d).1),
            Dim::Batch if a.start == 0 && a.end >= i32::MAX as i64 && a.step == 1 => {}
            Dim::Batch => return Err("slices the batch".into()),
        }
    }
    Ok(Type { dtype: x.dtype, dims })
}

/// Refuses operands of element types that the operation does not compute with.
fn element_types(op: &Op, ops: &[&Fact]) -> Result<(), String> {
    use super::op::Unary;
    let only = |allowed: &[DType], ops: &[&Fact]| match ops.iter().find(|f| !allowed.contains(&f.ty.dtype)) {
        Some(f) => Err(format!("does not compute with {}", f.ty)),
        None => Ok(()),
    };
    let alike = |ops: &[&Fact]| match ops.iter().find(|f| f.ty.dtype != ops[0].ty.dtype) {
        Some(f) => Err(format!("operands {} and {} differ in type", ops[0].ty, f.ty)),
        None => Ok(()),
    };
    match op {
        Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul | Op::BatchNorm { .. } | Op::PRelu => {
            only(&[DType::F32], ops)
        }
        Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } => only(&[DType::F32], &ops[..1]),
        Op::LeakyRelu { .. } => only(&[DType::F32], &ops[..1]),
        Op::Clip { .. } => only(&[DType::F32, DType::I64], &ops[..1]),
        Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } => only(&[DType::F32], ops),
        Op::Softmax { .. } | Op::LogSoftmax { .. } => only(&[DType::F32], ops),
        Op::Unary(Unary::Neg | Unary::Abs) | Op::Reduce { .. } | Op::ArgMax { .. } => {
            only(&[DType::F32, DType::I64], ops)
        }
        Op::Unary(_) => only(&[DType::F32], ops),
        Op::Binary(_) => only(&[DType::F32, DType::I64], ops).and_then(|()| alike(ops)),
        Op::Compare(Compare::Equal) => alike(ops),
        Op::Compare(_) => only(&[DType::F32, DType::I64, DType::U8], ops).and_then(|()| alike(ops)),
        Op::Where => only(&[DType::Bool], &ops[..1])
            .and_then(|()| only(&[DType::F32, DType::I64, DType::U8], &ops[1..]))
            .and_then(|()| alike(&ops[1..])),
        // What moves elements moves any; the parameters of the others are checked where they are read.
        Op::Input(_)
        | Op::Const(_)
        | Op::Pad { .. }
        | Op::Slice(_)
        | Op::Concat { .. }
        | Op::Gather { .. } => Ok(()),
        Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) | Op::Identity | Op::Dropout => Ok(()),
        Op::Cast(_) | Op::Shape { .. } | Op::Dyn(_) => Ok(()),
    }
}

/// The fact of an operation's result from the facts of its operands.
pub fn infer_op(op: &Op, ops: &[&Fact]) -> Result<Fact, String> {
    let (lo, hi) = arity(op);
    if ops.len() < lo || ops.len() > hi {
        return Err(format!("takes {lo} to {hi} operands, has {}", ops.len()));
    }
    element_types(op, ops)?;
    if let Op::Dyn(d) = op {
        if let Some(filled) = resolve::filled(*d, ops)? {
            return Ok(filled);
        }
        let static_op = resolve(*d, ops)?;
        return infer_op(&static_op, &ops[..1]);
    }
    let x = ops.first().map(|f| &f.ty);
    let with = |dims: Vec<Dim>| Type { dtype: x.map_or(DType::F32, |t| t.dtype), dims };
    let need = || x.ok_or_else(|| "has no operand".to_string());
    let ty = match op {
        Op::Input(t) => t.clone(),
        Op::Const(t) => {
            let few = t.as_i64().filter(|v| v.len() <= MAX_INTS);
            let ints = few.map(|v| v.iter().map(|&i| SymInt::fixed(i)).collect());
            let ty = Type { dtype: t.dtype(), dims: t.shape().iter().map(|&d| Dim::Fixed(d)).collect() };
            return Ok(Fact { ty, ints, konst: Some(t.clone()) });
        }
        Op::Conv(c) => conv(c, ops)?,
        Op::Linear => {
            let w = &ops[1].ty;
            want_rank(w, 2)?;
            let mut dims = need()?.dims.clone();
            if dims.is_empty() || *dims.last().unwrap_or(&Dim::Batch) != w.dims[1] {
                return Err(format!("weights {w} do not fit {}", need()?));
            }
            if let Some(b) = ops.get(2)
                && b.ty.dims != w.dims[..1]
            {
                return Err(format!("bias {} does not fit weights {w}", b.ty));
            }
            let last = dims.len() - 1;
            dims[last] = w.dims[0];
            Type::f32(dims)
        }
        Op::Gemm { trans_a, trans_b, .. } => {
            let flip = |t: &Type, f: bool| if f { vec![t.dims[1], t.dims[0]] } else { t.dims.clone() };
            want_rank(&ops[0].ty, 2)?;
            want_rank(&ops[1].ty, 2)?;
            let dims = matmul(&flip(&ops[0].ty, *trans_a), &flip(&ops[1].ty, *trans_b))?;
            if let Some(c) = ops.get(2)
                && broadcast(&c.ty.dims, &dims)? != dims
            {
                return Err(format!("addend {} does not broadcast to the product", c.ty));
            }
            Type::f32(dims)
        }
        Op::MatMul => Type::f32(matmul(&ops[0].ty.dims, &ops[1].ty.dims)?),
        Op::BatchNorm { .. } => {
            let x = need()?;
            if x.rank() < 2 {
                return Err(format!("operand {x} has no channel axis"));
            }
            if let Some(p) = ops[1..].iter().find(|p| p.ty.dims != x.dims[1..2]) {
                return Err(format!("parameter {} does not fit {x}", p.ty));
            }
            x.clone()
        }
        Op::CappedRelu { cap } => {
            capped(*cap)
                .filter(|cap| cap.is_finite())
                .ok_or(format!("cap {cap} must be a number above 0"))?;
            need()?.clone()
        }
        Op::MaskedRelu { cap, given } => {
            let x = need()?;
            capped(*cap).ok_or(format!("cap {cap} must be above 0"))?;
            let (m, want) = (&ops[1].ty, x.per_sample());
            if m.dtype != DType::U8 || m.at(1) != want {
                return Err(format!("mask {m} must be u8{want:?}"));
            }
            for (choice, o) in given.iter().zip(&ops[2..]) {
                let Some(p) = choice.parameters() else {
                    return Err(format!("{} has no parameters", choice.word()));
                };
                let fits = |c: usize| o.ty.at(1) == p.shape(c);
                if o.ty.dtype != DType::F32 || !x.dims.get(1).and_then(|d| d.fixed()).is_some_and(fits) {
                    let each = if p.neutral.len() == 1 { "one".into() } else { p.neutral.len().to_string() };
                    return Err(format!("{} {} must be {each} f32 a channel of {x}", p.name, o.ty));
                }
            }
            x.clone()
        }
        Op::PRelu => {
            let (x, slope) = (need()?, &ops[1].ty);
            if broadcast(&x.dims, &slope.dims)? != x.dims {
                return Err(format!("its slopes {slope} do not broadcast to {x}"));
            }
            x.clone()
        }
        Op::Binary(_) => with(broadcast(&ops[0].ty.dims, &ops[1].ty.dims)?),
        Op::Compare(_) => Type { dtype: DType::Bool, dims: broadcast(&ops[0].ty.dims, &ops[1].ty.dims)? },
        Op::Where => {
            let ab = broadcast(&ops[1].ty.dims, &ops[2].ty.dims)?;
            Type { dtype: ops[1].ty.dtype, dims: broadcast(&ops[0].ty.dims, &ab)? }
        }
        Op::MaxPool(w) => pool(w, need()?)?,
        Op::AvgPool { window, .. } => pool(window, need()?)?,
        Op::GlobalMean { keep } => {
            let x = need()?;
            if x.rank() < 3 {
                return Err(format!("operand {x} has no spatial axes"));
            }
            let axes: Vec<usize> = (2..x.rank()).collect();
            with(reduce(x, &axes, *keep)?)
        }
        Op::Reduce { axes, keep, .. } => with(reduce(need()?, axes, *keep)?),
        Op::Pad { before, after, .. } => {
            let x = need()?;
            if before.len() != x.rank() || after.len() != x.rank() {
                return Err(format!("amounts for {} axes on {x}", before.len()));
            }
            let dims = x.dims.iter().enumerate().map(|(i, &d)| match d {
                Dim::Fixed(n) => {
                    let padded = n.checked_add(before[i]).and_then(|n| n.checked_add(after[i]));
                    padded.map(Dim::Fixed).ok_or_else(|| format!("pads axis {i} of {x} by too much"))
                }
                Dim::Batch if (before[i], after[i]) == (0, 0) => Ok(d),
                Dim::Batch => Err("pads the batch".to_string()),
            });
            with(dims.collect::<Result<_, _>>()?)
        }
        Op::Slice(s) => slice_type(s, need()?)?,
        Op::Concat { axis } => {
            let mut dims = need()?.dims.clone();
            check_axis(*axis, need()?)?;
            let mut sum = 0usize;
            for o in ops {
                let same = o.ty.rank() == dims.len()
                    && (0..dims.len()).all(|i| i == *axis || o.ty.dims[i] == dims[i]);
                if !same || o.ty.dtype != need()?.dtype {
                    return Err(format!("operand {} does not join {} along axis {axis}", o.ty, need()?));
                }
                let more = o.ty.dims[*axis].fixed().ok_or("joins along the batch")?;
                sum = sum.checked_add(more).ok_or("is too large")?;
            }
            dims[*axis] = Dim::Fixed(sum);
            with(dims)
        }
        Op::Gather { axis } => {
            let (x, i) = (need()?, &ops[1]);
            check_axis(*axis, x)?;
            if i.ty.dtype != DType::I64 {
                return Err(format!("indices {} must be i64", i.ty));
            }
            if let (Some(ix), Some(d)) = (i.fixed_ints(), x.dims[*axis].fixed())
                && let Some(bad) = ix.iter().find(|&&v| v < -(d as i64) || v >= d as i64)
            {
                return Err(format!("index {bad} is outside {d}"));
            }
            let mut dims = x.dims[..*axis].to_vec();
            dims.extend(&i.ty.dims);
            dims.extend(&x.dims[axis + 1..]);
            with(dims)
        }
        Op::Reshape(d) => {
            let x = need()?;
            if product(d).is_none() || product(d) != product(&x.dims) {
                return Err(format!("{x} does not reshape to {}", with(d.clone())));
            }
            with(d.clone())
        }
        Op::Transpose(p) => {
            let x = need()?;
            let mut sorted = p.clone();
            sorted.sort_unstable();
            if sorted != (0..x.rank()).collect::<Vec<_>>() {
                return Err(format!("{p:?} is no permutation of the axes of {x}"));
            }
            with(p.iter().map(|&i| x.dims[i]).collect())
        }
        Op::Expand(d) => {
            let dims = broadcast(&need()?.dims, d)?;
            if dims != *d {
                return Err(format!("{} does not expand to {}", need()?, with(d.clone())));
            }
            with(dims)
        }
        Op::Softmax { axis } | Op::LogSoftmax { axis } => {
            check_axis(*axis, need()?)?;
            need()?.clone()
        }
        Op::ArgMax { axis, keep } => {
            check_axis(*axis, need()?)?;
            Type { dtype: DType::I64, dims: reduce(need()?, &[*axis], *keep)? }
        }
        Op::Cast(t) => Type { dtype: *t, dims: need()?.dims.clone() },
        Op::Shape { start, end } => {
            let x = need()?;
            let (s, e) = ((*start).min(x.rank()), (*end).min(x.rank()));
            let ints = x.dims.get(s..e).unwrap_or(&[]).iter().map(|&d| d.into()).collect::<Vec<SymInt>>();
            let ty = Type { dtype: DType::I64, dims: vec![Dim::Fixed(ints.len())] };
            return Ok(Fact { ty, ints: Some(ints), konst: None });
        }
        Op::Clip { min, max } => match (min, max) {
            (&f32::INFINITY, _) | (_, &f32::NEG_INFINITY) => return Err("clips to an infinite value".into()),
            (min, max) if min.is_nan() || max.is_nan() => return Err("clips to NaN".into()),
            _ => need()?.clone(),
        },
        Op::Relu | Op::LeakyRelu { .. } | Op::Unary(_) | Op::Identity | Op::Dropout => need()?.clone(),
        Op::Dyn(_) => return Err("unresolved".into()),
    };
    let ints = if ty.dtype == DType::I64 { eval_ints(op, ops, &ty) } else { None };
    Ok(Fact { ints, ..Fact::plain(ty) })
}

/// Symbolic integers of a shape computation, where every operand's are known.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "integers that are not followed here are computed when the graph runs"
)]
fn eval_ints(op: &Op, ops: &[&Fact], out: &Type) -> Option<Vec<SymInt>> {
    let fixed_shape = |f: &Fact| f.ty.dims.iter().map(|d| d.fixed()).collect::<Option<Vec<_>>>();
    let x = ops.first()?;
    if let (Op::Cast(DType::I64), Some(Data::F32(v))) = (op, x.konst.as_ref().map(|k| k.data())) {
        return Some(v.iter().map(|&f| SymInt::fixed(f as i64)).collect());
    }
    if let (Op::Where, Some(Data::Bool(cond))) = (op, x.konst.as_ref().map(|k| k.data())) {
        let to = fixed_shape(&Fact::plain(out.clone()))?;
        let cond = movement::expand(cond, &fixed_shape(x)?, &to);
        let a = movement::expand(ops[1].ints.as_ref()?, &fixed_shape(ops[1])?, &to);
        let b = movement::expand(ops[2].ints.as_ref()?, &fixed_shape(ops[2])?, &to);
        return Some(
            cond.into_iter().zip(a.into_iter().zip(b)).map(|(c, (a, b))| if c { a } else { b }).collect(),
        );
    }
    let (xi, xs) = (x.ints.as_ref()?, fixed_shape(x)?);
    let to = fixed_shape(&Fact::plain(out.clone()))?;
    if op.kind() == Kind::Move {
        let at = match op {
            Op::Gather { axis } => {
                let dim = xs[*axis] as i64;
                let idx = ops[1].fixed_ints()?.into_iter().map(|v| if v < 0 { v + dim } else { v });
                let idx = idx.map(|v| usize::try_from(v).ok()).collect::<Option<Vec<_>>>()?;
                Some((idx, fixed_shape(ops[1])?))
            }
            _ => None,
        };
        let read = if matches!(op, Op::Concat { .. }) { ops } else { &ops[..1] };
        let shapes = read.iter().map(|o| fixed_shape(o)).collect::<Option<Vec<_>>>()?;
        let parts = read.iter().zip(&shapes).map(|(o, s)| Some((o.ints.as_deref()?, s.as_slice())));
        let at = at.as_ref().map(|(p, s)| (&p[..], &s[..]));
        return movement::moved(op, &parts.collect::<Option<Vec<_>>>()?, at, &to, |v| {
            SymInt::fixed(v as i64)
        });
    }
    Some(match op {
        Op::Cast(_) => xi.clone(),
        Op::Binary(b) => {
            use super::op::Binary::*;
            let l = movement::expand(xi, &xs, &to);
            let r = movement::expand(ops[1].ints.as_ref()?, &fixed_shape(ops[1])?, &to);
            let f = |a: SymInt, c: SymInt| match b {
                Add => a.plus(c),
                Sub => a.minus(c),
                Mul => a.times(c),
                Div => a.over(c),
                Max => Some(SymInt::fixed(a.as_fixed()?.max(c.as_fixed()?))),
                Min => Some(SymInt::fixed(a.as_fixed()?.min(c.as_fixed()?))),
                Pow => None,
            };
            l.into_iter().zip(r).map(|(a, c)| f(a, c)).collect::<Option<Vec<_>>>()?
        }
        Op::Unary(super::op::Unary::Neg) => {
            xi.iter().map(|v| SymInt::fixed(0).minus(*v)).collect::<Option<Vec<_>>>()?
        }
        Op::Reduce { kind: ReduceKind::Sum, axes, .. } if axes.len() == xs.len() => {
            vec![xi.iter().try_fold(SymInt::fixed(0), |a, &b| a.plus(b))?]
        }
        _ => return None,
    })
}
