//! A stage that is stopped and resumed ends in the same bits as one that is not, whatever learns the masks.

use super::harness::graph;
use burn::tensor::Device;
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;
use relinc_runtime::data::{DataSpec, Dataset, Normalize, Split};
use relinc_runtime::exec::{Kernels, Network, Precision};
use relinc_runtime::kernels::simd::Cpu;
use relinc_runtime::train::recipe::{Counts, SearchOptions};
use relinc_runtime::train::schedule::Schedule;
use relinc_runtime::train::select::Granularity;
use relinc_runtime::train::state::{Checkpoint, Progress};
use relinc_runtime::train::{Ended, Kind, Method, Model, Now, Recipe, Record, Stage, StageError, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// ReLUs to keep of the network's 2,048.
const KEEP: usize = 600;

/// Two convolutions with normalisations, 1,536 and 512 ReLUs, ten classes.
pub fn tiny(dual: bool) -> Model {
    tiny_of(dual, "relu(%n1)")
}

/// The same with another first layer.
pub fn tiny_of(dual: bool, relu: &str) -> Model {
    let body = "%w1 = const f32[6,3,3,3] rand(seed=1, scale=0.3)\n%w2 = const f32[8,6,3,3] rand(seed=2, scale=0.2)
        %g1 = const f32[6] splat(1)\n%b1 = const f32[6] splat(0)\n%m1 = const f32[6] splat(0)\n%v1 = const f32[6] splat(1)
        %g2 = const f32[8] splat(1)\n%b2 = const f32[8] splat(0)\n%m2 = const f32[8] splat(0)\n%v2 = const f32[8] splat(1)
        %c1 = conv(%x, %w1) {strides=[2,2], pads=[1,1,1,1]}\n%n1 = batch_norm(%c1, %g1, %b1, %m1, %v1)
        %r1 = FIRST @relu00\n%c2 = conv(%r1, %w2) {strides=[2,2], pads=[1,1,1,1]}
        %n2 = batch_norm(%c2, %g2, %b2, %m2, %v2)\n%r2 = relu(%n2) @relu01\n%p = global_mean(%r2) {keep=false}
        %w = const f32[10,8] rand(seed=3, scale=0.5)\n%b = const f32[10] splat(0)\n%y = linear(%p, %w, %b)";
    let net =
        Network::new(&graph("f32[N,3,32,32]", &body.replace("FIRST", relu)), dual, &Device::flex()).unwrap();
    Model::new(net, &Normalize::NONE, [3, 32, 32]).unwrap()
}

/// 256 training, 64 validation images.
pub fn data(split: Split) -> Dataset {
    "shapes?train=256&val=64&seed=2".parse::<DataSpec>().unwrap().open(split, None).unwrap()
}

pub fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|v| v.to_bits()).collect()
}

/// A stage on the tiny network.
#[derive(Clone)]
pub struct Job {
    pub recipe: Recipe,
    pub folder: Option<PathBuf>,
    pub resume: bool,
    /// Epoch and step, from 1, after which it is stopped.
    pub stop_at: Option<(usize, usize)>,
    pub masks: Masks,
    pub density: Option<f64>,
    /// What the first layer is.
    pub relu: &'static str,
    /// Devices beside the first.
    pub beside: Vec<Device>,
}

impl Job {
    fn model(&self) -> Model {
        let o = &self.recipe.objective;
        tiny_of(o.robust && !o.single_norm, self.relu)
    }
}

/// How it ended, with what.
#[derive(Debug)]
pub struct Done {
    pub ended: Ended,
    pub params: Vec<(String, Vec<u32>)>,
    pub masks: Masks,
    pub log: Vec<Record>,
    pub notes: Vec<String>,
}

struct Hand {
    stop: Arc<AtomicBool>,
    at: Option<(usize, usize)>,
    log: Vec<Record>,
    notes: Vec<String>,
}

impl Watcher for Hand {
    fn step(&mut self, now: &Now<'_>) {
        if self.at == Some((now.epoch, now.step)) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
    fn note(&mut self, said: &str) {
        self.notes.push(said.into());
    }
    fn epoch(&mut self, r: &Record) -> Result<(), String> {
        self.log.push(r.clone());
        Ok(())
    }
}

impl Job {
    /// Three epochs of eight steps.
    pub fn new(kind: Kind, method: Option<Method>, folder: &Path) -> Job {
        let mut recipe = Recipe::new(kind, method, method == Some(Method::Rlnet), 1.0, 3);
        (recipe.batch, recipe.val_images, recipe.val_attacked, recipe.seed) = (32, 64, 16, 7);
        recipe.search = method.filter(|_| kind == Kind::Search).map(|method| SearchOptions {
            method,
            keep: KEEP,
            counts: if method == Method::Senet { Counts::Eta(vec![0.3, 1.0]) } else { Counts::Global },
            granularity: Granularity::Pixel,
            choices: vec![Choice::Identity, Choice::Zero],
            refreshes: 3,
            calibration: 32,
            certify: None,
            rounds: 3,
            ramp: 0.8,
            vanish: Default::default(),
            squares: vec![],
            first: None,
            seed: 3,
        });
        let folder = Some(folder.to_path_buf());
        Job {
            recipe,
            folder,
            resume: false,
            stop_at: None,
            masks: tiny(false).open_masks(),
            density: None,
            relu: "relu(%n1)",
            beside: vec![],
        }
    }

