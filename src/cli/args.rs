//! Options several commands share.

use crate::compile::Search;
use crate::error::{Result, input};
use crate::folder::Begin;
use crate::jobs::spec_of;
use crate::training::spec::{MaskOptions, StageOptions};
use clap::Args;
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::train::Method;

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

/// How a compilation is shown.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "What is printed")]
pub struct ShowArgs {
    /// Print the whole report instead of its twelve most telling lines
    #[arg(long)]
    pub full: bool,
    /// Open report.html in the browser
    #[arg(long)]
    pub open: bool,
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

/// The search of a budget that trains nothing, one-shot where no method is named.
pub fn untrained(found: &MaskOptions, budget: &Budget, device: DeviceSpec) -> Result<Search> {
    let mut masks = found.clone();
    masks.method.get_or_insert_with(|| Method::Oneshot.name().into());
    Search::new(StageOptions { masks, ..StageOptions::default() }, budget.clone(), device)
}

/// Refuses what says how masks are found where none are; `add` is the option that would find some.
pub fn finds_nothing(found: &MaskOptions, add: &str) -> Result<()> {
    match spec_of(found)?.keys().next() {
        Some(option) => Err(input(format!(
            "--{}: says how masks are found for a budget; add {add}, or leave it out",
            option.replace('_', "-")
        ))),
        None => Ok(()),
    }
}
