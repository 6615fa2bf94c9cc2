//! Makes one square of a layer that is quadratic in all its elements.
//!
//! **Before**: `masked_relu(x, mask, quadratic=…) @relu03` with a mask of threes, by channels `a·x² + b·x + c`.
//!
//! **After**: `u = √|a|·(x + h)` by new weights of the convolution or linear layer that computes x, `s = mul(u, u)`, and `±s + k`. Where
//! nothing can take the root, `u = add(x, h)` and `a·s + k`. push-scale moves a and the signs into the weights behind it, push-constant
//! k into the biases; what is left is the product. Channels with a = 0 are `b·x + c`, gathered past the product. A channel with its
//! vertex far off is `±(√|a|·x)² + (b·x + c)`, for which the layer before it computes two channels.
//!
//! **Conditions**: every element is quadratic. Far off is b²/4|a| above 64: as one square it would be that much
//! larger than what is left of it, which costs f32 more than 6 of its 24 bits, and a unit of rounding of u would count b/√|a| times, more
//! than 4 bits of a ring's fraction. Refused where a channel is and no layer of one group computes x: compact-relu then makes
//! `(a·x + b)·x + c`, which takes a product by constants more.
//!
//! **Formula**: `a·x² + b·x + c = a·(x + h)² + k` with `h = b/2a` and `k = c − b²/4a`. In double precision.
//!
//! **Source**: ours. On SPU a square sends less than a third of what a ReLU sends, and a product by secret constants as much as a square.

#[cfg(test)]
mod tests;

use crate::choice::Choice;
use crate::driver::patch::{Patch, Ref};
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::op::SliceAxis;
use crate::ir::stored::Factors;
use crate::ir::{Binary, Graph, NodeId, Op, Tensor};
use crate::masks::LayerMask;
use crate::passes::affine::{Affine, channel_constant, channels_last, fold_after, is_linear};

/// The largest b²/4|a| of a square.
const LARGEST: f64 = 64.0;

/// See the module documentation.
#[derive(Debug)]
pub struct CompleteSquare;

impl Pass for CompleteSquare {
    fn about(&self) -> About {
        About::new(
            "complete-square",
            Guarantee::Exact,
            &[Phase::Lowering],
            include_str!("complete_square.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        let (x, mask) = LayerMask::of_node(g, at).ok_or(Skip::NoMatch)?;
        if !mask.only(Choice::Quadratic) {
            return Err(Skip::NoMatch);
        }
        let channels = cx.facts.ty(at).dims.get(1).and_then(|d| d.fixed()).unwrap_or(1);
        let takes_root =
            is_linear(g, x) && !channels_last(g, cx.facts, x) && g.use_count(x) == 1 && !g.is_output(x);
        let takes_two = takes_root && !matches!(g.op(x), Op::Conv(c) if c.group != 1);
        let takes = Takes { root: takes_root, two: takes_two };
        let of = |k| Channel::of(mask.of_channel(Choice::Quadratic, k), takes).map_err(|w| (k, w));
        let all: Vec<Channel> = (0..channels)
            .map(of)
            .collect::<Result<_, _>>()
            .map_err(|(k, why)| Skip::Refused(format!("channel {k}: {why}")))?;
        let node = g.node(at);
        let layer = node.layer.as_deref();
        let base = layer.unwrap_or(&node.name);
        let before = Affine {
            scale: all.iter().map(|c| c.before[0]).collect(),
            shift: all.iter().map(|c| c.before[1]).collect(),
        };
        let two: Vec<(usize, [f64; 2])> =
            all.iter().enumerate().filter_map(|(k, c)| Some((k, c.beside?))).collect();
        let (p, u) = match (takes_root, two.is_empty()) {
            (true, true) => fold_after(g, x, &before, &g.node(x).name).ok_or(Skip::NoMatch)?,
            (true, false) => with_rows(g, x, &before, &two).ok_or(Skip::NoMatch)?,
            (false, _) => (Patch::new(), x.into()),
        };
        let mut lowering = Lowering { p, base, layer, rank: cx.facts.ty(at).rank() };
        let u = if takes_root { u } else { lowering.by(Binary::Add, "centred", u, &before.shift) };
        let y = lowering.squares(u, &all);
        let y = lowering.by(Binary::Mul, "scaled", y, &all.iter().map(|c| c.after[0]).collect::<Vec<_>>());
        let y = lowering.beside(y, u, &all);
        let y = lowering.by(Binary::Add, "lifted", y, &all.iter().map(|c| c.after[1]).collect::<Vec<_>>());
        Ok(lowering.p.replace(at, y))
    }
}

/// What the layer that computes x can do.
#[derive(Clone, Copy)]
struct Takes {
    /// Take a factor into its weights.
    root: bool,
    /// Compute a channel twice.
    two: bool,
}

/// `after[0]·(before[0]·x + before[1])² + after[1]`, or the same without the square; plus `beside[0]·x + beside[1]`.
struct Channel {
    square: bool,
    before: [f64; 2],
    after: [f64; 2],
    beside: Option<[f64; 2]>,
}

impl Channel {
    /// Of (a, b, c), with the root of a before the square or a behind it.
    fn of(p: &[f32], takes: Takes) -> Result<Channel, String> {
        let [a, b, c] = [0, 1, 2].map(|i| f64::from(p[i]));
        if a == 0.0 {
            let (before, after) = if takes.root { ([b, c], [1.0, 0.0]) } else { ([1.0, 0.0], [b, c]) };
            return Ok(Channel { square: false, before, after, beside: None });
        }
        let (h, lost, root) = (b / (2.0 * a), b * b / (4.0 * a), a.abs().sqrt());
        let far = lost.is_nan() || lost.abs() > LARGEST;
        if far && takes.two {
            let beside = Some([b, c]);
            return Ok(Channel { square: true, before: [root, 0.0], after: [a.signum(), 0.0], beside });
        }
        if far {
            return Err(format!(
                "{}·x² + {}·x + {} has b²/4a = {lost:.3e}, above {LARGEST}: as a square it would lose the digits of x",
                p[0], p[1], p[2]
            ));
        }
        let k = c - lost;
        let (before, after) =
            if takes.root { ([root, root * h], [a.signum(), k]) } else { ([1.0, h], [a, k]) };
        Ok(Channel { square: true, before, after, beside: None })
    }
}

/// The layer `x` with other rows, and more of them: copies of its rows with factors and addends of their own.
fn with_rows(g: &Graph, x: NodeId, a: &Affine, more: &[(usize, [f64; 2])]) -> Option<(Patch, Ref)> {
    let w = g.const_operand(x, 1)?;
    let old = g.const_operand(x, 2).and_then(|b| b.as_f32());
    let bias =
        |k: usize, [scale, shift]: [f64; 2]| (old.map_or(0.0, |b| f64::from(b[k])) * scale + shift) as f32;
    let (rows, each) = (a.scale.len(), w.len() / a.scale.len().max(1));
    let mut weights = w.scaled(Factors { rows: &a.scale, columns: &[] })?.as_f32()?.to_vec();
    let mut biases: Vec<f32> = (0..rows).map(|k| bias(k, [a.scale[k], a.shift[k]])).collect();
    for &(k, line) in more {
        let row = &w.as_f32()?[k * each..][..each];
        weights.extend(row.iter().map(|v| (f64::from(*v) * line[0]) as f32));
        biases.push(bias(k, line));
    }
    let mut shape = w.shape().to_vec();
    shape[0] += more.len();
    let name = &g.node(x).name;
    let mut p = Patch::new();
    let w = p.constant(format!("{name}.weight"), Tensor::f32(shape, weights));
    let b = p.constant(format!("{name}.bias"), Tensor::f32([biases.len()], biases));
    let y = p.add(name, g.op(x).clone(), &[g.operand(x, 0)?.into(), w, b]);
    Some((p, y))
}

struct Lowering<'a> {
    p: Patch,
    base: &'a str,
    layer: Option<&'a str>,
    rank: usize,
}

impl Lowering<'_> {
    fn add(&mut self, what: &str, op: Op, operands: &[Ref]) -> Ref {
        self.p.add_in_layer(format!("{}.{what}", self.base), op, operands, self.layer)
    }