    /// The same with a cap on the first layer: 3,584 comparisons.
    pub fn capped(self) -> Job {
        let relu = "capped_relu(%n1) {cap=1.5}";
        Job { relu, masks: tiny_of(false, relu).open_masks(), ..self }
    }

    pub fn try_run(&self) -> Result<Done, StageError> {
        let mut model = self.model();
        let teacher = tiny_of(false, self.relu);
        let val = data(Split::Val);
        let stop = Arc::new(AtomicBool::new(false));
        let stage = Stage {
            name: "s".into(),
            recipe: self.recipe.clone(),
            teacher: (self.recipe.kind != Kind::Teacher).then_some(&teacher),
            train: Arc::new(data(Split::Train)),
            val: &val,
            folder: self.folder.clone(),
            resume: self.resume,
            stop: stop.clone(),
            order: None,
            density: self.density,
            beside: self.beside.clone(),
        };
        let mut masks = self.masks.clone();
        let mut hand = Hand { stop, at: self.stop_at, log: vec![], notes: vec![] };
        let ended = stage.run(&mut model, &mut masks, &mut hand)?;
        let params = model.export().into_iter().map(|(n, v)| (n, bits(&v))).collect();
        Ok(Done { ended, params, masks, log: hand.log, notes: hand.notes })
    }

    pub fn run(&self) -> Done {
        self.try_run().unwrap()
    }
}

/// What of a log line is no clock.
fn untimed(r: &Record) -> Record {
    Record { images_per_second: 0.0, data_wait: 0.0, seconds: 0.0, ..r.clone() }
}

/// Runs a job through, then with stops at these places, each followed by a resumption.
pub fn survives(job: Job, stops: &[(usize, usize)]) -> Done {
    let whole = Job { folder: None, ..job.clone() }.run();
    assert_eq!(whole.ended, Ended::Finished);
    let mut log = vec![];
    for (i, &at) in stops.iter().enumerate() {
        let stopped = Job { stop_at: Some(at), resume: i > 0, ..job.clone() }.run();
        assert_eq!(stopped.ended, Ended::Stopped);
        log.extend(stopped.log);
    }
    let resumed = Job { resume: true, ..job.clone() }.run();
    assert_eq!(resumed.ended, Ended::Finished);
    log.extend(resumed.log.clone());
    let log: Vec<Record> = log.iter().map(untimed).collect();
    let want: Vec<Record> = whole.log.iter().map(untimed).collect();
    assert_eq!(log, want);
    for ((name, a), (_, b)) in whole.params.iter().zip(&resumed.params) {
        assert_eq!(a, b, "{name}");
    }
    assert_eq!(whole.masks, resumed.masks);
    // A finished stage is not trained again.
    let again = Job { resume: true, ..job }.run();
    assert_eq!((again.ended, again.log.len()), (Ended::Finished, 0));
    assert_eq!((again.params, again.masks), (whole.params.clone(), whole.masks.clone()));
    whole
}

const STOPS: [(usize, usize); 1] = [(2, 3)];

fn search(method: Method) {
    let dir = tempfile::tempdir().unwrap();
    let done = survives(Job::new(Kind::Search, Some(method), dir.path()), &STOPS);
    assert_eq!(done.masks.kept(), KEEP);
}

/// Every method reaches its budget of comparisons where a layer has a cap, and keeps some ReLUs without it.
#[test]
fn layers_with_a_cap() {
    let methods = [Method::Gradual, Method::Senet, Method::Rlnet, Method::Snl, Method::Bcd, Method::Oneshot];
    for method in methods {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::new(Kind::Search, Some(method), dir.path()).capped();
        let keep = 1500;
        job.recipe.search.as_mut().unwrap().keep = keep;
        let done = if method.trains() { survives(job, &STOPS) } else { job.run() };
        assert_eq!(done.masks.kept(), keep, "{method}");
        let first = &done.masks.layers["relu00"];
        assert!(first.count(Choice::Uncapped) > 0, "{method}: {:?}", Choice::ALL.map(|c| first.count(c)));
        assert_eq!(first.all(), 3072);
    }
}

#[test]
fn gradual() {
    search(Method::Gradual);
}

#[test]
fn senet() {
    search(Method::Senet);
}

#[test]
fn rlnet() {
    search(Method::Rlnet);
}

#[test]
fn snl() {
    search(Method::Snl);
}

#[test]
fn bcd() {
    search(Method::Bcd);
}

#[test]
fn teacher() {
    let dir = tempfile::tempdir().unwrap();
    survives(Job::new(Kind::Teacher, None, dir.path()), &STOPS);
}

/// What one device sees is a part: learners get the sum, and weights that are left out are left out everywhere.
#[test]
fn two_devices() {
    let methods = [Method::Gradual, Method::Senet, Method::Rlnet, Method::Snl, Method::Bcd].map(Some);
    for method in methods.into_iter().chain([None]) {
        let dir = tempfile::tempdir().unwrap();
        let kind = if method.is_some() { Kind::Search } else { Kind::Teacher };
        let density = method.is_none().then_some(0.1);
        let job = Job { beside: vec![Device::flex()], density, ..Job::new(kind, method, dir.path()) };
        let done = survives(job, &STOPS);
        assert_eq!(done.masks.kept() == KEEP, method.is_some());
    }
}

#[test]
fn epochs_of_the_hardest_images() {
    for method in [Method::Gradual, Method::Rlnet] {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::new(Kind::Search, Some(method), dir.path());
        let plain = Job { folder: None, ..job.clone() }.run();
        job.recipe.hardest = 0.6;
        let done = survives(job, &[(1, 2), (2, 3), (3, 3)]);
        assert!(done.params != plain.params && done.log[1].loss != plain.log[1].loss);
    }
}

/// At the first step, at the last of an epoch, twice in one epoch.
#[test]
fn several_stops() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::new(Kind::Search, Some(Method::Gradual), dir.path());
    survives(job, &[(1, 1), (1, 8), (3, 2), (3, 7)]);
}

