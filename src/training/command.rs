//! From a plan to an output folder: train, then compile what was trained.

use super::evaluate::{Measure, evaluate};
use super::{Export, Plan, Trainer};
use crate::compile::{FoldMode, Learned, MaskSource, Request, Source, compile, describe};
use crate::error::{Error, input};
use crate::latency::Pricing;
use crate::progress::Progress;
use crate::report::Report;
use crate::report::model::{Training, TrainingCounts};
use relinc_runtime::exec::Branch;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Runs the stages of a plan, then compiles the result as `request` says.
pub fn train_and_compile(
    source: Source,
    plan: &Plan,
    mut request: Request,
    measure: &Measure,
    resume: bool,
    progress: &Progress,
) -> Result<Report, Error> {
    let data = request.data.clone().ok_or_else(|| {
        input("training needs images: give them with --data, for instance --data cifar10:DIR")
    })?;
    if request.fold == FoldMode::BeforeTune && !plan.folds() {
        return Err(input(
            "fold before-tune wants a stage tune with masks, from a search before it or given, and no search after it",
        ));
    }
    let (graph, info, _) = describe::open(source)?;
    let trainer = Trainer {
        plan,
        data: &data,
        folder: request.out.clone(),
        resume,
        progress,
        pricing: Pricing::from(&request),
        fold: (request.fold == FoldMode::BeforeTune).then(|| request.fold.options(&request)),
        stop: on_interrupt()?,
    };
    let found = trainer.run(graph.clone(), &info)?;
    let evaluations = evaluate(&found, &data, measure, progress)?;
    let dual = found.student.net.dual();
    let robust = plan.robust();
    request.learned = Some(Learned {
        training: Training {
            records: found.records,
            data: Some(data.to_string()),
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
    let other = (dual && plan.branch == Export::Both).then(|| found.student.graph(Branch::Adversarial));
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

/// A flag that Ctrl-C sets; a second one ends the process at once.
fn on_interrupt() -> Result<Arc<AtomicBool>, Error> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let stop = STOP.get_or_init(Default::default).clone();
    let flag = stop.clone();
    let set = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
    match set {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(stop),
        Err(e) => Err(Error::Input(format!("Ctrl-C cannot be caught: {e}"))),
    }
}
