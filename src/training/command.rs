//! From a plan to an output folder: train, evaluate, compile what was trained; all of it, or some stages as a job.

use super::evaluate::{Measure, evaluated};
use super::output::Output;
use super::{Export, Plan, Trained, Trainer};
use crate::compile::{FoldMode, Learned, MaskSource, Request, Source, compile_into, describe};
use crate::error::{Error, input};
use crate::folder::Begin;
use crate::interrupt;
use crate::jobs::{COMPILE, EVALUATE, Job, Part, Shared};
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
    begin: Begin,
    progress: &Progress,
) -> Result<Report, Error> {
    let job = Job { part: Part::whole(plan.names()), begin, after: None };
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
    if request.fold == FoldMode::BeforeTune && !plan.folds() {
        return Err(input(
            "fold before-tune wants a stage tune with masks, from a search before it or given, and no search after it",
        ));
    }
    let opened = describe::open(source).map(|(graph, info, _)| (graph, info))?;
    let mut output = Output::open(&request, plan, job, progress)?;
    let done = stages(opened, plan, request, measure, job, &mut output, progress);
    if done.is_err() {
        output.give_up();
    }
    done
}

/// Runs the stages in the folder that was opened for them.
fn stages(
    (graph, info): (Graph, ModelInfo),
    plan: &Plan,
    request: Request,
    measure: &Measure,
    job: &Job,
    output: &mut Output,
    progress: &Progress,
) -> Result<Done, Error> {
    let (part, resume) = (&job.part, job.begin == Begin::Resume);
    let data = request.data.clone().ok_or_else(|| {
        input("training needs images: give them with --data, for instance --data cifar10:DIR")
    })?;
    interrupt::can_resume();
    let waiting = interrupt::wait();
    let trainer = Trainer {
        plan,
        part,
        data: &data,
        folder: request.out.clone(),
        resume,
        progress,
        pricing: Pricing::from(&request),
        fold: (request.fold == FoldMode::BeforeTune).then(|| request.fold.options(&request)),
        stop: interrupt::flag(),
    };
    let trained = trainer.run(graph.clone(), &info)?;
    drop(waiting);
    interrupt::check("stopped after the last stage; go on with --resume")?;
    let evaluations = match part.names()[part.last()].as_str() {
        EVALUATE | COMPILE => {
            let made = Shared::of(&request.out).made(EVALUATE);
            let lies = (&*made, part.has(EVALUATE), resume);
            Some(evaluated(&trained, &data, measure, lies, progress)?)
        }
        _ => None,
    };
    match evaluations {
        Some(e) if part.has(COMPILE) => {
            let report = finish(trained, e, (graph, info), plan, request, output, progress)?;
            Ok(Done::Compiled(Box::new(report)))
        }
        evaluations => {
            output.seal()?;
            Ok(Done::Stages { trained: Box::new(trained), evaluations })
        }
    }
}

/// Compiles what was trained.
fn finish(
    found: Trained,
    evaluations: Vec<Evaluation>,
    (graph, info): (Graph, ModelInfo),
    plan: &Plan,
    mut request: Request,
    output: &mut Output,
    progress: &Progress,
) -> Result<Report, Error> {
    let dual = found.student.net.dual();
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
    // The folder itself comes last: it is what a run is complete with.
    if let (true, Some((folder, place))) = (dual && plan.branch == Export::Both, &mut output.second) {
        let mut request = request.clone();
        request.out = folder.root().to_path_buf();
        if let Some(l) = &mut request.learned {
            l.branch = Some(Branch::Adversarial);
        }
        let graph = found.student.graph(Branch::Adversarial);
        compile_into(source(graph), &request, folder, std::mem::take(place), progress)?;
    }
    compile_into(
        source(found.graph),
        &request,
        &mut output.folder,
        std::mem::take(&mut output.place),
        progress,
    )
}
