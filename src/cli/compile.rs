//! `relinc compile`

use super::args::{CostArgs, ImportArgs};
use super::out::tell;
use super::{Global, print_report};
use crate::cli_options::parse_points;
use crate::compile::fixed::{Emulation, FixedPoint, TARGETS};
use crate::compile::{FoldMode, MaskSource, Request, Search, Source, Target, compile};
use crate::error::{Error, input};
use crate::folder::Inputs;
use crate::training::spec::StageOptions;
use relinc_passes::back::onnx::OPSETS;
use relinc_runtime::cost::ConvForm;
use relinc_runtime::data::{DataSpec, Split};
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
    #[arg(long, value_name = "UNIT")]
    granularity: Option<String>,
    /// How a budget is spread: global (one ranking) or senet (per layer) [default: global]
    #[arg(long, value_name = "HOW")]
    allocation: Option<String>,
    /// Layer sensitivities for --allocation senet, one per ReLU layer, separated by commas [default: measured]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
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
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: u64,
    /// Calibration images
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..))]
    calibration: u64,
    /// Removed elements become the identity only, never zero
    #[arg(long)]
    identity_only: bool,
    /// Fit a slope a channel for the elements that become the identity
    #[arg(long)]
    slopes: bool,
    /// Images for calibration and accuracy: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: Option<DataSpec>,
    /// The part of the data accuracy is measured on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many of its images
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// What to emit: onnx, spu, crypten, mp-spdz; may be repeated [default: onnx]
    #[arg(long = "target", value_name = "T")]
    targets: Vec<String>,
    /// ONNX operator set to write
    #[arg(long, value_name = "N", default_value_t = 17, value_parser = clap::value_parser!(i64).range(*OPSETS.start()..=*OPSETS.end()))]
    opset: i64,
    /// The batch normalisation to fold of a model with two: clean or adversarial
    #[arg(long, value_name = "BRANCH")]
    bn: Option<String>,
    /// Merge convolutions: auto (where the first protocol's cost model on the first network says that it pays), always or never
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    fold: FoldMode,
    /// How the SPU target writes convolutions: auto (by the cost model), direct, or taps (one product over all taps)
    #[arg(long, value_name = "FORM", default_value = "auto")]
    conv_form: ConvForm,
    /// Remove a softmax or sigmoid at the end; the arg max stays the same
    #[arg(long)]
    drop_softmax: bool,
    /// Take the ReLU off elements whose sign is the same on the first N training images; the masks say where
    #[arg(long, value_name = "N", requires = "data", value_parser = clap::value_parser!(u64).range(1..))]
    stable_sign: Option<u64>,
    /// Every element of the model's input lies in this range; ReLUs that follow to be without effect are dropped
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true, value_parser = range)]
    input_range: Option<(f32, f32)>,
    /// Execute the graph after every pass and compare
    #[arg(long)]
    verify_each: bool,
    /// Ring and fraction bits that artefacts for secure runtimes are made for and emulated in, or off [default: each runtime's own]
    #[arg(long, value_name = "RING,FRACTION|off")]
    fixed_point: Option<Emulation>,
    /// Rescale every layer by a power of two to a largest magnitude of at most 2^BITS
    #[arg(long, value_name = "BITS", requires = "data", num_args = 0..=1, default_missing_value = "3",
          require_equals = true, value_parser = clap::value_parser!(i32).range(i64::from(*TARGETS.start())..=i64::from(*TARGETS.end())))]
    normalise_ranges: Option<i32>,
    /// Exit with 1, once all is written, where more points of accuracy are lost than this
    #[arg(long, value_name = "POINTS", requires = "data", value_parser = parse_points)]
    max_drop: Option<f64>,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    cost: CostArgs,
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
        let mut targets: Vec<Target> = self.targets.iter().map(|t| t.parse()).collect::<Result<_, _>>()?;
        if targets.is_empty() {
            targets.push(Target::Onnx);
        }
        let mut request = Request {
            out: self.out.clone(),
            by: "compile",
            inputs: self.inputs(),
            masks,
            data: self.data.clone(),
            split: self.split,
            eval_images: self.limit as usize,
            targets,
            opset: self.opset,
            conv_form: self.conv_form,
            fold: self.fold,
            weights: self.cost.weights(),
            protocols: self.cost.protocols()?,
            networks: self.cost.networks()?,
            drop_softmax: self.drop_softmax,
            input_range: self.input_range,
            stable_sign: self.stable_sign.map(|n| n as usize),
            verify_each: self.verify_each,
            fixed_point: FixedPoint {
                emulation: self.fixed_point.unwrap_or_default(),
                normalise: self.normalise_ranges,
            },
            seed,
            before: Default::default(),
            original: None,
            merged: None,
            vanish: if self.budget.is_none() { self.vanish.clone() } else { vec![] },
            learned: None,
            max_drop: self.max_drop,
        };
        self.budget.iter().try_for_each(|b| request.price_at(b))?;
        Ok(request)
    }
}

impl Args {
    fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.model("the model", &self.model);
        self.masks.iter().for_each(|m| inputs.file("the masks", m));
        self.data.iter().for_each(|d| inputs.data(d));
        self.budget.iter().for_each(|b| inputs.budget(b));
        self.cost.read(&mut inputs);
        inputs
    }
}

/// Two numbers, the smaller first.
fn range(s: &str) -> Result<(f32, f32), String> {
    let number = |t: &str| t.trim().parse::<f32>().ok().filter(|v| v.is_finite());
    match s.split_once(',').map(|(l, h)| (number(l), number(h))) {
        Some((Some(l), Some(h))) if l <= h => Ok((l, h)),
        _ => Err("write two numbers, the smaller first: 0,1".into()),
    }
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let progress = g.progress();
    let r = a.request(g.seed(), g.device())?;
    let source = Source::File(a.model.clone(), a.import.options(a.data.as_ref())?);
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
