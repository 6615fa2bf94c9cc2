//! The operations training does not spend its time in, composed of burn's own.

#![deny(clippy::wildcard_enum_match_arm)]

use super::ops::{self, Place};
use super::value::{Value, flatten, ranked, upload};
use crate::kernels::place::Along;
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Tensor as Burn, activation};
use relinc_passes::ir::geometry::{divisors, window};
use relinc_passes::ir::movement::slice_range;
use relinc_passes::ir::op::{Binary, Compare, ReduceKind, SliceAxis, Unary, Window};
use relinc_passes::ir::{DType, Op, Type};

const NOT_CORE: &str = "is not in the core form; canonicalise the network first";

/// Computes one operation with a result of type `ty` at a batch.
pub(super) fn apply(op: &Op, args: &[Value], ty: &Type, batch: usize) -> Result<Value, String> {
    let (out, whole) = (ty.at(batch), ty.dtype == DType::I64);
    let x = args.first().ok_or("has no operand")?;
    let arg = |i: usize| args.get(i).ok_or("lacks an operand");
    let flat = match op {
        Op::Identity | Op::Reshape(_) | Op::Cast(DType::F32) => x.flat(),
        Op::Cast(DType::Bool) => x.flat().not_equal_elem(0.0).float(),
        Op::Cast(DType::U8) => x.flat().clamp(0.0, 255.0).floor(),
        Op::Cast(DType::I64) => towards_zero(x.flat()),
        Op::Linear => linear(x, arg(1)?, args.get(2)),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            let flip = |t: Burn<2>, yes: bool| if yes { t.transpose() } else { t };
            let y = flip(x.tensor::<2>(), *trans_a).matmul(flip(arg(1)?.tensor::<2>(), *trans_b)) * *alpha;
            flatten(match args.get(2) {
                Some(c) if *beta != 0.0 => y + c.tensor::<2>() * *beta,
                _ => y,
            })
        }
        Op::MatMul => matmul(x, arg(1)?)?,
        Op::Relu => activation::relu(x.flat()),
        Op::CappedRelu { cap } => clip(x.flat(), 0.0, *cap),
        Op::PRelu => {
            let positive = activation::relu(x.flat());
            let negative = Value::new(x.flat() - positive.clone(), x.shape());
            let negative = Value::new(zip(&negative, arg(1)?, Binary::Mul)?, out.clone());
            zip(&negative, &Value::new(positive, x.shape()), Binary::Add)?
        }
        Op::Clip { min, max } if whole => clip(x.flat(), min.trunc(), max.trunc()),
        Op::Clip { min, max } => clip(x.flat(), *min, *max),
        Op::Unary(u) => unary(*u, x.flat())?,
        Op::Binary(Binary::Div) if whole => towards_zero(zip(x, arg(1)?, Binary::Div)?),
        Op::Binary(b) => zip(x, arg(1)?, *b)?,
        Op::Compare(c) => compare(x, arg(1)?, *c)?,
        Op::Where => choose(x, arg(1)?, arg(2)?, out.len())?,
        Op::MaxPool(w) => max_pool(x, w, &out)?,
        Op::AvgPool { window, count_pad } => avg_pool(x, window, *count_pad, &out)?,
        Op::GlobalMean { .. } => {
            let (n, c) = (x.shape()[0], x.shape()[1]);
            flatten(x.view([n, c, x.len() / (n * c).max(1)]).mean_dim(2))
        }
        Op::Reduce { kind, axes, .. } => reduce(x, *kind, axes)?,
        Op::Pad { before, after, value } => pad(x, before, after, *value).into_flat(),
        Op::Slice(axes) => slice(x, axes)?,
        Op::Concat { axis } => ranked!(out.len(), D => {
            Ok(flatten(Burn::cat(args.iter().map(|a| a.tensor::<D>()).collect(), *axis)))
        })?,
        Op::Gather { axis } => {
            let n = x.shape()[*axis] as f32;
            let at = arg(1)?.flat();
            let at = at.clone().mask_where(at.clone().lower_elem(0.0), at + n).int();
            ranked!(x.shape().len(), D => Ok(flatten(x.tensor::<D>().select(*axis, at))))?
        }
        Op::Transpose(perm) => ranked!(perm.len(), D => {
            let mut axes = [0usize; D];
            axes.iter_mut().zip(perm).for_each(|(a, p)| *a = *p);
            Ok(flatten(x.tensor::<D>().permute(axes)))
        })?,
        Op::Expand(_) => ranked!(out.len(), D => {
            let mut dims = [1; D];
            dims.iter_mut().zip(&out).for_each(|(d, o)| *d = *o);
            Ok(flatten(x.tensor::<D>().expand(dims)))
        })?,
        Op::Softmax { axis } => {
            ranked!(out.len(), D => Ok(flatten(activation::softmax(x.tensor::<D>(), *axis))))?
        }
        Op::LogSoftmax { axis } => {
            ranked!(out.len(), D => Ok(flatten(activation::log_softmax(x.tensor::<D>(), *axis))))?
        }
        Op::ArgMax { axis, .. } => {
            ranked!(x.shape().len(), D => Ok(flatten(x.tensor::<D>().argmax(*axis).float())))?
        }
        Op::Shape { start, end } => {
            let end = (*end).min(x.shape().len());
            let dims = x.shape().get((*start).min(end)..end).unwrap_or_default();
            upload(dims.iter().map(|&d| d as f32).collect(), &x.flat().device())
        }
        Op::MaskedRelu { .. } => {
            return Err("is masked already; train the unmasked network and give its masks".into());
        }
        Op::LeakyRelu { .. } | Op::Dropout => return Err(NOT_CORE.into()),
        Op::Input(_) | Op::Const(_) | Op::Dyn(_) | Op::Conv(_) | Op::BatchNorm { .. } => {
            return Err("cannot be computed here".into());
        }
    };
    Ok(Value::new(flat, out))
}

