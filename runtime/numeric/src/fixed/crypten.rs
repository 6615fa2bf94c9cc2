//! What CrypTen 0.4.1 approximates, step by step as it does in its default configuration.

#![deny(clippy::wildcard_enum_match_arm)]

use super::emulator::Value;
use super::lane::{Parties, Word};
use super::ops::{Done, wide};
use super::rules::Rules;
use super::truncation::Truncation;
use super::watch::{Products, largest};
use relinc_passes::ir::{Binary, Op, Unary};
use relinc_passes::splitmix::SplitMix;

/// Steps of the limit (1 + x/2^n)^(2^n) that is taken for an exponential.
const EXP_STEPS: u32 = 8;
/// Newton steps of a reciprocal, and of one in a sigmoid, whose operand lies between 1 and 2.
const RECIPROCAL_STEPS: usize = 10;
const SIGMOID_STEPS: usize = 3;
/// Newton steps of a square root, Householder steps of a logarithm and their order, terms of the error function's series.
const SQRT_STEPS: usize = 3;
const LOG_STEPS: usize = 2;
const LOG_ORDER: usize = 8;
const ERF_TERMS: u32 = 8;

/// Is it an approximation of CrypTen's that is emulated here?
pub fn approximates(how: Truncation, op: &Op) -> bool {
    let crypten = matches!(how, Truncation::Crypten | Truncation::Crypten3);
    crypten
        && matches!(
            op,
            Op::Unary(Unary::Exp | Unary::Sqrt | Unary::Sigmoid | Unary::Erf)
                | Op::Binary(Binary::Div)
                | Op::Softmax { .. }
                | Op::LogSoftmax { .. }
        )
}

/// Computes such an operation.
#[allow(clippy::wildcard_enum_match_arm, reason = "only what `approximates` lists comes here")]
pub fn approximate<W: Word>(
    r: Rules,
    op: &Op,
    args: &[&Value<W>],
    out: &[usize],
    dice: &mut SplitMix,
) -> Done<W> {
    let (shape, x) = args.first().ok_or("has no operand")?.ring()?;
    let parties = if r.truncation == Truncation::Crypten3 { Parties::Three } else { Parties::Two };
    let seen = Products { points: 2, ..Products::default() };
    let mut s = Steps { r, parties, dice, seen };
    let y = match op {
        Op::Unary(Unary::Exp) => s.exp(x),
        Op::Unary(Unary::Sqrt) => s.sqrt(x),
        Op::Unary(Unary::Sigmoid) => s.sigmoid(x),
        Op::Unary(Unary::Erf) => s.erf(x),
        Op::Binary(Binary::Div) => {
            let b = args.get(1).ok_or("an operand is missing")?.ring()?;
            let inverse = s.inverse(&wide(b, out));
            s.mul(&wide((shape, x), out), &inverse)
        }
        Op::Softmax { axis } => s.softmax(shape, x, *axis, false),
        Op::LogSoftmax { axis } => s.softmax(shape, x, *axis, true),
        _ => return Err("is not emulated".into()),
    };
    Ok((Value::Ring(out.to_vec(), y), Some(s.seen)))
}

/// CrypTen's operations on shared numbers.
struct Steps<'a> {
    r: Rules,
    parties: Parties,
    dice: &'a mut SplitMix,
    seen: Products,
}

