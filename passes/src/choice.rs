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
    /// The layer's own function: max(x, 0), or min(max(x, 0), c) in a layer with the cap c.
    Relu = 1,
    /// 0.
    Zero = 2,
    /// a·x² + b·x + c.
    Quadratic = 3,
    /// max(x, 0), whatever the layer's cap is.
    Uncapped = 4,
}

const _: () = {
    let mut k = 0;
    while k < Choice::ALL.len() {
        assert!(
            Choice::ALL[k] as usize == k && matches!(Choice::of_code(k as u8), Some(c) if c as usize == k)
        );
        k += 1;
    }
};

/// The cap of a ReLU layer without one.
pub const NO_CAP: f32 = f32::INFINITY;

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

/// A function of x as a sum: `above·max(x, 0) + below·min(x, 0) + (beyond − above)·max(x − cap, 0) + square·x² + constant`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basis {
    /// The slope from 0 to the cap.
    pub above: f32,
    /// The slope below 0.
    pub below: f32,
    /// The slope beyond the cap.
    pub beyond: f32,
    /// What x² is multiplied by.
    pub square: f32,
    /// What is added.
    pub constant: f32,
}

impl Choice {
    /// Every choice, each at its number.
    pub const ALL: [Choice; 5] =
        [Choice::Identity, Choice::Relu, Choice::Zero, Choice::Quadratic, Choice::Uncapped];

    /// Its number in mask files.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The choice of a number.
    pub const fn of_code(code: u8) -> Option<Choice> {
        match code {
            0 => Some(Choice::Identity),
            1 => Some(Choice::Relu),
            2 => Some(Choice::Zero),
            3 => Some(Choice::Quadratic),
            4 => Some(Choice::Uncapped),
            5.. => None,
        }
    }

    /// The choices of numbers, or the first place where one means nothing.
    pub fn of_codes(codes: &[u8]) -> Result<Vec<Choice>, usize> {
        let known = |c: u8| usize::from(c) < Choice::ALL.len();
        match codes.iter().filter(|&&c| !known(c)).count() {
            // Masks have millions of elements: nothing is asked of a single one.
            0 => Ok(codes.iter().map(|&c| Choice::of_code(c).unwrap_or(Choice::Identity)).collect()),
            _ => Err(codes.iter().take_while(|&&c| known(c)).count()),
        }
    }

    /// How many of these are this choice.
    pub fn count(self, of: &[Choice]) -> usize {
        // Blocks of so many elements are counted in bytes, many at a time.
        let few = |block: &[Choice]| block.iter().map(|&c| u8::from(c == self)).sum::<u8>();
        of.chunks(usize::from(u8::MAX)).map(|block| usize::from(few(block))).sum()
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
            Choice::Quadratic => "quadratic",
            Choice::Uncapped => "ReLU without its cap",
        }
    }

    /// What an element is, as in "3 elements are …".
    pub const fn phrase(self) -> &'static str {
        match self {
            Choice::Identity => "the identity",
            Choice::Relu => "a ReLU",
            Choice::Zero => "zero",
            Choice::Quadratic => "quadratic",
            Choice::Uncapped => "a ReLU without its cap",
        }
    }

    /// What a channel may give it.
    pub const fn parameters(self) -> Option<Parameters> {
        match self {
            Choice::Identity => Some(Parameters { name: "slope", neutral: &[1.0] }),
            Choice::Quadratic => Some(Parameters { name: "quadratic", neutral: &[0.0, 1.0, 0.0] }),
            Choice::Relu | Choice::Zero | Choice::Uncapped => None,
        }
    }

    /// Its parameters where a channel gives none.
    pub fn neutral(self) -> &'static [f32] {
        self.parameters().map_or(&[], |p| p.neutral)
    }

    /// Does it take a secure comparison?
    pub const fn compares(self) -> bool {
        match self {
            Choice::Relu | Choice::Uncapped => true,
            Choice::Identity | Choice::Zero | Choice::Quadratic => false,
        }
    }

    /// Secure comparisons it takes in a layer with this cap.
    pub const fn comparisons(self, cap: f32) -> usize {
        match self {
            Choice::Relu => comparisons_under(cap),
            Choice::Uncapped => 1,
            Choice::Identity | Choice::Zero | Choice::Quadratic => 0,
        }
    }

    /// Is `f(k·x) = k·f(x)` for every k > 0?
    pub fn homogeneous(self, cap: f32, p: &[f32]) -> bool {
        match self {
            Choice::Relu => cap == NO_CAP,
            Choice::Quadratic => p[0] == 0.0 && p[2] == 0.0,
            Choice::Identity | Choice::Zero | Choice::Uncapped => true,
        }
    }

    /// The function, not a number where x is none and it reads x; `p` are the channel's parameters.
    pub fn value(self, x: f32, cap: f32, p: &[f32]) -> f32 {
        match self {
            Choice::Identity => p[0] * x,
            Choice::Relu | Choice::Uncapped if x < 0.0 => 0.0,
            Choice::Relu if x > cap => cap,
            Choice::Relu | Choice::Uncapped => x,
            Choice::Zero => 0.0,
            Choice::Quadratic => (p[0] * x + p[1]) * x + p[2],
        }
    }

    /// The function as a sum.
    pub fn basis(self, cap: f32, p: &[f32]) -> Basis {
        match self {
            Choice::Identity => Basis::line(p[0]),
            Choice::Relu if cap == NO_CAP => Choice::Uncapped.basis(cap, p),
            Choice::Relu => Basis { above: 1.0, ..Basis::line(0.0) },
            Choice::Zero => Basis::line(0.0),
            Choice::Quadratic => Basis { square: p[0], constant: p[2], ..Basis::line(p[1]) },
            Choice::Uncapped => Basis { above: 1.0, beyond: 1.0, ..Basis::line(0.0) },
        }
    }

    /// Between which numbers its values lie, of operands in `x`.
    pub fn interval(self, x: Interval, cap: f32, p: &[f32]) -> Interval {
        match self {
            Choice::Identity => x.times(Interval::new(p[0].into(), p[0].into())),
            Choice::Relu => x.map(|v| v.max(0.0).min(cap.into())),
            Choice::Zero => Interval::new(0.0, 0.0),
            Choice::Quadratic => parabola(x, p),
            Choice::Uncapped => x.map(|v| v.max(0.0)),
        }
    }
}

