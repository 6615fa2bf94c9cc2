//! One operation on ring elements.

use super::emulator::Value;
use super::format::{Format, encode};
use super::lane::{Lane, Word};
use super::pool;
use super::product::{Sizes, matmul};
use super::truncation::Truncation;
use super::watch::{Products, floats, largest};
use relinc_passes::interp::movement;
use relinc_passes::ir::op::{Compare, ReduceKind, Window};
use relinc_passes::ir::{Binary, Conv, Op, Unary};
use relinc_passes::splitmix::SplitMix;

/// A result, and what it was before truncation where the operation multiplies or adds.
pub type Done<W> = Result<(Value<W>, Option<Products>), String>;

/// Why an operation has no fixed-point form here, and what to do.
pub fn unsupported(op: &Op) -> Option<&'static str> {
    match op {
        Op::Input(_) | Op::Const(_) | Op::Conv(_) | Op::Linear | Op::MatMul | Op::Relu | Op::Clip { .. } => {
            None
        }
        Op::Unary(Unary::Neg | Unary::Abs | Unary::HardSwish | Unary::HardSigmoid) => None,
        Op::Binary(Binary::Div) => {
            Some("divides; runtimes approximate that. Multiply by the reciprocal instead")
        }
        Op::Binary(Binary::Pow) => Some("is a power; runtimes approximate that"),
        Op::Binary(_) | Op::Compare(_) | Op::Where | Op::MaxPool(_) | Op::AvgPool { .. } => None,
        Op::GlobalMean { .. } | Op::Reduce { .. } | Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } => None,
        Op::Gather { .. } | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => None,
        Op::Identity | Op::Dropout => None,
        Op::Softmax { .. } | Op::LogSoftmax { .. } => Some(
            "is a softmax, which runtimes approximate; its arg max is the logits': compile with --drop-softmax",
        ),
        Op::MaskedRelu(_) => Some("is a dense mask; compile the model first"),
        Op::Unary(_) => {
            Some("is an approximation in every runtime, each its own; replace it by ReLU or clip")
        }
        _ => Some("has no fixed-point form here; compile the model first, or end it before this node"),
    }
}

/// How numbers are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Ring and fraction bits.
    pub format: Format,
    /// What happens after a product.
    pub truncation: Truncation,
}

impl Rules {
    fn safe(self) -> u32 {
        self.truncation.safe_bits(self.format.ring)
    }
    fn number<W: Word>(self, v: f32) -> W {
        encode(v, self.format.fraction)
    }
    /// Truncates products in place.
    fn settle<W: Word>(self, v: &mut [W], dice: &mut SplitMix) {
        v.iter_mut().for_each(|x| *x = x.truncate(self.truncation, self.format.fraction, dice));
    }
    fn products<W: Word>(self, v: &[W], bound: f64, judge: impl FnOnce() -> Vec<f64>) -> Option<Products> {
        Some(Products::of(2, v, bound, self.safe(), judge))
    }
    fn sums<W: Word>(self, v: &[W], bound: f64, judge: impl FnOnce() -> Vec<f64>) -> Option<Products> {
        Some(Products::of(1, v, bound, self.format.ring - 1, judge))
    }
}

