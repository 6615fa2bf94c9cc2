//! Pipeline files: `relinc run PIPELINE.yaml`.

mod place;
mod said;
mod written;

pub use written::keys;

use crate::compile::{MaskSource, Request, Search, Source};
use crate::error::{Error, Result, input};
use crate::options::text::{optional, or_default};
use crate::options::{CompileOptions, ModelOptions};
use crate::training::evaluate::{Measure, MeasureOptions};
use crate::training::spec::StageOptions;
use crate::training::{Export, Norm, Plan, Planned, Start};
use relinc_passes::architecture::Architecture;
use relinc_passes::masks::Masks;
use relinc_runtime::data::DataSpec;
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::nearest::nearest;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::train::Kind;
use serde::Deserialize;
use serde_yaml::{Value, from_value};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// A pipeline as it is written.
#[derive(Debug, Clone, Deserialize)]
pub struct Pipeline {
    /// The ONNX model; relative to the pipeline file.
    pub model: Option<PathBuf>,
    /// Or a network built from a description.
    pub architecture: Option<Architecture>,
    /// Images; a relative folder is looked for beside the pipeline file, then in the working directory.
    #[serde(default, deserialize_with = "optional")]
    pub data: Option<DataSpec>,
    /// auto, cpu, gpu, gpu:N or gpu:0,gpu:1.
    #[serde(default, deserialize_with = "or_default")]
    pub device: DeviceSpec,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// The stages in order.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// What is measured after training.
    #[serde(default, rename = "accuracy")]
    pub measured: MeasureOptions,
    /// Batch normalisations in training.
    #[serde(default, deserialize_with = "or_default")]
    pub batch_norm: Norm,
    /// The branch of dual batch normalisations that is exported.
    #[serde(default, deserialize_with = "or_default")]
    pub branch: Export,
    /// Where training starts.
    #[serde(default, deserialize_with = "or_default")]
    pub start: Start,
    /// Another ONNX model that teaches; relative to the pipeline file.
    pub teacher: Option<PathBuf>,
    /// Masks to begin with; relative to the pipeline file.
    pub masks: Option<PathBuf>,
    /// How the model is read.
    #[serde(skip)]
    pub import: ModelOptions,
    /// The compilation.
    #[serde(skip)]
    pub options: CompileOptions,
}

/// One stage.
#[derive(Debug, Clone, Deserialize)]
pub struct Stage {
    /// teacher, search or tune.
    pub stage: String,
    /// ReLUs to keep.
    #[serde(default, deserialize_with = "optional")]
    pub budget: Option<Budget>,
    /// Everything else.
    #[serde(flatten)]
    pub options: StageOptions,
}

impl Stage {
    fn budget(&self) -> Result<&Budget> {
        self.budget.as_ref().ok_or_else(|| input("stage search needs a budget: 50000, 50k or 18%"))
    }
}

/// An error of a pipeline file: it names the file, and keys instead of options of the command line.
pub fn named(e: Error, file: impl Display) -> Error {
    match e {
        Error::Input(why) => input(format!("{file}: {}", said::in_keys(&why))),
        Error::Answer(_) | Error::Output(_) | Error::Stopped(..) => e,
    }
}

