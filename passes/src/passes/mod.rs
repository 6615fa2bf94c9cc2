//! The passes, one file or folder each, what several of them ask of a graph, and the one table of them.

pub mod affine;
pub mod intervals;
pub(crate) mod masked;
pub(crate) mod sums;

pub mod canonicalise;
pub mod commute_relu_maxpool;
pub mod compact_relu;
pub mod complete_square;
pub mod drop_dead;
pub mod drop_linearized_relu;
pub mod drop_redundant_relu;
pub mod drop_softmax;
pub mod fold_batch_norm;
pub mod fold_scale_and_bias;
pub mod insert_masks;
pub mod merge_branches;
pub mod merge_conv;
pub mod merge_hoisted;
pub mod normalise_ranges;
pub mod push_constant;
pub mod push_scale;
pub mod split_batch_norm;
pub mod stable_sign;

use crate::back::simple::SimpleForm;
use crate::driver::{Options, Pass, PassError, Phase, run};
use crate::ir::Graph;
use crate::masks::Masks;
use canonicalise::Canonicalise;
use commute_relu_maxpool::CommuteReluMaxpool;
use compact_relu::CompactRelu;
use complete_square::CompleteSquare;
use drop_dead::DropDead;
use drop_linearized_relu::DropLinearizedRelu;
use drop_redundant_relu::DropRedundantRelu;
use drop_softmax::DropSoftmax;
use fold_batch_norm::FoldBatchNorm;
use fold_scale_and_bias::FoldScaleAndBias;
use insert_masks::InsertMasks;
use merge_branches::MergeBranches;
use merge_conv::MergeConv;
use merge_hoisted::MergeHoisted;
use normalise_ranges::NormaliseRanges;
use push_constant::PushConstant;
use push_scale::PushScale;
use split_batch_norm::SplitBatchNorm;
use stable_sign::{Signs, StableSign};
use std::collections::BTreeMap;

/// Every pass, in the order `compile` runs them.
pub static PASSES: &[&dyn Pass] = &[
    // One form for all exporters: every later pattern is written against it.
    &Canonicalise,
    // Before layers are named and masked: it changes how many ReLUs there are.
    &CommuteReluMaxpool,
    // Whole normalisations first: they know both their scale and their shift.
    &FoldBatchNorm,
    // What could not be folded becomes mul and add, which the next pass may still fold apart.
    &SplitBatchNorm,
    // After every source of per-channel constants but the masks' slopes.
    &FoldScaleAndBias,
    // On the whole network. What comes before works on its logits, so that a linear layer under a softmax is the end there.
    &DropSoftmax,
    // Masks go on the canonical layers; nothing before this changes the function.
    &InsertMasks(Masks { layers: BTreeMap::new(), model_sha256: None, budget: None }),
    // Under the masks: whether an operand can be negative depends on them.
    &DropRedundantRelu,
    // On the masks that were given, before they are lowered.
    &StableSign(Signs { layers: BTreeMap::new() }),
    // Whole layers first, so that compaction never sees them.
    &DropLinearizedRelu,
    // Before scales are pushed: it makes some.
    &CompleteSquare,
    // What the folds left of the scales. When lowering, not before: layers are named by then, and a network whose scales
    // have moved is another one to an optimizer. Under the masks, for a scale does not go through a quadratic element.
    &PushScale,
    // Not part of lowering: it makes another network, to be tuned.
    &MergeHoisted,
    // Where a ReLU is gone. The two feed each other: see [`Phase::Folding`].
    &MergeConv,
    &MergeBranches,
    &CompactRelu,
    // After merges, which an addition between two convolutions would stop.
    &PushConstant,
    // After lowering: ranges are measured on the graph that is emitted.
    &NormaliseRanges(None),
    // Last: what the others left unread.
    &DropDead,
    // In the back ends of CrypTen and MP-SPDZ.
    &SimpleForm,
];

/// The pass of this name; an opt-in one has no data.
pub fn find(name: &str) -> Option<&'static dyn Pass> {
    PASSES.iter().copied().find(|p| p.name() == name)
}

/// The passes of a phase that options ask for, in the order of [`PASSES`].
pub fn of(phase: Phase, options: &Options) -> impl Iterator<Item = &dyn Pass> {
    PASSES.iter().filter(move |p| p.about().phases.contains(&phase)).filter_map(|p| options.instance(*p))
}

/// Runs the passes of a phase, one after the other.
///
/// # Errors
/// A bug in one of them.
pub fn run_all(phase: Phase, g: &mut Graph, options: &Options) -> Result<(), PassError> {
    of(phase, options).try_for_each(|p| run(p, g, options).map(drop))
}

/// All pass documentation as one Markdown text: `docs/passes.md`.
pub fn documentation() -> String {
    let mut s = String::from(
        "# Passes\n\nGenerated from the doc comments in `passes/src` by `relinc passes --markdown`; do not edit.\n\
         In the order `compile` runs them.\n",
    );
    for p in PASSES {
        s += &format!("\n## {}\n\nGuarantee: {}.\n\n{}\n", p.name(), p.guarantee().name(), p.doc());
    }
    s
}
