//! `relinc data`

use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::folder::{Folder, Inputs};
use relinc_runtime::data::{DataSpec, export};
use std::path::PathBuf;

/// Options of `relinc data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data set: shapes, cifar10:DIR, …
    spec: DataSpec,
    /// The folder to write {train,val,test}_{images,labels}.npy to
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let mut inputs = Inputs::default();
    inputs.data(&a.spec);
    let mut folder = Folder::output(&a.out, "data", "data", None, &g.progress())?;
    folder.claim(&inputs, &export::names(&a.spec), &[])?;
    let staging = folder.stage()?;
    let files = export::export(&a.spec, staging.path()).map_err(|e| staging.named(input(e)))?;
    folder.amend(staging)?;
    if g.json {
        let list: Vec<_> =
            files.iter().map(|f| serde_json::json!({"split": f.split.name(), "images": f.images})).collect();
        return print_json(&list);
    }
    for f in files {
        print(&format!("{}: {} images", f.split.name(), f.images))?;
    }
    Ok(())
}
