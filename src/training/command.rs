//! From a plan to an output folder: train, evaluate, compile what was trained; all of it, or some stages as a job.

use super::before::{before, is_known};
use super::evaluate::{Measure, evaluated};
use super::output::Output;
use super::{Export, Plan, Trained, Trainer};
use crate::compile::{Learned, MaskSource, Request, Source, compile_into, describe, fixed, foresee};
use crate::error::{Error, input};
use crate::folder::Begin;
use crate::images::Images;
use crate::interrupt;
use crate::jobs::{COMPILE, EVALUATE, Job, Part, Shared};
use crate::latency::Pricing;
use crate::progress::Progress;
use crate::model::Model;
use crate::report::Report;
use crate::report::model::{Evaluation, Training, TrainingCounts};
use relinc_passes::driver::Options;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::ir::Graph;
use relinc_runtime::exec::Branch;
use relinc_runtime::train::Kind;

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
    if request.folds_before_tuning() && !plan.folds() {
        return Err(input(
            "fold before-tune wants a stage tune with masks, from a search before it or given, and no search after it",
        ));
    }
    fixed::plans(&request)?;
    let import = source.import();
    if request.options.max_drop.is_some() && !is_known(plan) {
        return Err(input(
            "max-drop compares with the network before, and training from random weights has none; leave it out, or give --teacher",
        ));
    }
    let data = request.data.as_ref().ok_or_else(|| {
        input("training needs images: give them with --data, for instance --data cifar10:DIR")
    })?;
    let (graph, info, notices) = describe::open(source)?;
    let canonical = Model::canonical(graph.clone(), info.clone(), vec![], &Options::default(), None)?;
    let searches = plan.stages.iter().any(|s| s.kind == Kind::Search);
    let masks = plan.masks.clone().unwrap_or_default();
    foresee::expressible(&canonical, (!searches).then_some(&masks), &request)?;
    let images = Images::labelled(data, &graph, &info.path)?;
    describe::range_holds(&request, &graph, &images)?;
    images.announce(progress);
    let opened = Opened { graph, info, import, notices, images };
    let mut output = Output::open(&request, plan, job, progress)?;
    let done = stages(opened, plan, request, measure, job, &mut output, progress);
    if done.is_err() {
        output.give_up();
    }
    done
}

/// What a run begins with.
struct Opened {
    graph: Graph,
    info: ModelInfo,
    /// How the file was read, and what is to be said of it.
    import: ImportOptions,
    notices: Vec<String>,
    images: Images,
}

/// Runs the stages in the folder that was opened for them.
fn stages(
    opened: Opened,
    plan: &Plan,
    request: Request,
    measure: &Measure,
    job: &Job,
    output: &mut Output,
    progress: &Progress,
) -> Result<Done, Error> {
    let (part, resume) = (&job.part, job.begin == Begin::Resume);
    interrupt::can_resume();
    let waiting = interrupt::wait();
    let trainer = Trainer {
        plan,
        part,
        images: &opened.images,
        folder: request.out.clone(),
        resume,
        progress,
        scores: opened.import.scores.clone(),
        pricing: Pricing::from(&request),
        fold: (request.folds_before_tuning()).then(|| request.fold()),
        stop: interrupt::flag(),
    };
    let mut trained = trainer.run(opened.graph.clone(), &opened.info)?;
    trained.notes.splice(0..0, opened.notices.clone());
    drop(waiting);
    interrupt::check("stopped after the last stage; go on with --resume")?;
    let evaluations = match part.names()[part.last()].as_str() {
        EVALUATE | COMPILE => {
            let made = Shared::of(&request.out).made(EVALUATE);
            let lies = (&*made, part.has(EVALUATE), resume);
            Some(evaluated(&trained, &opened.images.spec, measure, lies, progress)?)
        }
        _ => None,
    };
    match evaluations {
        Some(e) if part.has(COMPILE) => {
            let report = finish(trained, e, opened, plan, request, output, progress)?;
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
    mut found: Trained,
    evaluations: Vec<Evaluation>,
    Opened { graph, info, import, .. }: Opened,
    plan: &Plan,
    mut request: Request,
    output: &mut Output,
    progress: &Progress,
) -> Result<Report, Error> {
    let dual = found.student.net.dual();
    let both = dual && plan.branch == Export::Both;
    let other = both.then(|| found.network(Branch::Adversarial)).transpose()?;
    let robust = plan.robust();
    request.learned = Some(Learned {
        training: Training {
            records: std::mem::take(&mut found.records),
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
        import,
        branch: dual.then_some(plan.branch.first()),
        notes: std::mem::take(&mut found.notes),
    });
    request.before = before(plan, &found, &graph, &info);
    request.original = Some(graph);
    request.merged = found.folded;
    request.masks = found.masks.map_or(MaskSource::All, MaskSource::Learned);
    let source = |g| Source::Trained(Box::new(g), Box::new(info.clone()));
    // The folder itself comes last: it is what a run is complete with.
    let mut other_branch = vec![];
    if let (Some(graph), Some((folder, place))) = (other, &mut output.second) {
        let mut request = request.clone();
        request.out = folder.root().to_path_buf();
        if let Some(l) = &mut request.learned {
            l.branch = Some(Branch::Adversarial);
        }
        let second = compile_into(source(graph), &request, folder, std::mem::take(place), progress)?;
        other_branch = second.fixed_points;
    }
    let place = std::mem::take(&mut output.place);
    let report = compile_into(source(found.graph), &request, &mut output.folder, place, progress)?;
    Ok(Report { other_branch, ..report })
}
