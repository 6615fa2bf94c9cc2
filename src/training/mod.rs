//! The stages of a run: teacher, search, tune, on any imported graph.

mod before;
pub(crate) mod check;
pub mod command;
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
mod watch;

use crate::error::{Error, input};
use crate::folder::LOG;
use crate::images::Images;
use crate::interrupt;
use crate::jobs::{FOLDED, Left, Log, Part, START, Shared};
use crate::latency::Pricing;
use crate::model::{Model as Canonical, PassRecord, with_redundant};
use crate::progress::Progress;
use burn::tensor::Device;
use guard::{Watchdog, guarded};
use relinc_passes::driver::Options;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo, Wanted};
use relinc_passes::head::Head;
use relinc_passes::ir::Graph;
use relinc_passes::masks::Masks;
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::device::{self, Chosen, fit};
use relinc_runtime::eval::{self, doubt};
use relinc_runtime::exec::Branch;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::whole;
use relinc_runtime::search::worth::first_images;
use relinc_runtime::train::{Counts, Ended, Kind, Model, Record, Stage, StageError};
use spec::StageOptions;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use target::Target;
use watch::Watch;

pub use plan::{Export, Plan, Planned};
pub use student::Norm;

/// What a plan made.
#[derive(Debug)]
pub struct Trained {
    /// The network with its trained weights and all its ReLUs, of the exported branch.
    pub graph: Graph,
    /// The masks it was trained under, if any stage made some.
    pub masks: Option<Masks>,
    /// What merged before it was tuned; `None` where it was not folded.
    pub folded: Option<Vec<PassRecord>>,
    /// The student as it was trained.
    pub student: Model,
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
fn network(student: &Model, head: &Head, branch: Branch) -> Result<Graph, String> {
    let mut g = with_redundant(student.graph(branch));
    head.attach(&mut g)?;
    Ok(g)
}

impl Trained {
    /// The network of a branch.
    pub fn network(&self, branch: Branch) -> Result<Graph, Error> {
        network(&self.student, &self.head, branch).map_err(Error::Input)
    }
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
    pub fn run(&self, graph: Graph, info: &ModelInfo) -> Result<Trained, Error> {
        let chosen = device::choose(&self.plan.device).map_err(Error::Input)?;
        self.progress.line(&chosen.said);
        let form = self.form(&graph, info)?;
        let options = ImportOptions { scores: self.scores.clone(), ..ImportOptions::default() };
        let teacher = self.plan.teacher.as_ref().map(|path| student::read(path, &options)).transpose()?;
        guarded(chosen.first(), || self.on(&chosen, (graph, form), teacher, info))
    }

    /// The network to train, as it begins.
    fn form(&self, graph: &Graph, info: &ModelInfo) -> Result<Canonical, Error> {
        let mut form = student::form(graph.clone(), info)?;
        if let Some(m) = &self.plan.masks {
            m.check("the masks to begin with", &form.layers).map_err(input)?;
            form.begin_with(m)?;
        }
        Ok(form)
    }

