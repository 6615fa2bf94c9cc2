//! `relinc certify`

mod shown;

use super::Global;
use crate::compile::read_masks;
use crate::error::{Error, Result, input};
use crate::folder::{Folder, Inputs, unwritable};
use crate::images::Images;
use crate::model::Model;
use crate::options::ModelOptions;
use crate::progress::Progress;
use crate::training::guard::guarded;
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::driver::valid;
use relinc_passes::files::create_atomically;
use relinc_passes::masks;
use relinc_runtime::attack::{Adversary, Attack, Goal, Radius};
use relinc_runtime::certify::{Arithmetic, Certifier, Margins, Method, Program, vnnlib};
use relinc_runtime::data::{DataSpec, Dataset, Split};
use relinc_runtime::device;
use relinc_runtime::eval::around::around;
use relinc_runtime::eval::attacked::Target;
use relinc_runtime::eval::certified::{Task, Verdict, certified};
use relinc_runtime::eval::{self, Layout};
use relinc_runtime::fixed::Format;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Steps of the attack on what is not certified, from each start.
const STEPS: usize = 40;
/// Steps and random starts of the attack on what is certified.
const CHALLENGE: (usize, usize) = (20, 1000);
/// The network in the folder of properties.
const MODEL: &str = "model.onnx";
/// One property a line, as at VNN-COMP.
const LIST: &str = "instances.csv";
/// Seconds that the list grants a verifier for a property.
const GRANTED: usize = 300;

/// Options of `relinc certify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model
    model: PathBuf,
    /// Images: cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR, shapes
    #[arg(long, value_name = "D")]
    data: DataSpec,
    /// The largest change of a pixel, a full pixel being 1: 2/255 for instance
    #[arg(long, value_name = "EPS")]
    eps: Radius,
    /// The part of the data
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// How many images [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Begin no further image after so many seconds
    #[arg(long, value_name = "S")]
    time: Option<f64>,
    /// How margins are bounded: interval, crown, or alpha, which takes longest and proves most
    #[arg(long, value_name = "METHOD", default_value = "alpha")]
    method: Method,
    /// Random starts of the attack on each image that is not certified; 0 for no attack
    #[arg(long, value_name = "N", default_value_t = 4)]
    restarts: usize,
    /// Another attack on these images, within --eps: auto (AutoAttack), or pgd:steps=100,restarts=10 for instance
    #[arg(long, value_name = "ATTACK", conflicts_with = "restarts")]
    attack: Option<String>,
    /// Attack the N certified images of least margin as well, from 1000 random starts and with --attack: they must stand
    #[arg(long, value_name = "N", default_value_t = 0)]
    challenge: usize,
    /// Certify what numbers on a ring compute, RING,FRACTION bits, instead of single precision
    #[arg(long, value_name = "RING,FRACTION")]
    fixed_point: Option<Format>,
    /// Leave rounding out of account, in the network and in the bounds, as other verifiers do
    #[arg(long, conflicts_with = "fixed_point")]
    real: bool,
    /// Write the network and a property in VNN-LIB for each image into a folder, for other verifiers
    #[arg(long, value_name = "DIR", conflicts_with = "masks")]
    vnnlib: Option<PathBuf>,
    /// Masks to put on the model's ReLUs (dense, as training sees them)
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    #[command(flatten)]
    import: ModelOptions,
}

/// What was found.
struct Found {
    /// What is known of each image, and its margins where the network gets it right.
    images: Vec<(Verdict, Option<Margins>)>,
    /// Elements of all gates, and those with a bend or a curve.
    bent: usize,
    /// Images that were asked for.
    wanted: usize,
    /// Wall-clock time of bounding and of attacking.
    seconds: [f64; 2],
    attack: Option<Adversary>,
    challenge: Option<Challenge>,
    notes: Vec<String>,
}

