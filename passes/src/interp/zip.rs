//! Operations on several operands that broadcast against each other.

use super::arg::{Arg, f32s};
use super::par::{PIECE, pieces};
use crate::ir::movement::{broadcast_steps, expand};
use crate::ir::op::{Binary, Compare};
use crate::ir::tensor::{Data, Tensor};

/// How two operands are read in step: merged axes, and each operand's step along them.
struct Lanes {
    /// Sizes and steps of the outer axes.
    outer: Vec<(usize, [usize; 2])>,
    /// Elements of the innermost axis.
    inner: usize,
    /// Steps along the innermost axis: 0 or 1.
    step: [usize; 2],
}

impl Lanes {
    fn new(a: &[usize], b: &[usize], to: &[usize]) -> Lanes {
        let (sa, sb) = (broadcast_steps(a, to), broadcast_steps(b, to));
        let mut axes: Vec<(usize, [usize; 2])> = vec![];
        for i in (0..to.len()).rev().filter(|&i| to[i] != 1) {
            let s = [sa[i] as usize, sb[i] as usize];
            match axes.last_mut() {
                Some((n, inner)) if s == [inner[0] * *n, inner[1] * *n] => *n *= to[i],
                _ => axes.push((to[i], s)),
            }
        }
        let (inner, step) = if axes.is_empty() { (1, [0, 0]) } else { axes.remove(0) };
        Lanes { outer: axes, inner, step }
    }
    /// The offset of each operand at the start of a lane.
    fn start(&self, mut lane: usize) -> [usize; 2] {
        let mut at = [0, 0];
        for (n, s) in &self.outer {
            let i = lane % n;
            lane /= n;
            at = [at[0] + i * s[0], at[1] + i * s[1]];
        }
        at
    }
    /// Calls `f(out, a, a's step, b, b's step)` lane by lane.
    fn each<A: Sync, B: Sync, R: Send>(
        &self,
        (a, b): (&[A], &[B]),
        out: &mut [R],
        f: impl Fn(&mut [R], &[A], usize, &[B], usize) + Sync,
    ) {
        if out.is_empty() {
            return;
        }
        if self.inner >= 4 * PIECE && self.outer.is_empty() {
            // One long lane: split it.
            pieces(out, 1, |at, p| {
                f(p, &a[at * self.step[0]..], self.step[0], &b[at * self.step[1]..], self.step[1])
            });
            return;
        }
        pieces(out, self.inner, |at, p| {
            for (i, lane) in p.chunks_mut(self.inner).enumerate() {
                let [ia, ib] = self.start(at / self.inner + i);
                f(lane, &a[ia..], self.step[0], &b[ib..], self.step[1]);
            }
        });
    }
}

fn lane<A: Copy, B: Copy, R>(out: &mut [R], a: &[A], sa: usize, b: &[B], sb: usize, f: impl Fn(A, B) -> R) {
    match (sa, sb) {
        (1, 1) => out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = f(*x, *y)),
        (1, 0) => out.iter_mut().zip(a).for_each(|(o, x)| *o = f(*x, b[0])),
        (0, 1) => out.iter_mut().zip(b).for_each(|(o, y)| *o = f(a[0], *y)),
        _ => out.iter_mut().enumerate().for_each(|(i, o)| *o = f(a[i * sa], b[i * sb])),
    }
}

/// `f` on two broadcast operands, into a new buffer.
pub(crate) fn zip<A: Copy + Sync, B: Copy + Sync, R: Send + Clone + Default>(
    (a, ash): (&[A], &[usize]),
    (b, bsh): (&[B], &[usize]),
    to: &[usize],
    f: impl Fn(A, B) -> R + Sync,
) -> Vec<R> {
    let mut out = vec![R::default(); to.iter().product()];
    Lanes::new(ash, bsh, to).each((a, b), &mut out, |o, a, sa, b, sb| lane(o, a, sa, b, sb, &f));
    out
}

/// `v = f(v, b)` on a broadcast right operand; `v` has the dimensions `to`.
pub(crate) fn zip_in_place(
    v: &mut [f32],
    (b, bsh): (&[f32], &[usize]),
    to: &[usize],
    f: impl Fn(f32, f32) -> f32 + Sync,
) {
    // The left operand of the lanes is not read: one element of step 0 stands for it.
    Lanes::new(to, bsh, to).each((&vec![(); v.len()], b), v, |o, _, _, b, sb| match sb {
        1 => o.iter_mut().zip(b).for_each(|(o, y)| *o = f(*o, *y)),
        0 => o.iter_mut().for_each(|o| *o = f(*o, b[0])),
        _ => o.iter_mut().enumerate().for_each(|(i, o)| *o = f(*o, b[i * sb])),
    });
}