impl Steps<'_> {
    fn mul<W: Word>(&mut self, a: &[W], b: &[W]) -> Vec<W> {
        let mut y: Vec<W> = a.iter().zip(b).map(|(a, b)| a.times(*b)).collect();
        let judge = || a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).collect();
        let p = self.r.truncated(&mut y, largest(a) * largest(b), judge, self.dice);
        self.seen.add(&p);
        y
    }
    fn square<W: Word>(&mut self, a: &[W]) -> Vec<W> {
        self.mul(a, a)
    }
    /// By a public number.
    fn scaled<W: Word>(&mut self, a: &[W], by: f32) -> Vec<W> {
        self.mul(a, &vec![self.r.number(by); a.len()])
    }
    /// By a public whole number, without a truncation.
    fn often<W: Word>(&self, a: &[W], n: i32) -> Vec<W> {
        let n = W::from_f64(n.into());
        a.iter().map(|x| x.times(n)).collect()
    }
    /// By one over a public whole number: each party its share.
    fn divided<W: Word>(&mut self, a: &[W], by: u32) -> Vec<W> {
        a.iter().map(|x| x.share_out(W::from_f64(by.into()), self.parties, self.dice)).collect()
    }
    fn plus<W: Word>(&self, a: &[W], c: f32) -> Vec<W> {
        let c = self.r.number::<W>(c);
        a.iter().map(|x| x.plus(c)).collect()
    }
    /// c − a.
    fn from<W: Word>(&self, c: f32, a: &[W]) -> Vec<W> {
        let c = self.r.number::<W>(c);
        a.iter().map(|x| c.minus(*x)).collect()
    }

    fn exp<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let part = self.divided(x, 1 << EXP_STEPS);
        let mut y = self.plus(&part, 1.0);
        for _ in 0..EXP_STEPS {
            y = self.square(&y);
        }
        y
    }

    /// 1/x of positive numbers, from a guess.
    fn newton<W: Word>(&mut self, x: &[W], mut y: Vec<W>, steps: usize) -> Vec<W> {
        for _ in 0..steps {
            let square = self.square(&y);
            y = minus(&self.often(&y, 2), &self.mul(&square, x));
        }
        y
    }

    fn reciprocal<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let guess = self.exp(&self.from(1.0, &self.often(x, 2)));
        let guess = self.plus(&self.often(&guess, 3), 0.003);
        self.newton(x, guess, RECIPROCAL_STEPS)
    }

    /// 1/x of numbers of either sign.
    fn inverse<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let (zero, below) = (W::default(), self.r);
        let signed = |v: &[W]| -> Vec<W> {
            x.iter().zip(v).map(|(x, v)| if below.below(*x, zero) { zero.minus(*v) } else { *v }).collect()
        };
        let y = self.reciprocal(&signed(x));
        signed(&y)
    }

    fn sqrt<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let half = self.divided(x, 2);
        let guess = self.exp(&negative(&self.plus(&half, 0.2)));
        let guess = self.scaled(&guess, 2.2);
        let mut y = minus(&self.plus(&guess, 0.2), &self.divided(x, 1024));
        for _ in 0..SQRT_STEPS {
            let square = self.square(&y);
            let product = self.mul(x, &square);
            let left = self.from(3.0, &product);
            let next = self.mul(&y, &left);
            y = self.divided(&next, 2);
        }
        self.mul(&y, x)
    }

    fn sigmoid<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let (zero, r) = (W::default(), self.r);
        let size: Vec<W> = x.iter().map(|v| if r.below(*v, zero) { zero.minus(*v) } else { *v }).collect();
        let below = self.exp(&negative(&size));
        let below = self.plus(&below, 1.0);
        // The first step from 0.75, a public number.
        let scaled = self.scaled(&below, 0.5625);
        let first = self.from(1.5, &scaled);
        let y = self.newton(&below, first, SIGMOID_STEPS - 1);
        let other = self.from(1.0, &y);
        x.iter()
            .zip(y.iter().zip(&other))
            .map(|(x, (y, o))| if r.below(*x, zero) { *o } else { *y })
            .collect()
    }

    fn log<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let term = self.divided(x, 120);
        let small = self.exp(&negative(&self.plus(&self.often(x, 2), 1.0)));
        let mut y = self.plus(&minus(&term, &self.often(&small, 20)), 3.0);
        for _ in 0..LOG_STEPS {
            let e = self.exp(&negative(&y));
            let product = self.mul(x, &e);
            let h = self.from(1.0, &product);
            let mut powers = vec![h.clone(), self.square(&h)];
            while powers.len() < LOG_ORDER {
                let highest = powers[powers.len() - 1].clone();
                let more: Vec<Vec<W>> = powers.iter().map(|p| self.mul(p, &highest)).collect();
                powers.extend(more);
            }
            for (i, p) in powers.iter().enumerate() {
                let term = self.scaled(p, 1.0 / (i + 1) as f32);
                y = minus(&y, &term);
            }
        }
        y
    }

    /// Powers as CrypTen computes them: of an odd exponent from 5 on it takes another power than it is asked for.
    fn pow<W: Word>(&mut self, x: &[W], p: u32) -> Vec<W> {
        if p == 1 {
            return x.to_vec();
        }
        let square = self.square(x);
        match p {
            2 => square,
            p if p.is_multiple_of(2) => self.pow(&square, p / 2),
            p => {
                let cube = self.mul(&square, x);
                self.pow(&cube, (p - 1) / 2)
            }
        }
    }

    fn erf<W: Word>(&mut self, x: &[W]) -> Vec<W> {
        let (mut y, mut factorial) = (x.to_vec(), 1.0f64);
        for n in 1..=ERF_TERMS {
            factorial *= -f64::from(n);
            let power = self.pow(x, 2 * n + 1);
            let term = self.scaled(&power, (1.0 / (factorial * f64::from(2 * n + 1))) as f32);
            y.iter_mut().zip(term).for_each(|(y, t)| *y = y.plus(t));
        }
        self.scaled(&y, std::f64::consts::FRAC_2_SQRT_PI as f32)
    }

    fn softmax<W: Word>(&mut self, shape: &[usize], x: &[W], axis: usize, log: bool) -> Vec<W> {
        let (n, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        if n == 1 {
            return vec![if log { W::default() } else { self.r.number(1.0) }; x.len()];
        }
        // The row of each element.
        let row = |i: usize| i / (n * inner) * inner + i % inner;
        let (r, rows) = (self.r, x.len() / n.max(1));
        let mut most: Vec<Option<W>> = vec![None; rows];
        for (i, &v) in x.iter().enumerate() {
            let m = &mut most[row(i)];
            *m = Some(m.map_or(v, |m| r.larger(m, v)));
        }
        let below: Vec<W> =
            x.iter().enumerate().map(|(i, v)| v.minus(most[row(i)].unwrap_or_default())).collect();
        let e = self.exp(&below);
        let mut sums = vec![W::default(); rows];
        e.iter().enumerate().for_each(|(i, v)| sums[row(i)] = sums[row(i)].plus(*v));
        let of_rows = if log { self.log(&sums) } else { self.reciprocal(&sums) };
        let spread: Vec<W> = (0..x.len()).map(|i| of_rows[row(i)]).collect();
        if log { minus(&below, &spread) } else { self.mul(&e, &spread) }
    }
}

fn minus<W: Word>(a: &[W], b: &[W]) -> Vec<W> {
    a.iter().zip(b).map(|(a, b)| a.minus(*b)).collect()
}

fn negative<W: Word>(a: &[W]) -> Vec<W> {
    a.iter().map(|x| W::default().minus(*x)).collect()
}
