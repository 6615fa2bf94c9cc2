//! A plan, stage by stage.

use super::fold;
use super::guard::Watchdog;
use super::made;
use super::student::{self, Setup};
use super::target::{self, Target};
use super::watch::Watch;
use super::whole::legs;
use super::{Norm, Planned, Trained, Trainer, network, replay};
use crate::caps::{self, counted};
use crate::error::{Error, Result, input};
use crate::folder::LOG;
use crate::jobs::{FOLDED, Left, Log, START, Shared, Spec};
use crate::model::Model as Canonical;
use crate::report::model::Pass;
use relinc_passes::choice::Choice;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::Graph;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;
use relinc_runtime::data::Split;
use relinc_runtime::device::{Chosen, fit};
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::structure::Place;
use relinc_runtime::train::{Counts, Ended, Kind, Model, Stage, StageError};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What every stage is given.
pub(super) struct Given<'a> {
    pub setup: Setup<'a>,
    pub chosen: &'a Chosen,
    pub shared: Shared,
    /// What all stages depend on.
    common: Spec,
    graph: &'a Graph,
    form: &'a Canonical,
    info: &'a ModelInfo,
    /// Comparisons of the student's ReLU layers as it begins.
    relus: usize,
    layers: Vec<ReluLayer>,
}

/// What goes from stage to stage.
struct State<'a> {
    student: Model,
    teacher: Model,
    masks: Masks,
    /// Were the masks given or searched?
    found: bool,
    /// How the network is folded before the next stage that tunes.
    to_fold: Option<&'a Fold>,
    /// What merged.
    folded: Option<Vec<Pass>>,
    notes: Vec<String>,
    /// Epochs of recorded batches that were taken.
    recorded: usize,
    /// Validation images, those of them that were attacked, and how.
    validated: (usize, usize, String),
}

