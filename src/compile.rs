//! `relinc compile`: import → canonical form → masks → lowering → artefacts → report.

mod accuracy;
pub mod baseline;
pub mod describe;
pub mod fixed;
mod fold;
mod forms;
mod kept;
mod next;
mod place;
mod search;
mod sparse;
mod stable;

pub use self::fold::FoldMode;
pub use self::search::Search;
use crate::error::{Error, input};
use crate::folder::{Begin, Folder, Inputs, Staging};
use crate::images::Images;
use crate::model::{Model, PassRecord};
use crate::probe::Probe;
use crate::progress::Progress;
use crate::report::{self, Report, model as rm};
use baseline::{Baseline, Column};
pub(crate) use place::{Place, writes};
use relinc_passes::back::{crypten, mp_spdz, onnx, spu};
use relinc_passes::driver::Options;
use relinc_passes::driver::valid;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo};
use relinc_passes::head;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks::Masks;
use relinc_passes::passes::drop_redundant_relu::settle;
use relinc_passes::passes::drop_softmax::DropSoftmax;
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_passes::passes::stable_sign::StableSign;
use relinc_runtime::cost::{self, ConvForm, Network, Protocol, Weights};
use relinc_runtime::data::{DataSpec, Split};
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

    /// Every file it may have in the output folder.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Target::Onnx => &["model.onnx", "model.onnx.data"],
            Target::Spu => &[
                "spu/manifest.json",
                "spu/model.aby3.mlir",
                "spu/model.cheetah.mlir",
                "spu/model.mlir",
                "spu/model.semi2k.mlir",
                "spu/run.py",
                "spu/sample_input.npy",
                "spu/weights.npz",
            ],
            Target::Crypten => &[
                "crypten/manifest.json",
                "crypten/model.onnx",
                "crypten/model.onnx.data",
                "crypten/run.py",
                "crypten/sample_input.npy",
            ],
            Target::MpSpdz => &[
                "mp-spdz/README.md",
                "mp-spdz/image.txt",
                "mp-spdz/relinc_model.json",
                "mp-spdz/relinc_model.mpc",
                "mp-spdz/weights.txt",
            ],
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

/// Everything `compile` is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The output folder.
    pub out: PathBuf,
    /// The command that asks.
    pub by: &'static str,
    /// What it reads.
    pub inputs: Inputs,
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
    /// The arithmetic the emitted graph is emulated in, and whether it is rescaled for that.
    pub fixed_point: fixed::FixedPoint,
    /// Seed of everything random.
    pub seed: u64,
    /// The network whose accuracy is the one before.
    pub before: Before,
    /// The graph that was imported, where the one to compile was made of it; costs are compared with it.
    pub original: Option<Graph>,
    /// What merged in the original before the network was tuned.
    pub merged: Option<Vec<PassRecord>>,
    /// Layers that keep none of the ReLUs that given masks leave them.
    pub vanish: Vec<String>,
    /// What training found, for the report.
    pub learned: Option<Learned>,
    /// Points of accuracy that may be lost at most.
    pub max_drop: Option<f64>,
}

impl Request {
    /// Asks for nothing but prices: no ReLU is removed, nothing is written, and protocols of SPU get the programs of the target spu.
    pub fn unmasked(protocols: Vec<Protocol>, networks: Vec<Network>, weights: Option<Weights>) -> Request {
        Request {
            out: PathBuf::new(),
            by: "inspect",
            inputs: Inputs::default(),
            masks: MaskSource::All,
            data: None,
            split: Split::Test,
            eval_images: 0,
            targets: vec![Target::Spu],
            opset: *onnx::OPSETS.end(),
            conv_form: ConvForm::Auto,
            fold: FoldMode::Auto,
            weights,
            protocols,
            networks,
            drop_softmax: false,
            input_range: None,
            stable_sign: None,
            verify_each: false,
            fixed_point: fixed::FixedPoint::default(),
            seed: 0,
            before: Before::default(),
            original: None,
            merged: None,
            vanish: vec![],
            learned: None,
            max_drop: None,
        }
    }

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

/// A network in words.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is: "the original".
    pub text: String,
    /// It is the original or its teacher.
    pub original: bool,
}

