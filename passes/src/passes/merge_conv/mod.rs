//! Merges two linear operations in a row into one.
//!
//! **Before**: `conv(conv(x, w₁, b₁), w₂, b₂)`, `linear(reshape(conv(x, w₁, b₁)), w₂, b₂)`,
//! `linear(global_mean(conv(x, w₁, b₁)), w₂, b₂)` or `linear(linear(x, w₁, b₁), w₂, b₂)`.
//!
//! **After**: `conv(x, w, b)`, and where the second convolution pads, an exact correction of the border: the merged one
//! sees what the first would have computed in the ring outside its map, where the second read zeros. What it sees too
//! much there depends on the first and last rows and columns of x alone. So for each end of each axis a small
//! convolution over these, for each corner that two strips count twice one over their crossing, each padded with zeros
//! to the size of the map and added; and a constant map for the first's bias. For two 3×3 with padding 1: 1×5 and 5×1
//! convolutions on the outermost rows and columns, and 1×1 on the corner elements. A linear layer after a mean stays one:
//! `linear(global_mean(x), w, b)`.
//!
//! **Conditions**: all weights are constants; nothing else reads the first result. Strips that would cover the map are
//! refused, and kernels that would be wider than any position of the map can use or have more than 2²⁴ weights.
//! Different groups are merged in their common ones. Under a mean the convolution is 1×1, without stride and padding.
//! A weighed pass: more multiplications for fewer operations in a row.
//!
//! **Formula**: along each axis `w[a·s₁·d₂ + b·d₁] = Σ w₂[a]·w₁[b]`, stride `s₁·s₂`, padding before `p₁ + p₂·s₁`, bias
//! `b₂ + Σ w₂·b₁`. The correction: with R and C the rows and columns of the first result, zeros outside are
//! `1 − [r∈R][c∈C] = [r∉R] + [c∉C] − [r∉R][c∉C]` of what the merged kernel sees. Composed in double precision.
//!
//! **Source**: Dror et al., "Layer Folding" (arXiv 2106.09309), without padding between the two; the correction of the border
//! is ours, held by execution in `passes/tests/fold_random.rs`.

pub(crate) mod axis;
mod border;
mod kernel;
mod linear;
pub(crate) mod pair;

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::{NodeId, Op};
use axis::Reach;
use pair::{Pair, named};

/// See the module documentation.
#[derive(Debug)]
pub struct MergeConv;

/// Largest merged kernel, in elements.
pub(crate) const MAX_WEIGHTS: usize = 1 << 24;
/// Most multiplications to compose one.
const MAX_WORK: usize = 1 << 33;

impl Pass for MergeConv {
    fn about(&self) -> About {
        About::new("merge-conv", Guarantee::Exact, &[Phase::Lowering, Phase::Folding], include_str!("mod.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        match cx.graph.op(at) {
            Op::Conv(_) => {
                let pair = Pair::of_convs(cx, at)?;
                let mut p = Patch::new();
                let merged = border::add(cx, &pair, &mut p).map_err(Skip::Refused)?;
                Ok(p.replace(at, merged))
            }
            Op::Linear => linear::rewrite(cx, at),
            _ => Err(Skip::NoMatch),
        }
    }
}

/// The pair that ends in the convolution `at` as one convolution, the padding between the two moved to the first.
pub(crate) fn hoisted(cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
    let pair = Pair::of_convs(cx, at)?;
    let mut p = Patch::new();
    let merged = border::add_hoisted(cx, &pair, &mut p).map_err(Skip::Refused)?;
    Ok(p.replace(at, merged))
}

/// Refuses a merged kernel of absurd size.
fn fits(cx: &Cx<'_>, pair: &Pair<'_>, y: &Reach, x: &Reach) -> Result<(), String> {
    let what = || format!("{} and {}", named(cx.graph, pair.first.node), named(cx.graph, pair.second.node));
    for (axis, reach) in pair.axes.iter().zip([y, x]) {
        if reach.rows.is_none() && axis.span() >= 2 * axis.first.input {
            return Err(format!(
                "{} would make a kernel of {} taps a side, more than a map of {} can use",
                what(),
                axis.span(),
                axis.first.input
            ));
        }
    }
    let depth = pair.first.depth * pair.first.conv.group / pair.group();
    let weights = [pair.second.out, depth, y.taps, x.taps].iter().fold(1, |p: usize, &n| p.saturating_mul(n));
    if weights > MAX_WEIGHTS || kernel::work(pair, y, x) > MAX_WORK {
        return Err(format!(
            "{} would make a kernel of {weights} weights, {}×{} taps; at most {MAX_WEIGHTS} are merged",
            what(),
            y.taps,
            x.taps
        ));
    }
    Ok(())
}
