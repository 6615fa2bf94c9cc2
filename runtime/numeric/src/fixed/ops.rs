//! One operation on ring elements.

#![deny(clippy::wildcard_enum_match_arm)]

use super::crypten;
use super::emulator::Value;
use super::lane::{Lane, Word};
use super::pool;
use super::product::{Sizes, matmul};
use super::rules::Rules;
use super::truncation::Truncation;
use super::watch::{Products, floats, largest};
use relinc_passes::ir::geometry::{divisors, window};
use relinc_passes::ir::movement;
use relinc_passes::ir::op::unary::Shares;
use relinc_passes::ir::op::{Compare, Kind, ReduceKind, Window};
use relinc_passes::ir::{Binary, Conv, Op, Unary};
use relinc_passes::splitmix::SplitMix;

/// A result, and what it was before truncation where the operation multiplies or adds.
pub type Done<W> = Result<(Value<W>, Option<Products>), String>;

/// Why an operation has no fixed-point form here, and what to do.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is refused, or computed on real numbers"
)]
pub fn unsupported(how: Truncation, op: &Op) -> Option<&'static str> {
    match op {
        op if crypten::approximates(how, op) => None,
        Op::Input(_) | Op::Const(_) | Op::Conv(_) | Op::Linear | Op::MatMul => None,
        Op::Relu | Op::CappedRelu { .. } | Op::Clip { .. } => None,
        Op::Unary(u) if u.function().shares == Shares::Exact => None,
        Op::Binary(Binary::Div) => {
            Some("divides; runtimes approximate that. Multiply by the reciprocal instead")
        }
        Op::Binary(Binary::Pow) => Some("is a power; runtimes approximate that"),
        Op::Binary(_) | Op::Compare(_) | Op::Where | Op::MaxPool(_) | Op::AvgPool { .. } => None,
        Op::GlobalMean { .. } | Op::Reduce { .. } | Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } => None,
        Op::Gather { .. } | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => None,
        Op::Softmax { .. } | Op::LogSoftmax { .. } => Some(
            "is a softmax, which runtimes approximate; its arg max is the logits': compile with --drop-softmax",
        ),
        Op::MaskedRelu { .. } => Some("is a dense mask; compile the model first"),
        Op::Unary(_) => {
            Some("is an approximation in every runtime, each its own; replace it by ReLU or clip")
        }
        _ => Some("has no fixed-point form here; compile the model first, or end it before this node"),
    }
}

/// Computes an operation of one image. `out` is the result's shape, with 1 for the batch.
#[allow(clippy::wildcard_enum_match_arm, reason = "what is not listed is refused")]
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
        Op::Compare(c) => compare(r, *c, (x.ring()?, arg(1)?.ring()?), out),
        Op::Where => {
            let c = x.bools()?;
            let c = movement::expand(c.1, c.0, out);
            let (a, b) = (wide(arg(1)?.ring()?, out), wide(arg(2)?.ring()?, out));
            shaped(c.iter().zip(a.into_iter().zip(b)).map(|(c, (a, b))| if *c { a } else { b }).collect())
        }
        op if crypten::approximates(r.truncation, op) => crypten::approximate(r, op, args, out, dice),
        Op::Binary(b) => binary(r, *b, (x.ring()?, arg(1)?.ring()?), out, dice),
        op if op.kind() == Kind::Move => {
            let at = match op {
                Op::Gather { axis } => Some(arg(1)?.indices(x.ring()?.0[*axis])?),
                _ => None,
            };
            let read = if matches!(op, Op::Concat { .. }) { args } else { &args[..1] };
            let parts = read.iter().map(|a| a.ring().map(|(s, v)| (v, s))).collect::<Result<Vec<_>, _>>()?;
            let at = at.as_ref().map(|(s, p)| (&p[..], &s[..]));
            shaped(movement::moved(op, &parts, at, out, |v| r.number(v)).ok_or("is not emulated")?)
        }
        op => {
            let (shape, v) = x.ring()?;
            match op {
                Op::Conv(c) => convolution(r, c, (shape, v), arg(1)?, args.get(2).copied(), out, dice),
                Op::Linear => {
                    let w = arg(1)?.ring()?;
                    linear(r, (v, w.1), [w.0[1], w.0[0]], args.get(2).copied(), out, dice)
                }
                Op::MatMul => matrices(r, (shape, v), arg(1)?.ring()?, out, dice),
                Op::Relu => shaped(v.iter().map(|&x| r.larger(x, W::default())).collect()),
                Op::Clip { min, max } => shaped(clip(r, v, *min, *max)),
                Op::CappedRelu { cap } => shaped(clip(r, v, 0.0, *cap)),
                Op::Unary(Unary::Neg) => shaped(v.iter().map(|&x| W::default().minus(x)).collect()),
                Op::Unary(Unary::Abs) => {
                    let zero = W::default();
                    let abs = |x: W| if r.below(x, zero) { zero.minus(x) } else { x };
                    shaped(v.iter().map(|&x| abs(x)).collect())
                }
                Op::Unary(Unary::Floor) => {
                    let (f, one) = (r.format.fraction, r.number::<W>(1.0));
                    shaped(v.iter().map(|x| x.truncate(Truncation::Exact, f, dice).times(one)).collect())
                }
                Op::MaxPool(w) => shaped(pool::windows(w, v, shape, out, |a, b| r.larger(a, b))),
                Op::AvgPool { window, count_pad } => avg_pool(r, window, *count_pad, (shape, v), out, dice),
                Op::GlobalMean { .. } => {
                    let axes: Vec<usize> = (2..shape.len()).collect();
                    reduce(r, ReduceKind::Mean, &axes, (shape, v), out, dice)
                }
                Op::Reduce { kind, axes, .. } => reduce(r, *kind, axes, (shape, v), out, dice),
                _ => Err(unsupported(r.truncation, op).unwrap_or("is not emulated").into()),
            }
        }
    }
}

