//! `relinc data`

use super::Global;
use crate::error::{Result, input};
use crate::folder::{Folder, Inputs};
use relinc_runtime::data::{DataSpec, export, short};
use std::path::PathBuf;

/// Options of `relinc data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data set: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    spec: DataSpec,
    /// The folder to write {train,val,test}_{images,labels}.npy to
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let progress = g.progress();
    let catalogue = a.spec.catalogue().map_err(input)?;
    let mut inputs = Inputs::default();
    inputs.data(&a.spec);
    let mut folder = Folder::output(&a.out, "data", "data", None, &progress)?;
    folder.claim(&inputs, &export::names(&a.spec), &[])?;
    progress.line(&format!("classes: {}", short(&catalogue.classes)));
    catalogue.notices.iter().for_each(|n| progress.line(n));
    let staging = folder.stage()?;
    let files = export::export(&a.spec, staging.path()).map_err(|e| staging.named(input(e)))?;
    folder.amend(staging)?;
    let list: Vec<_> =
        files.iter().map(|f| serde_json::json!({"split": f.split.name(), "images": f.images})).collect();
    let lines: Vec<String> =
        files.iter().map(|f| format!("{}: {} images", f.split.name(), f.images)).collect();
    g.show(&list, lines.join("\n"))
}
