//! What can be asked of relinc, told once for every door: the command line's options and a pipeline's keys.

pub mod compile;
pub mod doors;
mod keys;
pub mod model;
pub(crate) mod text;

pub use compile::{CompileOptions, HeldOut, ReportOptions};
pub use keys::keys;
pub use model::ModelOptions;
pub use text::{Count, Interval, Points, Within};
