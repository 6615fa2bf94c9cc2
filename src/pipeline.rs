//! Pipeline files: `relinc run PIPELINE.yaml`.

mod place;
mod written;

use crate::cli_options::{NETWORKS, PROTOCOLS, scores};
use crate::compile::fixed::{Emulation, FixedPoint, TARGETS};
use crate::compile::{FoldMode, MaskSource, Request, Search, Source, Target};
use crate::error::{Error, input};
use crate::folder::Inputs;
use crate::training::evaluate::{Measure, attacks};
use crate::training::spec::{self, StageOptions};
use crate::training::{Export, Norm, Plan, Planned};
use relinc_passes::architecture::Architecture;
use relinc_passes::front::onnx::ImportOptions;
use relinc_passes::masks::Masks;
use relinc_runtime::cost::{self, ConvForm, Weights};
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::nearest::nearest;
use relinc_runtime::train::Kind;
use serde::Deserialize;
use serde_yaml::Value;
use std::path::{Path, PathBuf};

/// A pipeline as it is written.
#[derive(Debug, Clone, Deserialize)]
pub struct Pipeline {
    /// The ONNX model; relative to the pipeline file.
    pub model: Option<PathBuf>,
    /// Which of its outputs holds the class scores.
    pub output: Option<String>,
    /// Or a network built from a description.
    pub architecture: Option<Architecture>,
    /// Images; a relative folder is looked for beside the pipeline file, then in the working directory.
    pub data: Option<String>,
    /// auto, cpu, gpu, gpu:N or gpu:0,gpu:1.
    pub device: Option<String>,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// The stages in order.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// What to emit.
    #[serde(default)]
    pub targets: Vec<String>,
    /// What to price.
    #[serde(default)]
    pub report: ReportOptions,
    /// Where accuracy is measured.
    #[serde(default)]
    pub accuracy: AccuracyOptions,
    /// Who knows the weights.
    pub weights: Option<Weights>,
    /// How the SPU target writes convolutions: auto, direct or taps.
    pub conv_form: Option<String>,
    /// When convolutions are merged: auto, always, never or before-tune.
    pub fold: Option<String>,
    /// Ring and fraction bits the emitted graph is emulated in, "64,18", or off; each target's own when absent.
    pub fixed_point: Option<Value>,
    /// Rescale every layer to a largest magnitude of at most 2^this.
    pub normalise_ranges: Option<i32>,
    /// ONNX operator set to write.
    pub opset: Option<i64>,
    /// Remove a softmax or sigmoid at the end.
    #[serde(default)]
    pub drop_softmax: bool,
    /// Execute after every pass.
    #[serde(default)]
    pub verify_each: bool,
    /// Batch normalisations in training: auto, none, single or dual.
    pub batch_norm: Option<String>,
    /// The branch of dual batch normalisations that is exported: clean, adversarial or both.
    pub branch: Option<String>,
    /// Where training starts: model (its weights, the default) or random.
    pub start: Option<String>,
    /// Another ONNX model that teaches; relative to the pipeline file.
    pub teacher: Option<PathBuf>,
    /// Masks to begin with; relative to the pipeline file.
    pub masks: Option<PathBuf>,
    /// Points of accuracy that may be lost at most.
    pub max_drop: Option<f64>,
}

/// One stage.
#[derive(Debug, Clone, Deserialize)]
pub struct Stage {
    /// teacher, search or tune.
    pub stage: String,
    /// ReLUs to keep.
    pub budget: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub options: StageOptions,
}

/// What to price.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReportOptions {
    /// Cost models.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// Networks.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// Where accuracy is measured.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AccuracyOptions {
    /// train, val or test.
    pub split: Option<String>,
    /// Images.
    pub limit: Option<usize>,
    /// Of them drawn with each corruption after training.
    pub corrupted: Option<usize>,
    /// Of them attacked after training.
    pub attacked: Option<usize>,
    /// How.
    #[serde(default)]
    pub attacks: Vec<String>,
}

