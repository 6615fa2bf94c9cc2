//! relinc's graph crate: the IR and its text, the reference interpreter, the ONNX front end, the passes and the
//! back ends. Pure graph work: no training, no data sets.

pub mod affine;
pub mod architecture;
pub mod back;
pub mod choice;
pub mod files;
pub mod front;
pub mod head;
pub mod interp;
pub mod intervals;
pub mod ir;
pub mod layers;
pub mod masks;
pub mod npy;
pub mod pass;
pub mod patch;
pub mod quotient;
pub mod registry;
pub mod seal;
pub mod splitmix;
pub mod unfinished;
pub mod valid;
pub mod weigh;

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
mod sums;

pub use registry::PASSES;