    /// With one constant a channel, where it does anything.
    fn by(&mut self, op: Binary, what: &str, x: Ref, v: &[f64]) -> Ref {
        let neutral = f64::from(u8::from(op == Binary::Mul));
        if v.iter().all(|&e| e == neutral) {
            return x;
        }
        let constant = channel_constant(self.rank, v.iter().map(|&e| e as f32).collect());
        let c = self.p.constant(format!("{}.{what}.by", self.base), constant);
        self.add(what, Op::Binary(op), &[x, c])
    }

    /// The squares of the channels that are some, the others as they are.
    fn squares(&mut self, u: Ref, all: &[Channel]) -> Ref {
        let square = Op::Binary(Binary::Mul);
        let bent: Vec<i64> = (0..all.len()).filter(|&k| all[k].square).map(|k| k as i64).collect();
        if bent.is_empty() {
            return u;
        }
        if bent.len() == all.len() && all.iter().all(|c| c.beside.is_none()) {
            return self.add("square", square, &[u, u]);
        }
        let mut next = 0..;
        let mut place = |k: usize| match all[k].square {
            true => next.next().unwrap_or(0),
            false => (bent.len() + k) as i64,
        };
        let places: Vec<i64> = (0..all.len()).map(&mut place).collect();
        let index = self.p.constant(format!("{}.bent", self.base), Tensor::ints(&bent));
        let bent = self.add("bent_gathered", Op::Gather { axis: 1 }, &[u, index]);
        let squared = self.add("square", square, &[bent, bent]);
        if all.iter().all(|c| c.square) {
            return squared;
        }
        let joined = self.add("joined", Op::Concat { axis: 1 }, &[squared, u]);
        let index = self.p.constant(format!("{}.places", self.base), Tensor::ints(&places));
        self.add("placed", Op::Gather { axis: 1 }, &[joined, index])
    }

    /// With what the channels behind those of `all` hold for some of them.
    fn beside(&mut self, y: Ref, u: Ref, all: &[Channel]) -> Ref {
        let two = all.iter().filter(|c| c.beside.is_some()).count();
        if two == 0 {
            return y;
        }
        let first = SliceAxis { axis: 1, start: 0, end: 1, step: 1 };
        let first = self.add("first", Op::Slice(vec![first]), &[u]);
        let zero = self.add("zero", Op::Binary(Binary::Sub), &[first, first]);
        let lines = self.add("lines", Op::Concat { axis: 1 }, &[u, zero]);
        let mut next = all.len()..;
        let place = |c: &Channel| match c.beside {
            Some(_) => next.next().unwrap_or(0),
            None => all.len() + two,
        };
        let places: Vec<i64> = all.iter().map(place).map(|p| p as i64).collect();
        let index = self.p.constant(format!("{}.lines_index", self.base), Tensor::ints(&places));
        let lines = self.add("lines_placed", Op::Gather { axis: 1 }, &[lines, index]);
        self.add("with_lines", Op::Binary(Binary::Add), &[y, lines])
    }
}
