//! A pipeline's stages as jobs of their own: processes, perhaps on several machines, that share an output folder.
//!
//! A job runs some stages and takes what earlier ones left in `DIR/checkpoints`, bit for bit: their checkpoints, and the networks
//! that were made on the way ([`crate::training`]). Who starts the jobs, and where, is a scheduler's work.

pub mod kept;
mod lock;
mod log;
mod made;
mod part;
mod shared;

use std::path::PathBuf;

pub use lock::Lock;
pub use log::Log;
pub use made::{Made, Spec, difference, spec_of};
pub use part::{COMPILE, EVALUATE, Part};
pub use shared::{Left, SHARED, Shared};

/// What one process is to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// The stages that run in it.
    pub part: Part,
    /// Go on where an earlier job of these stages stopped.
    pub resume: bool,
    /// Another output folder, whose stages come before these.
    pub after: Option<PathBuf>,
}
