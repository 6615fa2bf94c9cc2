//! The comparison of a sweep's budgets.

use super::super::{Global, print, print_json};
use super::jobs::{Outcome, Sweep};
use crate::compile::fixed::answer;
use crate::compile::tails;
use crate::error::{Error, Result, input};
use crate::folder::{self, Folder};
use crate::progress::Progress;
use crate::report::compare;
use serde_json::json;

/// What a comparison is written to.
const FILES: [&str; 2] = ["sweep.html", "sweep.json"];

/// Refuses files that are in the way of the comparison, before any budget is run.
pub(super) fn claim(sweep: &Sweep, progress: &Progress) -> Result<()> {
    open(sweep, progress).map(drop)
}

fn open(sweep: &Sweep, progress: &Progress) -> Result<Folder> {
    let mut folder = Folder::open(sweep.out(), "sweep", "comparing budgets", progress)?;
    folder.claim(&sweep.inputs()?, &FILES.map(String::from), &[])?;
    Ok(folder)
}

/// Writes `sweep.html` and `sweep.json` from what lies in the budgets' folders.
pub(super) fn collect(sweep: &Sweep, g: &Global) -> Result<()> {
    let (mut dirs, mut unmet, mut missing) = (vec![], vec![], vec![]);
    for (i, b) in sweep.budgets().enumerate() {
        match sweep.outcome(i)? {
            Outcome::Done => dirs.push(sweep.folder(i)),
            Outcome::Unmet(why) => unmet.push(why),
            Outcome::Missing => missing.push(b.to_string()),
        }
    }
    let mut folder = open(sweep, &g.progress())?;
    let runs = compare::runs(&dirs)?;
    let html = sweep.out().join(FILES[0]);
    let result = json!({
        "runs": runs, "figures": compare::figures(&runs), "tradeoffs": compare::tradeoffs(&runs), "kinds": compare::kinds(&runs),
        "warnings": compare::warnings(&runs), "alarms": compare::alarms(&runs), "unmet": unmet, "missing": missing, "html": html.display().to_string(),
    });
    if !runs.is_empty() {
        let text = serde_json::to_string_pretty(&result).map_err(input)?;
        let staging = folder.stage()?;
        for (name, text) in FILES.iter().zip([compare::render(&runs), text]) {
            folder::write(&staging.path().join(name), text)?;
        }
        folder.amend(staging)?;
    }
    drop(folder);
    if g.json {
        print_json(&result)?;
    } else {
        print(&compare::table(&runs))?;
        print(&compare::cost_table(&runs))?;
        print(&compare::kinds_table(&runs))?;
        if !runs.is_empty() {
            print(&html.display().to_string())?;
        }
    }
    if !missing.is_empty() {
        unmet.push(format!("not run yet: {}; run each with --only BUDGET", missing.join(", ")));
    }
    for dir in &dirs {
        let r = crate::report::read(dir)?;
        let fixed = answer(&r).err().map(|e| e.to_string());
        let no = [crate::report::fell_too_far(&r), fixed, tails::answer(&r)];
        unmet.extend(no.into_iter().flatten().map(|why| format!("{}: {why}", dir.display())));
    }
    if unmet.is_empty() { Ok(()) } else { Err(Error::Answer(unmet.join("\n"))) }
}
