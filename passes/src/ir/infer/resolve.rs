//! Parameters that arrive as operands: what they are, once the operands' facts are known.

use super::{Fact, Facts, broadcast, product};
use crate::ir::graph::Graph;
use crate::ir::op::{DynOp, Op, SliceAxis};
use crate::ir::shape::{Dim, SymInt, Type};
use crate::ir::tensor::{DType, Data, Tensor};

/// An ONNX axis, negative from the end, as an index below `rank`.
pub fn norm_axis(axis: i64, rank: usize) -> Result<usize, String> {
    let a = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(a).ok().filter(|&a| a < rank).ok_or(format!("axis {axis} does not exist at rank {rank}"))
}

/// Axes that an operand holds, of a value of this rank.
fn axes(f: &Fact, rank: usize) -> Result<Vec<usize>, String> {
    known(f, "axes")?.into_iter().map(|a| norm_axis(a, rank)).collect()
}

fn known(f: &Fact, what: &str) -> Result<Vec<i64>, String> {
    f.fixed_ints()
        .ok_or(format!("its {what} are computed from data; relinc needs them constant or shape-derived"))
}

/// A scalar float operand; `None` when it is absent (an empty constant).
fn scalar(f: Option<&&Fact>, what: &str) -> Result<Option<f32>, String> {
    let Some(f) = f.filter(|f| f.ty.elements() > 0) else { return Ok(None) };
    if f.ty.elements() != 1 {
        return Err(format!("its {what} {} is no single number", f.ty));
    }
    let t = f.konst.as_ref().ok_or(format!("its {what} is computed from data"))?;
    Ok(match t.data() {
        Data::F32(v) => v.first().copied(),
        Data::I64(v) => v.first().map(|&i| i as f32),
        Data::U8(_) | Data::Bool(_) => None,
    })
}

/// A bound of a clip: the largest floats, which exporters write for none, bound nothing.
pub fn bound(v: f32) -> f32 {
    if v.abs() >= f32::MAX { f32::INFINITY.copysign(v) } else { v }
}

/// The static form of a [`DynOp`], which reads the first operand only (`Const` reads none).
pub fn resolve(op: DynOp, ops: &[&Fact]) -> Result<Op, String> {
    let x = &ops[0].ty;
    Ok(match op {
        DynOp::Reshape { allow_zero } => {
            let want = ops[1].ints.as_ref().ok_or("its target shape is computed from data")?;
            Op::Reshape(reshape_dims(x, want, allow_zero)?)
        }
        DynOp::Expand => {
            let want = ops[1].ints.as_ref().ok_or("its target shape is computed from data")?;
            let dims = want
                .iter()
                .map(|v| v.as_dim().ok_or("a target dimension is not a size"))
                .collect::<Result<Vec<_>, _>>()?;
            Op::Expand(broadcast(&x.dims, &dims)?)
        }
        DynOp::Pad => {
            let amounts = known(ops[1], "amounts")?;
            let axes: Vec<usize> = match ops.get(3) {
                Some(f) => axes(f, x.rank())?,
                None => (0..x.rank()).collect(),
            };
            if amounts.len() != 2 * axes.len() {
                return Err(format!("{} amounts for {} axes", amounts.len(), axes.len()));
            }
            if let Some(a) = amounts.iter().find(|&&a| a < 0) {
                return Err(format!(
                    "pads by {a}: negative padding is not supported, export a Slice instead"
                ));
            }
            if (1..axes.len()).any(|i| axes[..i].contains(&axes[i])) {
                return Err(format!("names an axis twice among {axes:?}"));
            }
            let (mut before, mut after) = (vec![0; x.rank()], vec![0; x.rank()]);
            for (i, &a) in axes.iter().enumerate() {
                before[a] = amounts[i] as usize;
                after[a] = amounts[axes.len() + i] as usize;
            }
            Op::Pad { before, after, value: scalar(ops.get(2), "value")?.unwrap_or(0.0) }
        }
        DynOp::Slice => {
            let (starts, ends) = (known(ops[1], "starts")?, known(ops[2], "ends")?);
            let axes: Vec<i64> = match ops.get(3).filter(|f| f.ty.elements() > 0) {
                Some(f) => known(f, "axes")?,
                None => (0..starts.len() as i64).collect(),
            };
            let steps = match ops.get(4) {
                Some(f) => known(f, "steps")?,
                None => vec![1; starts.len()],
            };
            let n = starts.len();
            if ends.len() != n || axes.len() != n || steps.len() != n || steps.contains(&0) {
                return Err("starts, ends, axes and steps do not match".into());
            }
            let axis = |i: usize| norm_axis(axes[i], x.rank());
            Op::Slice(
                (0..n)
                    .map(|i| Ok(SliceAxis { axis: axis(i)?, start: starts[i], end: ends[i], step: steps[i] }))
                    .collect::<Result<_, String>>()?,
            )
        }
        DynOp::Clip if ops[1..].iter().any(|f| f.ty.elements() > 0 && f.ty.dtype != x.dtype) => {
            return Err(format!("clips {x} to bounds of another element type"));
        }
        DynOp::Clip => Op::Clip {
            min: bound(scalar(ops.get(1), "minimum")?.unwrap_or(f32::NEG_INFINITY)),
            max: bound(scalar(ops.get(2), "maximum")?.unwrap_or(f32::INFINITY)),
        },
        DynOp::Reduce { kind, keep } => {
            let mut axes = axes(ops[1], x.rank())?;
            axes.sort_unstable();
            axes.dedup();
            Op::Reduce { kind, axes, keep }
        }
        DynOp::Squeeze => {
            let axes = axes(ops[1], x.rank())?;
            if let Some(a) = axes.iter().find(|&&a| x.dims[a] != Dim::Fixed(1)) {
                return Err(format!("squeezes axis {a} of {x}, which is not 1"));
            }
            Op::Reshape((0..x.rank()).filter(|i| !axes.contains(i)).map(|i| x.dims[i]).collect())
        }
        DynOp::Unsqueeze => {
            let rank = x.rank() + known(ops[1], "axes")?.len();
            let axes = axes(ops[1], rank)?;
            let mut rest = x.dims.iter();
            let dims =
                (0..rank).map(|i| if axes.contains(&i) { Some(Dim::Fixed(1)) } else { rest.next().copied() });
            Op::Reshape(dims.collect::<Option<Vec<_>>>().ok_or("repeats an axis")?)
        }
        DynOp::FillInt { value } => {
            let shape = fill_shape(ops[0])?;
            let n = shape.iter().product();
            Op::Const(std::sync::Arc::new(Tensor::i64(shape, vec![value; n])))
        }
        DynOp::FillFloat { value } => {
            let shape = fill_shape(ops[0])?;
            let n = shape.iter().product();
            Op::Const(std::sync::Arc::new(Tensor::f32(shape, vec![value; n])))
        }
    })
}