/// A frozen mask with slopes, an average of the weights, attention transfer, a schedule that moves every step.
#[test]
fn tune() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::new(Kind::Tune, Some(Method::Senet), dir.path());
    (job.recipe.average, job.recipe.schedule) = (0.9, Schedule::OneCycle);
    for (l, m) in job.masks.layers.values_mut().enumerate() {
        let slopes = (0..m.shape[0]).map(|c| 0.1 * c as f32 + l as f32).collect();
        m.parameters.insert(Choice::Identity, slopes);
        m.values
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = [Choice::Relu, Choice::Identity, Choice::Zero][i % 3]);
    }
    let masks = job.masks.clone();
    assert_eq!(survives(job, &STOPS).masks, masks);
}

#[test]
fn robust_tune_with_one_normalisation() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::new(Kind::Tune, Some(Method::Rlnet), dir.path());
    (job.recipe.objective.attack.steps, job.recipe.objective.single_norm) = (2, true);
    survives(job, &STOPS);
}

#[test]
fn half_precision() {
    for method in [Method::Gradual, Method::Rlnet] {
        let dir = tempfile::tempdir().unwrap();
        let mut job = Job::new(Kind::Search, Some(method), dir.path());
        job.recipe.objective.precision = Precision::Bf16;
        assert_eq!(survives(job, &STOPS).masks.kept(), KEEP);
    }
}

#[test]
fn says_which_kernels_it_is_computed_by() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::new(Kind::Tune, None, dir.path());
    let first = Job { stop_at: Some((2, 3)), ..job.clone() }.run();
    let kernels = first.log[0].kernels.clone().unwrap();
    assert!(!kernels.convolutions.is_empty() && first.notes.is_empty());
    let file = dir.path().join("s.safetensors");
    let mut there = Checkpoint::read(&file, job.model().net.relus()).unwrap();
    assert_eq!(there.progress.kernels.as_ref(), Some(&kernels));
    let elsewhere = if kernels.cpu == Cpu::Plain { Cpu::Avx2 } else { Cpu::Plain };
    there.progress.kernels = Some(Kernels { cpu: elsewhere, ..kernels.clone() });
    there.write(&file).unwrap();
    let second = Job { resume: true, ..job.clone() }.run();
    let note = &second.notes[0];
    assert!(note.contains(&format!("{elsewhere} before, {} now", kernels.cpu)), "{note}");
    assert_eq!(second.log[0].kernels.as_ref(), Some(&kernels));
    assert!(second.log[1..].iter().all(|r| r.kernels.is_none()));
    let last = Progress::read(&file).unwrap();
    assert_eq!(last.kernels, Some(kernels));
}

#[test]
fn goes_on_in_no_other_precision() {
    let dir = tempfile::tempdir().unwrap();
    let job = Job::new(Kind::Teacher, None, dir.path());
    assert_eq!(Job { stop_at: Some((2, 3)), ..job.clone() }.run().ended, Ended::Stopped);
    let mut other = Job { resume: true, ..job.clone() };
    other.recipe.objective.precision = Precision::Bf16;
    let said = other.try_run().unwrap_err().to_string();
    assert!(said.contains("was trained in f32, and would go on in bf16"), "{said}");
    assert_eq!(Job { resume: true, ..job }.run().ended, Ended::Finished);
}

#[test]
fn sparse_training() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::new(Kind::Teacher, None, dir.path());
    job.density = Some(0.3);
    survives(job, &STOPS);
}

/// The number of threads does not change a bit either.
#[test]
fn threads_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::new(Kind::Teacher, None, dir.path());
    (job.folder, job.recipe.epochs) = (None, 1);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| job.run()).params
    };
    assert!(with(1) == with(4));
}
