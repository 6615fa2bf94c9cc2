//! Gradients of operations on single elements: a product with the derivative.

use super::super::arg::{Arg, f32s};
use super::super::elementwise::{channels, sigmoid};
use super::super::norm::affine;
use super::super::par::pieces;
use super::super::zip::{binary as combine, zip};
use super::reduce::unbroadcast;
use super::rules::{Operand, Pulled};
use crate::ir::op::{Binary, Unary};
use crate::ir::tensor::Tensor;

/// `dy · f(x)`, in the buffer of `dy`.
pub(super) fn scaled(mut dy: Tensor, x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor, String> {
    let v = dy.as_f32_mut().ok_or("the gradient must be f32")?;
    pieces(v, 1, |at, p| p.iter_mut().zip(&x[at..]).for_each(|(d, x)| *d *= f(*x)));
    Ok(dy)
}

pub(super) fn relu(y: &Tensor, mut dy: Tensor) -> Result<Tensor, String> {
    let y = f32s(y, "the result")?;
    let v = dy.as_f32_mut().ok_or("the gradient must be f32")?;
    // A choice, not a product: an infinite gradient stays out where the value is 0.
    pieces(v, 1, |at, p| p.iter_mut().zip(&y[at..]).for_each(|(d, y)| *d = if *y > 0.0 { *d } else { 0.0 }));
    Ok(dy)
}

/// The mask's choices; where it is ReLU, the result says on which side the value was.
pub(super) fn masked_relu(x: &[Operand<'_>], y: &Tensor, mut dy: Tensor) -> Result<Tensor, String> {
    let mask = x[1].tensor()?.as_u8().ok_or("the mask must be u8")?;
    let slope = x.get(2).map(Operand::f32s).transpose()?;
    let (y, inner) = (f32s(y, "the result")?, x[0].shape.get(2..).map_or(1, |s| s.iter().product()));
    let v = dy.as_f32_mut().ok_or("the gradient must be f32")?;
    let size = mask.len().max(1);
    pieces(v, size, |at, p| {
        for (i, (d, y)) in p.iter_mut().zip(&y[at..]).enumerate() {
            let e = i % size;
            *d *= match mask[e] {
                0 => slope.map_or(1.0, |s| s[e / inner]),
                1 => f32::from(*y > 0.0),
                _ => 0.0,
            };
        }
    });
    Ok(dy)
}

/// `dy · f(a, b)` with operands broadcast to the shape of `dy`, then summed back to the shape of `a`; `b` is flat
/// of full size.
pub(super) fn broadcast_product(
    dy: Tensor,
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(f32, f32) -> f32 + Sync,
) -> Result<Tensor, String> {
    let to = dy.shape().to_vec();
    let factor = zip((f32s(a, "an operand")?, a.shape()), (f32s(b, "an operand")?, &to), &to, f);
    unbroadcast(scaled(dy, &factor, |v| v)?, a.shape())
}

fn derivative(u: Unary, v: f32) -> f32 {
    let s = || sigmoid(v);
    match u {
        Unary::Neg => -1.0,
        Unary::Abs => f32::from(v > 0.0) - f32::from(v < 0.0),
        Unary::Exp => v.exp(),
        Unary::Log => v.recip(),
        Unary::Sqrt => 0.5 / v.sqrt(),
        Unary::Reciprocal => -1.0 / (v * v),
        Unary::Sigmoid => s() * (1.0 - s()),
        Unary::Tanh => 1.0 - v.tanh() * v.tanh(),
        Unary::Erf => std::f32::consts::FRAC_2_SQRT_PI * (-v * v).exp(),
        Unary::Silu => s() * (1.0 + v * (1.0 - s())),
        Unary::HardSwish if v.abs() < 3.0 => v / 3.0 + 0.5,
        Unary::HardSwish => f32::from(v > 0.0),
        Unary::HardSigmoid => f32::from(v.abs() < 3.0) / 6.0,
        Unary::Softplus => s(),
        Unary::Floor | Unary::Ceil => 0.0,
    }
}

pub(super) fn unary(u: Unary, x: &[f32], dy: Tensor) -> Result<Tensor, String> {
    scaled(dy, x, |v| derivative(u, v))
}

/// Derivatives of a function of two operands in each of them.
fn partials(op: Binary) -> [fn(f32, f32) -> f32; 2] {
    match op {
        Binary::Add => [|_, _| 1.0, |_, _| 1.0],
        Binary::Sub => [|_, _| 1.0, |_, _| -1.0],
        Binary::Mul => [|_, b| b, |a, _| a],
        Binary::Div => [|_, b| 1.0 / b, |a, b| -a / (b * b)],
        Binary::Max => [|a, b| f32::from(a >= b), |a, b| f32::from(a < b)],
        Binary::Min => [|a, b| f32::from(a <= b), |a, b| f32::from(a > b)],
        Binary::Pow => [
            |a, b| if b == 0.0 { 0.0 } else { b * a.powf(b - 1.0) },
            |a, b| if a == 0.0 { 0.0 } else { a.powf(b) * a.ln() },
        ],
    }
}

/// A gradient for each live operand, summed over the axes it was broadcast along.
pub(super) fn binary(op: Binary, x: &[Operand<'_>], dy: Tensor) -> Pulled {
    let to = dy.shape().to_vec();
    let mut out = vec![None, None];
    for i in (0..2).filter(|&i| x[i].live) {
        let d = match op {
            Binary::Add => dy.clone(),
            Binary::Sub if i == 0 => dy.clone(),
            Binary::Sub => combine(Binary::Mul, Arg::Ref(&dy), Arg::Own(Tensor::scalar(-1.0)), to.clone())?,
            _ => {
                let (a, b) = ((x[0].f32s()?, x[0].shape), (x[1].f32s()?, x[1].shape));
                scaled(dy.clone(), &zip(a, b, &to, partials(op)[i]), |v| v)?
            }
        };
        out[i] = Some(unbroadcast(d, x[i].shape)?);
    }
    Ok(out)
}

/// The condition chooses which operand the gradient goes to.
pub(super) fn choose(x: &[Operand<'_>], dy: Tensor) -> Pulled {
    let c = x[0].tensor()?.as_bool().ok_or("the condition must be bool")?;
    let c = super::super::movement::expand(c, x[0].shape, dy.shape());
    let side = |take: bool, o: &Operand<'_>| {
        let v = f32s(&dy, "the gradient")?
            .iter()
            .zip(&c)
            .map(|(&d, &c)| if c == take { d } else { 0.0 })
            .collect();
        unbroadcast(Tensor::f32(dy.shape(), v), o.shape)
    };
    Ok(vec![None, Some(side(true, &x[1])?), Some(side(false, &x[2])?)])
}

pub(super) fn batch_norm(x: &[Operand<'_>], eps: f32, mut dy: Tensor) -> Result<Tensor, String> {
    let ab = affine([x[1].tensor()?, x[2].tensor()?, x[3].tensor()?, x[4].tensor()?], eps)?;
    let (c, inner) = channels(x[0].shape);
    let v = dy.as_f32_mut().ok_or("the gradient must be f32")?;
    if inner > 0 {
        for (i, plane) in v.chunks_exact_mut(inner).enumerate() {
            plane.iter_mut().for_each(|d| *d *= ab[i % c].0);
        }
    }
    Ok(dy)
}