impl Pipeline {
    /// Reads a pipeline file.
    pub fn read(path: &Path) -> Result<Pipeline, Error> {
        let fail = |why: String| Error::Input(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
        let value: Value = serde_yaml::from_str(&text).map_err(|e| fail(format!("is not YAML: {e}")))?;
        if !value.is_mapping() {
            return Err(fail("is no pipeline: expected keys such as model, data, stages, targets".into()));
        }
        let faults = written::faults(&text, &value);
        if !faults.is_empty() {
            return Err(fail(faults.join("; ")));
        }
        serde_yaml::from_value(value).map_err(|e| fail(e.to_string()))
    }

    /// Where the network comes from.
    pub fn source(&self, base: &Path) -> Result<Source, Error> {
        match (&self.model, &self.architecture) {
            (Some(m), None) => {
                let scores = Some(scores(self.output.clone(), self.images(base)?.as_ref()));
                Ok(Source::File(base.join(m), ImportOptions { scores, ..ImportOptions::default() }))
            }
            (None, Some(_)) if self.output.is_some() => {
                Err(Error::Input("output: a network built from a description has one; leave it out".into()))
            }
            (None, Some(a)) => {
                let g = a.build(self.seed).map_err(input)?;
                let name = format!("{} (built)", g.name);
                Ok(Source::Built(Box::new(g), name))
            }
            _ => Err(Error::Input("a pipeline names either a model or an architecture".into())),
        }
    }

    /// The data set, its folder looked for beside the pipeline file first.
    pub fn images(&self, base: &Path) -> Result<Option<DataSpec>, Error> {
        let Some(text) = &self.data else { return Ok(None) };
        let spec: DataSpec = text.parse().map_err(|e| Error::Input(format!("data: {e}")))?;
        Ok(Some(spec.beside(base)))
    }

    /// The masks a pipeline without training asks for.
    fn masks(&self, base: &Path) -> Result<MaskSource, Error> {
        let mut masks = match &self.masks {
            Some(m) => MaskSource::File(base.join(m)),
            None => MaskSource::All,
        };
        for s in &self.stages {
            // Those that train are no matter of the compilation.
            if s.stage == "search" && !s.options.method()?.trains() {
                let budget = spec::budget(s.budget.as_ref())?;
                let search = Search::new(s.options.clone(), budget, self.device()?).map_err(|e| match e {
                    Error::Input(why) => Error::Input(format!("stage search: {why}")),
                    e => e,
                })?;
                masks = MaskSource::Search(Box::new(search));
            }
        }
        Ok(masks)
    }

    /// The part of the data that accuracy is measured on, and how many of its images.
    fn held_out(&self) -> Result<(Split, usize), Error> {
        let a = &self.accuracy;
        let split = a.split.as_deref().unwrap_or("test").parse().map_err(input)?;
        match a.limit {
            Some(0) => Err(Error::Input("accuracy: limit: 0 leaves no image; give at least 1".into())),
            limit => Ok((split, limit.unwrap_or(2000))),
        }
    }

    /// What is measured after training.
    pub fn measure(&self, plan: &Plan) -> Result<Measure, Error> {
        let a = &self.accuracy;
        let (split, clean) = self.held_out()?;
        Ok(Measure {
            split,
            clean,
            corrupted: a.corrupted.unwrap_or(0),
            attacked: a.attacked.unwrap_or(if plan.robust() { 1000 } else { 0 }),
            attacks: attacks(&a.attacks)?,
            seed: self.seed,
        })
    }

    /// The stages and how they train.
    pub fn plan(&self, base: &Path) -> Result<Plan, Error> {
        let mut stages = vec![];
        for s in &self.stages {
            let kind = match s.stage.as_str() {
                "teacher" => Kind::Teacher,
                "search" => Kind::Search,
                "tune" => Kind::Tune,
                other => {
                    let hint = nearest(other, written::STAGES).unwrap_or("search");
                    return Err(Error::Input(format!("unknown stage '{other}'; did you mean '{hint}'?")));
                }
            };
            let budget = match kind {
                Kind::Search => Some(spec::budget(s.budget.as_ref())?),
                _ => None,
            };
            if kind == Kind::Search {
                s.options.method()?;
            }
            stages.push(Planned { kind, options: s.options.clone(), budget });
        }
        let plan = Plan {
            stages,
            norm: self.batch_norm.as_deref().map_or(Ok(Norm::Auto), str::parse)?,
            random_start: match self.start.as_deref() {
                None | Some("model") => false,
                Some("random") => true,
                Some(s) => {
                    return Err(Error::Input(format!("start '{s}' is not known; choose model or random")));
                }
            },
            masks: match &self.masks {
                Some(m) => Some(Masks::read(&base.join(m)).map_err(input)?),
                None => None,
            },
            teacher: self.teacher.as_ref().map(|t| base.join(t)),
            branch: self.branch.as_deref().map_or(Ok(Export::default()), str::parse)?,
            device: self.device()?,
            seed: self.seed,
        };
        plan.check()?;
        if plan.trains() && self.data.is_none() {
            return Err(Error::Input(
                "training needs images: add data, for instance data: cifar10:DIR".into(),
            ));
        }
        Ok(plan)
    }

    fn device(&self) -> Result<DeviceSpec, Error> {
        self.device.as_deref().map_or(Ok(DeviceSpec::Auto), str::parse).map_err(Error::Input)
    }

    fn max_drop(&self) -> Result<Option<f64>, Error> {
        let Some(points) = self.max_drop else { return Ok(None) };
        if self.data.is_none() {
            return Err(input("max_drop: accuracy is measured on images: add data"));
        }
        crate::cli_options::points(points).map(Some).map_err(|e| Error::Input(format!("max_drop: {e}")))
    }

    fn fixed_point(&self) -> Result<FixedPoint, Error> {
        let emulation = match &self.fixed_point {
            None => Emulation::Own,
            // YAML 1.1 reads off as false.
            Some(Value::Bool(false)) => Emulation::Off,
            Some(Value::String(s)) => s.parse().map_err(|e| Error::Input(format!("fixed_point: {e}")))?,
            Some(_) => return Err(input("fixed_point: write ring and fraction bits as \"64,18\", or off")),
        };
        let normalise = self.normalise_ranges;
        match normalise {
            Some(_) if self.data.is_none() => {
                Err(input("normalise_ranges measures ranges on images: add data"))
            }
            Some(n) if !TARGETS.contains(&n) => Err(Error::Input(format!(
                "normalise_ranges: {n} is not between {} and {}",
                TARGETS.start(),
                TARGETS.end()
            ))),
            _ => Ok(FixedPoint { emulation, normalise }),
        }
    }

    /// The files it reads.
    fn inputs(&self, base: &Path) -> Result<Inputs, Error> {
        let mut inputs = Inputs::default();
        self.model.iter().for_each(|m| inputs.model("the model", &base.join(m)));
        self.teacher.iter().for_each(|t| inputs.model("the teacher", &base.join(t)));
        self.masks.iter().for_each(|m| inputs.file("the masks", &base.join(m)));
        self.images(base)?.iter().for_each(|d| inputs.data(d));
        self.report.protocols.iter().for_each(|p| inputs.protocol(p));
        for s in &self.stages {
            s.options.replay.iter().for_each(|dir| inputs.folder("the recorded batches", dir));
            if s.stage == "search" {
                inputs.budget(&spec::budget(s.budget.as_ref())?);
            }
        }
        Ok(inputs)
    }

    /// The compilation the pipeline asks for.
    pub fn request(&self, base: &Path, out: &Path) -> Result<Request, Error> {
        let or = |v: &[String], default: &[&str]| -> Vec<String> {
            if v.is_empty() { default.iter().map(|s| s.to_string()).collect() } else { v.to_vec() }
        };
        let targets = or(&self.targets, &["onnx"]);
        let opset = self.opset.unwrap_or(17);
        if !relinc_passes::back::onnx::OPSETS.contains(&opset) {
            return Err(Error::Input(format!("opset {opset} is not written; choose 13 to 23")));
        }
        let (split, eval_images) = self.held_out()?;
        let mut request = Request {
            out: out.into(),
            by: "run",
            inputs: self.inputs(base)?,
            masks: self.masks(base)?,
            before: Default::default(),
            original: None,
            merged: None,
            vanish: vec![],
            learned: None,
            max_drop: self.max_drop()?,
            data: self.images(base)?,
            split,
            eval_images,
            targets: targets.iter().map(|t| t.parse::<Target>()).collect::<Result<_, _>>()?,
            opset,
            conv_form: self.conv_form.as_deref().map_or(Ok(ConvForm::Auto), str::parse).map_err(input)?,
            fold: self.fold.as_deref().map_or(Ok(FoldMode::Auto), str::parse).map_err(input)?,
            weights: self.weights,
            protocols: or(&self.report.protocols, &PROTOCOLS)
                .iter()
                .map(|p| cost::find(p).map_err(input))
                .collect::<Result<_, _>>()?,
            networks: or(&self.report.networks, &NETWORKS)
                .iter()
                .map(|n| n.parse().map_err(input))
                .collect::<Result<_, _>>()?,
            drop_softmax: self.drop_softmax,
            input_range: None,
            stable_sign: None,
            verify_each: self.verify_each,
            fixed_point: self.fixed_point()?,
            seed: self.seed,
        };
        for s in self.stages.iter().filter(|s| s.stage == "search") {
            request.price_at(&spec::budget(s.budget.as_ref())?)?;
        }
        Ok(request)
    }
}
