//! `relinc report`

use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::report::{self, compare};
use relinc_passes::files::write_atomically;
use serde_json::json;
use std::path::PathBuf;

/// Options of `relinc report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that compile or run wrote; several with --compare
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Plot the accuracy of several runs against their ReLUs
    #[arg(long)]
    compare: bool,
    /// Where --compare writes its page
    #[arg(short, long, value_name = "FILE", default_value = "compare.html", requires = "compare")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.compare {
        return side_by_side(&a, g);
    }
    let [dir] = a.dirs.as_slice() else {
        return Err(Error::Input("several folders need --compare".into()));
    };
    let r = report::read(dir).map_err(input)?;
    report::render(dir, &r).map_err(input)?;
    if g.json {
        return print_json(&r);
    }
    print(&report::text::render(&r))
}

fn side_by_side(a: &Args, g: &Global) -> Result<(), Error> {
    let runs = compare::runs(&a.dirs).map_err(input)?;
    write_atomically(&a.out, compare::render(&runs).as_bytes())
        .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", a.out.display())))?;
    if g.json {
        return print_json(&json!({
            "runs": runs, "figures": compare::figures(&runs), "tradeoffs": compare::tradeoffs(&runs),
            "warnings": compare::warnings(&runs), "alarms": compare::alarms(&runs),
            "html": a.out.display().to_string(),
        }));
    }
    print(&format!("{}{}\n{}", compare::table(&runs), compare::cost_table(&runs), a.out.display()))
}
