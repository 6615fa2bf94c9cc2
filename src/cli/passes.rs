//! `relinc passes`

use super::{Global, print};
use crate::error::Result;
use relinc_passes::driver::Pass;
use relinc_passes::passes::{PASSES, documentation};
use serde_json::json;

/// Options of `relinc passes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The full documentation, docs/passes.md
    #[arg(long)]
    markdown: bool,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if a.markdown {
        return print(&documentation());
    }
    let list: Vec<_> = PASSES
        .iter()
        .map(|p| json!({"name": p.name(), "guarantee": p.guarantee().name(), "summary": p.summary()}))
        .collect();
    let line = |p: &&dyn Pass| format!("{:<22} {:<13} {}\n", p.name(), p.guarantee().name(), p.summary());
    g.show(&list, PASSES.iter().map(line).collect::<String>())
}