/// The network whose accuracy is the one before.
#[derive(Debug, Clone)]
pub enum Before {
    /// The model with all its ReLUs.
    Own(Named),
    /// Another one with all its ReLUs.
    Network(Box<Graph>, Named),
    /// There was none: training began with random weights.
    Nothing,
}

impl Default for Before {
    fn default() -> Before {
        Before::Own(Named { text: "the original".into(), original: true })
    }
}

/// What training adds to a report.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// Its log.
    pub training: rm::Training,
    /// Accuracies of the networks of the run.
    pub evaluations: Vec<rm::Evaluation>,
    /// How the model's file was read.
    pub import: ImportOptions,
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

impl Source {
    /// How the file is read; by default where there is none.
    pub fn import(&self) -> ImportOptions {
        match self {
            Source::File(_, o) => o.clone(),
            Source::Built(..) | Source::Trained(..) => ImportOptions::default(),
        }
    }
}

/// The masks in an output folder.
pub(crate) const MASKS: &str = "masks.safetensors";
/// The trained network with all its ReLUs.
pub(crate) const TRAINED: &str = "trained.onnx";
/// Images the MPC runners get as their sample.
const SAMPLE: usize = 20;

/// Compiles and writes the output folder; returns what was reported. A pipeline says in `begin` what it does with a run that it finds
/// there; `compile` itself takes the place of a compilation, and adds to what training left.
pub fn compile(
    source: Source,
    r: &Request,
    begin: Option<Begin>,
    progress: &Progress,
) -> Result<Report, Error> {
    let mut folder = Folder::output(&r.out, r.by, r.by, begin, progress)?;
    if let Some(begin) = begin
        && folder.manifest().holds_run()
    {
        folder.refuse_run(begin, "a run")?;
    }
    let (r, place) = Place::claim(&mut folder, &source, r, begin == Some(Begin::Restart))?;
    compile_into(source, &r, &mut folder, place, progress)
}

/// Compiles into a folder in which it was claimed what is written.
pub(crate) fn compile_into(
    source: Source,
    r: &Request,
    folder: &mut Folder,
    place: Place,
    progress: &Progress,
) -> Result<Report, Error> {
    if r.fold == FoldMode::BeforeTune && !matches!(source, Source::Trained(..)) {
        return Err(Error::Input("fold before-tune wants a stage tune: relinc run or relinc tune".into()));
    }
    let plans = fixed::plans(r)?;
    let staging = folder.stage()?;
    let made = make(source, r, &plans, folder, &staging, place, progress);
    let (report, dropped) = made.map_err(|e| staging.named(e))?;
    folder.commit(staging, dropped)?;
    Ok(report)
}