type Ring<'a, W> = (&'a [usize], &'a [W]);

/// Repeated to a shape.
pub(super) fn wide<T: Clone>((shape, v): Ring<'_, T>, out: &[usize]) -> Vec<T> {
    if shape == out { v.to_vec() } else { movement::expand(v, shape, out) }
}

fn compare<W: Word>(r: Rules, c: Compare, (a, b): (Ring<'_, W>, Ring<'_, W>), out: &[usize]) -> Done<W> {
    let f = |a: W, b: W| match c {
        Compare::Greater => r.below(b, a),
        Compare::GreaterEqual => !r.below(a, b),
        Compare::Less => r.below(a, b),
        Compare::LessEqual => !r.below(b, a),
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
    let each = |f: &dyn Fn(W, W) -> W| -> Vec<W> { a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect() };
    let judge = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        a.iter().zip(&b).map(|(a, b)| f(a.to_f64(), b.to_f64())).collect()
    };
    let (v, seen) = match op {
        Binary::Add | Binary::Sub => {
            let add = op == Binary::Add;
            let v = if add { each(&W::plus) } else { each(&W::minus) };
            let p = r.sums(&v, ma + mb, || judge(if add { |a, b| a + b } else { |a, b| a - b }));
            (v, Some(p))
        }
        Binary::Mul => {
            let mut v = each(&W::times);
            let p = r.truncated(&mut v, ma * mb, || judge(|a, b| a * b), dice);
            (v, Some(p))
        }
        Binary::Max => (each(&|a, b| r.larger(a, b)), None),
        Binary::Min => (each(&|a, b| r.smaller(a, b)), None),
        Binary::Div | Binary::Pow => return Err("is not emulated".into()),
    };
    Ok((Value::Ring(out.to_vec(), v), seen))
}

fn clip<W: Word>(r: Rules, v: &[W], min: f32, max: f32) -> Vec<W> {
    let low = |x: W| if min.is_finite() { r.larger(x, r.number(min)) } else { x };
    let high = |x: W| if max.is_finite() { r.smaller(x, r.number(max)) } else { x };
    v.iter().map(|&x| high(low(x))).collect()
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
    let seen = r.truncated(&mut y, bound, || s.run(&floats(x), &floats(w)), dice);
    add_bias(&mut y, bias, oh * ow)?;
    Ok((Value::Ring(out.to_vec(), y), Some(seen)))
}

fn linear<W: Word>(
    r: Rules,
    (x, w): (&[W], &[W]),
    [k, n]: [usize; 2],
    bias: Option<&Value<W>>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let dims = [x.len() / k.max(1), k, n];
    let mut y = matmul(x, w, dims, true);
    let bound = largest(x) * heaviest(w, k);
    let seen = r.truncated(&mut y, bound, || matmul(&floats(x), &floats(w), dims, true), dice);
    add_bias(&mut y, bias, 1)?;
    Ok((Value::Ring(out.to_vec(), y), Some(seen)))
}

/// Products of matrices, or of stacks of them: leading axes broadcast.
fn matrices<W: Word>(
    r: Rules,
    a: Ring<'_, W>,
    b: Ring<'_, W>,
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let ([.., m, k], [.., _, n]) = (a.0, b.0) else {
        return Err("only products of matrices are emulated".into());
    };
    let (m, k, n) = (*m, *k, *n);
    let lead = &out[..out.len() - 2];
    let stacked = |x: Ring<'_, W>, tail: [usize; 2]| wide(x, &[lead, &tail].concat());
    let (x, w) = (stacked(a, [m, k]), stacked(b, [k, n]));
    fn each<T: Lane>(x: &[T], w: &[T], [m, k, n]: [usize; 3]) -> Vec<T> {
        let pairs = x.chunks((m * k).max(1)).zip(w.chunks((k * n).max(1)));
        pairs.flat_map(|(x, w)| matmul(x, w, [m, k, n], false)).collect()
    }
    let mut y = each(&x, &w, [m, k, n]);
    let bound = largest(&x) * largest(&w) * k as f64;
    let seen = r.truncated(&mut y, bound, || each(&floats(&x), &floats(&w), [m, k, n]), dice);
    Ok((Value::Ring(out.to_vec(), y), Some(seen)))
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
        ReduceKind::Max => pool::reduce(v, shape, axes, |a, b| r.larger(a, b)),
        ReduceKind::Sum | ReduceKind::Mean => pool::reduce(v, shape, axes, W::plus),
    };
    let seen = match kind {
        ReduceKind::Max => None,
        ReduceKind::Sum => Some(r.sums(&y, bound, judge)),
        ReduceKind::Mean => Some(r.means(&mut y, |_| count.max(1), bound, judge, dice)),
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
    let counts = divisors(&window(w, shape, out), count_pad);
    let count = |i: usize| counts[i % counts.len()];
    let mut y = pool::windows(w, v, shape, out, W::plus);
    let bound = largest(v) * (w.kernel[0] * w.kernel[1]) as f64;
    let seen = r.means(&mut y, count, bound, || pool::windows(w, &floats(v), shape, out, f64::plus), dice);
    Ok((Value::Ring(out.to_vec(), y), Some(seen)))
}
