//! A first pipeline for a model and its data: what fits them, what measured best, and what it will cost here.

mod normalisation;
mod recipe;
mod written;

use crate::compile::baseline::{Baseline, Column};
use crate::compile::budgets::Prices;
use crate::compile::{MaskSource, Source, budgets, describe};
use crate::error::{Error, Result, input};
use crate::folder::Begin;
use crate::images::Images;
use crate::jobs::{Job, Part};
use crate::maskable::maskable;
use crate::model::Model;
use crate::options::{CompileOptions, ModelOptions, ReportOptions};
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::report::model::BudgetCost;
use crate::report::seconds;
use crate::training::command::Run;
use crate::training::estimate::Estimate;
use normalisation::Found;
use recipe::Recipe;
use relinc_passes::driver::Options;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::Graph;
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::search::budget::Budget;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Shares of the ReLUs whose cost stands in the comments.
const SHARES: [f64; 3] = [50.0, 25.0, 10.0];

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The model, as it was named.
    pub model: PathBuf,
    /// The images.
    pub data: DataSpec,
    /// The file to write.
    pub out: PathBuf,
    /// How the model is read.
    pub import: ModelOptions,
    /// For which protocols and networks.
    pub report: ReportOptions,
    /// Where it computes.
    pub device: DeviceSpec,
    /// Seed of everything random.
    pub seed: u64,
}

/// A pipeline, and what was found on the way.
#[derive(Debug, Clone, Serialize)]
pub struct Draft {
    /// The file's text.
    #[serde(skip)]
    pub text: String,
    /// The data with the normalisation that was taken.
    pub data: String,
    /// Percent of `images` validation images that are right with it.
    pub accuracy: f64,
    /// Images it was found on.
    pub images: usize,
    /// The stages in a sentence.
    pub recipe: String,
    /// What the run will take here.
    pub estimate: Estimate,
    /// What some budgets cost, the recipe's own first.
    pub budgets: Vec<BudgetCost>,
}

impl Draft {
    /// What was found, for a person.
    pub fn summary(&self) -> String {
        let mut out = format!(
            "data {}: {:.1} % of {} validation images are right\n{}.\n{}\n",
            self.data,
            self.accuracy,
            self.images,
            self.recipe,
            written::estimated(&self.estimate)
        );
        if let Some(own) = self.budgets.first() {
            for c in &own.cost {
                let kind = c.after.latency_is;
                let (now, all) = (c.after.later_of(kind), c.lossless.as_ref().and_then(|l| l.later_of(kind)));
                if let (Some(now), Some(all)) = (now, all) {
                    out += &format!(
                        "{} on {}: a later query is predicted to take {} instead of {}\n",
                        c.protocol,
                        c.network,
                        seconds(now),
                        seconds(all)
                    );
                }
            }
        }
        out
    }
}

/// What is known of the model and its images.
struct Looked {
    graph: Graph,
    info: ModelInfo,
    images: Images,
    canonical: Model,
    found: Found,
}

/// Looks at model, data and machine, and writes nothing.
///
/// # Errors
/// Data that does not fit the model, a model without ReLU layers, and everything with which running the pipeline would begin.
pub fn draft(a: &Asked, progress: &Progress) -> Result<Draft> {
    let looked = look(a, progress)?;
    let recipe = Recipe::of(&looked.canonical.lean()?, &a.report.protocols()?)?;
    let rows = priced(a, &looked, &recipe, progress)?;
    let mut draft =
        written::Draft { asked: a, looked: &looked, recipe: &recipe, rows: &rows, estimate: None };
    progress.step("timing some steps of training");
    let estimate = estimated(a, &draft.text()?, progress)?;
    draft.estimate = Some(&estimate);
    let text = draft.text()?;
    Ok(Draft {
        text,
        data: looked.images.spec.to_string(),
        accuracy: looked.found.accuracy,
        images: looked.found.n,
        recipe: recipe.to_string(),
        estimate,
        budgets: rows,
    })
}

fn look(a: &Asked, progress: &Progress) -> Result<Looked> {
    let source = Source::File(a.model.clone(), a.import.import(Some(&a.data)));
    let (graph, info, _) = describe::open(source)?;
    let canonical = Model::plain(graph.clone(), info.clone())?;
    maskable(&canonical)?;
    let images = Images::labelled(&a.data, &graph, &a.model)?;
    progress.step("trying normalisations");
    let val = images.open(Split::Val, Some(normalisation::IMAGES))?;
    let found = normalisation::find(&canonical.graph, &val, &a.data, progress)
        .map_err(|e| input(format!("{}: {e}", a.model.display())))?;
    let spec: DataSpec = found.text.parse().map_err(input)?;
    let images = Images::labelled(&spec, &graph, &a.model)?;
    Ok(Looked { graph, info, images, canonical, found })
}

/// What the recipe and some shares of the ReLUs cost.
fn priced(a: &Asked, l: &Looked, recipe: &Recipe, progress: &Progress) -> Result<Vec<BudgetCost>> {
    let options =
        CompileOptions { targets: recipe.targets(), report: a.report.clone(), ..CompileOptions::default() };
    let mut r = options.request("init", Path::new(""), Some(&l.images.spec), a.seed)?;
    r.masks = MaskSource::All;
    let file = Column::of_file(&l.graph, &r)?;
    let model = Model::plain(l.graph.clone(), l.info.clone())?;
    let baseline = Baseline::new(file.clone(), model.clone(), &Options::default(), false, &r)?;
    let mut searches = vec![recipe.search(a.device.clone())?];
    for share in SHARES {
        searches.push(recipe::untrained(Budget::Percent(share), a.device.clone())?);
    }
    let mut rows = budgets::costs(&model, Prices { file, baseline }, searches, &r, progress)?;
    if let Some(own) = rows.first_mut() {
        own.budget = "this pipeline".into();
    }
    Ok(rows)
}

/// Reads the text as `run` would, with all of its checks, and times some steps.
fn estimated(a: &Asked, text: &str, progress: &Progress) -> Result<Estimate> {
    let base = a.out.parent().unwrap_or(Path::new(""));
    let named = |e: Error| e.at("the pipeline that would be written");
    let p = Pipeline::of_text(text).map_err(|e| named(input(e)))?;
    let p = Pipeline { device: a.device.clone(), seed: a.seed, ..p };
    let (request, source, plan) = (p.request(base, Path::new(""))?, p.source(base)?, p.plan(base)?);
    let measure = p.measure(&plan)?;
    let job = Job { part: Part::whole(plan.names()), begin: Begin::Fresh, after: None };
    let run = Run { plan: &plan, measure: &measure, job: &job, progress };
    run.estimate(source, &request).map_err(named)
}
