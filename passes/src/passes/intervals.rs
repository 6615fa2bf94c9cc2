//! Between which numbers the elements of every value lie, whatever the input is.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::ir::op::ReduceKind;
use crate::ir::{Binary, Facts, Graph, NodeId, Op, Tensor};
use crate::masks::LayerMask;
use crate::passes::canonicalise::is_gated;
use crate::passes::commute_relu_maxpool::only_padding;

/// Smallest and largest number an element can be; infinite where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// No element is below.
    pub low: f64,
    /// No element is above.
    pub high: f64,
}

/// Nothing is known.
pub const ANY: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };

impl Interval {
    /// From `low` to `high`.
    pub fn new(low: f64, high: f64) -> Interval {
        Interval { low, high }
    }
    /// The smallest with both in it.
    pub fn hull(self, o: Interval) -> Interval {
        Interval::new(self.low.min(o.low), self.high.max(o.high))
    }
    fn plus(self, o: Interval) -> Interval {
        Interval::new(self.low + o.low, self.high + o.high)
    }
    fn minus(self, o: Interval) -> Interval {
        Interval::new(self.low - o.high, self.high - o.low)
    }
    /// Of the products.
    pub fn times(self, o: Interval) -> Interval {
        let all = [(self.low, o.low), (self.low, o.high), (self.high, o.low), (self.high, o.high)];
        let corner = |(a, b): (f64, f64)| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
        all.map(corner).into_iter().map(|v| Interval::new(v, v)).reduce(Interval::hull).unwrap_or(ANY)
    }
    /// The largest magnitude.
    pub fn magnitude(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
    /// Of x times a gate between 0 and 1 that closes below 0: x·sigmoid(x) is above −0.279, hard swish is −0.375 at least.
    pub fn gated(self) -> Interval {
        Interval::new(if self.low >= 0.0 { 0.0 } else { -0.376 }, self.high.max(0.0))
    }
    fn often(self, n: usize) -> Interval {
        self.times(Interval::new(n as f64, n as f64))
    }
    /// Under a function that does not fall.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Interval {
        Interval::new(f(self.low), f(self.high))
    }
}

/// The intervals of all values of a graph, in real arithmetic: rounding may step over them by its own size.
#[derive(Debug)]
pub struct Intervals {
    of: Vec<Interval>,
    /// Are weights looked at?
    weights: bool,
    /// Is a ReLU one, or may a mask have made anything of it?
    relus: bool,
}

impl Intervals {
    /// From the range of every element of the graph's inputs. Without one nothing is derived from weights either: so
    /// what follows stays true while a network is trained.
    pub fn of(g: &Graph, facts: &Facts, input: Option<(f32, f32)>) -> Intervals {
        Intervals::over(g, facts, input, true)
    }

    /// What holds for any input, any weights, and whatever masks make of the ReLUs.
    pub fn under_any_masks(g: &Graph, facts: &Facts) -> Intervals {
        Intervals::over(g, facts, None, false)
    }

    fn over(g: &Graph, facts: &Facts, input: Option<(f32, f32)>, relus: bool) -> Intervals {
        let order = g.topo().unwrap_or_default();
        let size = order.iter().map(|id| id.index() + 1).max().unwrap_or(0);
        let mut all = Intervals { of: vec![ANY; size], weights: input.is_some(), relus };
        for id in order {
            let i = match matches!(g.op(id), Op::Input(_)) {
                true => input.map_or(ANY, |(l, h)| Interval::new(l.into(), h.into())),
                false => all.node(g, facts, id),
            };
            // Not a number, from ∞ − ∞: nothing is known.
            all.of[id.index()] = if i.low <= i.high { i } else { ANY };
        }
        all
    }

    /// The interval of a value.
    pub fn get(&self, id: NodeId) -> Interval {
        self.of.get(id.index()).copied().unwrap_or(ANY)
    }

    /// Is no element negative?
    pub fn never_negative(&self, id: NodeId) -> bool {
        self.get(id).low >= 0.0
    }

    /// Is no element above `cap`?
    pub fn never_above(&self, id: NodeId, cap: f32) -> bool {
        self.get(id).high <= cap.into()
    }

