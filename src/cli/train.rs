//! `relinc train`, `relinc search`, `relinc tune`: one stage of a pipeline.

use super::args::{BeginArgs, CostArgs, ImportArgs};
use super::{Global, print_report};
use crate::cli_options::parse_points;
use crate::compile::fixed::{Emulation, FixedPoint};
use crate::compile::{FoldMode, MaskSource, Request, Source, Target};
use crate::error::{Error, input};
use crate::folder::Inputs;
use crate::training::command::train_and_compile;
use crate::training::evaluate::{Measure, attacks};
use crate::training::spec::StageOptions;
use crate::training::{Export, Norm, Plan, Planned};
use relinc_passes::masks::Masks;
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::search::budget::Budget;
use relinc_runtime::train::Kind;
use std::path::PathBuf;

/// Options of the three commands.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Output folder; checkpoints and log.jsonl go there, too
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: DataSpec,
    /// ReLUs to keep (search): 50000, 50k or 18%, or a time: latency=1.5s@cheetah/wan
    #[arg(long, value_name = "B")]
    budget: Option<Budget>,
    /// Masks to begin with (tune: those that are frozen)
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    /// The network that teaches [default: the model itself]
    #[arg(long, value_name = "MODEL")]
    teacher: Option<PathBuf>,
    /// Batch normalisations: none, single or dual to train with; clean, adversarial or both to export of dual ones; may be repeated
    #[arg(long, value_name = "WHICH")]
    bn: Vec<String>,
    /// Where training starts: model or random
    #[arg(long, value_name = "WHERE", default_value = "model", value_parser = ["model", "random"])]
    start: String,
    #[command(flatten)]
    begin: BeginArgs,
    /// The part of the data accuracy is measured on at the end
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many of its images
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Of them drawn with each of 75 corruptions at the end
    #[arg(long, value_name = "N", default_value_t = 0)]
    corrupted: usize,
    /// Of them attacked at the end [default: 1000 after robust training, else 0]
    #[arg(long, value_name = "N")]
    attacked: Option<usize>,
    /// How they are attacked; may be repeated [default: PGD-20 at 8/255 and 2/255]
    #[arg(long, value_name = "ATTACK")]
    attack: Vec<String>,
    /// Exit with 1, once all is written, where more points of accuracy are lost than this
    #[arg(long, value_name = "POINTS", value_parser = parse_points)]
    max_drop: Option<f64>,
    /// What to emit: onnx, spu, crypten, mp-spdz; may be repeated [default: onnx]
    #[arg(long = "target", value_name = "T")]
    targets: Vec<String>,
    /// When convolutions are merged: auto, always, never, or before-tune
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    fold: FoldMode,
    /// Ring and fraction bits that artefacts for secure runtimes are made for and emulated in, or off [default: each runtime's own]
    #[arg(long, value_name = "RING,FRACTION|off")]
    fixed_point: Option<Emulation>,
    #[command(flatten)]
    stage: StageOptions,
    #[command(flatten)]
    import: ImportArgs,
    #[command(flatten)]
    cost: CostArgs,
}

impl Args {
    fn inputs(&self) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.model("the model", &self.model);
        self.teacher.iter().for_each(|t| inputs.model("the teacher", t));
        self.masks.iter().for_each(|m| inputs.file("the masks", m));
        self.stage.replay.iter().for_each(|dir| inputs.folder("the recorded batches", dir));
        self.budget.iter().for_each(|b| inputs.budget(b));
        inputs.data(&self.data);
        self.cost.read(&mut inputs);
        inputs
    }
}

/// The name of the command.
fn command(kind: Kind) -> &'static str {
    match kind {
        Kind::Teacher => "train",
        Kind::Search => "search",
        Kind::Tune => "tune",
    }
}

/// Runs a stage.
pub fn run(kind: Kind, a: Args, g: &Global) -> Result<(), Error> {
    let progress = g.progress();
    let (mut norm, mut branch) = (Norm::Auto, Export::default());
    for b in &a.bn {
        match b.as_str() {
            "clean" | "adversarial" | "both" => branch = b.parse()?,
            other => norm = other.parse()?,
        }
    }
    if kind == Kind::Search && a.budget.is_none() {
        return Err(Error::Input("relinc search wants --budget, for instance --budget 10%".into()));
    }
    if kind != Kind::Search && a.budget.is_some() {
        let why = match kind {
            Kind::Teacher => "relinc train keeps every ReLU",
            _ => "relinc tune keeps the ReLUs of its masks",
        };
        return Err(Error::Input(format!("--budget: {why}; leave it out, or use relinc search")));
    }
    if kind == Kind::Tune && a.masks.is_none() {
        return Err(Error::Input("relinc tune wants --masks, the masks.safetensors of a search".into()));
    }
    let mut options = a.stage.clone();
    if kind == Kind::Search && options.method.is_none() {
        options.method = Some("gradual".into());
    }
    let plan = Plan {
        stages: vec![Planned { kind, options, budget: a.budget.clone() }],
        norm,
        random_start: a.start == "random",
        masks: match &a.masks {
            Some(m) => Some(Masks::read(m).map_err(input)?),
            None => None,
        },
        teacher: a.teacher.clone(),
        branch,
        device: g.device(),
        seed: g.seed(),
    };
    plan.check()?;
    let mut targets: Vec<Target> = a.targets.iter().map(|t| t.parse()).collect::<Result<_, _>>()?;
    if targets.is_empty() {
        targets.push(Target::Onnx);
    }
    let mut request = Request {
        out: a.out.clone(),
        by: command(kind),
        inputs: a.inputs(),
        masks: MaskSource::All,
        data: Some(a.data.clone()),
        split: a.split,
        eval_images: a.limit as usize,
        targets,
        opset: 17,
        conv_form: Default::default(),
        fold: a.fold,
        weights: a.cost.weights(),
        protocols: a.cost.protocols()?,
        networks: a.cost.networks()?,
        drop_softmax: false,
        input_range: None,
        stable_sign: None,
        verify_each: false,
        fixed_point: FixedPoint { emulation: a.fixed_point.unwrap_or_default(), normalise: None },
        seed: g.seed(),
        before: Default::default(),
        original: None,
        merged: None,
        vanish: vec![],
        learned: None,
        max_drop: a.max_drop,
    };
    a.budget.iter().try_for_each(|b| request.price_at(b))?;
    let source = Source::File(a.model.clone(), a.import.options(Some(&a.data))?);
    let measure = Measure {
        split: a.split,
        clean: a.limit as usize,
        corrupted: a.corrupted,
        attacked: a.attacked.unwrap_or(if plan.robust() { 1000 } else { 0 }),
        attacks: attacks(&a.attack)?,
        seed: g.seed(),
    };
    let result = train_and_compile(source, &plan, request, &measure, a.begin.begin(), &progress);
    progress.finish();
    print_report(&result?, &a.out, g)
}
