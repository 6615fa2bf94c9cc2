//! `relinc sweep`: one pipeline at several budgets, in one process or as jobs.

mod collect;
mod jobs;

use super::args::{BeginArgs, ShowArgs};
use super::{Global, print_report};
use crate::error::{Result, input};
use crate::folder::Begin;
use crate::jobs::SHARED;
use crate::pipeline::Pipeline;
use jobs::Sweep;
use relinc_runtime::nearest::did_you_mean;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `relinc sweep`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pipeline file; its last search stage gets the budgets
    pipeline: PathBuf,
    /// Budgets, separated by commas: 5%,10%,50k,latency=1.5s@cheetah/wan
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    budgets: Vec<String>,
    /// Output folder, with one folder a budget [default: out/NAME of the pipeline file-sweep]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    begin: BeginArgs,
    /// Run one job alone: shared (the stages before the search, which all budgets begin with) or one of the budgets
    #[arg(long, value_name = "JOB")]
    only: Option<String>,
    /// Print the budgets, one a line, and run nothing: an array of jobs runs each with --only
    #[arg(long, conflicts_with_all = ["only", "resume", "restart"])]
    list: bool,
    /// Run nothing and compare the budgets that are finished
    #[arg(long, conflicts_with_all = ["only", "resume", "restart", "list"])]
    collect: bool,
    #[command(flatten)]
    show: ShowArgs,
}

/// Runs the command. A budget that cannot be met is said and left out; the exit code is then 1.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let mut p = Pipeline::read(&a.pipeline)?;
    g.override_in(&mut p);
    let stem = a.pipeline.file_stem().unwrap_or_default().to_string_lossy();
    let out = a.out.clone().unwrap_or_else(|| Path::new("out").join(format!("{stem}-sweep")));
    let sweep = Sweep::new(p, &a.pipeline, &a.budgets, out)?;
    if a.list {
        let budgets: Vec<String> = sweep.budgets().map(ToString::to_string).collect();
        return g.show(&json!({ SHARED: sweep.shared(), "budgets": budgets }), budgets.join("\n"));
    }
    if let Some(name) = &a.only {
        return only(&sweep, name, a.begin.begin(), a.show, g);
    }
    collect::claim(&sweep, &g.progress())?;
    if !a.collect {
        sweep.check()?;
        sweep.run_all(a.begin.begin(), &g.progress())?;
    }
    collect::collect(&sweep, g)
}

/// One job.
fn only(sweep: &Sweep, name: &str, begin: Begin, show: ShowArgs, g: &Global) -> Result<()> {
    if name == SHARED || sweep.shared().iter().any(|s| s == name) {
        let dir = sweep.run_shared(begin, &g.progress())?;
        let folder = dir.map(|d| d.display().to_string());
        let said = match &folder {
            Some(f) => format!("left in {f}: {}", sweep.shared().join(", ")),
            None => "Nothing is shared: no stage comes before the search.".into(),
        };
        return g.show(&json!({ "folder": folder, "stages": sweep.shared() }), said);
    }
    let Some(i) = sweep.position(name) else {
        let texts: Vec<String> = sweep.budgets().map(ToString::to_string).collect();
        let known: Vec<&str> = texts.iter().map(String::as_str).chain([SHARED]).collect();
        let hint = did_you_mean(name, &known);
        return Err(input(format!("--only: there is no job '{name}'{hint}; choose {}", known.join(", "))));
    };
    let report = sweep.run(i, begin, &g.progress())?;
    print_report(&report, &sweep.folder(i), show, g)
}