    /// The interval of a node's products of two numbers, of their sum where it sums them, without a bias; `None` where it
    /// multiplies nothing.
    pub fn products(&self, g: &Graph, facts: &Facts, id: NodeId) -> Option<Interval> {
        let x = self.operand(g, id, 0);
        match g.op(id) {
            Op::Conv(_) | Op::Linear => Some(if self.weights { weighted(g, id, x, false) } else { ANY }),
            Op::MatMul => Some(self.matrices(g, facts, id)),
            Op::Binary(Binary::Mul) => Some(x.times(self.operand(g, id, 1))),
            Op::GlobalMean { .. } | Op::AvgPool { .. } | Op::Reduce { kind: ReduceKind::Mean, .. } => {
                Some(self.get(id))
            }
            Op::Reduce { kind: ReduceKind::Sum | ReduceKind::Max, .. } | Op::MaxPool(_) => None,
            // Not in ring elements.
            Op::Gemm { .. } | Op::BatchNorm { .. } | Op::LeakyRelu { .. } | Op::PRelu => None,
            Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } | Op::Clip { .. } => None,
            Op::Unary(_) | Op::Compare(_) | Op::Where => None,
            Op::Binary(Binary::Add | Binary::Sub | Binary::Div) => None,
            Op::Binary(Binary::Max | Binary::Min | Binary::Pow) => None,
            Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::ArgMax { .. } => None,
            Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Dyn(_) | Op::Cast(_) => None,
            Op::Pad { .. } | Op::Slice(_) | Op::Concat { .. } | Op::Gather { .. } | Op::Reshape(_) => None,
            Op::Transpose(_) | Op::Expand(_) | Op::Identity | Op::Dropout => None,
        }
    }

    /// Constants are looked at where an operation asks for them: weights are large.
    fn operand(&self, g: &Graph, id: NodeId, slot: usize) -> Interval {
        match g.operand(id, slot) {
            Some(o) => match g.const_of(o) {
                None => self.get(o),
                Some(t) if self.weights || t.len() == 1 => of_constant(t),
                Some(_) => ANY,
            },
            None => ANY,
        }
    }

    fn matrices(&self, g: &Graph, facts: &Facts, id: NodeId) -> Interval {
        let depth = g.operand(id, 0).and_then(|o| facts.ty(o).at(1).last().copied());
        let each = self.operand(g, id, 0).times(self.operand(g, id, 1));
        depth.map_or(ANY, |k| each.often(k))
    }

    fn node(&self, g: &Graph, facts: &Facts, id: NodeId) -> Interval {
        let operands = g.operands(id);
        let of = |slot: usize| self.operand(g, id, slot);
        if operands.is_empty() {
            return ANY;
        }
        let (x, zero) = (of(0), Interval::new(0.0, 0.0));
        match g.op(id) {
            Op::Relu | Op::CappedRelu { .. } | Op::MaskedRelu { .. } if !self.relus => ANY,
            Op::Relu => x.map(|v| v.max(0.0)),
            Op::CappedRelu { cap } => x.map(|v| v.max(0.0).min((*cap).into())),
            Op::MaskedRelu { .. } => match LayerMask::of_node(g, id) {
                Some((_, m)) => {
                    m.kinds().map(|(c, p)| c.interval(x, m.cap, p)).reduce(Interval::hull).unwrap_or(ANY)
                }
                None => ANY,
            },
            Op::Clip { min, max } => x.map(|v| v.max((*min).into()).min((*max).into())),
            Op::Conv(_) | Op::Linear if self.weights => weighted(g, id, x, true),
            Op::MatMul => self.matrices(g, facts, id),
            Op::BatchNorm { .. } if self.weights => normalised(g, id, x),
            Op::Binary(Binary::Mul) if operands[0] == operands[1] => {
                let y = x.times(x);
                Interval::new(y.low.max(0.0), y.high)
            }
            Op::Binary(Binary::Mul) if is_gated(g, operands[0], operands[1]) => x.gated(),
            Op::Binary(b) => match b {
                Binary::Add => x.plus(of(1)),
                Binary::Sub => x.minus(of(1)),
                Binary::Mul => x.times(of(1)),
                Binary::Div if of(1).low > 0.0 => {
                    x.times(Interval::new(of(1).high.recip(), of(1).low.recip()))
                }
                Binary::Max => Interval::new(x.low.max(of(1).low), x.high.max(of(1).high)),
                Binary::Min => Interval::new(x.low.min(of(1).low), x.high.min(of(1).high)),
                Binary::Div | Binary::Pow => ANY,
            },
            Op::Unary(u) => (u.function().interval)(x),
            Op::Softmax { .. } => Interval::new(0.0, 1.0),
            Op::LogSoftmax { axis } => {
                let n = facts.ty(operands[0]).at(1).get(*axis).copied().unwrap_or(1);
                Interval::new(x.low - x.high - (n as f64).ln(), 0.0)
            }
            Op::Where => of(1).hull(of(2)),
            Op::AvgPool { window, .. } if window.pads != [0; 4] || window.ceil => x.hull(zero),
            Op::MaxPool(w) if only_padding(w, facts.ty(operands[0]), facts.ty(id)) => ANY,
            Op::MaxPool(_) | Op::AvgPool { .. } | Op::GlobalMean { .. } => x,
            Op::Reduce { kind: ReduceKind::Sum, axes, .. } => {
                let from = operands.first().map(|&o| facts.ty(o).at(1)).unwrap_or_default();
                // A sum over the batch has an unknown number of terms.
                let n: usize = axes.iter().filter_map(|&a| from.get(a)).product();
                let y = x.often(n);
                if axes.contains(&0) {
                    Interval::new(if x.low >= 0.0 { 0.0 } else { ANY.low }, ANY.high)
                } else {
                    y
                }
            }
            Op::Reduce { .. } => x,
            Op::Pad { value, .. } => x.hull(Interval::new((*value).into(), (*value).into())),
            Op::Concat { .. } => (0..operands.len()).map(of).reduce(Interval::hull).unwrap_or(ANY),
            Op::Slice(_) | Op::Gather { .. } | Op::Reshape(_) | Op::Transpose(_) | Op::Expand(_) => x,
            Op::Identity | Op::Dropout => x,
            Op::Input(_) | Op::Const(_) | Op::Shape { .. } | Op::Dyn(_) | Op::Cast(_) => ANY,
            Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::BatchNorm { .. } => ANY,
            Op::LeakyRelu { .. } | Op::PRelu | Op::Compare(_) | Op::ArgMax { .. } => ANY,
        }
    }
}

