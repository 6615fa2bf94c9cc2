//! `relinc verify`

use super::Global;
use super::fixed_point::{self, FixedArgs};
use crate::compile::Target;
use crate::error::{Error, Result, input};
use crate::folder::{self, Inputs, Single, SingleKind};
use crate::images::Images;
use crate::model::{Model, import_second};
use crate::options::ModelOptions;
use crate::probe::{max_abs_difference, range};
use relinc_passes::front::onnx::{ImportOptions, Imported, Need, import};
use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks::{self, Masks};
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::eval;
use relinc_runtime::eval::of_one_image;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `relinc verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One model
    pub a: PathBuf,
    /// The other; with --fixed-point it may be a folder that compile wrote, or absent
    pub b: Option<PathBuf>,
    /// Images to run both on: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D", conflicts_with = "random")]
    data: Option<DataSpec>,
    /// The part of the data
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many images
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Run both on N pseudo-random inputs [default: 16, without --data]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    random: Option<u64>,
    /// Largest difference that counts as equal, as a share of the outputs' range
    #[arg(long, value_name = "T", default_value_t = 1e-4)]
    pub tolerance: f64,
    /// Run the second model with an independent engine: tract, in builds with the feature of that name
    #[arg(long, value_name = "ENGINE", value_parser = ["tract"])]
    pub oracle: Option<String>,
    /// Execute the first model under these masks (masks.safetensors)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as_imported", "fixed_point"])]
    masks: Option<PathBuf>,
    /// Execute the first model as imported, before any pass
    #[arg(long)]
    as_imported: bool,
    #[command(flatten)]
    pub fixed: FixedArgs,
    #[command(flatten)]
    pub import: ModelOptions,
}

/// What both models are fed.
pub struct Given {
    /// `[n, …]`
    pub batch: Tensor,
    /// The images' classes, where they come from a data set.
    pub labels: Option<Vec<usize>>,
}

impl Args {
    /// Checks the files that are compared, and the one that is written.
    fn claim(&self, g: &Global) -> Result<Option<Single>> {
        if let Some(dir) = self.b.as_ref().filter(|b| b.is_dir()) {
            folder::verify(dir, Target::Onnx.files().iter().copied())?;
        }
        let Some(file) = &self.fixed.save_outputs else { return Ok(None) };
        let mut inputs = Inputs::default();
        inputs.model("the model", &self.a);
        self.second_file().iter().for_each(|b| inputs.model("the second model", b));
        self.data.iter().for_each(|d| inputs.data(d));
        self.masks.iter().for_each(|m| inputs.file("the masks", m));
        Single::new("--save-outputs", file, SingleKind::Array, &inputs, &g.progress()).map(Some)
    }
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if !(a.tolerance.is_finite() && a.tolerance >= 0.0) {
        return Err(input("--tolerance must be a number of at least 0"));
    }
    let oracle = a.oracle.as_ref().map(|_| tract()).transpose()?;
    let _saved = a.claim(g)?;
    let i = import(&a.a, &a.options()?).map_err(input)?;
    let progress = g.progress();
    i.notices.iter().for_each(|n| progress.line(&format!("{}: {n}", a.a.display())));
    let first = if a.as_imported { i.graph } else { a.first(i)? };
    let given = inputs(&first, &a, g.seed())?;
    if let Some(format) = a.fixed.fixed_point {
        return fixed_point::run(&a, format, &first, &given, g);
    }
    let batch = given.batch;
    let Some(b) = &a.b else {
        return Err(input("give a second model to compare with, or --fixed-point RING,FRACTION"));
    };
    let ya = execute(&first, &batch).map_err(|e| input(format!("{}: {e}", a.a.display())))?;
    let yb = match oracle {
        Some(oracle) => {
            let i = import_second(b, &a.options()?)?;
            let name = i.graph.outputs().first().map(|o| o.name.as_str());
            let at = i.outputs.iter().position(|o| Some(o.as_str()) == name).unwrap_or(0);
            oracle(b, at, &batch)?
        }
        None => execute(&a.second(b)?, &batch).map_err(|e| input(format!("{}: {e}", b.display())))?,
    };
    if ya.shape() != yb.shape() {
        return Err(Error::Answer(format!(
            "the outputs have different shapes: {:?} and {:?}",
            ya.shape(),
            yb.shape()
        )));
    }
    let (x, y) = (ya.as_f32().unwrap_or_default(), yb.as_f32().unwrap_or_default());
    let max = max_abs_difference(&ya, &yb);
    let mean = x.iter().zip(y).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / x.len().max(1) as f64;
    let rows = |y: &Tensor| {
        let n = y.shape().first().copied().unwrap_or(1);
        eval::arg_max(&y.clone().reshaped([n, y.len() / n.max(1)]))
    };
    let (pa, pb) = (rows(&ya), rows(&yb));
    let agree = pa.iter().zip(&pb).filter(|(a, b)| a == b).count();
    let n = pa.len();
    let limit = a.tolerance * range(&ya).max(range(&yb)).max(f64::MIN_POSITIVE);
    let equivalent = max <= limit;
    let found = json!({
        "max_abs_difference": max, "mean_abs_difference": mean, "argmax_agreement": agree as f64 / n.max(1) as f64,
        "n": n, "tolerance": a.tolerance, "range": range(&ya), "equivalent": equivalent,
    });
    let verdict = if equivalent { "equivalent" } else { "different" };
    let said = format!(
        "{verdict} on {n} inputs: largest difference {max:.3e} (allowed {limit:.3e}), mean {mean:.3e}, same arg max {agree}/{n}"
    );
    g.show(&found, said)?;
    match equivalent {
        true => Ok(()),
        false => Err(Error::Answer(format!("{} and {} are not equivalent", a.a.display(), b.display()))),
    }
}

/// Numbers that are drawn at once: 1 GiB of floats.
const MOST_NUMBERS: usize = 1 << 28;

fn inputs(g: &Graph, a: &Args, seed: u64) -> Result<Given> {
    let (_, ty) = g.only_input().map_err(|e| input(format!("{}: {e}", a.a.display())))?;
    match &a.data {
        Some(d) => {
            // Labels are compared with the outputs only where accuracies are.
            let images = match a.fixed.fixed_point {
                Some(_) => Images::labelled(d, g, &a.a)?,
                None => Images::of(d, g, &a.a)?,
            };
            let ds = images.open(a.split, Some(a.limit as usize))?;
            let layout = eval::layout(ty, ds.image_shape()).map_err(input)?;
            let (batch, labels) = eval::feed(&ds, 0..ds.len().min(a.limit as usize), layout);
            Ok(Given { batch, labels: Some(labels) })
        }
        None => {
            let mut shape = ty.at(1);
            if let Some(n) = shape.first_mut() {
                *n = a.random.unwrap_or(16) as usize;
            }
            let numbers = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            if numbers.is_none_or(|n| n > MOST_NUMBERS) {
                let most = MOST_NUMBERS / ty.at(1).iter().product::<usize>().max(1);
                return Err(input(format!("--random {}: give at most {most}, or --data", shape[0])));
            }
            Ok(Given { batch: crate::random::uniform(&shape, seed), labels: None })
        }
    }
}

impl Args {
    /// Images tell which output is meant; what it shows is compared, whatever it is.
    fn options(&self) -> Result<ImportOptions> {
        let mut options = self.import.import(self.data.as_ref());
        options.scores.iter_mut().for_each(|s| s.need = Need::One);
        Ok(options)
    }

    /// The first network, whole and under its masks.
    fn first(&self, i: Imported) -> Result<Graph> {
        let mut m = Model::plain(i.graph, i.info)?;
        if let Some(file) = &self.masks {
            let mut masks = Masks::read(file).map_err(input)?;
            masks.fit(&file.display().to_string(), &m.layers).map_err(input)?;
            m.graph = masks::apply(&m.graph, &masks).map_err(input)?;
        }
        m.whole()
    }

    /// The file of the second model, which may lie in a folder that compile wrote.
    pub fn second_file(&self) -> Option<PathBuf> {
        self.b.as_ref().map(|b| if b.is_dir() { b.join("model.onnx") } else { b.clone() })
    }

    /// The network that the first is compared with, whole.
    pub fn second(&self, path: &Path) -> Result<Graph> {
        let i = import_second(path, &self.options()?)?;
        Model::plain(i.graph, i.info)?.whole()
    }
}

/// The output for a batch `[n, …]`, at the batch size the model takes.
pub fn execute(g: &Graph, batch: &Tensor) -> Result<Tensor, String> {
    let (_, ty) = g.only_input()?;
    let per: usize = batch.shape()[1..].iter().product();
    let data = batch.as_f32().unwrap_or_default();
    let ranges = eval::batches(ty, batch.shape()[0], eval::BATCH)?;
    let done = ranges.last().map_or(0, |r| r.end);
    if done != batch.shape()[0] {
        return Err(format!("its batch is fixed at a number that does not divide {}", batch.shape()[0]));
    }
    let interp = Interp::new(g).map_err(|e| e.to_string())?;
    let (mut out, mut each) = (vec![], vec![]);
    for r in ranges {
        let mut s = batch.shape().to_vec();
        s[0] = r.len();
        let y = interp
            .run(vec![Tensor::f32(s, data[r.start * per..r.end * per].to_vec())])
            .map_err(|e| e.to_string())?;
        let y = y.first().ok_or("the model has no output")?;
        out.extend_from_slice(y.as_f32().ok_or("the output is not f32")?);
        each = of_one_image(y.shape(), r.len())?;
    }
    let shape = [&[batch.shape()[0]], &each[..]].concat();
    Ok(Tensor::f32(shape, out))
}

/// Computes the output of this number of an ONNX file for a batch.
type Oracle = fn(&Path, usize, &Tensor) -> Result<Tensor>;

/// tract, where this build has it.
#[cfg(feature = "tract")]
fn tract() -> Result<Oracle> {
    Ok(|file, at, batch| relinc_runtime::exec::tract::run(file, at, batch).map_err(input))
}

#[cfg(not(feature = "tract"))]
fn tract() -> Result<Oracle> {
    Err(input("--oracle tract: this build has no tract; cargo build --release --features tract has it"))
}
