//! The one table of passes.

use crate::driver::Pass;
use crate::passes::canonicalise::Canonicalise;
use crate::passes::commute_relu_maxpool::CommuteReluMaxpool;
use crate::passes::compact_relu::CompactRelu;
use crate::passes::drop_dead::DropDead;
use crate::passes::drop_linearized_relu::DropLinearizedRelu;
use crate::passes::drop_redundant_relu::DropRedundantRelu;
use crate::passes::drop_softmax::DropSoftmax;
use crate::passes::fold_batch_norm::FoldBatchNorm;
use crate::passes::fold_scale_and_bias::FoldScaleAndBias;
use crate::passes::hoist_padding::HoistPadding;
use crate::passes::insert_masks::InsertMasks;
use crate::passes::merge_branches::MergeBranches;
use crate::passes::merge_conv::MergeConv;
use crate::passes::merge_hoisted::MergeHoisted;
use crate::passes::normalise_ranges::NormaliseRanges;
use crate::passes::push_scale::PushScale;
use crate::passes::split_batch_norm::SplitBatchNorm;
use crate::passes::stable_sign::StableSign;

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
    // What the folds left of the scales. When lowering, not before: layers are named by then, and a network whose scales
    // have moved is another one to an optimizer.
    &PushScale,
    // Masks go on the canonical layers; nothing before this changes the function.
    &InsertMasks,
    // Under the masks: whether an operand can be negative depends on them.
    &DropRedundantRelu,
    // On the masks that were given, before they are lowered.
    &StableSign,
    // Whole layers first, so that compaction never sees them.
    &DropLinearizedRelu,
    // A pair without padding in the middle needs no correction. Neither of the two is part of lowering: they make another
    // network, to be tuned.
    &HoistPadding,
    &MergeHoisted,
    // Where a ReLU is gone. The two feed each other: see `folding`.
    &MergeConv,
    &MergeBranches,
    &CompactRelu,
    // After lowering: ranges are measured on the graph that is emitted.
    &NormaliseRanges,
    // Last: what the others left unread.
    &DropDead,
];

/// The pass of this name.
pub fn find(name: &str) -> Option<&'static dyn Pass> {
    PASSES.iter().copied().find(|p| p.name() == name)
}

/// The passes that bring any import to the canonical, unmasked form that `inspect` counts.
pub fn normalising() -> impl Iterator<Item = &'static dyn Pass> {
    PASSES.iter().copied().filter(|p| {
        !matches!(
            p.name(),
            "drop-softmax"
                | "push-scale"
                | "insert-masks"
                | "drop-redundant-relu"
                | "stable-sign"
                | "drop-linearized-relu"
                | "hoist-padding"
                | "merge-hoisted"
                | "merge-conv"
                | "merge-branches"
                | "compact-relu"
                | "normalise-ranges"
        )
    })
}

/// The passes that lower a canonical graph with named layers and its head: the head, scales, then masks.
pub fn masking() -> impl Iterator<Item = &'static dyn Pass> {
    [
        "drop-softmax",
        "push-scale",
        "insert-masks",
        "drop-redundant-relu",
        "stable-sign",
        "drop-linearized-relu",
        "merge-conv",
        "merge-branches",
        "compact-relu",
        "fold-scale-and-bias",
        "drop-dead",
    ]
    .into_iter()
    .filter_map(find)
}

/// What follows every merge before its cost is looked at.
pub fn settling() -> impl Iterator<Item = &'static dyn Pass> {
    ["fold-scale-and-bias", "drop-dead"].into_iter().filter_map(find)
}

/// The weighed passes that make room for each other: a merged block is one convolution, which the next one may take in.
/// To be run in turn until none rewrites.
pub fn folding() -> impl Iterator<Item = &'static dyn Pass> {
    ["merge-conv", "merge-branches"].into_iter().filter_map(find)
}

/// The weighed passes that fold a network before it is tuned, in turn.
pub fn folding_before_tuning() -> impl Iterator<Item = &'static dyn Pass> {
    ["merge-hoisted", "merge-branches"].into_iter().filter_map(find)
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