    fn on(
        &self,
        chosen: &Chosen,
        (graph, form): (Graph, Canonical),
        teacher: Option<Canonical>,
        info: &ModelInfo,
    ) -> Result<Trained, Error> {
        let named = |e: String| Error::Input(format!("{}: {e}", info.path.display()));
        let device = chosen.first();
        self.fits(&form, teacher.as_ref())?;
        self.progress.step("reading images");
        let data = &self.images.spec;
        let train = Arc::new(self.images.open(Split::Train, None)?);
        let val = self.images.open(Split::Val, None)?;
        let other = teacher.is_some();
        let taught = teacher.as_ref().unwrap_or(&form);
        let mut notes = train.notices().to_vec();
        notes.extend(self.looked_at(&val, taught, other)?);
        notes.iter().for_each(|n| self.progress.line(n));
        let mut teacher = student::teacher(taught, data, train.image_shape(), device)
            .map_err(|e| Error::Input(format!("{}: {e}", taught.info.path.display())))?;
        let robust = self.plan.robust();
        let (norm, first) = (self.plan.norm, self.plan.masks.as_ref());
        let mut student = student::student(&form, norm, robust, data, &train, first, self.plan.seed, device)
            .map_err(named)?;
        notes.push(student::describe(&student));
        let layers = student.net.relus().to_vec();
        if self.plan.random_start {
            student.randomise(self.plan.seed);
        }
        let mut masks = student.open_masks();
        if let Some(m) = &self.plan.masks {
            for (name, mask) in &mut masks.layers {
                m.layers.get(name).into_iter().for_each(|given| *mask = given.clone());
            }
        }
        student.set_masks(&masks);
        let relus = student.net.relu_count();
        let mut found = self.plan.masks.is_some();
        let (mut to_fold, mut folded) = (self.fold.as_ref(), None);
        let shared = Shared::of(&self.folder);
        let common = self.common(info, &teacher, &train, &val);
        self.unchanged(&shared, &common)?;
        let names = self.part.names();
        let kept = |stage: &str| self.resume || names[..self.part.first()].iter().any(|n| n == stage);
        let path = self.folder.join(LOG);
        let mut log = match self.resume || self.part.first() > 0 {
            true => Log::read(&path)?,
            false => Log::default(),
        };
        // A job may have ended between an epoch's line and its checkpoint; the epoch comes again then.
        let epochs = names.iter().filter(|n| kept(n)).map(|n| Ok((n, shared.left(n)?.epochs())));
        let epochs = epochs.collect::<Result<HashMap<&String, usize>, Error>>()?;
        log.lines.retain(|(_, r)| epochs.get(&r.stage).is_some_and(|&n| r.epoch <= n));
        let mut watch = Watch::open(&path, log, self.progress)?;
        watch.dog = chosen.card.as_ref().map(|c| Watchdog::start(&c.name));
        self.same(&shared, START, format!("{common:?}"), &mut student)?;
        let mut recorded = 0;
        let (mut validated, mut attacked, mut attack) = (0, 0, String::new());
        for (i, planned) in self.plan.stages.iter().enumerate().take(self.part.last() + 1) {
            let name = names[i].clone();
            let runs = self.part.has(&name);
            let o = &planned.options;
            let begun = found;
            if planned.kind == Kind::Tune
                && found
                && let Some(how) = to_fold.take()
            {
                let made = fold::fold(&student, self.plan.branch.first(), info, &masks, how)?;
                self.progress.line(&made.said);
                notes.push(made.said);
                if let Some(form) = made.form {
                    masks.layers.retain(|name, _| form.layers_left().any(|l| l == name));
                    let (image, seed) = (train.image_shape(), self.plan.seed);
                    let made = match norm {
                        Norm::None => student::teacher(&form, data, image, device),
                        _ => student::student(&form, norm, robust, data, &train, Some(&masks), seed, device),
                    };
                    let from = format!("{:016x} under {}", student.fingerprint(), made::of_masks(&masks));
                    student = made.map_err(named)?;
                    student.set_masks(&masks);
                    self.same(&shared, FOLDED, from, &mut student)?;
                    folded = Some(form.passes);
                }
            }
            let mut target = Target { keep: masks.kept(), ..Target::default() };
            if planned.kind == Kind::Search {
                found = true;
                notes.extend(o.notice());
                let budget = planned.budget.as_ref().ok_or_else(|| input("stage search needs a budget"))?;
                masks.budget = Some(budget.to_string());
                let resolved = match budget {
                    Budget::Latency(_) => self.resolved(&shared, &name)?,
                    _ => None,
                };
                target = match resolved {
                    Some(t) => t,
                    None => {
                        let canonical = || self.lean(&graph, info).map(Cow::Owned);
                        let worth = || self.worth(o, &student, &train);
                        target::resolve(budget, o, relus, &self.pricing, canonical, worth)?
                    }
                };
                notes.extend(target.said.clone());
            }
            if runs && shared.left(&name)? != Left::All {
                self.begin(&shared, i, &common, Some(&target).filter(|_| planned.kind == Kind::Search))?;
            }
            let mut stage = self.stage(
                planned,
                &name,
                &target,
                relus,
                &student,
                Some(&teacher),
                &train,
                &val,
                shared.path(),
                &chosen.devices[1..],
            )?;
            stage.resume |= !runs;
            if runs {
                fits(chosen, &student, &stage).map_err(|e| Error::Input(format!("stage {name}: {e}")))?;
            }
            if stage.recipe.epochs > 0 {
                (validated, attacked) = (stage.recipe.val_images, stage.recipe.val_attacked);
                attack = stage.validation_attack().to_string();
            }
            if let Some(dir) = &o.replay {
                let order = replay::order(dir)?;
                stage.order = Some(replay::part(&order, recorded, stage.recipe.epochs, train.len())?);
                recorded += stage.recipe.epochs;
                replay::begin(&mut stage, dir, &layers)?;
            }
            if let (true, Some(s)) = (begun, &mut stage.recipe.search) {
                let first = s.first.get_or_insert_with(|| masks.clone());
                if first.kept() < s.keep {
                    let (have, want) = (first.kept(), s.keep);
                    return Err(named(format!(
                        "the masks to begin with keep {have} ReLUs, the budget is {want}"
                    )));
                }
            }
            let ended = stage.run(&mut student, &mut masks, &mut watch);
            self.progress.finish();
            match ended {
                Ok(Ended::Finished) => {}
                Ok(Ended::Stopped) => return Err(self.stopped(&name)),
                Err(StageError::Other(e)) => return Err(named(e)),
                Err(StageError::Kept(e)) => return Err(Error::Input(e)),
                Err(e @ StageError::NotFinite { .. }) => return Err(Error::Answer(format!("{name}: {e}"))),
            }
            if planned.kind == Kind::Teacher {
                teacher = student.clone();
            }
        }
        let trained = network(&student, &form.head, self.plan.branch.first()).map_err(named)?;
        masks = match folded {
            Some(_) => fold::renamed(masks, &trained, info)?,
            None => form.found(masks),
        };
        Ok(Trained {
            graph: trained,
            masks: found.then_some(masks),
            folded,
            student,
            head: form.head,
            teacher,
            records: watch.records,
            notes,
            images: (train.len(), validated.min(val.len())),
            attacked: attacked.min(val.len()),
            attack,
        })
    }

