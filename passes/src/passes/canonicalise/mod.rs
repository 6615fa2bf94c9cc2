//! Brings what different exporters write for the same network to one form.
//!
//! **Before / After** (one line a rule; the first that matches is applied, until none does):
//!
//! - `identity(x)`, `dropout(x)`, a cast to the same type, a reshape, expand, transpose, pad or slice that changes
//!   nothing, a concat of one → `x`
//! - any operation on constants only → the constant it computes; integers that follow from shapes → a constant
//! - `dyn.reshape(x, shape)`, `dyn.pad(x, amounts)`, … → the static operation
//! - `clip(x) {min=0}`, `max(x, 0)`, `where(x > 0, x, 0)`, `where(x < 0, 0, x)`, `x·(x > 0)`, `x·(1 − (x ≤ 0))`, `(x + |x|)/2`,
//!   `x − min(x, 0)` → `relu(x)`; the zeros may have any shape that does not widen x, and `x − x` is such; `where(x < 0, x, 0)` → `min(x, 0)`
//! - `max(k·x, l·x)`, `min(k·x, l·x)`, `−min(k·x, l·x)`, `where(x > 0, k·x, l·x)` with numbers k and l, which 0, x and −x have
//!   too → `below·x + (above − below)·relu(x)` with the slopes above and below 0
//! - `where(x < y, x, y)` → `min(x, y)`, and the like of `max`; a second ReLU of one value → the first; `relu(−x)` beside
//!   `relu(x)` → `relu(x) − x`
//! - a clip of a clip → the operand where that is within the bounds, else one clip to the bounds of both
//! - `clip(x) {min=0, max=c}`, `min(relu(x), c)`, `relu(min(x, c))` → `capped_relu(x) {cap=c}`, but not where it is a gate: it
//!   ends the model, opens the channels of a larger map, or is the hard sigmoid of an operand moved by c/2 and multiplies
//! - `min(relu(x), c)`, `relu(min(x, c))` with caps c of channels, the largest being c₀ → `c/c₀ · clip(c₀/c·x) {min=0, max=c₀}`;
//!   `relu(x) − relu(x − c)` → `min(relu(x), c)`; `clip(x − a) {min, max} + a` → `clip(x) {min+a, max+a}`; `√(x·x)` → `|x|`
//! - `where(x > 0, x, s·x)`, `max(x, s·x)` with slopes s from 0 to 1 of channels → as `prelu`
//! - `leaky_relu(x)`, `prelu(x, s)` → `s·x + (1−s)·relu(x)`, so that the ReLU in it can be masked
//! - `silu(x)`, `hard_swish(x)`, `hard_sigmoid(x)` → `x·sigmoid(x)`, `x·clip(x/6 + ½)`, `clip(x/6 + ½)`
//! - `gemm(x, w, b)`, `matmul(x, w)` with constant `w` → `linear`; `add(linear, b)` → `linear` with bias
//! - `exp(x) / sum(exp(x))`, `x − log(sum(exp(x)))`, `1 / (1 + exp(−x))`, `log(1 + exp(x))` → `softmax`, `log_softmax`,
//!   `sigmoid`, `softplus`
//! - a mean over all spatial axes by `reduce` or by an average pool as large as the map → `global_mean`, and a reshape
//!   or reduction to `[N,C]` after it is taken in; a maximum over a whole map → `max_pool`
//! - a transpose sinks below elementwise operations, concat and pad, meets its inverse and both vanish; below a
//!   flattening reshape it becomes a permutation of the next linear layer's weights
//! - the row of a map `[N,C,1,L]` as a signal `[N,C,L]` sinks below elementwise operations, concat and mean, so that layers of
//!   signals meet as layers of maps do
//! - reshape of a reshape → one reshape; constants stand on the right of commutative operations
//!
//! **Conditions**: an average pool counts as a global mean only without padding and when it covers the whole map;
//! a gemm becomes a linear layer only when B is a constant and A is not transposed; rules that would duplicate work ask
//! for a sole user.
//!
//! **Formula**: every rule is an identity of real arithmetic; the numbers agree up to rounding.
//!
//! **Source**: the exporters' habits listed with the import tests in `passes/tests/import`.

mod caps;
mod fold;
mod gates;
mod linear;
mod mean;
mod rectifier;
mod relu;
mod signal;
mod softmax;
mod transpose;
mod trivial;

pub use gates::{hard_sigmoid_of, is_gated};

use crate::driver::patch::Patch;
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::NodeId;

/// See the module documentation.
#[derive(Debug)]
pub struct Canonicalise;

type Rule = fn(&Cx<'_>, NodeId) -> Result<Patch, Skip>;

const RULES: &[Rule] = &[
    trivial::rewrite,
    fold::rewrite,
    relu::rewrite,
    caps::rewrite,
    gates::rewrite,
    softmax::rewrite,
    linear::rewrite,
    mean::rewrite,
    signal::rewrite,
    transpose::rewrite,
];

impl Pass for Canonicalise {
    fn about(&self) -> About {
        About::new(
            "canonicalise",
            Guarantee::Exact,
            &[Phase::Canonical, Phase::Trainable],
            include_str!("mod.rs"),
        )
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        RULES.iter().map(|r| r(cx, at)).find(|r| *r != Err(Skip::NoMatch)).unwrap_or(Err(Skip::NoMatch))
    }
}
