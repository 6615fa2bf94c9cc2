//! `relinc compile`

use super::args::{ShowArgs, finds_nothing, untrained};
use super::out::tell;
use super::{Global, print_report};
use crate::compile::{MaskSource, Request, Source, compile};
use crate::error::{Error, Result, input};
use crate::options::{CompileOptions, ModelOptions};
use crate::training::spec::MaskOptions;
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
    /// Images for calibration and accuracy: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: Option<DataSpec>,
    /// The batch normalisation to fold of a model with two: clean or adversarial
    #[arg(long, value_name = "BRANCH")]
    bn: Option<String>,
    #[command(flatten)]
    found: MaskOptions,
    #[command(flatten)]
    options: CompileOptions,
    #[command(flatten)]
    import: ModelOptions,
    #[command(flatten)]
    show: ShowArgs,
}

impl Args {
    fn request(&self, seed: u64, device: device::DeviceSpec) -> Result<Request> {
        if let Some(bn) = &self.bn {
            return Err(input(format!(
                "--bn {bn}: an ONNX file has one batch normalisation at each place; dual ones are trained by relinc, where run, \
                 train, search and tune take --bn or branch"
            )));
        }
        let masks = match (&self.masks, &self.budget) {
            (Some(f), _) => MaskSource::File(f.clone()),
            (None, None) => MaskSource::All,
            (None, Some(b)) => MaskSource::Search(Box::new(untrained(&self.found, b, device)?)),
        };
        let mut r = self.options.request("compile", &self.out, self.data.as_ref(), seed)?;
        r.inputs.model("the model", &self.model);
        self.masks.iter().for_each(|m| r.inputs.file("the masks", m));
        self.budget.iter().try_for_each(|b| r.price_at(b))?;
        if self.budget.is_none() {
            finds_nothing(&MaskOptions { vanish: None, ..self.found.clone() }, "--budget")?;
            r.vanish = self.found.vanish.clone().unwrap_or_default();
        }
        Ok(Request { masks, ..r })
    }
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    let progress = g.progress();
    let r = a.request(g.seed(), g.device())?;
    let source = Source::File(a.model.clone(), a.import.import(a.data.as_ref()));
    let result = compile(source, &r, None, &progress);
    progress.finish();
    let report = result.map_err(|e| name_file(e, &a.model))?;
    if let (true, Some(bytes)) = (g.verbose > 0, crate::bench::peak_memory()) {
        tell(&format!("peak memory {bytes} bytes"));
    }
    print_report(&report, &r.out, a.show, g)
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
