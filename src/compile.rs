//! `relinc compile`: import → canonical form → masks → lowering → artefacts → report.

pub mod describe;
pub mod fixed;
mod fold;
mod forms;
mod search;
mod stable;

pub use self::fold::FoldMode;
use crate::error::{Error, input};
use crate::model::{Model, PassRecord};
use crate::probe::Probe;
use crate::progress::Progress;
use crate::report::{self, Report, model as rm};
use crate::staging::Staging;
use crate::training::spec::StageOptions;
use crate::training::target::chooses_layers;
use relinc_passes::back::{crypten, mp_spdz, onnx, spu};
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks::Masks;
use relinc_passes::pass::Options;
use relinc_passes::valid;
use relinc_runtime::cost::{self, ConvForm, Network, Protocol, Weights};
use relinc_runtime::data::{DataSpec, Split};
use relinc_runtime::device;
use relinc_runtime::eval;
use relinc_runtime::exec::Branch;
use relinc_runtime::search::budget::Budget;
use std::path::{Path, PathBuf};

/// A format to emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// `model.onnx`: it runs in any ONNX runtime.
    Onnx,
    /// `spu/`: StableHLO, weights, runner.
    Spu,
    /// `crypten/`: ONNX as CrypTen reads it, runner.
    Crypten,
    /// `mp-spdz/`: an MP-SPDZ program and its weights.
    MpSpdz,
}

impl Target {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::Onnx => "onnx",
            Target::Spu => "spu",
            Target::Crypten => "crypten",
            Target::MpSpdz => "mp-spdz",
        }
    }
}

impl std::str::FromStr for Target {
    type Err = Error;
    fn from_str(s: &str) -> Result<Target, Error> {
        match s {
            "onnx" => Ok(Target::Onnx),
            "spu" => Ok(Target::Spu),
            "crypten" => Ok(Target::Crypten),
            "mp-spdz" => Ok(Target::MpSpdz),
            _ => {
                Err(Error::Input(format!("target '{s}' is not known; choose onnx, spu, crypten or mp-spdz")))
            }
        }
    }
}

/// Where the masks come from.
#[derive(Debug, Clone, PartialEq)]
pub enum MaskSource {
    /// Keep every ReLU.
    All,
    /// A mask file.
    File(PathBuf),
    /// Masks learned here.
    Learned(Masks),
    /// A search that trains nothing.
    Search(Box<Search>),
}

/// A search stage without steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// How.
    pub options: StageOptions,
    /// ReLUs to keep.
    pub budget: Budget,
    /// Where it computes.
    pub device: device::DeviceSpec,
}

impl Search {
    /// Finds what cannot be asked of it before any work.
    pub fn new(options: StageOptions, budget: Budget, device: device::DeviceSpec) -> Result<Search, Error> {
        let method = options.method()?;
        if method.trains() {
            return Err(Error::Input(format!(
                "method {method} trains: use relinc search, or relinc run with a pipeline file; compile does oneshot"
            )));
        }
        chooses_layers(&budget, &options)?;
        options.search(0, 0)?;
        Ok(Search { options, budget, device })
    }
}

/// Everything `compile` is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The output folder.
    pub out: PathBuf,
    /// Masks.
    pub masks: MaskSource,
    /// Images for calibration, accuracy and the sample input.
    pub data: Option<DataSpec>,
    /// The part accuracy is measured on.
    pub split: Split,
    /// How many of its images.
    pub eval_images: usize,
    /// What to emit.
    pub targets: Vec<Target>,
    /// ONNX operator set.
    pub opset: i64,
    /// How the SPU target writes convolutions.
    pub conv_form: ConvForm,
    /// When convolutions are merged.
    pub fold: FoldMode,
    /// Who knows the weights; each protocol's default when absent.
    pub weights: Option<Weights>,
    /// Protocols to price.
    pub protocols: Vec<Protocol>,
    /// Networks to price.
    pub networks: Vec<Network>,
    /// Run the opt-in drop-softmax.
    pub drop_softmax: bool,
    /// Between which numbers every element of the model's input lies, where the user says so.
    pub input_range: Option<(f32, f32)>,
    /// Over how many training images ReLUs whose operand keeps its sign are removed.
    pub stable_sign: Option<usize>,
    /// Execute after every pass.
    pub verify_each: bool,
    /// Emulate the emitted graph in fixed point, and rescale it for that.
    pub fixed_point: Option<fixed::FixedPoint>,
    /// Seed of everything random.
    pub seed: u64,
    /// The network before training, whose accuracy is the one before.
    pub reference: Option<Graph>,
    /// The network before it was folded for tuning, which costs are compared with, and what merged.
    pub unfolded: Option<(Graph, Vec<PassRecord>)>,
    /// What training found, for the report.
    pub learned: Option<Learned>,
}

