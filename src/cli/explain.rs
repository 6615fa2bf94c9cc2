//! `relinc explain`

use super::Global;
use crate::error::Result;
use crate::explain::{layer, word};
use crate::report;
use std::path::PathBuf;

/// Options of `relinc explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A pass (merge-conv), a protocol (cheetah), an attack (auto), the code of an error (R301) or, with --in, a ReLU layer (relu03)
    what: String,
    /// An output folder: what became of the layer there, why, and what it costs
    #[arg(long = "in", value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let found = match &a.folder {
        Some(dir) => layer(&a.what, &report::read(dir)?, dir)?,
        None => word(&a.what)?,
    };
    g.show(&found.json, found.text)
}
