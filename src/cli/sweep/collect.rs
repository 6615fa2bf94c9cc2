//! The comparison of a sweep's budgets.

use super::super::{Global, print, print_json};
use super::jobs::{Outcome, Sweep};
use crate::compile::fixed::answer;
use crate::error::{Error, input};
use crate::report::compare;
use relinc_passes::files::write_atomically;
use serde_json::json;

/// Writes `sweep.html` and `sweep.json` from what lies in the budgets' folders.
pub(super) fn collect(sweep: &Sweep, g: &Global) -> Result<(), Error> {
    let (mut dirs, mut unmet, mut missing, mut refused) = (vec![], vec![], vec![], vec![]);
    for (i, b) in sweep.budgets().enumerate() {
        match sweep.outcome(i) {
            Outcome::Done(r) => {
                dirs.push(sweep.folder(i));
                refused.extend(answer(&r).err().map(|why| format!("{b}: {why}")));
            }
            Outcome::Unmet(why) => unmet.push(why),
            Outcome::Missing => missing.push(b.to_string()),
        }
    }
    let runs = compare::runs(&dirs).map_err(input)?;
    let html = sweep.out().join("sweep.html");
    let result = json!({
        "runs": runs, "figures": compare::figures(&runs), "tradeoffs": compare::tradeoffs(&runs),
        "warnings": compare::warnings(&runs), "unmet": unmet, "missing": missing, "html": html.display().to_string(),
    });
    if !runs.is_empty() {
        let text = serde_json::to_string_pretty(&result).map_err(input)?;
        for (path, text) in [(&html, compare::render(&runs)), (&sweep.out().join("sweep.json"), text)] {
            write_atomically(path, text.as_bytes())
                .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", path.display())))?;
        }
    }
    if g.json {
        print_json(&result)?;
    } else {
        print(&compare::table(&runs));
        print(&compare::cost_table(&runs));
        if !runs.is_empty() {
            print(&html.display().to_string());
        }
    }
    if !missing.is_empty() {
        unmet.push(format!("not run yet: {}; run each with --only BUDGET", missing.join(", ")));
    }
    unmet.extend(refused);
    match unmet.is_empty() {
        true => Ok(()),
        false => Err(Error::Answer(unmet.join("\n"))),
    }
}
