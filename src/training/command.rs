//! From a plan to an output folder: train, evaluate, compile what was trained; all of it, or some stages as a job.

use super::evaluate::{Measure, evaluated};
use super::{Export, Plan, Trained, Trainer, interrupt};
use crate::compile::{FoldMode, Learned, MaskSource, Request, Source, compile, describe};
use crate::error::{Error, input};
use crate::jobs::{COMPILE, EVALUATE, Job, Lock, Part, Shared};
use crate::latency::Pricing;
use crate::progress::Progress;
use crate::report::Report;
use crate::report::model::{Evaluation, Training, TrainingCounts};
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::Graph;
use relinc_runtime::exec::Branch;

/// What a job made.
#[derive(Debug)]
pub enum Done {
    /// Stages that later ones go on from.
    Stages {
        /// What was trained so far.
        trained: Box<Trained>,
        /// Accuracies, where that stage ran.
        evaluations: Option<Vec<Evaluation>>,
    },
    /// The output folder.
    Compiled(Box<Report>),
}

/// Runs the stages of a plan, then compiles the result as `request` says.
pub fn train_and_compile(
    source: Source,
    plan: &Plan,
    request: Request,
    measure: &Measure,
    resume: bool,
    progress: &Progress,
) -> Result<Report, Error> {
    let job = Job { part: Part::whole(plan.names()), resume, after: None };
    match run(source, plan, request, measure, &job, progress)? {
        Done::Compiled(r) => Ok(*r),
        Done::Stages { .. } => Err(input("the plan does not end with a compilation")),
    }
}

/// Runs some stages of a plan and takes what the others left in the output folder.
pub fn run(
    source: Source,
    plan: &Plan,
    request: Request,
    measure: &Measure,
    job: &Job,
    progress: &Progress,
) -> Result<Done, Error> {
    let (part, resume) = (&job.part, job.resume);
    let data = request.data.clone().ok_or_else(|| {
        input("training needs images: give them with --data, for instance --data cifar10:DIR")
    })?;
    if request.fold == FoldMode::BeforeTune && !plan.folds() {
        return Err(input(
            "fold before-tune wants a stage tune with masks, from a search before it or given, and no search after it",
        ));
    }
    let scores = match &source {
        Source::File(_, options) => options.scores.clone(),
        Source::Built(..) | Source::Trained(..) => None,
    };
    let (graph, info, notices) = describe::open(source)?;
    let stop = interrupt::catch()?;
    let shared = Shared::of(&request.out);
    let stages: Vec<&str> = part.running().collect();
    let _lock = Lock::take(&shared.lock(), &stages.join(", "), stop.clone(), progress)?;
    if let Some(from) = &job.after {
        shared.adopt(from, part)?;
    }
    shared.ready(part, resume)?;
    let trainer = Trainer {
        plan,
        part,
        data: &data,
        folder: request.out.clone(),
        resume,
        progress,
        scores,
        pricing: Pricing::from(&request),
        fold: (request.fold == FoldMode::BeforeTune).then(|| request.fold.options(&request)),
        stop,
    };
    let mut trained = trainer.run(graph.clone(), &info)?;
    trained.notes.splice(0..0, notices);
    interrupt::no_longer_waits(&trainer.stop)?;
    let evaluations = match part.names()[part.last()].as_str() {
        EVALUATE | COMPILE => {
            let lies = (&*shared.made(EVALUATE), part.has(EVALUATE), resume);
            Some(evaluated(&trained, &data, measure, lies, progress)?)
        }
        _ => None,
    };
    match evaluations {
        Some(e) if part.has(COMPILE) => {
            let report = finish(trained, e, (graph, info), plan, request, progress)?;
            Ok(Done::Compiled(Box::new(report)))
        }
        evaluations => Ok(Done::Stages { trained: Box::new(trained), evaluations }),
    }
}

/// Compiles what was trained.
fn finish(
    found: Trained,
    evaluations: Vec<Evaluation>,
    (graph, info): (Graph, ModelInfo),
    plan: &Plan,
    mut request: Request,
    progress: &Progress,
) -> Result<Report, Error> {
    let dual = found.student.net.dual();
    let both = dual && plan.branch == Export::Both;
    let other = both.then(|| found.network(Branch::Adversarial)).transpose()?;
    let robust = plan.robust();
    request.learned = Some(Learned {
        training: Training {
            records: found.records,
            data: request.data.as_ref().map(ToString::to_string),
            n: TrainingCounts {
                train: Some(found.images.0 as u64),
                validation: Some(found.images.1 as u64),
                attacked: robust.then_some(found.attacked as u64),
            },
            dual_bn: Some(dual),
            attack: robust.then(|| found.attack.clone()),
            notes: vec![],
        },
        evaluations,
        branch: dual.then_some(plan.branch.first()),
        notes: found.notes,
    });
    request.unfolded = found.folded.map(|merged| (graph.clone(), merged));
    request.reference = (!plan.random_start).then_some(graph);
    request.masks = found.masks.map_or(MaskSource::All, MaskSource::Learned);
    let source = |g| Source::Trained(Box::new(g), Box::new(info.clone()));
    let report = compile(source(found.graph), &request, progress)?;
    if let Some(g) = other {
        request.out = request.out.join("adversarial");
        if let Some(l) = &mut request.learned {
            l.branch = Some(Branch::Adversarial);
        }
        compile(source(g), &request, progress)?;
    }
    Ok(report)
}