/// Computes an operation of one image. `out` is the result's shape, with 1 for the batch.
pub fn compute<W: Word>(
    r: Rules,
    op: &Op,
    args: &[&Value<W>],
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let x = *args.first().ok_or("has no operand")?;
    let arg = |i: usize| args.get(i).copied().ok_or("an operand is missing");
    let shaped = |v: Vec<W>| Ok((Value::Ring(out.to_vec(), v), None));
    match op {
        Op::Identity | Op::Dropout => Ok((x.clone(), None)),
        Op::Compare(c) => compare(*c, (x.ring()?, arg(1)?.ring()?), out),
        Op::Where => {
            let c = x.bools()?;
            let c = movement::expand(c.1, c.0, out);
            let (a, b) = (wide(arg(1)?.ring()?, out), wide(arg(2)?.ring()?, out));
            shaped(c.iter().zip(a.into_iter().zip(b)).map(|(c, (a, b))| if *c { a } else { b }).collect())
        }
        Op::Binary(b) => binary(r, *b, (x.ring()?, arg(1)?.ring()?), out, dice),
        Op::Concat { axis } => {
            let parts = args.iter().map(|a| a.ring().map(|(s, v)| (v, s))).collect::<Result<Vec<_>, _>>()?;
            shaped(movement::concat(&parts, *axis).0)
        }
        op => {
            let (shape, v) = x.ring()?;
            match op {
                Op::Conv(c) => convolution(r, c, (shape, v), arg(1)?, args.get(2).copied(), out, dice),
                Op::Linear => {
                    let w = arg(1)?.ring()?;
                    product(r, (v, w.1), [w.0[1], w.0[0]], true, args.get(2).copied(), out, dice)
                }
                Op::MatMul => {
                    let w = arg(1)?.ring()?;
                    if shape.len() != 2 || w.0.len() != 2 {
                        return Err("only products of two matrices are emulated".into());
                    }
                    product(r, (v, w.1), [w.0[0], w.0[1]], false, None, out, dice)
                }
                Op::Relu => shaped(v.iter().map(|&x| x.larger(W::default())).collect()),
                Op::Clip { min, max } => shaped(clip(r, v, *min, *max)),
                Op::Unary(Unary::Neg) => shaped(v.iter().map(|&x| W::default().minus(x)).collect()),
                Op::Unary(Unary::Abs) => {
                    let abs = |x: W| if x < W::default() { W::default().minus(x) } else { x };
                    shaped(v.iter().map(|&x| abs(x)).collect())
                }
                Op::Unary(u) => Ok((Value::Ring(out.to_vec(), hard(r, *u, v, dice)), None)),
                Op::MaxPool(w) => shaped(pool::windows(w, v, shape, out, W::larger)),
                Op::AvgPool { window, count_pad } => avg_pool(r, window, *count_pad, (shape, v), out, dice),
                Op::GlobalMean { .. } => {
                    let axes: Vec<usize> = (2..shape.len()).collect();
                    reduce(r, ReduceKind::Mean, &axes, (shape, v), out, dice)
                }
                Op::Reduce { kind, axes, .. } => reduce(r, *kind, axes, (shape, v), out, dice),
                Op::Pad { before, after, value } => {
                    shaped(movement::pad(v, shape, before, after, r.number(*value)).0)
                }
                Op::Slice(axes) => shaped(movement::slice(v, shape, axes).0),
                Op::Transpose(perm) => shaped(movement::transpose(v, shape, perm).0),
                Op::Expand(_) => shaped(movement::expand(v, shape, out)),
                Op::Reshape(_) => shaped(v.to_vec()),
                Op::Gather { axis } => {
                    let at = arg(1)?.indices(shape[*axis])?;
                    shaped(movement::gather(v, shape, *axis, &at.1, at.0).0)
                }
                _ => Err(unsupported(op).unwrap_or("is not emulated").into()),
            }
        }
    }
}

type Ring<'a, W> = (&'a [usize], &'a [W]);

fn wide<T: Clone>((shape, v): Ring<'_, T>, out: &[usize]) -> Vec<T> {
    if shape == out { v.to_vec() } else { movement::expand(v, shape, out) }
}

fn compare<W: Word>(c: Compare, (a, b): (Ring<'_, W>, Ring<'_, W>), out: &[usize]) -> Done<W> {
    let f = |a: W, b: W| match c {
        Compare::Greater => b.below(a),
        Compare::GreaterEqual => !a.below(b),
        Compare::Less => a.below(b),
        Compare::LessEqual => !b.below(a),
        Compare::Equal => a == b,
    };
    let v = wide(a, out).into_iter().zip(wide(b, out)).map(|(a, b)| f(a, b)).collect();
    Ok((Value::Bool(out.to_vec(), v), None))
}

fn binary<W: Word>(
    r: Rules,
    op: Binary,
    (a, b): (Ring<'_, W>, Ring<'_, W>),
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let (ma, mb) = (largest(a.1), largest(b.1));
    let (a, b) = (wide(a, out), wide(b, out));
    let each = |f: fn(W, W) -> W| -> Vec<W> { a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect() };
    let judge = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        a.iter().zip(&b).map(|(a, b)| f(a.to_f64(), b.to_f64())).collect()
    };
    let (v, seen) = match op {
        Binary::Add => {
            let v = each(W::plus);
            let p = r.sums(&v, ma + mb, || judge(|a, b| a + b));
            (v, p)
        }
        Binary::Sub => {
            let v = each(W::minus);
            let p = r.sums(&v, ma + mb, || judge(|a, b| a - b));
            (v, p)
        }
        Binary::Mul => {
            let mut v = each(W::times);
            let p = r.products(&v, ma * mb, || judge(|a, b| a * b));
            r.settle(&mut v, dice);
            (v, p)
        }
        Binary::Max => (each(W::larger), None),
        Binary::Min => (each(W::smaller), None),
        Binary::Div | Binary::Pow => return Err("is not emulated".into()),
    };
    Ok((Value::Ring(out.to_vec(), v), seen))
}

fn clip<W: Word>(r: Rules, v: &[W], min: f32, max: f32) -> Vec<W> {
    let low = |x: W| if min.is_finite() { x.larger(r.number(min)) } else { x };
    let high = |x: W| if max.is_finite() { x.smaller(r.number(max)) } else { x };
    v.iter().map(|&x| high(low(x))).collect()
}

/// Hard sigmoid and hard swish, by the operations the SPU back end writes for them.
fn hard<W: Word>(r: Rules, u: Unary, v: &[W], dice: &mut SplitMix) -> Vec<W> {
    let mut y: Vec<W> = v.iter().map(|x| x.times(r.number(1.0 / 6.0))).collect();
    r.settle(&mut y, dice);
    y.iter_mut().for_each(|x| *x = x.plus(r.number(0.5)));
    let mut y = clip(r, &y, 0.0, 1.0);
    if u == Unary::HardSwish {
        y.iter_mut().zip(v).for_each(|(y, x)| *y = y.times(*x));
        r.settle(&mut y, dice);
    }
    y
}

