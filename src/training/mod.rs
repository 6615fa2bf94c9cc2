//! The stages of a run: teacher, search, tune, on any imported graph.

pub mod command;
pub mod evaluate;
pub mod replay;
pub mod spec;
mod student;
mod watch;

use crate::error::{Error, input};
use crate::model::Model as Canonical;
use crate::progress::Progress;
use relinc_passes::front::onnx::ModelInfo;
use relinc_passes::ir::Graph;
use relinc_passes::masks::Masks;
use relinc_passes::pass::Options;
use relinc_runtime::data::{DataSpec, Dataset, Split};
use relinc_runtime::eval;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::oneshot::{self, Allocation, Oneshot};
use relinc_runtime::train::evaluate::pixels;
use relinc_runtime::train::learner::Scene;
use relinc_runtime::train::objective::At;
use relinc_runtime::train::{
    Counts, Ended, Kind, Method, Model, Record, Stage, StageError, loader, sensitivity, sparsity,
};
use spec::StageOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use watch::Watch;

pub use student::Norm;

/// Which branches of dual batch normalisations are folded and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Export {
    /// BN_c.
    #[default]
    Clean,
    /// BN_a.
    Adversarial,
    /// BN_c into the output folder, BN_a into its subfolder `adversarial`.
    Both,
}

impl Export {
    /// The branch in the output folder itself.
    pub fn first(self) -> Branch {
        if self == Export::Adversarial { Branch::Adversarial } else { Branch::Clean }
    }
}

impl std::str::FromStr for Export {
    type Err = Error;
    fn from_str(s: &str) -> Result<Export, Error> {
        match s {
            "clean" => Ok(Export::Clean),
            "adversarial" => Ok(Export::Adversarial),
            "both" => Ok(Export::Both),
            _ => Err(Error::Input(format!("branch '{s}' is not known; choose clean, adversarial or both"))),
        }
    }
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Which.
    pub kind: Kind,
    /// How.
    pub options: StageOptions,
    /// ReLUs to keep, in a search.
    pub budget: Option<Budget>,
}

/// What is trained, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stages in order.
    pub stages: Vec<Planned>,
    /// Batch normalisations.
    pub norm: Norm,
    /// Start from random weights instead of the model's.
    pub random_start: bool,
    /// Masks to begin with.
    pub masks: Option<Masks>,
    /// Another network that teaches; otherwise the model itself or the teacher stage's.
    pub teacher: Option<PathBuf>,
    /// The branches that are exported.
    pub branch: Export,
    /// Seed of everything random.
    pub seed: u64,
}

impl Plan {
    /// Does any stage train?
    pub fn trains(&self) -> bool {
        self.stages.iter().any(|s| s.kind != Kind::Search || !is_oneshot(&s.options))
    }
    /// Is any stage robust?
    pub fn robust(&self) -> bool {
        self.stages.iter().any(|s| s.options.is_robust())
    }
}

/// Is a search stage without training meant?
pub fn is_oneshot(o: &StageOptions) -> bool {
    o.method.as_deref().map_or(o.epochs.is_none(), |m| m == "oneshot")
}

/// What a plan made.
#[derive(Debug)]
pub struct Trained {
    /// The network with its trained weights and all its ReLUs, of the exported branch.
    pub graph: Graph,
    /// The masks it was trained under, if any stage made some.
    pub masks: Option<Masks>,
    /// The student as it was trained.
    pub student: Model,
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

/// Runs a plan.
pub struct Trainer<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// Images.
    pub data: &'a DataSpec,
    /// Where checkpoints and the log go.
    pub folder: PathBuf,
    /// Go on where an earlier run stopped.
    pub resume: bool,
    /// Progress lines.
    pub progress: &'a Progress,
    /// Set when the user wants to stop.
    pub stop: Arc<AtomicBool>,
}

