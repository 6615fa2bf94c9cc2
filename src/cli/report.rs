//! `relinc report`

use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::report;
use std::path::PathBuf;

/// Options of `relinc report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that compile or run wrote
    dir: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let r = report::read(&a.dir).map_err(input)?;
    report::render(&a.dir, &r)
        .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", a.dir.display())))?;
    if g.json {
        return print_json(&r);
    }
    print(&report::text::render(&r));
    Ok(())
}