/// Adds one bias a channel, `inner` elements each.
fn add_bias<W: Word>(v: &mut [W], bias: Option<&Value<W>>, inner: usize) -> Result<(), String> {
    if let Some(b) = bias {
        let (_, b) = b.ring()?;
        let channels = b.len().max(1);
        for (i, plane) in v.chunks_mut(inner.max(1)).enumerate() {
            plane.iter_mut().for_each(|x| *x = x.plus(b[i % channels]));
        }
    }
    Ok(())
}

/// The largest sum of magnitudes over runs of `run` weights.
fn heaviest<W: Word>(w: &[W], run: usize) -> f64 {
    w.chunks(run.max(1)).map(|c| c.iter().map(|x| x.to_f64().abs()).sum()).fold(0.0, f64::max)
}

fn convolution<W: Word>(
    r: Rules,
    c: &Conv,
    (shape, x): Ring<'_, W>,
    w: &Value<W>,
    bias: Option<&Value<W>>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let (ws, w) = w.ring()?;
    let ([_, ci, h, wd], [o, i, kh, kw], [_, oc, oh, ow]) = (shape, ws, out) else {
        return Err("only convolutions of images are emulated".into());
    };
    let s = Sizes { conv: c, x: [*ci, *h, *wd], w: [*o, *i, *kh, *kw], y: [*oc, *oh, *ow] };
    let mut y = s.run(x, w);
    let bound = largest(x) * heaviest(w, s.depth());
    let seen = r.products(&y, bound, || s.run(&floats(x), &floats(w)));
    r.settle(&mut y, dice);
    add_bias(&mut y, bias, oh * ow)?;
    Ok((Value::Ring(out.to_vec(), y), seen))
}

fn product<W: Word>(
    r: Rules,
    (x, w): (&[W], &[W]),
    [k, n]: [usize; 2],
    transposed: bool,
    bias: Option<&Value<W>>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let dims = [x.len() / k.max(1), k, n];
    let mut y = matmul(x, w, dims, transposed);
    let weight = if transposed { heaviest(w, k) } else { largest(w) * k as f64 };
    let seen = r.products(&y, largest(x) * weight, || matmul(&floats(x), &floats(w), dims, transposed));
    r.settle(&mut y, dice);
    add_bias(&mut y, bias, 1)?;
    Ok((Value::Ring(out.to_vec(), y), seen))
}

fn reduce<W: Word>(
    r: Rules,
    kind: ReduceKind,
    axes: &[usize],
    (shape, v): Ring<'_, W>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let count: usize = axes.iter().map(|&a| shape[a]).product();
    let bound = largest(v) * count as f64;
    let judge = || pool::reduce(&floats(v), shape, axes, f64::plus);
    let mut y = match kind {
        ReduceKind::Max => pool::reduce(v, shape, axes, W::larger),
        ReduceKind::Sum | ReduceKind::Mean => pool::reduce(v, shape, axes, W::plus),
    };
    let seen = match kind {
        ReduceKind::Max => None,
        ReduceKind::Sum => r.sums(&y, bound, judge),
        ReduceKind::Mean => {
            let c: W = r.number(1.0 / count.max(1) as f32);
            y.iter_mut().for_each(|s| *s = s.times(c));
            let scaled = || judge().into_iter().map(|s| s * c.to_f64()).collect();
            let p = r.products(&y, bound * c.to_f64(), scaled);
            r.settle(&mut y, dice);
            p
        }
    };
    Ok((Value::Ring(out.to_vec(), y), seen))
}

fn avg_pool<W: Word>(
    r: Rules,
    w: &Window,
    count_pad: bool,
    (shape, v): Ring<'_, W>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let input = [shape[2], shape[3]];
    let inverse: Vec<W> = (0..out[2])
        .flat_map(|y| (0..out[3]).map(move |x| [y, x]))
        .map(|at| r.number(1.0 / pool::divisor(w, count_pad, at, input) as f32))
        .collect();
    let scaled = |s: f64, i: usize| s * inverse[i % inverse.len()].to_f64();
    let mut y = pool::windows(w, v, shape, out, W::plus);
    y.iter_mut().enumerate().for_each(|(i, s)| *s = s.times(inverse[i % inverse.len()]));
    let bound = largest(v) * (w.kernel[0] * w.kernel[1]) as f64 * largest(&inverse);
    let seen = r.products(&y, bound, || {
        let sums = pool::windows(w, &floats(v), shape, out, f64::plus);
        sums.into_iter().enumerate().map(|(i, s)| scaled(s, i)).collect()
    });
    r.settle(&mut y, dice);
    Ok((Value::Ring(out.to_vec(), y), seen))
}