/// Where a·x² + b·x + c lies for x in an interval: between its values at both ends and, where x reaches it, at its vertex.
fn parabola(x: Interval, p: &[f32]) -> Interval {
    let [a, b, c] = [0, 1, 2].map(|i| f64::from(p[i]));
    let at = |k: f64, v: f64| if k == 0.0 { 0.0 } else { k * v };
    // Not ∞ − ∞: the square decides far from 0.
    let value = |v: f64| match v.is_infinite() && a != 0.0 {
        true => a * f64::INFINITY,
        false => at(a, v * v) + at(b, v) + c,
    };
    let vertex = Some(-b / (2.0 * a)).filter(|v| a != 0.0 && x.low < *v && *v < x.high);
    let all = [Some(x.low), Some(x.high), vertex].into_iter().flatten().map(value);
    all.map(|v| Interval::new(v, v)).reduce(Interval::hull).unwrap_or(x)
}

/// Secure comparisons that the function of a layer with this cap takes: two where there is one.
pub const fn comparisons_under(cap: f32) -> usize {
    if cap == NO_CAP { 1 } else { 2 }
}

impl Basis {
    /// `slope·x`.
    pub const fn line(slope: f32) -> Basis {
        Basis { above: slope, below: slope, beyond: slope, square: 0.0, constant: 0.0 }
    }

    /// The derivative at x; at 0 and at the cap that from below.
    pub fn derivative(self, x: f32, cap: f32) -> f32 {
        let slope = match x {
            x if x > cap => self.beyond,
            x if x > 0.0 => self.above,
            _ => self.below,
        };
        slope + 2.0 * self.square * x
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

    const CAPS: [f32; 2] = [1.0, NO_CAP];

    #[test]
    fn the_sum_is_the_function_and_its_derivative() {
        for (cap, (c, p)) in CAPS.into_iter().flat_map(|cap| parameters().map(move |c| (cap, c))) {
            for x in XS {
                let b = c.basis(cap, &p);
                let over = if x > cap { (b.beyond - b.above) * (x - cap) } else { 0.0 };
                let lines = b.above * x.max(0.0) + b.below * x.min(0.0) + over;
                let (sum, value) = (lines + b.square * x * x + b.constant, c.value(x, cap, &p));
                assert!((sum - value).abs() <= 1e-6 * value.abs(), "{c:?} of {x}: {sum} and {value}");
                let h = 1e-4;
                if x != 0.0 {
                    let difference = (c.value(x + h, cap, &p) - c.value(x - h, cap, &p)) / (2.0 * h);
                    assert!((b.derivative(x, cap) - difference).abs() < 2e-2, "{c:?} at {x}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_of_each_holds() {
        for (cap, (c, p)) in CAPS.into_iter().flat_map(|cap| parameters().map(move |c| (cap, c))) {
            let value = |x| c.value(x, cap, &p);
            let scaled = XS.iter().all(|&x| value(4.0 * x) == 4.0 * value(x));
            assert_eq!(c.homogeneous(cap, &p), scaled, "{c:?} under {cap}");
            let i = c.interval(Interval::new(-3.0, 3.0), cap, &p);
            assert!(XS.iter().all(|&x| (i.low..=i.high).contains(&f64::from(value(x)))), "{c:?}: {i:?}");
            // A comparison is a place where the slope changes.
            let b = c.basis(cap, &p);
            let bends = usize::from(b.above != b.below) + usize::from(cap != NO_CAP && b.beyond != b.above);
            assert_eq!(c.comparisons(cap), bends, "{c:?} under {cap}");
        }
    }
}
