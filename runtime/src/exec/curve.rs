//! Quadratic elements of a gate: `square·x² + constant` beside the slopes of both sides.

use super::forward::per_element;
use super::ops;
use super::precision::Precision;
use super::value::{Value, upload};
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::{Basis, Choice};
use relinc_passes::masks::LayerMask;

/// What a gate adds to its two sides; one number for each element of a sample, 0 where it is not quadratic.
#[derive(Debug, Clone)]
pub struct Curve {
    /// What x² is multiplied by.
    pub square: Burn<1>,
    /// What is added.
    pub constant: Burn<1>,
    /// 1 where the channel's learned coefficients ([`Network::quadratic_of`](super::Network::quadratic_of)) are added, that of x to
    /// both sides; none where coefficients are fixed.
    pub learned: Option<Burn<1>>,
}

impl Curve {
    /// Of a mask's elements; `None` where all of them are lines.
    pub fn of_mask(m: &LayerMask, device: &Device) -> Option<Curve> {
        let each = m.elements().map(|(c, p)| c.basis(m.cap, p));
        let (square, constant): (Vec<f32>, Vec<f32>) =
            each.map(|Basis { square, constant, .. }| (square, constant)).unzip();
        let bent = square.iter().chain(&constant).any(|&v| v != 0.0);
        bent.then(|| Curve {
            square: upload(square, device),
            constant: upload(constant, device),
            learned: None,
        })
    }

    /// Of learned coefficients alone.
    pub(super) fn learned(m: &LayerMask, device: &Device) -> Curve {
        let on = m.values.iter().map(|&v| f32::from(u8::from(v == Choice::Quadratic))).collect();
        let zeros = || Burn::zeros([m.values.len()], device);
        Curve { square: zeros(), constant: zeros(), learned: Some(upload(on, device)) }
    }

    /// The same with each of its tensors changed.
    pub(super) fn with(&self, f: impl Fn(&Burn<1>) -> Burn<1>) -> Curve {
        let learned = self.learned.as_ref().map(&f);
        Curve { square: f(&self.square), constant: f(&self.constant), learned }
    }

    /// What the learned coefficients of x, of `[C,3]`, add to both sides.
    pub(super) fn lines(&self, coefficients: Option<&Burn<1>>) -> Option<Burn<1>> {
        Some(share(self.learned.as_ref()?, &column(coefficients?, 1)))
    }

    /// `y + square·x² + constant`, in f32.
    pub(super) fn apply(&self, y: &Value, x: &Value, coefficients: Option<&Burn<1>>) -> Value {
        let parts = match (&self.learned, coefficients) {
            (Some(on), Some(all)) => {
                let of = |fixed: &Burn<1>, k| added(fixed, &share(on, &column(all, k)));
                [of(&self.square, 0), of(&self.constant, 2)]
            }
            _ => [self.square.clone(), self.constant.clone()],
        };
        let [each] = self.square.dims();
        let plain = |v: &Value| v.clone().cast(Precision::F32).into_flat();
        let (x, y) = (plain(x), Value::new(plain(y), y.shape()));
        let on = x.is_autodiff() || y.flat().is_autodiff() || parts.iter().any(Burn::is_autodiff);
        let lift = |t: Burn<1>| if on && !t.is_autodiff() { Burn::from_inner(t) } else { t };
        let [square, constant] = parts.map(|t| lift(t).reshape([1, each]));
        let x = lift(x).reshape([y.len() / each.max(1), each]);
        let bent = x.clone() * x * square + constant;
        let bent = Value::new(bent.reshape([y.len()]), y.shape());
        ops::sum(&Value::new(lift(y.flat()), y.shape()), &bent)
    }
}

/// Column `k` of `[C,3]`.
fn column(all: &Burn<1>, k: usize) -> Burn<1> {
    let c = all.dims()[0] / 3;
    all.clone().reshape([c, 3]).slice([0..c, k..k + 1]).reshape([c])
}

/// One number a channel, for the elements that `on` marks.
pub(super) fn share(on: &Burn<1>, channels: &Burn<1>) -> Burn<1> {
    let on = if channels.is_autodiff() { Burn::from_inner(on.clone()) } else { on.clone() };
    on.clone() * per_element(channels.clone(), on.dims()[0])
}

/// The sum, of which either may have gradients.
pub(super) fn added(fixed: &Burn<1>, learned: &Burn<1>) -> Burn<1> {
    match (fixed.is_autodiff(), learned.is_autodiff()) {
        (false, true) => Burn::from_inner(fixed.clone()) + learned.clone(),
        (true, false) => fixed.clone() + Burn::from_inner(learned.clone()),
        (true, true) | (false, false) => fixed.clone() + learned.clone(),
    }
}
