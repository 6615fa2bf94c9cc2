//! `relinc eval`

use super::args::ImportArgs;
use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::model::Model;
use relinc_passes::pass::Options;
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::eval;
use serde_json::json;
use std::path::PathBuf;

/// Options of `relinc eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, shapes, …
    #[arg(long, value_name = "D")]
    data: DataSpec,
    /// The part of the data
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many images [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Corrupted images (announced)
    #[arg(long)]
    corruptions: bool,
    /// Adversarial images (announced)
    #[arg(long, value_name = "ATTACK")]
    attack: Option<String>,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    if a.corruptions {
        return Err(Error::announced("--corruptions"));
    }
    if let Some(attack) = a.attack {
        return Err(Error::announced(&format!("--attack {attack}")));
    }
    if a.limit == Some(0) {
        return Err(Error::Input("--limit 0 leaves no image; give at least 1".into()));
    }
    let progress = g.progress();
    let m = Model::load(&a.model, &a.import.options()?, &Options::default(), None)?;
    let ds = a.data.open(a.split, a.limit).map_err(input)?;
    let n = a.limit.unwrap_or(ds.len());
    let found = eval::clean(&m.graph, &ds, n, &mut |i, n| progress.count("images", i, n));
    progress.finish();
    let r = found.map_err(|e| Error::Input(format!("{}: {e}", a.model.display())))?;
    if g.json {
        return print_json(&json!({
            "n": r.n, "clean": r.clean, "corrupted": null, "corrupted_by": null, "adversarial": null, "attack": null,
            "classes_predicted": r.classes_predicted, "seconds": r.seconds, "images_per_second": r.images_per_second,
            "data": a.data.to_string(), "split": a.split.name(),
        }));
    }
    print(&format!(
        "{:.2} % of {} images ({}, {}); {} classes predicted; {:.1} s, {:.0} images/s",
        r.clean, r.n, a.data, a.split.name(), r.classes_predicted, r.seconds, r.images_per_second
    ));
    Ok(())
}
