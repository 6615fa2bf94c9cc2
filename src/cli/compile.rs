//! `relinc compile`

use super::out::tell;
use super::{Global, print_report};
use crate::compile::{MaskSource, Request, Search, Source, compile};
use crate::error::{Error, input};
use crate::options::{CompileOptions, ModelOptions};
use crate::training::spec::{MOST_ROUNDS, StageOptions};
use relinc_runtime::data::DataSpec;
use relinc_runtime::device;
use relinc_runtime::search::budget::Budget;
use std::path::PathBuf;

/// Options of `relinc compile`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The trained model
    model: PathBuf,
    /// Output folder
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Masks to apply (masks.safetensors)
    #[arg(long, value_name = "FILE", conflicts_with = "budget")]
    masks: Option<PathBuf>,
    /// ReLUs to keep: 50000, 50k or 18%, or a time: latency=1.5s@cheetah/wan
    #[arg(long, value_name = "B")]
    budget: Option<Budget>,
    /// How masks are found for a budget: oneshot
    #[arg(long, value_name = "METHOD", default_value = "oneshot")]
    method: String,
    /// pixel, channel or layer: the unit of removal [default: pixel]
    #[arg(long, value_name = "UNIT", requires = "budget")]
    granularity: Option<String>,
    /// How a budget is spread: global (one ranking) or senet (per layer) [default: global]
    #[arg(long, value_name = "HOW", requires = "budget")]
    allocation: Option<String>,
    /// Layer sensitivities for --allocation senet, one per ReLU layer, separated by commas [default: measured]
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "budget")]
    eta: Option<Vec<f64>>,
    /// ReLUs each layer keeps, instead of sensitivities
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "budget")]
    counts: Option<Vec<usize>>,
    /// ReLU layers that may keep ReLUs; all others vanish
    #[arg(long, value_name = "N", requires = "budget")]
    layers: Option<usize>,
    /// ReLU layers that vanish, separated by commas: relu01,relu03; also those of --masks
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    vanish: Vec<String>,
    /// Rounds the removal is spread over
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=MOST_ROUNDS as u64))]
    rounds: u64,
    /// Calibration images
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..))]
    calibration: u64,
    /// Removed elements become the identity only, never zero
    #[arg(long, requires = "budget")]
    identity_only: bool,
    /// Fit a slope a channel for the elements that become the identity
    #[arg(long, requires = "budget")]
    slopes: bool,
    /// Images for calibration and accuracy: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: Option<DataSpec>,
    /// The batch normalisation to fold of a model with two: clean or adversarial
    #[arg(long, value_name = "BRANCH")]
    bn: Option<String>,
    #[command(flatten)]
    options: CompileOptions,
    #[command(flatten)]
    import: ModelOptions,
}

impl Args {
    /// The search for a budget.
    fn search(&self, budget: &Budget, device: device::DeviceSpec) -> Result<Search, Error> {
        let options = StageOptions {
            method: Some(self.method.clone()),
            granularity: self.granularity.clone(),
            allocation: self.allocation.clone(),
            eta: self.eta.clone(),
            counts: self.counts.clone(),
            layers: self.layers,
            vanish: Some(self.vanish.clone()).filter(|v| !v.is_empty()),
            calibration: Some(self.calibration as usize),
            identity_only: Some(self.identity_only),
            slopes: Some(self.slopes),
            rounds: Some(self.rounds as usize),
            ..StageOptions::default()
        };
        Search::new(options, budget.clone(), device)
    }

    fn request(&self, seed: u64, device: device::DeviceSpec) -> Result<Request, Error> {
        if let Some(bn) = &self.bn {
            return Err(Error::Input(format!(
                "--bn {bn}: an ONNX file has one batch normalisation at each place; dual ones are trained by relinc, where run, \
                 train, search and tune take --bn or branch"
            )));
        }
        let masks = match (&self.masks, &self.budget) {
            (Some(f), _) => MaskSource::File(f.clone()),
            (None, None) => MaskSource::All,
            (None, Some(b)) => MaskSource::Search(Box::new(self.search(b, device)?)),
        };
        let mut r = self.options.request("compile", &self.out, self.data.as_ref(), seed)?;
        r.inputs.model("the model", &self.model);
        self.masks.iter().for_each(|m| r.inputs.file("the masks", m));
        self.budget.iter().try_for_each(|b| r.price_at(b))?;
        if self.budget.is_none() {
            r.vanish = self.vanish.clone();
        }
        Ok(Request { masks, ..r })
    }
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let progress = g.progress();
    let r = a.request(g.seed(), g.device())?;
    let source = Source::File(a.model.clone(), a.import.import(a.data.as_ref()));
    let result = compile(source, &r, None, &progress);
    progress.finish();
    let report = result.map_err(|e| name_file(e, &a.model))?;
    if let (true, Some(bytes)) = (g.verbose > 0, crate::bench::peak_memory()) {
        tell(&format!("peak memory {bytes} bytes"));
    }
    print_report(&report, &r.out, g)
}

/// An error about the model names its file.
fn name_file(e: Error, model: &std::path::Path) -> Error {
    match e {
        Error::Input(m) if m.starts_with("the model ") || m.starts_with("target ") => {
            input(format!("{}: {m}", model.display()))
        }
        e => e,
    }
}