impl Request {
    /// Prices where a budget in seconds holds, too.
    pub fn price_at(&mut self, b: &Budget) -> Result<(), Error> {
        let Budget::Latency(l) = b else { return Ok(()) };
        let p = cost::find(&l.protocol).map_err(input)?;
        if !self.protocols.contains(&p) {
            self.protocols.push(p);
        }
        if !self.networks.contains(&l.network) {
            self.networks.push(l.network.clone());
        }
        Ok(())
    }
}

/// What training adds to a report.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// Its log.
    pub training: rm::Training,
    /// Accuracies of the networks of the run.
    pub evaluations: Vec<rm::Evaluation>,
    /// The branch that is exported, of dual batch normalisations.
    pub branch: Option<Branch>,
    /// Sentences.
    pub notes: Vec<String>,
}

/// Where the network comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An ONNX file.
    File(PathBuf, ImportOptions),
    /// A graph built here, and a name for it.
    Built(Box<Graph>, String),
    /// A graph trained here, and where it came from.
    Trained(Box<Graph>, Box<ModelInfo>),
}

/// Images the MPC runners get as their sample.
const SAMPLE: usize = 20;

/// Compiles and writes the output folder; returns what was reported.
pub fn compile(source: Source, r: &Request, progress: &Progress) -> Result<Report, Error> {
    if r.fold == FoldMode::BeforeTune && !matches!(source, Source::Trained(..)) {
        return Err(Error::Input("fold before-tune wants a stage tune: relinc run or relinc tune".into()));
    }
    let staging = Staging::new(&r.out)?;
    let trained = matches!(source, Source::Trained(..));
    let mut options =
        Options { drop_softmax: r.drop_softmax, input_range: r.input_range, ..Options::default() };
    let (imported, info, mut notes) = describe::open(source)?;
    if let Some(k) =
        eval::only_input(&imported).ok().and_then(|(_, t)| eval::fixed_batch(t)).filter(|&k| k > 1)
    {
        let file = info.path.display();
        return Err(Error::Input(format!(
            "{file}: the batch is fixed at {k}; export the model with batch 1 or a free batch"
        )));
    }
    let held_out = match &r.data {
        Some(d) => Some(d.open(r.split, Some(r.eval_images.max(fixed::IMAGES))).map_err(input)?),
        None => None,
    };
    let sample = describe::sample(&imported, held_out.as_ref(), SAMPLE, r.seed)?;
    describe::check_range(r.input_range, &sample)?;
    let mut probe = match r.verify_each {
        true => Some(Probe::new(describe::probe_inputs(&imported, &sample)?)),
        false => None,
    };
    progress.step("canonical form");
    let mut model = Model::canonical(imported, info, vec![], &options, probe.as_mut())?;
    let original = model.graph.clone();
    let facts = infer(&original).map_err(|e| input(&e[0]))?;
    let whole = match &r.unfolded {
        Some((g, merged)) => {
            model.passes.extend(merged.iter().cloned());
            Model::canonical(g.clone(), model.info.clone(), vec![], &options, None)?.graph
        }
        None => original.clone(),
    };
    let whole_facts = infer(&whole).map_err(|e| input(&e[0]))?;
    let totals_before = cost::totals(&whole, &whole_facts);
    let mut accuracy = match &held_out {
        Some(ds) => {
            let before = r.reference.as_ref().unwrap_or(&original);
            Some(search::accuracy(before, ds, r, "before", progress)?)
        }
        None => None,
    };
    notes.extend(r.learned.iter().flat_map(|l| l.notes.clone()));
    let mut masks = search::masks(&model, r, progress, &mut notes)?;
    options.masks = Some(masks.clone());
    if let Some(n) = r.stable_sign {
        let signs = stable::signs(&model, r, n, &masks, progress)?;
        signs.take_off(&mut masks);
        options.signs = Some(signs);
    }
    if trained {
        let v = valid::check(&model.graph).map_err(|e| input(&e[0]))?;
        let o = onnx::OnnxOptions { opset: r.opset, ..Default::default() };
        onnx::emit(&v, &staging.path().join("trained.onnx"), &o).map_err(input)?;
    }
    progress.step("lowering");
    options.fold = r.fold.options(r);
    model.lower(&options, probe.as_mut())?;
    if let (Some(n), Some(given), Some(ds)) = (r.stable_sign, &options.masks, &held_out) {
        notes.push(stable::counts(given, &masks, n));
        let (largest, said) = stable::change(&original, given, &masks, ds, progress)?;
        notes.push(said);
        model.measured("stable-sign", largest);
    }
    let images = match r.fixed_point {
        Some(_) => describe::sample(&model.graph, held_out.as_ref(), fixed::IMAGES, r.seed)?,
        None => sample.clone(),
    };
    if let Some(target) = r.fixed_point.and_then(|f| f.normalise) {
        fixed::normalise(&mut model, &images, target, &mut options, probe.as_mut())?;
    }
    let emitted = valid::check(&model.graph).map_err(|e| input(&e[0]))?;
    if let (Some(a), Some(ds)) = (&mut accuracy, &held_out) {
        let n = r.eval_images;
        let after = eval::clean(emitted.graph(), ds, n, &mut |i, n| progress.count("accuracy after", i, n))
            .map_err(input)?;
        notes.push(format!(
            "After masking, {} classes are predicted on {} images.",
            after.classes_predicted, after.n
        ));
        a.after = Some(rm::Scores { clean: Some(after.clean), ..Default::default() });
    }
    let fixed_point = match r.fixed_point {
        Some(f) => {
            let tell = &mut |i, n| progress.count("fixed point", i, n);
            let a = fixed::measure(&emitted, &images, f.format, r.seed, tell)?;
            notes.extend(crate::fixed_point::summary(&a));
            Some(a)
        }
        None => None,
    };
    progress.step("emitting");
    let chosen = forms::Chosen::new(r, &emitted);
    notes.extend(chosen.notes(r, &emitted));
    emit(&emitted, &staging, r, &model, &sample, &chosen)?;
    masks.write(&staging.path().join("masks.safetensors")).map_err(input)?;
    let layers = describe::layers(&model, &masks, &original, &facts);
    let report = Report {
        relinc: env!("CARGO_PKG_VERSION").into(),
        model: describe::model_info(&model.info),
        totals: cost::totals(emitted.graph(), emitted.facts()),
        before: Some(totals_before),
        cost: describe::costs(r, &emitted, &chosen, Some((&whole, &whole_facts)), &mut notes),
        measured: vec![],
        accuracy,
        training: r.learned.as_ref().map(|l| l.training.clone()),
        evaluations: r.learned.as_ref().map(|l| l.evaluations.clone()).unwrap_or_default(),
        passes: describe::passes(&model),
        fixed_point,
        masks: describe::mask_pictures(&model, &masks),
        settings: describe::settings(r, &masks),
        artefacts: staging
            .files()
            .map_err(input)?
            .into_iter()
            .map(|(path, bytes)| rm::Artefact { path, bytes })
            .collect(),
        notes: describe::notes(notes, &layers),
        layers,
    };
    still_readable(emitted.graph(), &model.info)?;
    report::write(staging.path(), &report).map_err(|e| Error::Input(format!("{}: {e}", r.out.display())))?;
    staging.commit()?;
    Ok(report)
}