/// What attacks made of certified images.
struct Challenge {
    /// Images, those of least margin first.
    images: Vec<usize>,
    attacks: Vec<Adversary>,
    /// Those of them that an attack broke.
    broken: Vec<usize>,
    /// How far above what is proven the least margin is that was found, where it comes closest.
    above: f64,
    seconds: f64,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    a.check()?;
    let progress = g.progress();
    let mut m = Model::load(&a.model, &a.import.import(Some(&a.data)))?;
    let images = Images::labelled(&a.data, &m.graph, &a.model)?;
    let masks = a.masks.as_ref().map(|file| read_masks(file, &m)).transpose()?;
    images.announce(&progress);
    let ds = images.open(a.split, a.limit)?;
    ds.notices().iter().for_each(|n| progress.line(n));
    let attack = a.attack()?;
    let target = match attack {
        None if a.challenge == 0 => None,
        _ => {
            let chosen = device::choose(&g.device()).map_err(input)?;
            progress.line(&chosen.said);
            Some(Target::new(&m.graph, masks.as_ref(), &ds, chosen.first()).map_err(|e| a.named(e))?)
        }
    };
    if let Some(masks) = &masks {
        m.graph = masks::apply(&m.graph, masks).map_err(|e| a.named(e.to_string()))?;
    }
    let program = Program::of(&m.graph).map_err(|e| a.named(e))?;
    let arithmetic = a.arithmetic();
    let c = Certifier { program, method: a.method, arithmetic };
    a.write_properties(&m, &ds, &c, &progress)?;
    let tell = &mut |i, n| progress.count("images", i, n);
    let right = eval::clean(&m.graph, &ds, ds.len(), tell).map_err(|e| a.named(e))?.right;
    let (_, ty) = m.graph.only_input().map_err(|e| a.named(e))?;
    let task = Task { epsilon: a.eps.get(), time: a.time.map(Duration::from_secs_f64) };
    let (start, tell) = (Instant::now(), &mut |i, n| progress.count("certificates", i, n));
    let margins = certified(&c, (&ds, ty), &right, task, tell).map_err(|e| a.named(e))?;
    let bounding = start.elapsed().as_secs_f64();
    progress.finish();
    let start = Instant::now();
    let open: Vec<usize> =
        (0..margins.len()).filter(|&i| margins[i].as_ref().is_some_and(|m| !m.certified())).collect();
    let broken = match (&target, &attack) {
        (Some(target), Some(attack)) => {
            let tell = &mut |told| progress.attack("attacks", told);
            let left = || target.broken(&ds, &open, attack, g.seed(), tell).map_err(|e| a.named(e));
            guarded(target.device(), left)?
        }
        _ => vec![false; open.len()],
    };
    progress.finish();
    let attacking = start.elapsed().as_secs_f64();
    let challenge = match &target {
        Some(target) if a.challenge > 0 => {
            let run = || a.challenged(target, &ds, &margins, attack, g.seed(), &progress);
            Some(guarded(target.device(), run)?)
        }
        _ => None,
    };
    progress.finish();
    let verdict = |(i, m): (usize, Option<Margins>)| {
        let v = match &m {
            None => Verdict::Misclassified,
            Some(m) if m.certified() => Verdict::Certified,
            Some(_) if open.binary_search(&i).is_ok_and(|k| broken[k]) => Verdict::Falsified,
            Some(_) => Verdict::Unknown,
        };
        (v, m)
    };
    let found = Found {
        images: margins.into_iter().enumerate().map(verdict).collect(),
        bent: c.program.bent(),
        wanted: ds.len(),
        seconds: [bounding, attacking],
        attack,
        challenge,
        notes: [m.notices, images.catalogue.notices, ds.notices().to_vec()].concat(),
    };
    g.show(&shown::json(&a, &found, &ds), shown::text(&a, &found, g.seed()))?;
    match found.challenge.filter(|c| !c.broken.is_empty() || c.above < 0.0) {
        Some(c) => Err(Error::Answer(format!(
            "an attack went below a proven margin (broken: {:?}): the certificates are wrong, which is a fault of relinc; please report it",
            c.broken
        ))),
        None => Ok(()),
    }
}

impl Args {
    fn check(&self) -> Result<()> {
        self.attack()?;
        match self.time {
            _ if self.limit == Some(0) => Err(input("--limit 0 leaves no image; give at least 1")),
            Some(t) if !(t.is_finite() && t > 0.0 && t < 1e9) => {
                Err(input(format!("--time {t}: give a number of seconds above 0")))
            }
            _ => Ok(()),
        }
    }

    /// An error about the model.
    fn named(&self, e: String) -> Error {
        input(format!("{}: {e}", self.model.display()))
    }

    fn arithmetic(&self) -> Arithmetic {
        match self.fixed_point {
            Some(f) => Arithmetic::Fixed(f),
            None if self.real => Arithmetic::Real,
            None => Arithmetic::Single,
        }
    }

    /// PGD on the margin, which is what a certificate is about.
    fn pgd(&self, steps: usize, restarts: usize) -> Attack {
        let epsilon = self.eps.get() as f32;
        Attack { restarts, goal: Goal::Margin, ..Attack::pgd(steps, epsilon, epsilon / 4.0) }
    }

