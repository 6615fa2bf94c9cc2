//! Elementwise functions of one operand, with all that is asked of them: a new one is a row here and a gradient in the
//! executor.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::passes::intervals::{ANY, Interval};

/// What becomes of the result when the operand is multiplied by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Something else than a multiple.
    Other,
    /// It is multiplied, too, by a positive number.
    Positive,
    /// It is multiplied, too, by any number.
    Any,
}

/// How a function is computed on shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares {
    /// By the ring's own operations.
    Exact,
    /// By every runtime in a way of its own.
    Approximated,
    /// Canonicalise makes other operations of it.
    TakenApart,
}

/// What is known of a function.
pub struct Function {
    /// The spelling in `.pir`.
    pub name: &'static str,
    /// The ONNX operation that computes it, without attributes.
    pub onnx: Option<&'static str>,
    /// The StableHLO operation that SPU computes it with.
    pub stablehlo: Option<&'static str>,
    /// The kinds of operation it is priced as, one after the other.
    pub priced: &'static [&'static str],
    /// Secure comparisons of one element.
    pub compared: usize,
    /// How runtimes compute it.
    pub shares: Shares,
    /// What it makes of a scale.
    pub scaling: Scaling,
    /// Puts its values in the place of its operands.
    pub apply: fn(&mut [f32]),
    /// The function of integers, where it is defined on them.
    pub whole: Option<fn(i64) -> i64>,
    /// Between which numbers its values lie, of operands in an interval.
    pub interval: fn(Interval) -> Interval,
}

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident { value: $value:expr, $($field:ident: $is:expr),* $(,)? })*) => {
        /// Elementwise functions of one operand.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Unary { $($(#[$doc])* $variant,)* }

        impl Unary {
            /// Every function.
            pub const ALL: &'static [Unary] = &[$(Unary::$variant,)*];

            /// All that is known of it.
            pub fn function(self) -> Function {
                match self {
                    $(Unary::$variant => Function {
                        apply: |v| { let f: fn(f32) -> f32 = $value; v.iter_mut().for_each(|e| *e = f(*e)) },
                        $($field: $is,)*
                    },)*
                }
            }
        }
    };
}

