//! `relinc train`, `relinc search`, `relinc tune`: one stage of a pipeline.

use super::args::{BeginArgs, ShowArgs};
use super::run::{How, execute};
use super::{Global, print_report};
use crate::error::{Result, input};
use crate::options::{CompileOptions, ModelOptions};
use crate::pipeline::{Pipeline, Stage};
use crate::training::evaluate::MeasureOptions;
use crate::training::spec::StageOptions;
use crate::training::{Export, Norm, Start};
use relinc_runtime::data::DataSpec;
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
    #[arg(long, value_name = "WHERE", default_value = "model")]
    start: Start,
    #[command(flatten)]
    begin: BeginArgs,
    #[command(flatten)]
    measure: MeasureOptions,
    #[command(flatten)]
    options: CompileOptions,
    #[command(flatten)]
    stage: StageOptions,
    #[command(flatten)]
    import: ModelOptions,
    #[command(flatten)]
    show: ShowArgs,
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
pub fn run(kind: Kind, a: Args, g: &Global) -> Result<()> {
    let (mut norm, mut branch) = (Norm::Auto, Export::default());
    for b in &a.bn {
        match b.as_str() {
            "clean" | "adversarial" | "both" => branch = b.parse().map_err(input)?,
            other => norm = other.parse().map_err(input)?,
        }
    }
    if kind == Kind::Search && a.budget.is_none() {
        return Err(input("relinc search wants --budget, for instance --budget 10%"));
    }
    if kind != Kind::Search && a.budget.is_some() {
        let why = match kind {
            Kind::Teacher => "relinc train keeps every ReLU",
            _ => "relinc tune keeps the ReLUs of its masks",
        };
        return Err(input(format!("--budget: {why}; leave it out, or use relinc search")));
    }
    if kind == Kind::Tune && a.masks.is_none() {
        return Err(input("relinc tune wants --masks, the masks.safetensors of a search"));
    }
    let mut options = a.stage;
    if kind == Kind::Search {
        options.masks.method.get_or_insert_with(|| "gradual".into());
    }
    let show = a.show;
    let p = Pipeline {
        model: Some(a.model),
        architecture: None,
        data: Some(a.data),
        device: g.device(),
        seed: g.seed(),
        stages: vec![Stage { stage: kind.name().into(), budget: a.budget, options }],
        measured: a.measure,
        batch_norm: norm,
        branch,
        start: a.start,
        teacher: a.teacher,
        masks: a.masks,
        import: a.import,
        options: a.options,
    };
    let how = How { by: command(kind), file: None, only: &[], begin: a.begin.begin(), after: None };
    print_report(&execute(&p, &a.out, &how, &g.progress())?.report()?, &a.out, show, g)
}