impl Trainer<'_> {
    /// Trains the network that `graph` became.
    pub(super) fn walk(
        &self,
        chosen: &Chosen,
        (graph, form): (&Graph, &Canonical),
        teacher: Option<&Canonical>,
        info: &ModelInfo,
    ) -> Result<Trained> {
        self.progress.step("reading images");
        let (train, val) = (self.images.open(Split::Train, None)?, self.images.open(Split::Val, None)?);
        let taught = teacher.unwrap_or(form);
        let mut notes = train.notices().to_vec();
        notes.extend(self.looked_at(&val, taught, teacher.is_some())?);
        notes.iter().for_each(|n| self.progress.line(n));
        let data = &self.images.spec;
        let setup = Setup { plan: self.plan, data, train: Arc::new(train), val, device: chosen.first() };
        let teacher = setup.teacher(taught).map_err(|e| named(&taught.info, e))?;
        let begun = self.plan.masks.as_ref();
        let mut student = setup.student(form, begun).map_err(|e| named(info, e))?;
        notes.push(student::describe(&student));
        let layers = student.net.relus().to_vec();
        if let Some(said) = caps::said(&layers) {
            self.progress.line(&said);
            notes.push(said);
        }
        if self.plan.random_start {
            student.randomise(self.plan.seed);
        }
        let masks = first_masks(&mut student, begun);
        let common = self.common(info, &teacher, &setup.train, &setup.val);
        let (relus, shared) = (student.net.relu_count(), Shared::of(&self.folder));
        let g = Given { setup, chosen, shared, common, graph, form, info, relus, layers };
        self.unchanged(&g.shared, &g.common)?;
        let mut watch = self.watch(&g)?;
        self.same(&g.shared, START, format!("{:?}", g.common), &mut student)?;
        let mut s = State {
            student,
            teacher,
            masks,
            found: begun.is_some(),
            to_fold: self.fold.as_ref(),
            folded: None,
            notes,
            recorded: 0,
            validated: (0, 0, String::new()),
        };
        for i in 0..self.plan.stages.len().min(self.part.last() + 1) {
            self.one(i, &g, &mut s, &mut watch)?;
        }
        self.trained(&g, s, watch)
    }

    /// The log of the stages that stay, to which those that run add.
    fn watch(&self, g: &Given<'_>) -> Result<Watch<'_>> {
        let names = self.part.names();
        let kept = |stage: &str| self.resume || names[..self.part.first()].iter().any(|n| n == stage);
        let path = self.folder.join(LOG);
        let mut log = if self.resume || self.part.first() > 0 { Log::read(&path)? } else { Log::default() };
        // A job may have ended between an epoch's line and its checkpoint; the epoch comes again then.
        let epochs = names.iter().filter(|n| kept(n)).map(|n| Ok((n, g.shared.left(n)?.epochs())));
        let epochs = epochs.collect::<Result<HashMap<&String, usize>>>()?;
        log.lines.retain(|(_, r)| epochs.get(&r.stage).is_some_and(|&n| r.epoch <= n));
        let legs = legs(self.plan, self.part, g.setup.train.len(), g.setup.val.len())?;
        let mut watch = Watch::open(&path, log, legs, counted(&g.layers), self.progress)?;
        watch.dog = g.chosen.card.as_ref().map(|c| Watchdog::start(&c.name));
        Ok(watch)
    }

    /// Runs stage `i`, or loads what another job made of it.
    fn one(&self, i: usize, g: &Given<'_>, s: &mut State<'_>, watch: &mut Watch<'_>) -> Result<()> {
        let (planned, name) = (&self.plan.stages[i], &self.part.names()[i]);
        let runs = self.part.has(name);
        let begun = s.found;
        if planned.kind == Kind::Tune
            && s.found
            && let Some(how) = s.to_fold.take()
        {
            self.fold(how, g, s)?;
        }
        let target = self.target(i, g, s)?;
        if runs && g.shared.left(name)? != Left::All {
            let searched = Some(&target).filter(|_| planned.kind == Kind::Search);
            self.begin(&g.shared, i, &g.common, searched)?;
        }
        let mut stage = self.stage(planned, name, &target, (&s.student, &s.teacher), g)?;
        stage.resume |= !runs;
        if runs {
            fits(g.chosen, &s.student, &stage).map_err(|e| input(format!("stage {name}: {e}")))?;
        }
        if stage.recipe.epochs > 0 {
            let r = &stage.recipe;
            s.validated = (r.val_images, r.val_attacked, stage.validation_attack().to_string());
        }
        if let Some(dir) = &planned.options.steps.replay {
            let epochs = stage.recipe.epochs;
            stage.order = Some(replay::part(&replay::order(dir)?, s.recorded, epochs, g.setup.train.len())?);
            s.recorded += epochs;
            replay::begin(&mut stage, dir, &g.layers)?;
        }
        if let (true, Some(search)) = (begun, &mut stage.recipe.search) {
            let (have, want) = (search.first.get_or_insert_with(|| s.masks.clone()).kept(), search.keep);
            if have < want {
                let what = counted(&g.layers);
                let why = format!("the masks to begin with keep {have} {what}, the budget is {want}");
                return Err(named(g.info, why));
            }
            let quadratic =
                |r: &ReluLayer| s.masks.layers.get(&r.name).is_some_and(|m| m.count(Choice::Quadratic) > 0);
            let relus = s.student.net.relus().iter().enumerate();
            if let Some((_, r)) = relus.into_iter().find(|(l, r)| quadratic(r) && !search.squares(*l)) {
                let why = "a search does not keep them; tune these masks, or begin with others";
                return Err(named(
                    g.info,
                    format!("the masks to begin with have quadratic elements in {}, and {why}", r.name),
                ));
            }
        }
        let ended = stage.run(&mut s.student, &mut s.masks, watch);
        self.progress.finish();
        match ended {
            Ok(Ended::Finished) => {}
            Ok(Ended::Stopped) => return Err(self.stopped(name)),
            Err(StageError::Other(e)) => return Err(named(g.info, e)),
            Err(StageError::Kept(e)) => return Err(Error::Input(e)),
            Err(e @ (StageError::NotFinite { .. } | StageError::Collapsed { .. })) => {
                return Err(Error::Answer(format!("{name}: {e}")));
            }
        }
        if planned.kind == Kind::Teacher {
            s.teacher = s.student.clone();
        }
        if planned.kind == Kind::Search {
            let search = planned.options.search(0, self.plan.seed)?;
            let said =
                caps::lost(&s.student, &g.setup.train, search.calibration).map_err(|e| named(g.info, e))?;
            s.notes.extend(said);
        }
        Ok(())
    }

    /// Folds the student, where something merges, and makes a new one of what is left.
    fn fold(&self, how: &Fold, g: &Given<'_>, s: &mut State<'_>) -> Result<()> {
        let made = fold::fold(&s.student, self.plan.branch.first(), g.info, &s.masks, how)?;
        self.progress.line(&made.said);
        s.notes.push(made.said);
        let Some(form) = made.form else { return Ok(()) };
        s.masks.layers.retain(|name, _| form.layers_left().any(|l| l == name));
        let made = match self.plan.norm {
            Norm::None => g.setup.teacher(&form),
            Norm::Auto | Norm::Single | Norm::Dual => g.setup.student(&form, Some(&s.masks)),
        };
        let from = format!("{:016x} under {}", s.student.fingerprint(), made::of_masks(&s.masks));
        s.student = made.map_err(|e| named(g.info, e))?;
        s.student.set_masks(&s.masks);
        self.same(&g.shared, FOLDED, from, &mut s.student)?;
        s.folded = Some(form.passes);
        Ok(())
    }

    /// What a stage aims at: what a search is to keep, else what the masks keep.
    fn target(&self, i: usize, g: &Given<'_>, s: &mut State<'_>) -> Result<Target> {
        let (planned, name) = (&self.plan.stages[i], &self.part.names()[i]);
        if planned.kind != Kind::Search {
            return Ok(Target { keep: s.masks.kept(), ..Target::default() });
        }
        let o = &planned.options;
        s.found = true;
        s.notes.extend(o.notice());
        let budget = planned.budget.as_ref().ok_or_else(|| input("stage search needs a budget"))?;
        s.masks.budget = Some(budget.to_string());
        let resolved = match budget {
            Budget::Latency(_) => self.resolved(&g.shared, name)?,
            // What layers cost is not measured twice.
            Budget::Relus(_) | Budget::Percent(_) if o.may_square()? => self.resolved(&g.shared, name)?,
            Budget::Relus(_) | Budget::Percent(_) => None,
        };
        let target = match resolved {
            Some(t) => t,
            None => {
                let canonical = || self.lean(g.graph, g.info).map(Cow::Owned);
                let worth = |places: &[Place]| self.worth(o, &s.student, &g.setup.train, places);
                target::resolve(budget, o, g.relus, &self.pricing, canonical, worth)?
            }
        };
        s.notes.extend(target.said.clone());
        Ok(target)
    }

    fn stage<'s>(
        &self,
        planned: &Planned,
        name: &str,
        target: &Target,
        (student, teacher): (&Model, &'s Model),
        g: &'s Given<'_>,
    ) -> Result<Stage<'s>> {
        let o = &planned.options;
        // A tune stage follows the search's method where it says nothing itself.
        let search = self.plan.stages.iter().find(|s| s.kind == Kind::Search);
        let method = match (planned.kind, search) {
            (Kind::Search, _) => Some(o.method()?),
            (Kind::Tune, _) if o.masks.method.is_some() => Some(o.method()?),
            (Kind::Tune, Some(s)) => Some(s.options.method()?).filter(|m| m.trains()),
            _ => None,
        };
        let robust = o.steps.robust.unwrap_or_else(|| self.plan.robust());
        let single = self.plan.norm != Norm::Dual && !(self.plan.norm == Norm::Auto && robust);
        let share = target.keep as f64 / g.relus.max(1) as f64;
        let mut recipe = o.recipe(planned.kind, method, robust, single, share, self.plan.seed)?;
        recipe.objective.precision = o.precision_on(student.net.device())?;
        if planned.kind == Kind::Search {
            let mut s = o.search(target.keep, self.plan.seed)?;
            s.vanish = target.vanish.clone();
            s.squares = target.squares.clone();
            if s.counts == Counts::Measured && s.method.trains() {
                s.counts = Counts::Eta(self.sensitivity(name, o, (student, teacher), g)?);
            }
            recipe.search = Some(s);
        }
        Ok(Stage {
            name: name.into(),
            recipe,
            teacher: Some(teacher).filter(|_| planned.kind != Kind::Teacher),
            train: g.setup.train.clone(),
            val: &g.setup.val,
            folder: Some(g.shared.path().into()),
            resume: self.resume,
            stop: self.stop.clone(),
            order: None,
            density: None,
            beside: g.chosen.devices[1..].to_vec(),
        })
    }

    /// What the plan made.
    fn trained(&self, g: &Given<'_>, s: State<'_>, watch: Watch<'_>) -> Result<Trained> {
        let form = g.form;
        let graph = network(&s.student, &form.layers, &form.head, self.plan.branch.first())
            .map_err(|e| named(g.info, e))?;
        let masks = match s.folded {
            Some(_) => fold::renamed(s.masks, &graph, g.info)?,
            None => form.found(s.masks),
        };
        let (validated, attacked, attack) = s.validated;
        let there = g.setup.val.len();
        Ok(Trained {
            graph,
            masks: s.found.then_some(masks),
            folded: s.folded,
            student: s.student,
            layers: form.layers.clone(),
            head: form.head.clone(),
            teacher: s.teacher,
            records: watch.records,
            notes: s.notes,
            images: (g.setup.train.len(), validated.min(there)),
            attacked: attacked.min(there),
            attack,
        })
    }
}

/// An error about the network.
fn named(info: &ModelInfo, e: String) -> Error {
    input(format!("{}: {e}", info.path.display()))
}

/// Puts the masks a plan begins with on the student; all ReLUs where there are none.
fn first_masks(student: &mut Model, given: Option<&Masks>) -> Masks {
    let mut masks = student.open_masks();
    for (name, mask) in &mut masks.layers {
        if let Some(given) = given.and_then(|m| m.layers.get(name)) {
            let cap = mask.cap;
            *mask = given.clone();
            mask.put_under(cap);
        }
    }
    student.set_masks(&masks);
    masks
}

/// Whether the device of a stage has the memory and the precision for its steps.
fn fits(chosen: &Chosen, student: &Model, stage: &Stage<'_>) -> Result<(), String> {
    let (recipe, objective) = (&stage.recipe, &stage.recipe.objective);
    objective.precision.check(student.net.device())?;
    let Some(card) = &chosen.card else { return Ok(()) };
    let views = if objective.robust { 1.5 } else { 1.0 };
    fit::needs(&student.net).check(card, recipe.batch.div_ceil(chosen.devices.len()), views)
}