impl Trainer<'_> {
    /// Trains an imported graph.
    pub fn run(&self, graph: Graph, info: &ModelInfo) -> Result<Trained, Error> {
        let named = |e: String| Error::Input(format!("{}: {e}", info.path.display()));
        self.progress.step("reading images");
        let train = Arc::new(self.data.open(Split::Train, None).map_err(input)?);
        let val = self.data.open(Split::Val, None).map_err(input)?;
        let graph = relinc_runtime::exec::free_batch(&graph).map_err(|e| named(e.to_string()))?;
        let form = Canonical::trainable(graph.clone(), info.clone(), vec![], &Options::default())?;
        let mut notes = vec![];
        let mut teacher = match &self.plan.teacher {
            Some(path) => student::read(path, self.data, train.image_shape())?,
            None => student::teacher(&form, self.data, train.image_shape()).map_err(named)?,
        };
        let robust = self.plan.robust();
        let layers = form.mask_layers();
        if let Some(m) = &self.plan.masks {
            m.check("the masks to begin with", &layers).map_err(input)?;
        }
        let (norm, first) = (self.plan.norm, self.plan.masks.as_ref());
        let mut student =
            student::student(&form, norm, robust, self.data, &train, first, self.plan.seed).map_err(named)?;
        notes.push(student::describe(&student));
        if self.plan.random_start {
            student.randomise(self.plan.seed);
        }
        let mut masks = student.open_masks();
        if let Some(m) = &self.plan.masks {
            masks.layers.extend(m.layers.clone());
        }
        student.set_masks(&masks);
        let mut found = self.plan.masks.is_some();
        self.check(&student, &teacher, &train, &val).map_err(named)?;
        let checkpoints = self.folder.join("checkpoints");
        std::fs::create_dir_all(&checkpoints)
            .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", checkpoints.display())))?;
        let mut watch = Watch::open(&self.folder.join("log.jsonl"), self.resume, self.progress)?;
        if !self.resume {
            clear(&checkpoints)?;
        }
        let mut recorded = 0;
        let (mut validated, mut attacked, mut attack) = (0, 0, String::new());
        for (i, planned) in self.plan.stages.iter().enumerate() {
            let name = self.stage_name(i);
            let o = &planned.options;
            let begun = found;
            if planned.kind == Kind::Search {
                found = true;
                let total = student.net.relu_count();
                let keep = planned.budget.as_ref().ok_or_else(|| input("stage search needs a budget"))?;
                masks.budget = Some(keep.to_string());
                if is_oneshot(o) {
                    let keep = keep.relus(total).map_err(input)?;
                    masks = self.oneshot(&student, o, keep, &train, masks.budget.clone())?;
                    student.set_masks(&masks);
                    continue;
                }
            }
            let mut stage =
                self.stage(planned, &name, &student, Some(&teacher), &train, &val, &checkpoints)?;
            (validated, attacked) = (stage.recipe.val_images, stage.recipe.val_attacked);
            attack = stage.validation_attack().to_string();
            if let Some(dir) = &o.replay {
                let order = replay::order(dir)?;
                stage.order = Some(replay::part(&order, recorded, stage.recipe.epochs, train.len())?);
                recorded += stage.recipe.epochs;
                self.recorded(&mut stage, dir, &layers)?;
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
                Err(e @ StageError::NotFinite { .. }) => return Err(Error::Answer(format!("{name}: {e}"))),
            }
            if planned.kind == Kind::Teacher {
                teacher = student.clone();
            }
        }
        let trained = student.graph(self.plan.branch.first());
        Ok(Trained {
            graph: trained,
            masks: found.then_some(masks),
            student,
            teacher,
            records: watch.into_records(),
            notes,
            images: (train.len(), validated.min(val.len())),
            attacked: attacked.min(val.len()),
            attack,
        })
    }

    /// Finds before anything is trained what could not be: options, labels, and a teacher that does not fit.
    fn check(&self, student: &Model, teacher: &Model, train: &Dataset, val: &Dataset) -> Result<(), String> {
        if train.is_empty() {
            return Err("there are no training images".into());
        }
        let classes = |m: &Model| -> Result<usize, String> {
            Ok(m.runnable().logits(pixels(train, 0..1, m.net.device()), Branch::Clean)?.dims()[1])
        };
        let (mine, theirs) = (classes(student)?, classes(teacher)?);
        let labels = |d: &Dataset| (0..d.len()).map(|i| d.label(i)).max().unwrap_or(0);
        let most = labels(train).max(labels(val));
        if most >= mine {
            return Err(format!("the data set has a label {most}, the model only {mine} classes"));
        }
        if mine != theirs {
            return Err(format!("the teacher has {theirs} classes, the model {mine}"));
        }
        let shapes = |m: &Model| m.net.relus().iter().map(|r| r.shape).collect::<Vec<_>>();
        for s in &self.plan.stages {
            let o = &s.options;
            let fail = |e: Error| e.to_string();
            if s.kind == Kind::Search && is_oneshot(o) {
                continue;
            }
            let method = (s.kind == Kind::Search || o.method.is_some())
                .then(|| o.method())
                .transpose()
                .map_err(fail)?;
            let recipe = o.recipe(s.kind, method, false, true, 0).map_err(fail)?;
            if s.kind == Kind::Search {
                o.search(0, 0).map_err(fail)?;
            }
            let compares =
                recipe.objective.attention > 0.0 || matches!(method, Some(Method::Senet | Method::Rlnet));
            if s.kind != Kind::Teacher && compares && shapes(student) != shapes(teacher) {
                return Err("the teacher has other ReLU layers than the model; senet, rlnet and attention compare them".into());
            }
        }
        Ok(())
    }

    fn stage_name(&self, i: usize) -> String {
        let kind = self.plan.stages[i].kind;
        let before = self.plan.stages[..i].iter().filter(|s| s.kind == kind).count();
        if before == 0 { kind.name().to_string() } else { format!("{}{}", kind.name(), before + 1) }
    }

    fn stopped(&self, stage: &str) -> Error {
        Error::Stopped(format!(
            "stopped in stage {stage}; the checkpoint is in {}, go on with --resume",
            self.folder.join("checkpoints").display()
        ))
    }

    #[allow(clippy::too_many_arguments)]
    fn stage<'s>(
        &self,
        planned: &Planned,
        name: &str,
        student: &Model,
        teacher: Option<&'s Model>,
        train: &Arc<Dataset>,
        val: &'s Dataset,
        checkpoints: &Path,
    ) -> Result<Stage<'s>, Error> {
        let o = &planned.options;
        // A tune stage follows the search's method where it says nothing itself.
        let search = self.plan.stages.iter().find(|s| s.kind == Kind::Search);
        let method = match (planned.kind, search) {
            (Kind::Search, _) => Some(o.method()?),
            (Kind::Tune, _) if o.method.is_some() => Some(o.method()?),
            (Kind::Tune, Some(s)) if !is_oneshot(&s.options) => Some(s.options.method()?),
            _ => None,
        };
        let robust = o.robust.unwrap_or_else(|| self.plan.robust());
        let single = self.plan.norm != Norm::Dual && !(self.plan.norm == Norm::Auto && robust);
        let mut recipe = o.recipe(planned.kind, method, robust, single, self.plan.seed)?;
        if planned.kind == Kind::Search {
            let total = student.net.relu_count();
            let keep = planned
                .budget
                .as_ref()
                .ok_or_else(|| input("stage search needs a budget"))?
                .relus(total)
                .map_err(input)?;
            let mut s = o.search(keep, self.plan.seed)?;
            if s.counts == Counts::Eta(vec![]) {
                s.counts =
                    Counts::Eta(self.sensitivity(name, o, student, teacher, train, val, checkpoints)?);
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
        })
    }

    fn recorded(
        &self,
        stage: &mut Stage<'_>,
        dir: &Path,
        layers: &[(String, [usize; 3])],
    ) -> Result<(), Error> {
        if let Some(s) = &mut stage.recipe.search {
            let first = replay::masks(dir)?;
            first.check(&dir.display().to_string(), layers).map_err(input)?;
            s.first = Some(first);
            if let Some(n) = replay::counts(dir) {
                if n.iter().sum::<usize>() != s.keep {
                    return Err(Error::Input(format!(
                        "{}: counts.json sums to {}, the budget is {} ReLUs",
                        dir.display(),
                        n.iter().sum::<usize>(),
                        s.keep
                    )));
                }
                s.counts = Counts::Given(n);
            }
        }
        Ok(())
    }

    /// Layer sensitivities, measured once and kept beside the checkpoints.
    #[allow(clippy::too_many_arguments)]
    fn sensitivity(
        &self,
        name: &str,
        o: &StageOptions,
        student: &Model,
        teacher: Option<&Model>,
        train: &Arc<Dataset>,
        val: &Dataset,
        checkpoints: &Path,
    ) -> Result<Vec<f64>, Error> {
        let from = o.sensitivity.as_deref().unwrap_or("gradient");
        let file = checkpoints.join(format!("sensitivity-{name}-{from}.json"));
        if self.resume
            && let Some(eta) =
                std::fs::read_to_string(&file).ok().and_then(|t| serde_json::from_str::<Vec<f64>>(&t).ok())
        {
            return Ok(eta.into_iter().map(rounded).collect());
        }
        self.progress.step("layer sensitivities");
        let eta = if o.sensitivity.as_deref() == Some("sparse") {
            const DENSITY: f64 = 0.1;
            let mut sparse = student.clone();
            let mut masks = sparse.open_masks();
            let epochs = (o.epochs.unwrap_or(10) / 10).max(1);
            let options = StageOptions { epochs: Some(epochs), batch: o.batch, ..StageOptions::default() };
            let recipe = options.recipe(Kind::Teacher, None, false, true, self.plan.seed)?;
            let stage = Stage {
                name: "sensitivity".into(),
                recipe,
                teacher: None,
                train: train.clone(),
                val,
                folder: None,
                resume: false,
                stop: self.stop.clone(),
                order: None,
                density: Some(DENSITY),
            };
            let mut quiet = watch::Silent;
            match stage.run(&mut sparse, &mut masks, &mut quiet).map_err(input)? {
                Ended::Finished => sparsity::by_sparsity(&sparse, DENSITY),
                Ended::Stopped => return Err(self.stopped("sensitivity")),
            }
        } else {
            let scene = Scene {
                student,
                teacher,
                train,
                at: At { seed: self.plan.seed, step: 0 },
                epochs: 1,
                epoch: 0,
                steps: loader::steps(train.len(), o.batch.unwrap_or(128)),
            };
            sensitivity::by_gradient(
                &sensitivity::worth(&scene, o.calibration.unwrap_or(1000), self.plan.seed).map_err(input)?,
            )
        };
        let eta: Vec<f64> = eta.into_iter().map(rounded).collect();
        let text = serde_json::to_string(&eta).map_err(input)?;
        relinc_passes::files::write_atomically(&file, text.as_bytes()).map_err(input)?;
        Ok(eta)
    }

    fn oneshot(
        &self,
        student: &Model,
        o: &StageOptions,
        keep: usize,
        train: &Dataset,
        budget: Option<String>,
    ) -> Result<Masks, Error> {
        let g = student.graph(Branch::Clean);
        let (_, ty) = eval::only_input(&g).map_err(input)?;
        let layout = eval::layout(ty, train.image_shape()).map_err(input)?;
        let n = o.calibration.unwrap_or(256).min(train.len());
        let batches: Vec<_> = eval::batches(ty, n, 64)
            .map_err(input)?
            .into_iter()
            .map(|range| eval::feed(train, range, layout).0)
            .collect();
        let layers: Vec<_> = student
            .net
            .relus()
            .iter()
            .map(|r| oneshot::Layer { name: r.name.clone(), shape: r.shape })
            .collect();
        let allocation =
            crate::cli_options::allocation(o.allocation.as_deref().unwrap_or("global"), o.eta.clone())?;
        let options = Oneshot {
            keep,
            allocation,
            rounds: o.rounds.unwrap_or(8).max(1),
            seed: self.plan.seed,
            zeros: !o.identity_only.unwrap_or(false),
        };
        let _: &Allocation = &options.allocation;
        let mut tell = |i, n| self.progress.count("mask search, round", i, n);
        let mut m = oneshot::search(&g, &layers, &batches, &options, &mut tell).map_err(input)?;
        self.progress.finish();
        m.budget = budget;
        Ok(m)
    }
}

/// To six decimals, so that text gives back the same number.
fn rounded(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

/// Removes an earlier run's checkpoints.
fn clear(checkpoints: &Path) -> Result<(), Error> {
    for e in std::fs::read_dir(checkpoints).into_iter().flatten().flatten() {
        let p = e.path();
        if p.extension().is_some_and(|x| x == "safetensors" || x == "json") {
            std::fs::remove_file(&p)
                .map_err(|e| Error::Input(format!("{}: cannot be removed: {e}", p.display())))?;
        }
    }
    Ok(())
}

/// Is this method one that trains?
pub fn trains(method: &str) -> bool {
    method.parse::<Method>().is_ok()
}