functions! {
    /// −x
    Neg {
        value: |x| -x, name: "neg", onnx: Some("Neg"), stablehlo: Some("negate"), priced: &["local"], compared: 0,
        shares: Shares::Exact, scaling: Scaling::Any, whole: Some(i64::wrapping_neg),
        interval: |x| Interval::new(-x.high, -x.low),
    }
    /// |x|
    Abs {
        value: f32::abs, name: "abs", onnx: Some("Abs"), stablehlo: Some("abs"), priced: &["abs"], compared: 1,
        shares: Shares::Exact, scaling: Scaling::Positive, whole: Some(i64::wrapping_abs),
        interval: |x| if x.low >= 0.0 { x } else { Interval::new(0.0, x.high.max(-x.low)) },
    }
    /// eˣ
    Exp {
        value: f32::exp, name: "exp", onnx: Some("Exp"), stablehlo: Some("exponential"), priced: &["exp"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: None, interval: |x| x.map(f64::exp),
    }
    /// ln x
    Log {
        value: f32::ln, name: "log", onnx: Some("Log"), stablehlo: Some("log"), priced: &["log"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: None, interval: |_| ANY,
    }
    /// √x
    Sqrt {
        value: f32::sqrt, name: "sqrt", onnx: Some("Sqrt"), stablehlo: Some("sqrt"), priced: &["sqrt"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: None,
        interval: |x| Interval::new(0.0, x.high.max(0.0).sqrt()),
    }
    /// 1/x
    Reciprocal {
        value: f32::recip, name: "reciprocal", onnx: Some("Reciprocal"), stablehlo: None, priced: &["reciprocal"],
        compared: 0, shares: Shares::Approximated, scaling: Scaling::Other, whole: None,
        interval: |x| if x.low > 0.0 { Interval::new(x.high.recip(), x.low.recip()) } else { ANY },
    }
    /// 1/(1+e⁻ˣ)
    Sigmoid {
        value: sigmoid, name: "sigmoid", onnx: Some("Sigmoid"), stablehlo: Some("logistic"), priced: &["logistic"],
        compared: 0, shares: Shares::Approximated, scaling: Scaling::Other, whole: None,
        interval: |_| Interval::new(0.0, 1.0),
    }
    /// tanh x
    Tanh {
        value: f32::tanh, name: "tanh", onnx: Some("Tanh"), stablehlo: Some("tanh"), priced: &["tanh"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: None, interval: odd_below_one,
    }
    /// error function
    Erf {
        value: erf, name: "erf", onnx: Some("Erf"), stablehlo: None, priced: &["erf"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: None, interval: odd_below_one,
    }
    /// x·sigmoid(x)
    Silu {
        value: |x| x * sigmoid(x), name: "silu", onnx: None, stablehlo: None, priced: &["logistic", "mul"], compared: 0,
        shares: Shares::TakenApart, scaling: Scaling::Other, whole: None, interval: Interval::gated,
    }
    /// x·min(max(x/6+½,0),1)
    HardSwish {
        value: |x| x * hard_sigmoid(x), name: "hard_swish", onnx: Some("HardSwish"), stablehlo: None,
        priced: &["mul_const", "clip", "mul"], compared: 2, shares: Shares::TakenApart, scaling: Scaling::Other,
        whole: None, interval: Interval::gated,
    }
    /// min(max(x/6+½,0),1)
    HardSigmoid {
        value: hard_sigmoid, name: "hard_sigmoid", onnx: None, stablehlo: None, priced: &["mul_const", "clip"], compared: 2,
        shares: Shares::TakenApart, scaling: Scaling::Other, whole: None, interval: |_| Interval::new(0.0, 1.0),
    }
    /// ln(1+eˣ)
    Softplus {
        value: |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), name: "softplus", onnx: Some("Softplus"), stablehlo: None,
        priced: &["softplus"], compared: 0, shares: Shares::Approximated, scaling: Scaling::Other, whole: None,
        interval: |x| Interval::new(0.0, x.high.max(0.0) + 1.0),
    }
    /// largest integer not above x
    Floor {
        value: f32::floor, name: "floor", onnx: Some("Floor"), stablehlo: Some("floor"), priced: &["floor"], compared: 0,
        shares: Shares::Exact, scaling: Scaling::Other, whole: Some(|x| x), interval: |x| x.map(f64::floor),
    }
    /// smallest integer not below x
    Ceil {
        value: f32::ceil, name: "ceil", onnx: Some("Ceil"), stablehlo: None, priced: &["ceil"], compared: 0,
        shares: Shares::Approximated, scaling: Scaling::Other, whole: Some(|x| x), interval: |x| x.map(f64::ceil),
    }
}

impl Unary {
    /// The spelling in `.pir`.
    pub fn name(self) -> &'static str {
        self.function().name
    }
    /// The inverse of `name`.
    pub fn parse(s: &str) -> Option<Unary> {
        Self::ALL.iter().copied().find(|u| u.name() == s)
    }
}

fn odd_below_one(x: Interval) -> Interval {
    Interval::new(if x.low >= 0.0 { 0.0 } else { -1.0 }, 1.0)
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn hard_sigmoid(x: f32) -> f32 {
    (x / 6.0 + 0.5).clamp(0.0, 1.0)
}

/// The error function, to f32 precision.
fn erf(x: f32) -> f32 {
    let v = f64::from(x);
    if v.is_nan() {
        return x;
    }
    if v.abs() >= 4.0 {
        return v.signum() as f32;
    }
    // 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): all terms have one sign.
    let (mut term, mut sum, mut n) = (v, v, 0.0);
    while term.abs() > 1e-10 * sum.abs() {
        n += 1.0;
        term *= 2.0 * v * v / (2.0 * n + 1.0);
        sum += term;
    }
    (std::f64::consts::FRAC_2_SQRT_PI * (-v * v).exp() * sum) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const XS: [f32; 9] = [-7.0, -3.0, -1.25, -0.25, 0.0, 0.25, 1.25, 3.0, 7.0];

    fn value(u: Unary, x: f32) -> f32 {
        let mut v = [x];
        (u.function().apply)(&mut v);
        v[0]
    }

    #[test]
    fn names_are_read_back() {
        for &u in Unary::ALL {
            assert_eq!(Unary::parse(u.name()), Some(u));
        }
    }

    #[test]
    fn what_is_said_of_each_holds() {
        for &u in Unary::ALL {
            let commutes = |k: f32| XS.iter().all(|&x| value(u, k * x) == k * value(u, x));
            let scaling = match (commutes(4.0), commutes(-4.0)) {
                (true, true) => Scaling::Any,
                (true, false) => Scaling::Positive,
                (false, _) => Scaling::Other,
            };
            assert_eq!(u.function().scaling, scaling, "{u:?}");
            for (i, &low) in XS.iter().enumerate() {
                let within = (u.function().interval)(Interval::new(low.into(), 7.0));
                let inside = |x: f32| {
                    let y = f64::from(value(u, x));
                    let off = 1e-6 * (1.0 + y.abs());
                    y.is_nan() || (within.low - off..=within.high + off).contains(&y)
                };
                assert!(XS[i..].iter().all(|&x| inside(x)), "{u:?} from {low}: {within:?}");
            }
            if let Some(f) = u.function().whole {
                assert!((-3..3i64).all(|x| f(x) as f32 == value(u, x as f32)), "{u:?}");
            }
        }
    }
}
