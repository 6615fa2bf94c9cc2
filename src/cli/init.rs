//! `relinc init`

use super::Global;
use crate::error::{Result, input};
use crate::folder::unwritable;
use crate::init::{Asked, draft};
use crate::options::{ModelOptions, ReportOptions};
use relinc_passes::files;
use relinc_runtime::data::DataSpec;
use serde_json::json;
use std::fs::symlink_metadata;
use std::path::PathBuf;

/// Options of `relinc init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The trained model
    model: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: DataSpec,
    /// The pipeline file to write; none may be there
    #[arg(short, long, value_name = "FILE", default_value = "pipeline.yaml")]
    out: PathBuf,
    #[command(flatten)]
    report: ReportOptions,
    #[command(flatten)]
    import: ModelOptions,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let fail = |why: &str| Err(input(format!("-o {}: {why}", a.out.display())));
    if symlink_metadata(&a.out).is_ok() {
        return fail("is there already; choose another name, or delete it");
    }
    if !a.out.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        return fail("a pipeline file ends with .yaml");
    }
    files::writable(&a.out).map_err(|e| unwritable(&a.out, &e))?;
    let asked = Asked {
        model: a.model,
        data: a.data,
        out: a.out.clone(),
        import: a.import,
        report: a.report,
        device: g.device(),
        seed: g.seed(),
    };
    let progress = g.progress();
    let made = draft(&asked, &progress);
    progress.finish();
    let made = made?;
    if symlink_metadata(&a.out).is_ok() {
        return fail("appeared while this was worked out; choose another name, or delete it");
    }
    files::write_atomically(&a.out, made.text.as_bytes()).map_err(|e| unwritable(&a.out, &e))?;
    let said =
        format!("{}\nwrote {}; relinc run {} does it", made.summary(), a.out.display(), a.out.display());
    g.show(&json!({"pipeline": a.out.display().to_string(), "found": made}), said)
}
