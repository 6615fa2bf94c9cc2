//! From a plan to an output folder: train, evaluate, compile what was trained; all of it, or some stages as a job.

use super::before::{before, is_known};
use super::estimate::{Estimate, estimate};
use super::evaluate::{Measure, evaluated};
use super::output::Output;
use super::{Export, Plan, Trained, Trainer, networks};
use crate::compile::{Learned, MaskSource, Request, Source, compile_into, describe, fixed, foresee};
use crate::error::{Result, input};
use crate::folder::Begin;
use crate::images::Images;
use crate::interrupt;
use crate::jobs::{COMPILE, EVALUATE, Job, Shared};
use crate::latency::Pricing;
use crate::model::Model;
use crate::progress::Progress;
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

impl Done {
    /// What was compiled in the end.
    pub fn report(self) -> Result<Report> {
        match self {
            Done::Compiled(r) => Ok(*r),
            Done::Stages { .. } => Err(input("the pipeline does not end with a compilation")),
        }
    }
}

/// What a process runs.
pub struct Run<'a> {
    /// The stages and how they train.
    pub plan: &'a Plan,
    /// What is measured at the end.
    pub measure: &'a Measure,
    /// Which of the stages; what the others left is taken from the output folder.
    pub job: &'a Job,
    /// Progress lines.
    pub progress: &'a Progress,
}

impl Run<'_> {
    /// Trains a network, and compiles the result as `request` says.
    pub fn run(&self, source: Source, request: Request) -> Result<Done> {
        let opened = self.open(source, &request)?;
        opened.images.announce(self.progress);
        let mut output = Output::open(&request, self.plan, self.job, self.progress)?;
        let done = self.stages(opened, request, &mut output);
        if done.is_err() {
            output.give_up();
        }
        done
    }

    /// Finds what is wrong with network, images, plan and request before anything is trained; looks at no output folder.
    ///
    /// # Errors
    /// Those with which [`Run::run`] would begin.
    pub fn check(&self, source: Source, request: &Request) -> Result<()> {
        let Opened { graph, info, import, .. } = self.open(source, request)?;
        networks(self.plan, &graph, &info, import.scores).map(drop)
    }

    /// Measures a few steps, for what the whole run will take; looks at no output folder.
    ///
    /// # Errors
    /// Those of [`Run::check`], and a network that does not run.
    pub fn estimate(&self, source: Source, request: &Request) -> Result<Estimate> {
        let Opened { graph, info, import, images, .. } = self.open(source, request)?;
        let (form, teacher) = networks(self.plan, &graph, &info, import.scores)?;
        estimate(self.plan, self.measure, &images, (&form, teacher.as_ref()))
    }

    /// Opens everything that a run reads, and holds it against each other.
    fn open(&self, source: Source, request: &Request) -> Result<Opened> {
        let plan = self.plan;
        if request.folds_before_tuning() && !plan.folds() {
            return Err(input(
                "fold before-tune wants a stage tune with masks, from a search before it or given, and no search after it",
            ));
        }
        fixed::plans(request)?;
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
        let canonical = Model::canonical(graph.clone(), info.clone(), &Options::default(), None)?;
        let searches = plan.stages.iter().any(|s| s.kind == Kind::Search);
        let masks = plan.masks.clone().unwrap_or_default();
        foresee::expressible(&canonical, (!searches).then_some(&masks), request)?;
        let unproven = |e| input(format!("{}: {e}; leave certified out", info.path.display()));
        self.measure.certifies(&canonical.graph).map_err(unproven)?;
        let images = Images::labelled(data, &graph, &info.path)?;
        describe::range_holds(request, &graph, &images)?;
        Ok(Opened { graph, info, import, notices, images })
    }

    /// Runs the stages in the folder that was opened for them.
    fn stages(&self, opened: Opened, request: Request, output: &mut Output) -> Result<Done> {
        let Run { plan, measure, job, progress } = *self;
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
                let report = self.finish(trained, e, opened, request, output)?;
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
        &self,
        mut found: Trained,
        evaluations: Vec<Evaluation>,
        Opened { graph, info, import, .. }: Opened,
        mut request: Request,
        output: &mut Output,
    ) -> Result<Report> {
        let (plan, progress) = (self.plan, self.progress);
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