/// Weights that stay in the model's file must have been there when they were looked at.
fn still_readable(g: &Graph, info: &ModelInfo) -> Result<(), Error> {
    let why = g.ids().find_map(|id| g.const_of(id)?.in_file()?.unreadable());
    match why {
        Some(why) => {
            let file = info.path.display();
            Err(Error::Input(format!(
                "{file}: changed while it was compiled, its weights cannot be read: {why}"
            )))
        }
        None => Ok(()),
    }
}

fn emit(
    v: &valid::Valid<'_>,
    staging: &Staging,
    r: &Request,
    model: &Model,
    sample: &Tensor,
    chosen: &forms::Chosen,
) -> Result<(), Error> {
    let metadata = || {
        vec![
            ("relinc_source_sha256".to_string(), model.info.sha256.clone()),
            ("relinc_relus".to_string(), describe::relu_count(v).to_string()),
        ]
    };
    let weights = || r.weights.unwrap_or(Weights::Secret).name().to_string();
    for t in &r.targets {
        match t {
            Target::Onnx => {
                let o = onnx::OnnxOptions { opset: r.opset, metadata: metadata(), ..Default::default() };
                onnx::emit(v, &staging.path().join("model.onnx"), &o).map_err(input)?;
            }
            Target::Spu => {
                let o = spu::SpuOptions {
                    weights: weights(),
                    sample: sample.clone(),
                    variants: chosen.variants(),
                };
                spu::emit(v, &staging.subfolder("spu")?, &o).map_err(input)?;
            }
            Target::Crypten => {
                let (weights, sample) = (weights(), sample.clone());
                let o = crypten::CryptenOptions { weights, sample, metadata: metadata() };
                crypten::emit(v, &staging.subfolder("crypten")?, &o).map_err(input)?;
            }
            Target::MpSpdz => {
                let o = mp_spdz::MpSpdzOptions { sample: sample.clone() };
                mp_spdz::emit(v, &staging.subfolder("mp-spdz")?, &o).map_err(input)?;
            }
        }
    }
    Ok(())
}

/// Reads a mask file and checks it against the model.
pub fn read_masks(path: &Path, model: &Model) -> Result<Masks, Error> {
    let m = Masks::read(path).map_err(input)?;
    m.check(&path.display().to_string(), &model.layers).map_err(input)?;
    Ok(m)
}
