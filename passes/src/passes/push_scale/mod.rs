//! Moves multiplications by one constant a channel through ReLU, pooling, means and additions into the weights of a
//! convolution or linear layer.
//!
//! **Before**: `relu(add(mul(x, s), t))` read by convolutions: a pre-activation batch normalisation whose x is read
//! elsewhere, too. Also `div`, and the 1/n in `global_mean` and `reduce {kind=mean}`.
//!
//! **After**: `relu(add(x, t/s))`, and convolutions with weights `w·s[i]`. A mean becomes a sum. So no product of
//! elements and no truncation is left; the addition of a constant sends nothing. ReLU layers stay as they are.
//!
//! **Conditions**: constants are one a channel. Every value that ReLU, pooling, sums, concatenation and moves join to the
//! result (or, if those cannot, to the operand) gets the same scale until weights or another constant take it; the pass
//! refuses where a model's input or output or an operation that does not commute with a scale is among them. A negative
//! factor turns the sign of the operand's channel where its producers can; otherwise the channel is read from −x, and a
//! zero one from x − x, by a gather that sends nothing. Refused, too, where a constant would grow above 2^8 (below
//! −2^16), or values more than 2^8 times: rings have few bits.
//!
//! **Formula**: `s > 0: relu(s·x + t) = s·relu(x + t/s)`; `s < 0: = |s|·relu(−x + t/|s|)`; zero padding commutes with
//! scales. Masked elements, too: `s·x + t = s·(x + t/s)`, so masks and slopes hold as they are; quadratic elements let no scale through. `mean(x) = sum(x)/n`.
//! In double precision.
//!
//! **Source**: positive homogeneity of ReLU, as in cross-layer equalisation (Nagel et al., arXiv 1906.04721).

mod classes;
mod rebuild;
#[cfg(test)]
mod tests;

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::op::ReduceKind;
use crate::ir::{Binary, NodeId, Op};
use crate::passes::affine::Affine;
use classes::Classes;
use std::collections::HashMap;
use std::rc::Rc;

/// See the module documentation.
#[derive(Debug)]
pub struct PushScale;

impl Pass for PushScale {
    fn about(&self) -> About {
        About::new("push-scale", Guarantee::Exact, &[Phase::Lowering], include_str!("mod.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let scale = Scale::of(cx, at).ok_or(Skip::NoMatch)?;
        // A product by constants relates nothing, so the same classes serve all of them.
        let classes = match classes::is_product(cx.graph, cx.facts, at) {
            true => cx.analysis(|| Classes::of(cx.graph, cx.facts, None)),
            false => Rc::new(Classes::of(cx.graph, cx.facts, Some(at))),
        };
        let change = solve(&classes, &scale, at).map_err(Skip::Refused)?;
        rebuild::patch(cx, at, &scale, &classes, &change).map_err(Skip::Refused)
    }
}

/// `y = factor·x` a channel.
#[derive(Debug)]
struct Scale {
    x: NodeId,
    factor: Vec<f64>,
    /// The sum that is left of a mean.
    sum: Option<Op>,
}

impl Scale {
    fn of(cx: &Cx<'_>, at: NodeId) -> Option<Scale> {
        let (g, facts) = (cx.graph, cx.facts);
        let x = g.operand(at, 0)?;
        let ty = facts.ty(x);
        let mean = |axes: Vec<usize>, keep: bool| {
            let n: usize = axes.iter().map(|&a| ty.at(1)[a]).product();
            let fits = n > 1 && axes.iter().all(|&a| a >= 2) && g.const_of(x).is_none();
            let factor = vec![1.0 / n as f64; classes::channels(ty)];
            fits.then_some(Scale { x, factor, sum: Some(Op::Reduce { kind: ReduceKind::Sum, axes, keep }) })
        };
        match g.op(at) {
            Op::Binary(Binary::Mul | Binary::Div) => {
                let (a, x) = Affine::of_binary(g, facts, at)?;
                Some(Scale { x, factor: a.scale, sum: None })
            }
            Op::GlobalMean { keep } => mean((2..ty.rank()).collect(), *keep),
            Op::Reduce { kind: ReduceKind::Mean, axes, keep } => mean(axes.clone(), *keep),
            _ => None,
        }
    }
}

/// The new scales: every value of a class is its old one divided by the class's factor.
#[derive(Debug, Default)]
struct Change {
    factor: HashMap<usize, f64>,
    /// What is left of the product a channel: 1, −1 or 0.
    rest: Vec<i8>,
}

impl Change {
    fn of(&self, class: Option<usize>) -> f64 {
        class.and_then(|c| self.factor.get(&c)).copied().unwrap_or(1.0)
    }
}

fn solve(classes: &Classes, s: &Scale, at: NodeId) -> Result<Change, String> {
    let mut change = Change::default();
    let pairs: Vec<(usize, usize)> = (0..s.factor.len())
        .map(|k| Some((classes.class(s.x, k)?, classes.class(at, k)?)))
        .collect::<Option<_>>()
        .ok_or("its operand has no channels")?;
    let free = |c: usize| classes.pinned(c).is_none();
    for (&c, &(a, b)) in s.factor.iter().zip(&pairs) {
        if c == 0.0 || a == b {
            continue;
        }
        let mut put = |class, f| {
            change.factor.entry(class).or_insert(f);
        };
        if free(b) {
            let turns = classes.positive(b);
            put(b, if turns { c.abs() } else { c });
            if turns && c < 0.0 && free(a) && !classes.positive(a) {
                put(a, -1.0);
            }
        } else if free(a) {
            put(a, if classes.positive(a) { 1.0 / c.abs() } else { 1.0 / c });
        }
    }
    for (k, (&c, &(a, b))) in s.factor.iter().zip(&pairs).enumerate() {
        let rest = c * change.of(Some(a)) / change.of(Some(b));
        if c != 0.0 && (rest.abs() - 1.0).abs() > 1e-9 {
            return Err(match (classes.pinned(a), classes.pinned(b)) {
                (Some(before), Some(after)) => {
                    format!("nothing can take its scale: before it {before}, after it {after}")
                }
                _ if a == b => format!("its operand and its result must have one scale (channel {k})"),
                _ => format!("channel {k} must have the scale of another channel"),
            });
        }
        change.rest.push(if c == 0.0 { 0 } else { rest.signum() as i8 });
    }
    Ok(change)
}