    /// The attack on what is not certified.
    fn attack(&self) -> Result<Option<Adversary>> {
        match &self.attack {
            Some(text) => Adversary::within(text, self.eps.get() as f32).map(Some).map_err(input),
            None => Ok((self.restarts > 0).then(|| Adversary::Gradient(self.pgd(STEPS, self.restarts)))),
        }
    }

    /// Attacks the certified images of least margin.
    fn challenged(
        &self,
        target: &Target,
        ds: &Dataset,
        margins: &[Option<Margins>],
        attack: Option<Adversary>,
        seed: u64,
        progress: &Progress,
    ) -> Result<Challenge> {
        let start = Instant::now();
        let proven = |i: &usize| {
            let m = margins[*i].as_ref().filter(|m| m.certified())?;
            m.least().map(|(_, m)| m.proven())
        };
        let mut all: Vec<(usize, f64)> =
            (0..margins.len()).filter_map(|i| proven(&i).map(|m| (i, m))).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        all.truncate(self.challenge);
        let images: Vec<usize> = all.iter().map(|(i, _)| *i).collect();
        let pgd = self.pgd(CHALLENGE.0, CHALLENGE.1);
        let tell = &mut |i, n| progress.count("attacks on certified images", i, n);
        let worst = target.worst(ds, &images, &pgd, seed, tell).map_err(|e| self.named(e))?;
        let mut broken: Vec<bool> = worst.iter().map(|w| w.broken).collect();
        let mut attacks = vec![Adversary::Gradient(pgd)];
        if let Some(attack) = attack.filter(|_| self.attack.is_some()) {
            let tell = &mut |told| progress.attack("attacks on certified images", told);
            let more = target.broken(ds, &images, &attack, seed, tell).map_err(|e| self.named(e))?;
            broken.iter_mut().zip(more).for_each(|(b, m)| *b |= m);
            attacks.push(attack);
        }
        let above = worst.iter().zip(&all).map(|(w, (_, proven))| f64::from(w.margin) - proven);
        Ok(Challenge {
            attacks,
            above: above.fold(f64::INFINITY, f64::min),
            broken: images.iter().zip(broken).filter(|(_, b)| *b).map(|(i, _)| *i).collect(),
            images,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Writes the network and what is asked of it around each image.
    fn write_properties(&self, m: &Model, ds: &Dataset, c: &Certifier, progress: &Progress) -> Result<()> {
        let Some(dir) = &self.vnnlib else { return Ok(()) };
        let mut inputs = Inputs::default();
        inputs.model("the model", &self.model);
        inputs.data(&self.data);
        let file = |i: usize| format!("image{i:05}.vnnlib");
        let mut names = vec![MODEL.to_owned(), LIST.to_owned()];
        names.extend((0..ds.len()).map(file));
        let mut folder = Folder::open(dir, "certify", "certify", progress)?;
        folder.claim(&inputs, &names, &[])?;
        let (_, ty) = m.graph.only_input().map_err(|e| self.named(e))?;
        let layout: Layout = eval::layout(ty, ds.image_shape()).map_err(|e| self.named(e))?;
        let whole = m.whole()?;
        let v = valid::check(&whole).map_err(|e| input(&e[0]))?;
        let staging = folder.stage()?;
        emit(&v, &staging.path().join(MODEL), &OnnxOptions::default()).map_err(input)?;
        let write = |name: &str, text: &str| {
            let path = staging.path().join(name);
            create_atomically(&path, |w| w.write_all(text.as_bytes())).map_err(|e| unwritable(&path, &e))
        };
        for i in 0..ds.len() {
            let sample = around(ds, i, self.eps.get(), layout, self.arithmetic());
            let about = format!(
                "Image {i} of {} ({}), of class {}: no image within {} of it has another class if this cannot be satisfied.",
                self.data,
                self.split.name(),
                ds.label(i),
                self.eps
            );
            write(&file(i), &vnnlib::property(&sample, ds.label(i), c.program.outputs(), &about))
                .map_err(|e| staging.named(e))?;
            progress.count("properties", i + 1, ds.len());
        }
        let list: String = (0..ds.len()).map(|i| format!("{MODEL},{},{GRANTED}\n", file(i))).collect();
        write(LIST, &list).map_err(|e| staging.named(e))?;
        folder.amend(staging)
    }
}
