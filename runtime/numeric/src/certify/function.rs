//! Functions of one number and the lines between which they lie on an interval.

use relinc_passes::choice::Choice;

/// A function with at most two bends, or a parabola.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    /// Through 0, with these slopes below 0, from 0 to the cap and beyond it; the cap may be infinite.
    Bent { below: f64, above: f64, beyond: f64, cap: f64 },
    /// `square·x² + slope·x + constant`.
    Parabola { square: f64, slope: f64, constant: f64 },
}

/// Which side of a function a line is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Below,
    Above,
}

/// Slopes of lines on one side that touch the function, and the one that is taken where nothing is optimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slopes {
    pub least: f32,
    pub most: f32,
    pub usual: f32,
}

/// The tightest line of a slope: where it meets the axis, and where it touches the function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub intercept: f64,
    pub contact: f64,
}

impl Slopes {
    fn one(slope: f64) -> Slopes {
        Slopes { least: slope as f32, most: slope as f32, usual: slope as f32 }
    }
    fn from(a: f64, b: f64, usual: f64) -> Slopes {
        Slopes { least: a.min(b) as f32, most: a.max(b) as f32, usual: usual as f32 }
    }
}

impl Function {
    /// max(x, 0)
    pub const RELU: Function = Function::Bent { below: 0.0, above: 1.0, beyond: 1.0, cap: f64::INFINITY };
    /// x²
    pub const SQUARE: Function = Function::Parabola { square: 1.0, slope: 0.0, constant: 0.0 };

    /// An element of a ReLU layer.
    pub fn of(choice: Choice, cap: f32, parameters: &[f32]) -> Function {
        let b = choice.basis(cap, parameters);
        match choice {
            Choice::Quadratic => Function::Parabola {
                square: b.square.into(),
                slope: b.above.into(),
                constant: b.constant.into(),
            },
            Choice::Identity | Choice::Relu | Choice::Zero | Choice::Uncapped => Function::Bent {
                below: b.below.into(),
                above: b.above.into(),
                beyond: b.beyond.into(),
                cap: cap.into(),
            },
        }
    }

    /// The value.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Function::Bent { below, .. } if x < 0.0 => below * x,
            Function::Bent { above, beyond, cap, .. } if x > cap => above * cap + beyond * (x - cap),
            Function::Bent { above, .. } => above * x,
            Function::Parabola { square, slope, constant } => (square * x + slope) * x + constant,
        }
    }

    /// A bound of what computing a value in single precision may add to it, for operands of at most this magnitude.
    pub fn rounding(self, reach: f64) -> f64 {
        let exact = |s: f64| s == 0.0 || s == 1.0;
        match self {
            Function::Bent { below, above, beyond, .. } if [below, above, beyond].into_iter().all(exact) => {
                0.0
            }
            Function::Bent { below, above, beyond, .. } => {
                4.0 * UNIT * reach * below.abs().max(above.abs()).max(beyond.abs())
            }
            Function::Parabola { square, slope, constant } => {
                4.0 * UNIT * ((square.abs() * reach + slope.abs()) * reach + constant.abs())
            }
        }
    }

    /// Is it no line?
    pub fn is_bent(self) -> bool {
        match self {
            Function::Bent { below, above, beyond, cap } => {
                below != above || (cap.is_finite() && above != beyond)
            }
            Function::Parabola { square, .. } => square != 0.0,
        }
    }

    /// Is it no line from `l` to `u`?
    pub fn is_bent_on(self, l: f64, u: f64) -> bool {
        match self {
            Function::Bent { .. } => self.bends(l, u).next().is_some(),
            Function::Parabola { square, .. } => square != 0.0 && l < u,
        }
    }

    /// Where the slope changes between `l` and `u`.
    fn bends(self, l: f64, u: f64) -> impl Iterator<Item = f64> {
        let [a, b] = match self {
            Function::Bent { below, above, beyond, cap } => {
                [(below != above).then_some(0.0), (above != beyond).then_some(cap)]
            }
            Function::Parabola { .. } => [None, None],
        };
        a.into_iter().chain(b).filter(move |&x| l < x && x < u)
    }

    /// Its smallest and largest value from `l` to `u`.
    pub fn range(self, l: f64, u: f64) -> [f64; 2] {
        let low = self.line(l, u, 0.0, Side::Below).intercept;
        [low, self.line(l, u, 0.0, Side::Above).intercept]
    }

    /// The tightest line of any slope on one side, from `l` to `u`.
    pub fn line(self, l: f64, u: f64, slope: f32, side: Side) -> Line {
        let s = f64::from(slope);
        let vertex = match self {
            Function::Parabola { square, slope, .. } if square != 0.0 => {
                Some((s - slope) / (2.0 * square)).filter(|&x| l < x && x < u)
            }
            Function::Bent { .. } | Function::Parabola { .. } => None,
        };
        let at = |x: f64| Line { intercept: self.value(x) - s * x, contact: x };
        let others = self.bends(l, u).chain(vertex).chain([u]);
        let further = |a: Line, b: Line| match side {
            Side::Below if b.intercept < a.intercept || b.intercept.is_nan() => b,
            Side::Above if b.intercept > a.intercept || b.intercept.is_nan() => b,
            Side::Below | Side::Above => a,
        };
        others.map(at).fold(at(l), further)
    }

    /// The slopes of lines that touch it below and above, from `l` to `u`.
    pub fn slopes(self, l: f64, u: f64) -> [Slopes; 2] {
        let chord = |a: f64, b: f64| (self.value(b) - self.value(a)) / (b - a);
        match self {
            Function::Parabola { square, slope, .. } => {
                if !self.is_bent_on(l, u) {
                    return [Slopes::one(2.0 * square * l + slope); 2];
                }
                let at = |x: f64| 2.0 * square * x + slope;
                let (touching, chord) =
                    (Slopes::from(at(l), at(u), at((l + u) / 2.0)), Slopes::one(chord(l, u)));
                if square > 0.0 { [touching, chord] } else { [chord, touching] }
            }
            Function::Bent { below, above, beyond, cap } => {
                let (zero, capped) =
                    (below != above && l < 0.0 && 0.0 < u, above != beyond && l < cap && cap < u);
                // Of the lines through a bend, the steeper or the flatter one: with the longer side.
                let through = |x: f64, left: f64, right: f64| {
                    Slopes::from(left, right, if u - x > x - l { right } else { left })
                };
                let sided = |touching: Slopes, convex: bool| {
                    let chord = Slopes::one(chord(l, u));
                    if convex { [touching, chord] } else { [chord, touching] }
                };
                match (zero, capped) {
                    (false, false) if u <= 0.0 => [Slopes::one(below); 2],
                    (false, false) if l >= cap => [Slopes::one(beyond); 2],
                    (false, false) => [Slopes::one(above); 2],
                    (true, false) => sided(through(0.0, below, above), below < above),
                    (false, true) => sided(through(cap, above, beyond), above < beyond),
                    // Convex, then concave, or the other way.
                    (true, true) => {
                        let rising = through(0.0, below, chord(0.0, u));
                        let levelling = through(cap, chord(l, cap), beyond);
                        match below < above {
                            true if above > beyond => [rising, levelling],
                            false if above < beyond => [levelling, rising],
                            _ => [Slopes::one(chord(l, u)); 2],
                        }
                    }
                }
            }
        }
    }
}