    /// The model as it is lowered, without the layers that are redundant under the masks it begins with.
    fn lean(&self, graph: &Graph, info: &ModelInfo) -> Result<Canonical, Error> {
        let mut model = Canonical::canonical(graph.clone(), info.clone(), vec![], &Options::default(), None)?;
        if let Some(m) = &self.plan.masks {
            model.begin_with(m)?;
        }
        model.lean()
    }

    /// What each ReLU of the student costs when its layer goes whole.
    fn worth(&self, o: &StageOptions, student: &Model, train: &Dataset) -> Result<Vec<Vec<f64>>, Error> {
        let s = o.search(0, self.plan.seed)?;
        let images = first_images(student, s.calibration.min(train.len())).map_err(input)?;
        let mut tell = |i, n| self.progress.count("layers that fit the time", i, n);
        let found = whole::rescaled(student, (train, &images), &s.choices, s.seed, &mut tell);
        self.progress.finish();
        found.map_err(input)
    }

    /// Says how the validation images came about, and what explains that the network which teaches gets few of them right.
    fn looked_at(&self, val: &Dataset, teacher: &Canonical, of_a_file: bool) -> Result<Vec<String>, Error> {
        let mut notes = val.notices().to_vec();
        let untrained = !of_a_file && (self.plan.random_start || teacher.info.sha256.is_empty());
        if !untrained {
            let named = |e: String| Error::Input(format!("{}: {e}", teacher.info.path.display()));
            self.progress.step("accuracy of the network that teaches");
            let found = eval::clean(&teacher.graph, val, doubt::IMAGES, &mut |_, _| {}).map_err(named)?;
            notes.extend(self.images.doubt(&teacher.graph, val, found.clean, self.progress)?);
        }
        Ok(notes)
    }

    fn stopped(&self, stage: &str) -> Error {
        interrupt::stopped(format!(
            "stopped in stage {stage}; the checkpoint is in {}, go on with --resume",
            Shared::of(&self.folder).path().display()
        ))
    }

    #[allow(clippy::too_many_arguments)]
    fn stage<'s>(
        &self,
        planned: &Planned,
        name: &str,
        target: &Target,
        relus: usize,
        student: &Model,
        teacher: Option<&'s Model>,
        train: &Arc<Dataset>,
        val: &'s Dataset,
        checkpoints: &Path,
        beside: &[Device],
    ) -> Result<Stage<'s>, Error> {
        let o = &planned.options;
        // A tune stage follows the search's method where it says nothing itself.
        let search = self.plan.stages.iter().find(|s| s.kind == Kind::Search);
        let method = match (planned.kind, search) {
            (Kind::Search, _) => Some(o.method()?),
            (Kind::Tune, _) if o.method.is_some() => Some(o.method()?),
            (Kind::Tune, Some(s)) => Some(s.options.method()?).filter(|m| m.trains()),
            _ => None,
        };
        let robust = o.robust.unwrap_or_else(|| self.plan.robust());
        let single = self.plan.norm != Norm::Dual && !(self.plan.norm == Norm::Auto && robust);
        let share = target.keep as f64 / relus.max(1) as f64;
        let mut recipe = o.recipe(planned.kind, method, robust, single, share, self.plan.seed)?;
        if planned.kind == Kind::Search {
            let mut s = o.search(target.keep, self.plan.seed)?;
            s.vanish = target.vanish.clone();
            if s.counts == Counts::Measured && s.method.trains() {
                s.counts = Counts::Eta(self.sensitivity(
                    name,
                    o,
                    student,
                    teacher,
                    train,
                    val,
                    checkpoints,
                    beside,
                )?);
            }
            recipe.search = Some(s);
        }
        let needs_teacher = planned.kind != Kind::Teacher;
        Ok(Stage {
            name: name.into(),
            recipe,
            teacher: teacher.filter(|_| needs_teacher),
            train: train.clone(),
            val,
            folder: Some(checkpoints.into()),
            resume: self.resume,
            stop: self.stop.clone(),
            order: None,
            density: None,
            beside: beside.to_vec(),
        })
    }
}

/// Whether the device of a stage has the memory and the precision for its steps.
fn fits(chosen: &Chosen, student: &Model, stage: &Stage<'_>) -> Result<(), String> {
    let (recipe, objective) = (&stage.recipe, &stage.recipe.objective);
    objective.precision.check(student.net.device())?;
    let Some(card) = &chosen.card else { return Ok(()) };
    let views = if objective.robust { 1.5 } else { 1.0 };
    fit::needs(&student.net).check(card, recipe.batch.div_ceil(chosen.devices.len()), views)
}