fn linear(x: &Value, w: &Value, b: Option<&Value>) -> Burn<1> {
    let inner = x.shape().last().copied().unwrap_or(1).max(1);
    let y = x.view([x.len() / inner, inner]).matmul(w.tensor::<2>().transpose());
    flatten(match b {
        Some(b) => y + b.tensor::<2>(),
        None => y,
    })
}

fn matmul(a: &Value, b: &Value) -> Result<Burn<1>, String> {
    let column = b.shape().len() == 1;
    let b = if column { Value::new(b.flat(), [b.len(), 1]) } else { b.clone() };
    let rank = a.shape().len().max(b.shape().len()).max(2);
    ranked!(rank, D => Ok(flatten(a.tensor::<D>().matmul(b.tensor::<D>()))))
}

fn towards_zero(x: Burn<1>) -> Burn<1> {
    x.clone().sign() * x.abs().floor()
}

fn clip(x: Burn<1>, min: f32, max: f32) -> Burn<1> {
    match (min.is_finite(), max.is_finite()) {
        (true, true) => x.clamp(min, max),
        (true, false) => x.clamp_min(min),
        (false, true) => x.clamp_max(max),
        (false, false) => x,
    }
}

fn unary(u: Unary, x: Burn<1>) -> Result<Burn<1>, String> {
    Ok(match u {
        Unary::Neg => x.neg(),
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Sigmoid => activation::sigmoid(x),
        Unary::Tanh => x.tanh(),
        Unary::Erf => x.erf(),
        Unary::Softplus => activation::softplus(x, 1.0),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Silu | Unary::HardSwish | Unary::HardSigmoid => return Err(NOT_CORE.into()),
    })
}

fn zip(a: &Value, b: &Value, op: Binary) -> Result<Burn<1>, String> {
    let rank = a.shape().len().max(b.shape().len());
    ranked!(rank, D => {
        let (a, b) = (a.tensor::<D>(), b.tensor::<D>());
        Ok(flatten(match op {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max => a.max_pair(b),
            Binary::Min => a.min_pair(b),
            Binary::Pow => a.powf(b),
        }))
    })
}

fn compare(a: &Value, b: &Value, op: Compare) -> Result<Burn<1>, String> {
    let rank = a.shape().len().max(b.shape().len());
    ranked!(rank, D => {
        let (a, b) = (a.tensor::<D>(), b.tensor::<D>());
        let yes = match op {
            Compare::Greater => a.greater(b),
            Compare::GreaterEqual => a.greater_equal(b),
            Compare::Less => a.lower(b),
            Compare::LessEqual => a.lower_equal(b),
            Compare::Equal => a.equal(b),
        };
        Ok(flatten(yes.float()))
    })
}

