//! A pipeline's stages as jobs of their own: processes, perhaps on several machines, that share an output folder.
//!
//! A job runs some stages and takes what earlier ones left in `DIR/checkpoints`, bit for bit: their checkpoints, and the networks
//! that were made on the way ([`crate::training`]). Who starts the jobs, and where, is a scheduler's work.

pub mod kept;
mod log;
mod made;
mod part;
mod shared;

use crate::folder::Begin;
use std::path::PathBuf;

pub use log::Log;
pub use made::{Made, Spec, difference, spec_of};
pub use part::{COMPILE, EVALUATE, Part};
pub use shared::{FOLDED, Left, SHARED, START, Shared, sensitivity};

/// What one process is to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// The stages that run in it.
    pub part: Part,
    /// What becomes of what an earlier job of these stages left.
    pub begin: Begin,
    /// Another output folder, whose stages come before these.
    pub after: Option<PathBuf>,
}
