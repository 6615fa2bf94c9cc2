//! Options several commands share.

use crate::folder::Begin;
use clap::Args;

/// What becomes of a run that lies in the output folder.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct BeginArgs {
    /// Continue an interrupted run where its last checkpoint is; what is finished stays as it is
    #[arg(long)]
    pub resume: bool,
    /// Make a run anew that lies in the output folder; what it replaces is kept until the new one is complete
    #[arg(long, conflicts_with = "resume")]
    pub restart: bool,
}

impl BeginArgs {
    pub fn begin(self) -> Begin {
        match (self.resume, self.restart) {
            (true, _) => Begin::Resume,
            (_, true) => Begin::Restart,
            _ => Begin::Fresh,
        }
    }
}