fn choose(cond: &Value, a: &Value, b: &Value, rank: usize) -> Result<Burn<1>, String> {
    ranked!(rank, D => {
        let (c, a, b) = (cond.tensor::<D>(), a.tensor::<D>(), b.tensor::<D>());
        let dims = {
            let mut d = [1; D];
            for t in [c.dims(), a.dims(), b.dims()] {
                d.iter_mut().zip(t).for_each(|(d, t)| *d = (*d).max(t));
            }
            d
        };
        let yes = c.expand(dims).not_equal_elem(0.0);
        Ok(flatten(b.expand(dims).mask_where(yes, a.expand(dims))))
    })
}

fn reduce(x: &Value, kind: ReduceKind, axes: &[usize]) -> Result<Burn<1>, String> {
    ranked!(x.shape().len(), D => {
        let mut t = x.tensor::<D>();
        for &a in axes {
            t = match kind {
                ReduceKind::Mean => t.mean_dim(a),
                ReduceKind::Sum => t.sum_dim(a),
                ReduceKind::Max => t.max_dim(a),
            };
        }
        Ok(flatten(t))
    })
}

fn pad(x: &Value, before: &[usize], after: &[usize], value: f32) -> Value {
    let along = |(axis, &count): (usize, &usize)| Along {
        sizes: [count, before[axis] + count + after[axis]],
        count,
        start: [0, before[axis]],
        step: [1, 1],
    };
    ops::place(x, Place { axes: x.shape().iter().enumerate().map(along).collect(), fill: value })
}

fn slice(x: &Value, axes: &[SliceAxis]) -> Result<Burn<1>, String> {
    let mut kept: Vec<Along> = x.shape().iter().map(|&n| Along::whole(n)).collect();
    let mut turned = vec![];
    for a in axes {
        let dim = x.shape()[a.axis];
        let (start, count) = slice_range(a, dim);
        if a.step < 0 && count > 1 {
            turned.push((
                a.axis,
                (0..count as i64).map(|i| (start as i64 + i * a.step) as i32).collect::<Vec<_>>(),
            ));
            continue;
        }
        // A step beyond the axis takes one element.
        let step = if count > 1 { a.step as usize } else { 1 };
        kept[a.axis] = Along { sizes: [dim, count], count, start: [start, 0], step: [step, 1] };
    }
    let y = ops::place(x, Place { axes: kept, fill: 0.0 });
    ranked!(y.shape().len(), D => {
        let mut t = y.tensor::<D>();
        for (axis, at) in turned {
            let device = t.device();
            t = t.select(axis, Burn::<1, burn::tensor::Int>::from_ints(&at[..], &device));
        }
        Ok(flatten(t))
    })
}

/// The operand padded so that every window of `out` lies inside it; how much was added after each spatial axis.
fn padded(x: &Value, w: &Window, out: &[usize], value: f32) -> Result<Burn<4>, String> {
    let mut after = [0; 4];
    for (after, axis) in after[2..].iter_mut().zip(window(w, x.shape(), out)) {
        *after = axis.overhang();
    }
    let before = [0, 0, w.pads[0], w.pads[1]];
    let dims = [0, 1, 2, 3].map(|i| x.shape()[i] + before[i] + after[i]);
    Ok(pad(x, &before, &after, value).view(dims))
}

fn max_pool(x: &Value, w: &Window, out: &[usize]) -> Result<Burn<1>, String> {
    let t = padded(x, w, out, -f32::MAX)?;
    Ok(flatten(max_pool2d(t, MaxPoolOptions::new(w.kernel).with_stride(w.strides))))
}

fn avg_pool(x: &Value, w: &Window, count_pad: bool, out: &[usize]) -> Result<Burn<1>, String> {
    let t = padded(x, w, out, 0.0)?;
    let (device, area) = (t.device(), (w.kernel[0] * w.kernel[1]) as f32);
    let mean = avg_pool2d(t, AvgPoolOptions::new(w.kernel).with_stride(w.strides));
    let divisors = divisors(&window(w, x.shape(), out), count_pad);
    let factor: Vec<f32> = divisors.into_iter().map(|n| area / n as f32).collect();
    if factor.iter().all(|&f| f == 1.0) {
        return Ok(flatten(mean));
    }
    Ok(flatten(mean * upload(factor, &device).reshape([1, 1, out[2], out[3]])))
}