/// Half of the distance from 1 to the next single-precision number: the largest relative error of one rounding.
pub const UNIT: f64 = 1.0 / (1 << 24) as f64;

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Vec<Function> {
        let bent = |below, above, beyond, cap| Function::Bent { below, above, beyond, cap };
        let none = f64::INFINITY;
        let parabola = |square, slope, constant| Function::Parabola { square, slope, constant };
        vec![
            Function::RELU,
            Function::SQUARE,
            bent(0.0, 1.0, 0.0, 1.5),
            bent(0.1, 1.0, 1.0, none),
            bent(-1.0, 1.0, 1.0, none),
            bent(0.3, 0.3, 0.3, none),
            bent(0.0, 0.0, 0.0, 6.0),
            bent(1.0, -0.5, 1.0, 2.0),
            bent(0.0, 1.0, 2.0, 1.0),
            parabola(-0.3, 0.5, 0.1),
            parabola(0.0, 2.0, -1.0),
        ]
    }

    #[test]
    fn no_value_leaves_the_lines() {
        let ends = [-3.0, -1.0, -0.01, 0.0, 0.02, 1.0, 1.5, 2.5, 7.0];
        for f in functions() {
            for (&l, &u) in
                ends.iter().flat_map(|l| ends.iter().filter(move |u| *u >= l).map(move |u| (l, u)))
            {
                let [below, above] = f.slopes(l, u);
                for t in [0.0, 0.3, 1.0] {
                    let slope = |s: Slopes| s.least + t * (s.most - s.least);
                    for i in 0..=50 {
                        let x = l + (u - l) * f64::from(i) / 50.0;
                        let at = |s: Slopes, side| {
                            f64::from(slope(s)) * x + f.line(l, u, slope(s), side).intercept
                        };
                        let (low, high, y) = (at(below, Side::Below), at(above, Side::Above), f.value(x));
                        assert!(
                            low <= y + 1e-12 && y <= high + 1e-12,
                            "{f:?} on [{l}, {u}] at {x}: {low} {y} {high}"
                        );
                        if !f.is_bent_on(l, u) {
                            assert!(high - low < 1e-6, "{f:?} is a line on [{l}, {u}]");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_usual_slopes_are_those_of_crown() {
        let relu = |l, u| Function::RELU.slopes(l, u).map(|s| s.usual);
        assert_eq!(relu(-1.0, 3.0), [1.0, 0.75]);
        assert_eq!(relu(-3.0, 1.0), [0.0, 0.25]);
        assert_eq!(relu(-3.0, 0.0), [0.0, 0.0]);
    }
}
