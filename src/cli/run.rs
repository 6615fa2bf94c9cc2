//! `relinc run`

use super::{Global, print, print_json};
use crate::compile::compile;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report;
use crate::report::Report;
use crate::training::command::train_and_compile;
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
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let mut p = Pipeline::read(&a.pipeline)?;
    let named = |e: Error| match e {
        Error::Input(m) => Error::Input(format!("{}: {m}", a.pipeline.display())),
        e => e,
    };
    p.seed = g.seed.unwrap_or(p.seed);
    if let Some(d) = &g.device {
        p.device = Some(d.to_string());
    }
    let base = a.pipeline.parent().unwrap_or(Path::new(""));
    let stem = a.pipeline.file_stem().unwrap_or_default();
    let out = a.out.unwrap_or_else(|| Path::new("out").join(stem));
    let r = execute(&p, base, &out, a.resume, &g.progress()).map_err(named)?;
    if g.json {
        return print_json(&r);
    }
    print(&report::text::render(&r));
    print(&format!("\nwrote {}", out.display()));
    Ok(())
}

/// Runs a pipeline into a folder; relative paths in it are relative to `base`.
pub(super) fn execute(
    p: &Pipeline,
    base: &Path,
    out: &Path,
    resume: bool,
    progress: &Progress,
) -> Result<Report, Error> {
    let request = p.request(base, out)?;
    let source = p.source(base)?;
    let plan = p.plan(base)?;
    let result = match plan.trains() {
        true => train_and_compile(source, &plan, request, &p.measure(&plan)?, resume, progress),
        false => compile(source, &request, progress),
    };
    progress.finish();
    result
}