/// Makes everything in the staging folder; the report, and which files of the folder go.
fn make(
    source: Source,
    r: &Request,
    plans: &[fixed::Plan],
    folder: &Folder,
    staging: &Staging,
    place: Place,
    progress: &Progress,
) -> Result<(Report, impl Fn(&str) -> bool + use<>), Error> {
    let trained = matches!(source, Source::Trained(..));
    let mut options = Options { input_range: r.input_range, ..Options::default() };
    if r.drop_softmax {
        options = options.with(DropSoftmax);
    }
    let import = source.import();
    let (imported, info, mut notes) = describe::open(source)?;
    if let Some(k) = imported.only_input().ok().and_then(|(_, t)| t.fixed_batch()).filter(|&k| k > 1) {
        let file = info.path.display();
        return Err(Error::Input(format!(
            "{file}: the batch is fixed at {k}; export the model with batch 1 or a free batch"
        )));
    }
    let data = match &r.data {
        Some(d) => Some(Images::labelled(d, &imported, &info.path)?),
        None => None,
    };
    let fitted = Request { data: data.as_ref().map(|i| i.spec.clone()), ..r.clone() };
    let r = &fitted;
    progress.step("canonical form");
    let (_, wanted) = imported.only_input().map_err(input)?;
    let wanted = wanted.clone();
    let file = Baseline::read(r.original.as_ref().unwrap_or(&imported), r)?;
    let canonical =
        |g: Graph, probe: Option<&mut Probe>| Model::canonical(g, info.clone(), vec![], &options, probe);
    // Nothing that the network alone decides waits for images. Probes are images, so with them it is made once more.
    let watched = r.verify_each.then(|| imported.clone());
    let mut model = canonical(imported, None)?;
    notes.append(&mut model.notices);
    let lean = model.lean()?;
    let given = search::given(&model, &lean, r)?;
    if let (Some(i), false) = (&data, trained) {
        i.announce(progress);
    }
    let held_out = match &data {
        Some(i) => Some(i.open(r.split, Some(r.eval_images.max(fixed::IMAGES)))?),
        None => None,
    };
    notes.extend(data.iter().flat_map(|i| i.catalogue.notices.clone()));
    notes.extend(held_out.iter().flat_map(|d| d.notices().to_vec()));
    let sample = describe::sample(&wanted, held_out.as_ref(), SAMPLE, r.seed)?;
    describe::check_range(r.input_range, &sample)?;
    let mut probe = None;
    if let Some(g) = watched {
        let watching = probe.insert(Probe::new(describe::probe_inputs(&wanted, &sample)?));
        model = canonical(g, Some(watching))?;
        model.notices.clear();
    }
    let unmasked = model.graph.clone();
    let facts = infer(&unmasked).map_err(|e| input(&e[0]))?;
    let before = match &held_out {
        Some(ds) => {
            let another = match &r.before {
                Before::Network(g, _) => Some(canonical((**g).clone(), None)?.graph),
                Before::Own(_) | Before::Nothing => None,
            };
            Some(accuracy::before(another.as_ref().unwrap_or(&lean.graph), ds, r, progress)?)
        }
        None => None,
    };
    if let (Some(i), Some(ds), Some(a), false) = (&data, &held_out, &before, trained)
        && let Some(said) = i.doubt(&unmasked, ds, a.clean().unwrap_or(100.0), progress)?
    {
        progress.line(&said);
        notes.push(said);
    }
    notes.extend(r.learned.iter().flat_map(|l| l.notes.clone()));
    let mut masks = search::masks(&model, &lean, r, given, progress, &mut notes)?;
    let whole = match &r.original {
        Some(g) => canonical(g.clone(), None)?,
        None => model.clone(),
    };
    let untouched = masks.layers.values().all(|m| m.kept() == m.values.len());
    let nothing_removed = untouched && r.stable_sign.is_none() && r.merged.is_none();
    let baseline = Baseline::new(file, whole, &options, nothing_removed, r)?;
    notes.extend(baseline.notes(r));
    model.passes.extend(r.merged.iter().flatten().cloned());
    let given = masks.clone();
    let mut lowering =
        Options { fold: r.fold.options(r), ..options.clone() }.with(InsertMasks(given.clone()));
    settle(&model.graph, &mut masks, r.input_range).map_err(input)?;
    let proven = masks.clone();
    if let Some(n) = r.stable_sign {
        let signs = stable::signs(&model, r, n, &masks, progress)?;
        signs.take_off(&mut masks);
        lowering = lowering.with(StableSign(signs));
    }
    if trained {
        let whole = model.whole()?;
        let v = valid::check(&whole).map_err(|e| input(&e[0]))?;
        let o = onnx::OnnxOptions { opset: r.opset, ..Default::default() };
        onnx::emit(&v, &staging.path().join(TRAINED), &o).map_err(input)?;
    }
    progress.step("lowering");
    let canonical = (!nothing_removed).then(|| model.clone());
    model.lower(&lowering, probe.as_mut())?;
    if let (Some(n), Some(ds)) = (r.stable_sign, &held_out) {
        notes.push(stable::counts(&proven, &masks, n));
        let (largest, said) = stable::change(&unmasked, &proven, &masks, ds, progress)?;
        notes.push(said);
        model.measured(StableSign::NAME, largest);
    }
    if let Some(target) = r.fixed_point.normalise {
        let (_, ty) = model.graph.only_input().map_err(input)?;
        let images = describe::sample(ty, held_out.as_ref(), fixed::IMAGES, r.seed)?;
        fixed::normalise(&mut model, &images, target, &lowering, probe.as_mut())?;
    }
    let emitted = valid::check(&model.graph).map_err(|e| input(&e[0]))?;
    let accuracy = match (before, &held_out) {
        (Some(before), Some(ds)) => {
            let mut logits = emitted.graph().clone();
            head::split(&mut logits, emitted.facts());
            let (found, said) = accuracy::after(before, &logits, ds, r, progress)?;
            notes.push(said);
            Some(found)
        }
        _ => None,
    };
    let fixed_points = fixed::check(r, plans, &emitted, held_out.as_ref(), progress)?;
    notes.extend(fixed_points.iter().flat_map(crate::fixed_point::notes));
    progress.step("emitting");
    let chosen = forms::Chosen::new(r, emitted.graph(), emitted.facts());
    notes.extend(chosen.notes(r, &emitted));
    emit(&emitted, staging, r, &model, &sample, &chosen)?;
    if !place.keeps(MASKS) {
        masks.write(&staging.path().join(MASKS)).map_err(input)?;
    }
    let layers = describe::layers(&model, (&given, &masks), &unmasked, &facts);
    let after = Column::new(emitted.graph(), emitted.facts(), r, &chosen);
    let mut report = Report {
        relinc_report: rm::FORM,
        relinc: env!("CARGO_PKG_VERSION").into(),
        model: describe::model_info(&model.info),
        verdict: None,
        conclusions: vec![],
        totals: after.totals,
        lossless: Some(baseline.lossless.as_ref().map_or(after.totals, |l| l.totals)),
        before: Some(baseline.file.totals),
        cost: describe::costs(r, &after, &baseline, &mut notes),
        measured: vec![],
        accuracy,
        training: r.learned.as_ref().map(|l| l.training.clone()),
        evaluations: r.learned.as_ref().map(|l| l.evaluations.clone()).unwrap_or_default(),
        passes: describe::passes(&model),
        fixed_point: fixed::given(r, &fixed_points),
        fixed_points,
        other_branch: vec![],
        masks: describe::mask_pictures(&model, &masks),
        settings: describe::settings(r, &masks, data.as_ref()),
        artefacts: place.artefacts(staging, folder)?,
        notes: describe::notes(notes, &layers),
        layers,
    };
    let dropped = place.drops();
    place.carry(&mut report, staging, folder)?;
    let import = r.learned.as_ref().map_or(&import, |l| &l.import);
    report.verdict = Some(next::verdict(r, import, &report));
    if let Some(model) = &canonical {
        let masked = sparse::Masked { model, masks: &masks, options: &options, r };
        report.conclusions = sparse::conclude(&masked, &after, import)?;
    }
    still_readable(emitted.graph(), &model.info)?;
    report::write(staging.path(), &report).map_err(input)?;
    Ok((report, dropped))
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
    let format = r.fixed_point.format();
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
                    format: format.map(|f| (f.ring, f.fraction)),
                };
                spu::emit(v, &staging.subfolder("spu")?, &o).map_err(input)?;
            }
            Target::Crypten => {
                let (weights, sample) = (weights(), sample.clone());
                let fraction = format.map_or(crypten::FRACTION_BITS, |f| f.fraction);
                let o = crypten::CryptenOptions { weights, sample, metadata: metadata(), fraction };
                crypten::emit(v, &staging.subfolder("crypten")?, &o).map_err(input)?;
            }
            Target::MpSpdz => {
                let format = format.map(|f| (f.ring, f.fraction));
                let o = mp_spdz::MpSpdzOptions { sample: sample.clone(), format };
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