/// `f` on two broadcast `f32` operands, in the buffer of one that dies and has the result's shape.
fn floats(
    a: Arg<'_>,
    b: Arg<'_>,
    to: Vec<usize>,
    f: impl Fn(f32, f32) -> f32 + Sync,
) -> Result<Tensor, String> {
    f32s(&a, "the first operand")?;
    f32s(&b, "the second operand")?;
    let (ash, bsh) = (a.shape().to_vec(), b.shape().to_vec());
    let a = match if ash == to { a.take_f32() } else { Err(a) } {
        Ok(mut v) => {
            zip_in_place(&mut v, (f32s(&b, "the second operand")?, &bsh), &to, f);
            return Ok(Tensor::f32(to, v));
        }
        Err(a) => a,
    };
    let a = f32s(&a, "the first operand")?;
    match if bsh == to { b.take_f32() } else { Err(b) } {
        Ok(mut v) => {
            zip_in_place(&mut v, (a, &ash), &to, |y, x| f(x, y));
            Ok(Tensor::f32(to, v))
        }
        Err(b) => {
            let v = zip((a, &ash), (f32s(&b, "the second operand")?, &bsh), &to, f);
            Ok(Tensor::f32(to, v))
        }
    }
}

/// The functions of two operands, on floats and integers. `out` is the broadcast shape.
pub(crate) fn binary(op: Binary, a: Arg<'_>, b: Arg<'_>, out: Vec<usize>) -> Result<Tensor, String> {
    if let (Some(x), Some(y)) = (a.as_i64(), b.as_i64()) {
        let f: fn(i64, i64) -> Option<i64> = match op {
            Binary::Add => i64::checked_add,
            Binary::Sub => i64::checked_sub,
            Binary::Mul => i64::checked_mul,
            Binary::Div => i64::checked_div,
            Binary::Max => |a, b| Some(a.max(b)),
            Binary::Min => |a, b| Some(a.min(b)),
            Binary::Pow => |a, b| u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        };
        let v = zip((x, a.shape()), (y, b.shape()), &out, f);
        let v = v.into_iter().collect::<Option<Vec<i64>>>();
        return Ok(Tensor::i64(out, v.ok_or("overflows, divides by zero or has a negative exponent")?));
    }
    match op {
        Binary::Add => floats(a, b, out, |x, y| x + y),
        Binary::Sub => floats(a, b, out, |x, y| x - y),
        Binary::Mul => floats(a, b, out, |x, y| x * y),
        Binary::Div => floats(a, b, out, |x, y| x / y),
        Binary::Max => floats(a, b, out, f32::max),
        Binary::Min => floats(a, b, out, f32::min),
        Binary::Pow => floats(a, b, out, f32::powf),
    }
}

/// x where positive, slope·x elsewhere, with a broadcast slope.
pub(crate) fn prelu(x: Arg<'_>, slope: Arg<'_>, out: Vec<usize>) -> Result<Tensor, String> {
    floats(x, slope, out, |v, s| if v < 0.0 { s * v } else { v })
}

/// The comparisons, on any element type both operands share.
pub(crate) fn compare(op: Compare, a: &Tensor, b: &Tensor, out: Vec<usize>) -> Result<Tensor, String> {
    fn f<T: PartialOrd>(op: Compare) -> fn(T, T) -> bool {
        match op {
            Compare::Greater => |x, y| x > y,
            Compare::GreaterEqual => |x, y| x >= y,
            Compare::Less => |x, y| x < y,
            Compare::LessEqual => |x, y| x <= y,
            Compare::Equal => |x, y| x == y,
        }
    }
    let (sa, sb) = (a.shape(), b.shape());
    let v = match (a.data(), b.data()) {
        (Data::F32(x), Data::F32(y)) => zip((x.as_slice(), sa), (y, sb), &out, f(op)),
        (Data::I64(x), Data::I64(y)) => zip((x.as_slice(), sa), (y, sb), &out, f(op)),
        (Data::U8(x), Data::U8(y)) => zip((x.as_slice(), sa), (y, sb), &out, f(op)),
        (Data::Bool(x), Data::Bool(y)) => zip((x.as_slice(), sa), (y, sb), &out, f(op)),
        _ => return Err(format!("operands are {} and {}", a.dtype(), b.dtype())),
    };
    Ok(Tensor::bool(out, v))
}

/// `a` where `cond`, else `b`.
pub(crate) fn choose(cond: &Tensor, a: &Tensor, b: &Tensor, out: Vec<usize>) -> Result<Tensor, String> {
    fn pick<T: Copy>(
        c: &[bool],
        (a, sa): (&[T], &[usize]),
        (b, sb): (&[T], &[usize]),
        to: &[usize],
    ) -> Vec<T> {
        let (a, b) = (expand(a, sa, to), expand(b, sb, to));
        c.iter().zip(a.into_iter().zip(b)).map(|(&c, (a, b))| if c { a } else { b }).collect()
    }
    let c = expand(cond.as_bool().ok_or("the condition must be bool")?, cond.shape(), &out);
    let (sa, sb) = (a.shape(), b.shape());
    let data = match (a.data(), b.data()) {
        (Data::F32(x), Data::F32(y)) => Data::F32(pick(&c, (x, sa), (y, sb), &out)),
        (Data::I64(x), Data::I64(y)) => Data::I64(pick(&c, (x, sa), (y, sb), &out)),
        (Data::U8(x), Data::U8(y)) => Data::U8(pick(&c, (x, sa), (y, sb), &out)),
        (Data::Bool(x), Data::Bool(y)) => Data::Bool(pick(&c, (x, sa), (y, sb), &out)),
        _ => return Err(format!("operands are {} and {}", a.dtype(), b.dtype())),
    };
    Ok(Tensor::new(out, data))
}
