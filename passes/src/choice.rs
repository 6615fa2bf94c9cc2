//! What an element of a ReLU layer becomes.
//!
//! Everything that depends on it is asked here, in matches without a wildcard: a new choice is found by the compiler.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::passes::intervals::Interval;

/// What one element computes of its operand x. Some have parameters, which are a channel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Choice {
    /// s·x.
    Identity = 0,
    /// max(x, 0).
    Relu = 1,
    /// 0.
    Zero = 2,
}

/// Numbers that a channel may give a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// What they are called, in files and as operands.
    pub name: &'static str,
    /// Those of a channel that gives none.
    pub neutral: &'static [f32],
}

impl Parameters {
    /// Dimensions of those of so many channels.
    pub fn shape(&self, channels: usize) -> Vec<usize> {
        let each = self.neutral.len();
        if each == 1 { vec![channels] } else { vec![channels, each] }
    }
}

/// A function of x as a sum: `above·max(x, 0) + below·min(x, 0)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basis {
    /// The slope above 0.
    pub above: f32,
    /// The slope below 0.
    pub below: f32,
}

impl Choice {
    /// Every choice.
    pub const ALL: [Choice; 3] = [Choice::Identity, Choice::Relu, Choice::Zero];

    /// Its number in mask files.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The choice of a number.
    pub fn of_code(code: u8) -> Option<Choice> {
        Choice::ALL.into_iter().find(|c| c.code() == code)
    }

    /// The choices of numbers, or the first place where one means nothing.
    pub fn of_codes(codes: &[u8]) -> Result<Vec<Choice>, usize> {
        codes.iter().enumerate().map(|(i, &c)| Choice::of_code(c).ok_or(i)).collect()
    }

    /// All numbers and what they mean, in words.
    pub fn codes() -> String {
        let all = Choice::ALL.map(|c| format!("{} ({})", c.code(), c.word()));
        let [first @ .., last] = &all;
        format!("{} and {last}", first.join(", "))
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Choice::Identity => "identity",
            Choice::Relu => "ReLU",
            Choice::Zero => "zero",
        }
    }

    /// What an element is, as in "3 elements are …".
    pub const fn phrase(self) -> &'static str {
        match self {
            Choice::Identity => "the identity",
            Choice::Relu => "a ReLU",
            Choice::Zero => "zero",
        }
    }

    /// What a channel may give it.
    pub const fn parameters(self) -> Option<Parameters> {
        match self {
            Choice::Identity => Some(Parameters { name: "slope", neutral: &[1.0] }),
            Choice::Relu | Choice::Zero => None,
        }
    }

    /// Its parameters where a channel gives none.
    pub fn neutral(self) -> &'static [f32] {
        self.parameters().map_or(&[], |p| p.neutral)
    }

    /// Does it take a secure comparison?
    pub const fn compares(self) -> bool {
        match self {
            Choice::Relu => true,
            Choice::Identity | Choice::Zero => false,
        }
    }

    /// Is `f(k·x) = k·f(x)` for every k > 0?
    pub const fn homogeneous(self) -> bool {
        match self {
            Choice::Identity | Choice::Relu | Choice::Zero => true,
        }
    }

    /// The function, not a number where x is none and it reads x; `p` are the channel's parameters.
    pub fn value(self, x: f32, p: &[f32]) -> f32 {
        match self {
            Choice::Identity => p[0] * x,
            Choice::Relu if x < 0.0 => 0.0,
            Choice::Relu => x,
            Choice::Zero => 0.0,
        }
    }

    /// The function as a sum.
    pub fn basis(self, p: &[f32]) -> Basis {
        match self {
            Choice::Identity => Basis { above: p[0], below: p[0] },
            Choice::Relu => Basis { above: 1.0, below: 0.0 },
            Choice::Zero => Basis { above: 0.0, below: 0.0 },
        }
    }

    /// Between which numbers its values lie, of operands in `x`.
    pub fn interval(self, x: Interval, p: &[f32]) -> Interval {
        match self {
            Choice::Identity => x.times(Interval::new(p[0].into(), p[0].into())),
            Choice::Relu => x.map(|v| v.max(0.0)),
            Choice::Zero => Interval::new(0.0, 0.0),
        }
    }
}

impl Basis {
    /// The derivative at x; at 0 that from below.
    pub fn derivative(self, x: f32) -> f32 {
        if x > 0.0 { self.above } else { self.below }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XS: [f32; 7] = [-3.0, -0.5, -1e-3, 0.0, 1e-3, 0.5, 3.0];

    fn parameters() -> impl Iterator<Item = (Choice, Vec<f32>)> {
        let given = |c: Choice| [c.neutral().to_vec(), c.neutral().iter().map(|n| n - 1.75).collect()];
        Choice::ALL.into_iter().flat_map(move |c| given(c).map(|p| (c, p)))
    }

    #[test]
    fn numbers_are_read_back() {
        for c in Choice::ALL {
            assert_eq!(Choice::of_code(c.code()), Some(c));
        }
        assert_eq!(Choice::of_codes(&[1, 0, 9]), Err(2));
    }

    #[test]
    fn the_sum_is_the_function_and_its_derivative() {
        for (c, p) in parameters() {
            for x in XS {
                let b = c.basis(&p);
                assert_eq!(b.above * x.max(0.0) + b.below * x.min(0.0), c.value(x, &p), "{c:?} of {x}");
                let h = 1e-4;
                if x != 0.0 {
                    let difference = (c.value(x + h, &p) - c.value(x - h, &p)) / (2.0 * h);
                    assert!((b.derivative(x) - difference).abs() < 2e-2, "{c:?} at {x}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_of_each_holds() {
        for (c, p) in parameters() {
            let scaled = XS.iter().all(|&x| c.value(4.0 * x, &p) == 4.0 * c.value(x, &p));
            assert_eq!(c.homogeneous(), scaled, "{c:?}");
            let i = c.interval(Interval::new(-3.0, 3.0), &p);
            assert!(
                XS.iter().all(|&x| (i.low..=i.high).contains(&f64::from(c.value(x, &p)))),
                "{c:?}: {i:?}"
            );
        }
    }
}