fn of_constant(t: &Tensor) -> Interval {
    let each = t.as_f32().unwrap_or_default().iter().map(|&v| Interval::new(v.into(), v.into()));
    each.reduce(Interval::hull).unwrap_or(ANY)
}

/// A convolution or linear layer with constant weights: the hull of its rows, with their bias or without.
fn weighted(g: &Graph, id: NodeId, x: Interval, biased: bool) -> Interval {
    let weights = g.const_operand(id, 1).and_then(|t| Some((t.shape()[0], t.as_f32()?)));
    let Some((rows, w)) = weights.filter(|(rows, w)| *rows > 0 && !w.is_empty()) else { return ANY };
    let bias = match (g.operand(id, 2), g.const_operand(id, 2).and_then(|t| t.as_f32())) {
        (Some(_), None) if biased => return ANY,
        (_, b) => b,
    };
    let pads = matches!(g.op(id), Op::Conv(c) if c.pads != [0; 4]);
    let x = if pads { x.hull(Interval::new(0.0, 0.0)) } else { x };
    let row = |(o, w): (usize, &[f32])| {
        let start = bias.filter(|_| biased).and_then(|b| b.get(o)).map_or(0.0, |&b| f64::from(b));
        let [above, below] = sides(w).map(|v| Interval::new(v, v));
        Interval::new(start, start).plus(x.times(above)).plus(x.times(below))
    };
    w.chunks(w.len() / rows).enumerate().map(row).reduce(Interval::hull).unwrap_or(ANY)
}

/// The sums of what is above 0 and of what is below.
fn sides(w: &[f32]) -> [f64; 2] {
    let mut lanes = [[0.0f64; 2]; 8];
    for some in w.chunks(lanes.len()) {
        for (lane, &e) in lanes.iter_mut().zip(some) {
            // What is no number stays in the sum.
            let (above, below) = if e > 0.0 { (e, 0.0) } else { (0.0, e) };
            lane[0] += f64::from(above);
            lane[1] += f64::from(below);
        }
    }
    [0, 1].map(|i| lanes.iter().map(|lane| lane[i]).sum())
}

fn normalised(g: &Graph, id: NodeId, x: Interval) -> Interval {
    let Some(a) = crate::passes::affine::Affine::of_batch_norm(g, id) else { return ANY };
    let each =
        a.scale.iter().zip(&a.shift).map(|(&s, &t)| x.times(Interval::new(s, s)).plus(Interval::new(t, t)));
    each.reduce(Interval::hull).unwrap_or(ANY)
}

#[cfg(test)]
#[path = "intervals_tests.rs"]
mod tests;
