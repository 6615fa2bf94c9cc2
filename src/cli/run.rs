//! `relinc run`

use super::{Global, print, print_json, print_lines};
use crate::compile::compile;
use crate::compile::fixed::answer;
use crate::error::Error;
use crate::jobs::{Job, Part};
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report;
use crate::report::model::Evaluation;
use crate::training::command::{Done, run as run_stages};
use crate::training::{Plan, Trained};
use relinc_runtime::train::Record;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `relinc run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pipeline file
    pipeline: PathBuf,
    /// Output folder [default: out/NAME of the pipeline file]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue an interrupted run where its last checkpoint is
    #[arg(long)]
    resume: bool,
    /// Run these stages alone, as a job: teacher, search, tune, tune2, …, evaluate, compile. What earlier ones left is taken from
    /// DIR/checkpoints, so that each may run in another process or on another machine
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Print the names of the stages, one a line, and run nothing
    #[arg(long, conflicts_with_all = ["only", "resume"])]
    list: bool,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let mut p = Pipeline::read(&a.pipeline)?;
    let named = |e: Error| match e {
        Error::Input(m) => Error::Input(format!("{}: {m}", a.pipeline.display())),
        e => e,
    };
    g.override_in(&mut p);
    let base = a.pipeline.parent().unwrap_or(Path::new(""));
    let stem = a.pipeline.file_stem().unwrap_or_default();
    let out = a.out.unwrap_or_else(|| Path::new("out").join(stem));
    if a.list {
        let names = stages(&p.plan(base).map_err(named)?).names().to_vec();
        return if g.json { print_json(&names) } else { print_lines(&names) };
    }
    match execute(&p, base, &out, &How { only: &a.only, resume: a.resume, after: None }, &g.progress())
        .map_err(named)?
    {
        Done::Compiled(r) => {
            if g.json {
                print_json(&r)?;
            } else {
                print(&report::text::render(&r));
                print(&format!("\nwrote {}", out.display()));
            }
            answer(&r)
        }
        Done::Stages { trained, evaluations } => {
            let last = last_epochs(&trained);
            if g.json {
                return print_json(&json!({
                    "folder": out.display().to_string(), "stages": a.only, "relus": trained.masks.as_ref().map(|m| m.kept()),
                    "last_epochs": last, "evaluations": evaluations,
                }));
            }
            for e in last.iter().filter(|e| a.only.contains(&e.stage)) {
                print(&format!("{}: epoch {} of {}, {} ReLUs", e.stage, e.epoch, e.epochs, e.kept));
            }
            evaluations.iter().flatten().for_each(|e| print(&accuracies(e)));
            print(&format!("left in {}: {}", out.join("checkpoints").display(), a.only.join(", ")));
            Ok(())
        }
    }
}

/// The log's last line of each stage.
fn last_epochs(t: &Trained) -> Vec<&Record> {
    let last = |i: usize| t.records.get(i + 1).is_none_or(|next| next.stage != t.records[i].stage);
    (0..t.records.len()).filter(|&i| last(i)).map(|i| &t.records[i]).collect()
}

/// What was measured of one network.
fn accuracies(e: &Evaluation) -> String {
    let s = &e.scores;
    let all = [
        ("clean", s.clean),
        ("corrupted", s.corrupted),
        ("attacked", s.adversarial),
        ("attacked through BN_c", s.adversarial_clean_bn),
    ];
    let said: Vec<String> =
        all.iter().filter_map(|(what, v)| v.map(|v| format!("{what} {v:.2} %"))).collect();
    let by = e.attack.as_ref().map_or(String::new(), |a| format!(" ({a})"));
    format!("{}: {}{by}", e.what, said.join(", "))
}

/// The stages of a plan; one that trains nothing is compiled in one.
fn stages(plan: &Plan) -> Part {
    match plan.trains() {
        true => Part::whole(plan.names()),
        false => Part::compiling(),
    }
}

/// How a pipeline is run.
pub(super) struct How<'a> {
    /// These stages alone; all where there are none.
    pub only: &'a [String],
    /// Go on with what was interrupted.
    pub resume: bool,
    /// An output folder with the stages before them.
    pub after: Option<&'a Path>,
}

/// Runs a pipeline into a folder, all of it or some stages; relative paths in it are relative to `base`.
pub(super) fn execute(
    p: &Pipeline,
    base: &Path,
    out: &Path,
    how: &How<'_>,
    progress: &Progress,
) -> Result<Done, Error> {
    let request = p.request(base, out)?;
    let source = p.source(base)?;
    let plan = p.plan(base)?;
    let part = match how.only {
        [] => stages(&plan),
        only => stages(&plan).only(only)?,
    };
    let job = Job { part, resume: how.resume, after: how.after.map(Path::to_path_buf) };
    let result = match plan.trains() {
        true => run_stages(source, &plan, request, &p.measure(&plan)?, &job, progress),
        false => compile(source, &request, progress).map(|r| Done::Compiled(Box::new(r))),
    };
    progress.finish();
    result
}
