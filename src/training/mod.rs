//! The stages of a run: teacher, search, tune, on any imported graph.

mod before;
pub(crate) mod check;
pub mod command;
pub mod estimate;
pub mod evaluate;
mod fold;
pub mod guard;
mod made;
mod output;
mod plan;
pub mod replay;
mod sensitivity;
pub mod spec;
mod student;
pub mod target;
mod walk;
mod watch;
mod whole;

use crate::error::{Error, Result, input};
use crate::images::Images;
use crate::interrupt;
use crate::jobs::{Part, Shared};
use crate::latency::{self, Pricing, Worth};
use crate::model::{Model as Canonical, with_redundant};
use crate::progress::Progress;
use crate::report::model::Pass;
use guard::guarded;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo, Wanted};
use relinc_passes::head::Head;
use relinc_passes::ir::Graph;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Dataset;
use relinc_runtime::device;
use relinc_runtime::eval::{self, doubt};
use relinc_runtime::exec::Branch;
use relinc_runtime::search::structure::Place;
use relinc_runtime::search::worth::first_images;
use relinc_runtime::train::{Model, Record};
use spec::StageOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use plan::{Export, Plan, Planned, Start};
pub use student::Norm;

/// What a plan made.
#[derive(Debug)]
pub struct Trained {
    /// The network with its trained weights and all its ReLUs, of the exported branch.
    pub graph: Graph,
    /// The masks it was trained under, if any stage made some.
    pub masks: Option<Masks>,
    /// What merged before it was tuned; `None` where it was not folded.
    pub folded: Option<Vec<Pass>>,
    /// The student as it was trained.
    pub student: Model,
    /// The ReLU layers of the network it began as.
    pub layers: Vec<ReluLayer>,
    /// What comes after its logits.
    pub head: Head,
    /// The network that taught it.
    pub teacher: Model,
    /// One record an epoch.
    pub records: Vec<Record>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Training and validation images.
    pub images: (usize, usize),
    /// Validation images that were attacked as well.
    pub attacked: usize,
    /// How, in words.
    pub attack: String,
}

/// One branch of a trained student as the whole network: with its head, and with ReLUs that training left out.
fn network(student: &Model, layers: &[ReluLayer], head: &Head, branch: Branch) -> Result<Graph, String> {
    let mut g = with_redundant(student.graph(branch), layers);
    head.attach(&mut g)?;
    Ok(g)
}

impl Trained {
    /// The network of a branch.
    pub fn network(&self, branch: Branch) -> Result<Graph> {
        network(&self.student, &self.layers, &self.head, branch).map_err(input)
    }
}

/// The network to train, as it begins, and another one that teaches; the plan fits both.
fn networks(
    plan: &Plan,
    graph: &Graph,
    info: &ModelInfo,
    scores: Option<Wanted>,
) -> Result<(Canonical, Option<Canonical>)> {
    let mut form = student::form(graph.clone(), info)?;
    if let Some(m) = &plan.masks {
        m.clone().fit("the masks to begin with", &form.layers).map_err(input)?;
        form.begin_with(m)?;
    }
    let options = ImportOptions { scores, ..ImportOptions::default() };
    let teacher = plan.teacher.as_ref().map(|path| student::read(path, &options)).transpose()?;
    check::fits(plan, &form, teacher.as_ref())?;
    Ok((form, teacher))
}

/// Runs a plan.
pub struct Trainer<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// Which stages of it run here.
    pub part: &'a Part,
    /// The data set, which fits the network.
    pub images: &'a Images,
    /// Where checkpoints and the log go.
    pub folder: PathBuf,
    /// Go on where an earlier run stopped.
    pub resume: bool,
    /// Progress lines.
    pub progress: &'a Progress,
    /// Which output of a file is meant.
    pub scores: Option<Wanted>,
    /// How queries are priced, for budgets in seconds.
    pub pricing: Pricing,
    /// When the network is folded before it is tuned: what pays.
    pub fold: Option<Fold>,
    /// Set when the user wants to stop.
    pub stop: Arc<AtomicBool>,
}

impl Trainer<'_> {
    /// Trains an imported graph.
    pub fn run(&self, graph: Graph, info: &ModelInfo) -> Result<Trained> {
        let (form, teacher) = networks(self.plan, &graph, info, self.scores.clone())?;
        let chosen = device::choose(&self.plan.device).map_err(input)?;
        self.progress.line(&chosen.said);
        guarded(chosen.first(), || self.walk(&chosen, (&graph, &form), teacher.as_ref(), info))
    }

    /// The model as it is lowered, without the layers that are redundant under the masks it begins with.
    fn lean(&self, graph: &Graph, info: &ModelInfo) -> Result<Canonical> {
        let mut model = Canonical::plain(graph.clone(), info.clone())?;
        if let Some(m) = &self.plan.masks {
            model.begin_with(m)?;
        }
        model.lean()
    }

    /// What each ReLU of the student costs when its layer goes whole.
    fn worth(&self, o: &StageOptions, student: &Model, train: &Dataset, places: &[Place]) -> Result<Worth> {
        let s = o.search(0, self.plan.seed)?;
        let images = first_images(student, s.calibration.min(train.len())).map_err(input)?;
        let mut tell = |i, n| self.progress.count("layers that go whole", i, n);
        let found = latency::worth(student, (train, &images), &s, places, &mut tell);
        self.progress.finish();
        found.map_err(input)
    }

    /// Says how the validation images came about, and what explains that the network which teaches gets few of them right.
    fn looked_at(&self, val: &Dataset, teacher: &Canonical, of_a_file: bool) -> Result<Vec<String>> {
        let mut notes = val.notices().to_vec();
        let untrained = !of_a_file && (self.plan.random_start || teacher.info.sha256.is_empty());
        if !untrained {
            let named = |e: String| input(format!("{}: {e}", teacher.info.path.display()));
            self.progress.step("accuracy of the network that teaches");
            let found = eval::clean(&teacher.graph, val, doubt::IMAGES, &mut |_, _| {}).map_err(named)?;
            notes.extend(self.images.doubt(&teacher.graph, val, found.clean, self.progress)?);
        }
        Ok(notes)
    }

    fn stopped(&self, stage: &str) -> Error {
        let shared = Shared::of(&self.folder);
        interrupt::stopped(match shared.tensors(stage).exists() {
            true => {
                let folder = shared.path().display();
                format!("stopped in stage {stage}; the checkpoint is in {folder}, go on with --resume")
            }
            false => format!("stopped in stage {stage} before its first checkpoint; --resume begins it anew"),
        })
    }
}
