//! `relinc run`

use super::{Global, print, print_json};
use crate::compile::compile;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::report;
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
    let base = a.pipeline.parent().unwrap_or(Path::new(""));
    let stem = a.pipeline.file_stem().unwrap_or_default();
    let out = a.out.unwrap_or_else(|| Path::new("out").join(stem));
    let request = p.request(base, &out).map_err(named)?;
    let source = p.source(base).map_err(named)?;
    let plan = p.plan(base).map_err(named)?;
    let progress = g.progress();
    let result = match plan.trains() {
        true => {
            let measure = p.measure(&plan).map_err(named)?;
            train_and_compile(source, &plan, request, &measure, a.resume, &progress)
        }
        false => compile(source, &request, &progress),
    };
    progress.finish();
    let r = result?;
    if g.json {
        return print_json(&r);
    }
    print(&report::text::render(&r));
    print(&format!("\nwrote {}", out.display()));
    Ok(())
}
