//! The passes, one file or folder each, and what several of them ask of a graph.

pub mod affine;
pub mod intervals;
pub(crate) mod sums;

pub mod canonicalise;
pub mod commute_relu_maxpool;
pub mod compact_relu;
pub mod drop_dead;
pub mod drop_linearized_relu;
pub mod drop_redundant_relu;
pub mod drop_softmax;
pub mod fold_batch_norm;
pub mod fold_scale_and_bias;
pub mod hoist_padding;
pub mod insert_masks;
pub mod merge_branches;
pub mod merge_conv;
pub mod merge_hoisted;
pub mod normalise_ranges;
pub mod push_scale;
pub mod split_batch_norm;
pub mod stable_sign;