impl Pipeline {
    /// Reads a pipeline file.
    pub fn read(path: &Path) -> Result<Pipeline> {
        let fail = |why: String| input(format!("{}: {why}", path.display()));
        let text = relinc_passes::files::read_text(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
        Pipeline::of_text(&text).map_err(fail)
    }

    /// Reads the text of a pipeline file.
    ///
    /// # Errors
    /// All that is wrong with it, without its name.
    pub fn of_text(text: &str) -> Result<Pipeline, String> {
        let text = text.trim_start_matches('\u{feff}');
        relinc_runtime::yaml::check(text)?;
        let value: Value = serde_yaml::from_str(text).map_err(|e| format!("is not YAML: {e}"))?;
        if !value.is_mapping() {
            return Err("is no pipeline: expected keys such as model, data, stages, targets".into());
        }
        let faults = written::faults(text, &value);
        if !faults.is_empty() {
            return Err(faults.join("; "));
        }
        Pipeline::parse(value).map_err(|e| e.to_string())
    }

    /// Each struct takes its own keys.
    fn parse(v: Value) -> Result<Pipeline, serde_yaml::Error> {
        let (import, options) = (from_value(v.clone())?, from_value(v.clone())?);
        Ok(Pipeline { import, options, ..from_value(v)? })
    }

    /// Where the network comes from.
    pub fn source(&self, base: &Path) -> Result<Source> {
        match (&self.model, &self.architecture) {
            (Some(m), None) => Ok(Source::File(base.join(m), self.import.import(self.images(base).as_ref()))),
            (None, Some(_)) if self.import != ModelOptions::default() => Err(input(
                "output, dims, keep_batch: a network built from a description is read from no file; leave them out",
            )),
            (None, Some(a)) => {
                let g = a.build(self.seed).map_err(input)?;
                let name = format!("{} (built)", g.name);
                Ok(Source::Built(Box::new(g), name))
            }
            _ => Err(input("a pipeline names either a model or an architecture")),
        }
    }

    /// The data set, its folder looked for beside the pipeline file first.
    pub fn images(&self, base: &Path) -> Option<DataSpec> {
        self.data.clone().map(|d| d.beside(base))
    }

    /// The masks a pipeline without training asks for.
    fn masks(&self, base: &Path) -> Result<MaskSource> {
        let mut masks = match &self.masks {
            Some(m) => MaskSource::File(base.join(m)),
            None => MaskSource::All,
        };
        for s in &self.stages {
            // Those that train are no matter of the compilation.
            if s.stage == "search" && !s.options.method()?.trains() {
                let search = Search::new(s.options.clone(), s.budget()?.clone(), self.device.clone())
                    .map_err(|e| e.at("stage search"))?;
                masks = MaskSource::Search(Box::new(search));
            }
        }
        Ok(masks)
    }

    /// What is measured after training.
    pub fn measure(&self, plan: &Plan) -> Result<Measure> {
        self.measured.measure(&self.options.accuracy, plan)
    }

    /// The stages and how they train.
    pub fn plan(&self, base: &Path) -> Result<Plan> {
        let mut stages = vec![];
        for s in &self.stages {
            let kind = Kind::ALL.into_iter().find(|k| k.name() == s.stage).ok_or_else(|| {
                let hint = nearest(&s.stage, &Kind::ALL.map(Kind::name)).unwrap_or("search");
                input(format!("unknown stage '{}'; did you mean '{hint}'?", s.stage))
            })?;
            let searches = kind == Kind::Search;
            let budget = searches.then(|| s.budget().cloned()).transpose()?;
            if searches {
                s.options.method()?;
            }
            stages.push(Planned { kind, options: s.options.clone(), budget });
        }
        let plan = Plan {
            stages,
            norm: self.batch_norm,
            random_start: self.start == Start::Random,
            masks: match &self.masks {
                Some(m) => Some(Masks::read(&base.join(m)).map_err(input)?),
                None => None,
            },
            teacher: self.teacher.as_ref().map(|t| base.join(t)),
            branch: self.branch,
            device: self.device.clone(),
            seed: self.seed,
        };
        plan.check()?;
        if plan.trains() && self.data.is_none() {
            return Err(input("training needs images: add data, for instance data: cifar10:DIR"));
        }
        Ok(plan)
    }

    /// The compilation the pipeline asks for.
    pub fn request(&self, base: &Path, out: &Path) -> Result<Request> {
        let images = self.images(base);
        let mut r = self.options.request("run", out, images.as_ref(), self.seed)?;
        r.masks = self.masks(base)?;
        self.model.iter().for_each(|m| r.inputs.model("the model", &base.join(m)));
        self.teacher.iter().for_each(|t| r.inputs.model("the teacher", &base.join(t)));
        self.masks.iter().for_each(|m| r.inputs.file("the masks", &base.join(m)));
        for s in &self.stages {
            s.options.steps.replay.iter().for_each(|dir| r.inputs.folder("the recorded batches", dir));
            if s.stage == "search" {
                r.price_at(s.budget()?)?;
            }
        }
        Ok(r)
    }
}
