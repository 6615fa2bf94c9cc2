//! `relinc eval`

use super::args::ImportArgs;
use super::{Global, print, print_json};
use crate::compile::read_masks;
use crate::error::{Error, input};
use crate::model::Model;
use relinc_passes::files::create_atomically;
use relinc_passes::insert_masks::InsertMasks;
use relinc_passes::ir::Tensor;
use relinc_passes::npy::write_npy;
use relinc_passes::pass::Options;
use relinc_runtime::data::{DataSpec, Dataset, Split};
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
    /// Masks to put on the model's ReLUs (dense, as training sees them)
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    /// Write the network inputs as an .npy file
    #[arg(long, value_name = "FILE")]
    save_inputs: Option<PathBuf>,
    /// Write the outputs as an .npy file
    #[arg(long, value_name = "FILE")]
    save_outputs: Option<PathBuf>,
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
    let mut m = Model::load(&a.model, &a.import.options()?, &Options::default(), None)?;
    if let Some(file) = &a.masks {
        let options = Options { masks: Some(read_masks(file, &m)?), ..Options::default() };
        m.run(&InsertMasks, &options, None)?;
    }
    let ds = a.data.open(a.split, a.limit).map_err(input)?;
    let n = a.limit.unwrap_or(ds.len());
    let (mut outputs, mut shape) = (vec![], vec![]);
    let mut keep = |logits: &Tensor| {
        if a.save_outputs.is_some() {
            outputs.extend_from_slice(logits.as_f32().unwrap_or_default());
            shape = logits.shape().to_vec();
        }
    };
    let found = eval::clean_watched(&m.graph, &ds, n, &mut |i, n| progress.count("images", i, n), &mut keep);
    progress.finish();
    let named = |e: String| Error::Input(format!("{}: {e}", a.model.display()));
    let r = found.map_err(named)?;
    if let Some(d) = shape.first_mut() {
        *d = r.n;
    }
    save(&a, &m, &ds, (shape, outputs), r.n).map_err(named)?;
    if g.json {
        return print_json(&json!({
            "n": r.n, "clean": r.clean, "corrupted": null, "corrupted_by": null, "adversarial": null, "attack": null,
            "classes_predicted": r.classes_predicted, "seconds": r.seconds, "images_per_second": r.images_per_second,
            "data": a.data.to_string(), "split": a.split.name(),
        }));
    }
    print(&format!(
        "{:.2} % of {} images ({}, {}); {} classes predicted; {:.1} s, {:.0} images/s",
        r.clean,
        r.n,
        a.data,
        a.split.name(),
        r.classes_predicted,
        r.seconds,
        r.images_per_second
    ));
    Ok(())
}

/// Writes what the network was given and what it answered.
fn save(
    a: &Args,
    m: &Model,
    ds: &Dataset,
    (shape, outputs): (Vec<usize>, Vec<f32>),
    n: usize,
) -> Result<(), String> {
    let write = |path: &PathBuf, t: &Tensor| {
        create_atomically(path, |w| write_npy(w, t))
            .map_err(|e| format!("{}: cannot be written: {e}", path.display()))
    };
    if let Some(path) = &a.save_inputs {
        let (_, ty) = eval::only_input(&m.graph)?;
        write(path, &eval::feed(ds, 0..n, eval::layout(ty, ds.image_shape())?).0)?;
    }
    match &a.save_outputs {
        Some(path) => write(path, &Tensor::f32(shape, outputs)),
        None => Ok(()),
    }
}
