//! `relinc passes`

use super::{Global, print, print_json};
use crate::error::Error;
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
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.markdown {
        print(&documentation())?;
        return Ok(());
    }
    if g.json {
        let list: Vec<_> = PASSES
            .iter()
            .map(|p| json!({"name": p.name(), "guarantee": p.guarantee().name(), "summary": p.summary()}))
            .collect();
        return print_json(&list);
    }
    for p in PASSES {
        print(&format!("{:<22} {:<13} {}", p.name(), p.guarantee().name(), p.summary()))?;
    }
    Ok(())
}