/// Puts the static form in the place of every [`DynOp`] whose parameters the facts hold.
pub fn resolve_all(g: &mut Graph, facts: &Facts) {
    let ids: Vec<_> = g.ids().filter(|&id| matches!(g.op(id), Op::Dyn(_))).collect();
    for id in ids {
        let &Op::Dyn(d) = g.op(id) else { continue };
        let operands = g.operands(id);
        let Some(known) = operands.iter().map(|&o| facts.get(o)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let Ok(op) = resolve(d, &known) else { continue };
        let reads = if matches!(op, Op::Const(_)) { 0 } else { 1 };
        g.set_op(id, op);
        g.set_operands(id, &operands[..reads.min(operands.len())]);
    }
}

/// What is known of a tensor that a [`DynOp`] fills with one value: no more elements are made than sizes have.
pub(super) fn filled(op: DynOp, ops: &[&Fact]) -> Result<Option<Fact>, String> {
    let dtype = match op {
        DynOp::FillInt { .. } => DType::I64,
        DynOp::FillFloat { .. } => DType::F32,
        DynOp::Reshape { .. } | DynOp::Expand | DynOp::Pad | DynOp::Slice | DynOp::Clip => return Ok(None),
        DynOp::Reduce { .. } | DynOp::Squeeze | DynOp::Unsqueeze => return Ok(None),
    };
    let shape = fill_shape(ops[0])?;
    let ty = Type { dtype, dims: shape.iter().map(|&d| Dim::Fixed(d)).collect() };
    if ty.elements() > super::MAX_INTS {
        return Ok(Some(Fact::plain(ty)));
    }
    let Op::Const(t) = resolve(op, ops)? else { return Ok(None) };
    super::infer_op(&Op::Const(t), &[]).map(Some)
}

fn fill_shape(f: &Fact) -> Result<Vec<usize>, String> {
    let v = known(f, "dimensions")?;
    let shape: Option<Vec<usize>> = v.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = shape.ok_or("a dimension is negative")?;
    shape
        .iter()
        .try_fold(1usize, |p, &d| p.checked_mul(d))
        .filter(|&n| n <= 1 << 28)
        .ok_or("is larger than 2^28 elements")?;
    Ok(shape)
}

fn reshape_dims(x: &Type, want: &[SymInt], allow_zero: bool) -> Result<Vec<Dim>, String> {
    let total = product(&x.dims).ok_or("the operand has two batch dimensions")?;
    let mut dims = vec![None; want.len()];
    let mut known = SymInt::fixed(1);
    for (i, w) in want.iter().enumerate() {
        let d = match w.as_fixed() {
            Some(-1) => continue,
            Some(0) if !allow_zero => {
                *x.dims.get(i).ok_or(format!("copies dimension {i}, which {x} has not"))?
            }
            _ => w.as_dim().ok_or("a target dimension is not a size")?,
        };
        dims[i] = Some(d);
        known = known.times(d.into()).ok_or("the target has two batch dimensions")?;
    }
    let open: Vec<usize> = (0..want.len()).filter(|&i| dims[i].is_none()).collect();
    match open[..] {
        [] => {}
        [i] => {
            let d = if known == SymInt::fixed(0) { None } else { total.over(known).and_then(SymInt::as_dim) };
            dims[i] = Some(d.ok_or_else(|| match x.dims.contains(&Dim::Batch) && known.batch == 0 {
                true => format!(
                    "{x} does not divide into the target shape: the images of a batch become one axis; export with a batch of 1, or with \
                     another exporter (PyTorch: dynamo=False)"
                ),
                false => format!("{x} does not divide into the target shape"),
            })?);
        }
        _ => return Err("the target has two unknown dimensions".into()),
    }
    Ok(dims.into_iter().flatten().collect())
}
