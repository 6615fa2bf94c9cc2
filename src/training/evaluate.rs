//! How good a trained network is: clean, corrupted and attacked, through each branch it has.

use super::guard::guarded;
use super::made::of_masks;
use super::{Plan, Trained};
use crate::error::{Result, input};
use crate::jobs::{EVALUATE, Made, Spec, difference, kept};
use crate::options::HeldOut;
use crate::progress::Progress;
use crate::report::model::{Evaluation, ImageCounts, Scores};
use relinc_passes::ir::Graph;
use relinc_passes::masks;
use relinc_runtime::attack::auto::Told;
use relinc_runtime::attack::{Adversary, Attack, Radius};
use relinc_runtime::certify::{Arithmetic, Certifier, Method, Program};
use relinc_runtime::data::{DataSpec, Dataset, Split};
use relinc_runtime::eval;
use relinc_runtime::eval::certified::{Task, certified};
use relinc_runtime::exec::Branch;
use relinc_runtime::train::Model;
use relinc_runtime::train::attacked::fallen;
use relinc_runtime::train::evaluate::{Chosen, First, clean};
use relinc_runtime::train::stage::EVAL_BATCH;
use serde::Deserialize;
use std::path::Path;
use std::time::Instant;

/// The radius of certificates where none is asked for.
const RADIUS: &str = "2/255";

/// What is measured at the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The part of the data.
    pub split: Split,
    /// Clean images.
    pub clean: usize,
    /// Images each corruption and severity is drawn on; 0 for none.
    pub corrupted: usize,
    /// Images that are attacked; 0 for none.
    pub attacked: usize,
    /// The attacks.
    pub attacks: Vec<Adversary>,
    /// Images that are certified; 0 for none.
    pub certified: usize,
    /// How much a pixel may change within a certificate.
    pub radius: Radius,
    /// Seed of random starts and corruptions.
    pub seed: u64,
}

/// What is asked about accuracy at the end of a run, besides [`HeldOut`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Accuracy")]
pub struct MeasureOptions {
    /// Images drawn with each of 75 corruptions at the end [default: 0]
    #[arg(long, value_name = "N")]
    corrupted: Option<usize>,
    /// Images attacked at the end [default: 1000 after robust training, else 0]
    #[arg(long, value_name = "N")]
    attacked: Option<usize>,
    /// How they are attacked, auto:eps=8/255 (AutoAttack) for instance; may be repeated [default: PGD-20 at 8/255 and 2/255]
    #[arg(long = "attack", value_name = "ATTACK")]
    attacks: Vec<String>,
    /// Images certified at the end by CROWN: right, and proven to stay so [default: 0]
    #[arg(long, value_name = "N")]
    certified: Option<usize>,
    /// The largest change of a pixel within which they are certified [default: 2/255]
    #[arg(long, value_name = "EPS")]
    certified_within: Option<String>,
}

impl MeasureOptions {
    /// What is measured at the end of a plan.
    pub fn measure(&self, held_out: &HeldOut, plan: &Plan) -> Result<Measure> {
        let attacks = match &self.attacks[..] {
            [] => [8.0f32, 2.0]
                .map(|e| Adversary::Gradient(Attack::pgd(20, e / 255.0, e / 4.0 / 255.0)))
                .to_vec(),
            texts => texts.iter().map(|t| t.parse().map_err(input)).collect::<Result<_, _>>()?,
        };
        Ok(Measure {
            split: held_out.split(),
            clean: held_out.limit(),
            corrupted: self.corrupted.unwrap_or(0),
            attacked: self.attacked.unwrap_or(if plan.robust() { 1000 } else { 0 }),
            attacks,
            certified: self.certified.unwrap_or(0),
            radius: self.certified_within.as_deref().unwrap_or(RADIUS).parse().map_err(input)?,
            seed: plan.seed,
        })
    }
}

/// Accuracies that are measured here and left in `path`, or those that lie there, where the stage does not run or was finished.
pub fn evaluated(
    t: &Trained,
    data: &DataSpec,
    m: &Measure,
    (path, runs, resume): (&Path, bool, bool),
    progress: &Progress,
) -> Result<Vec<Evaluation>> {
    let spec = spec(t, m);
    let lies = if resume || !runs { kept::read::<Made<Vec<Evaluation>>>(path)? } else { None };
    if let Some(made) = lies {
        match difference(&made.spec, &spec) {
            None => return Ok(made.found.into_iter().map(Evaluation::with_intervals).collect()),
            Some(said) if !runs => {
                return Err(input(format!(
                    "{}: was measured for something else: {said}; run --only {EVALUATE} again",
                    path.display()
                )));
            }
            Some(_) => {}
        }
    }
    let made = Made::new(spec, guarded(t.student.net.device(), || m.evaluate(t, data, progress))?);
    kept::write(path, &made)?;
    Ok(made.found)
}

/// What accuracies depend on.
fn spec(t: &Trained, m: &Measure) -> Spec {
    let attacks: Vec<String> = m.attacks.iter().map(ToString::to_string).collect();
    let pairs = [
        ("split", m.split.to_string()),
        ("limit", m.clean.to_string()),
        ("corrupted", m.corrupted.to_string()),
        ("attacked", m.attacked.to_string()),
        ("attacks", attacks.join(", ")),
        ("certified", m.certified.to_string()),
        ("radius", m.radius.to_string()),
        ("seed", m.seed.to_string()),
        ("teacher", format!("{:016x}", t.teacher.fingerprint())),
        ("student", format!("{:016x}", t.student.fingerprint())),
        ("masks", t.masks.as_ref().map_or("none".into(), of_masks)),
    ];
    pairs.map(|(k, v)| (k.to_string(), v)).into_iter().collect()
}

impl Measure {
    /// Finds out whether a network can be certified, where that is asked for.
    ///
    /// # Errors
    /// A step without bounds, by name.
    pub fn certifies(&self, graph: &Graph) -> Result<(), String> {
        if self.certified > 0 { Program::of(graph).map(drop) } else { Ok(()) }
    }

    /// Seconds that the certificates of a network take, by its first image.
    ///
    /// # Errors
    /// A network that cannot be certified, or images that it does not take.
    pub fn certificates(&self, graph: &Graph, ds: &Dataset) -> Result<f64, String> {
        if self.certified == 0 {
            return Ok(0.0);
        }
        let start = Instant::now();
        self.proven(graph, ds, 1, &mut |_, _| {})?;
        Ok(self.certified as f64 * start.elapsed().as_secs_f64())
    }

    /// In percent: of the first `n` images those that the network gets right and provably so within the radius.
    fn proven(
        &self,
        graph: &Graph,
        ds: &Dataset,
        n: usize,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<f64, String> {
        let (program, method, arithmetic) = (Program::of(graph)?, Method::Crown, Arithmetic::Single);
        let right = eval::clean(graph, ds, n, &mut |_, _| {})?.right;
        let (_, input) = graph.only_input()?;
        let task = Task { epsilon: self.radius.get(), time: None };
        let c = Certifier { program, method, arithmetic };
        let margins = certified(&c, (ds, input), &right, task, tell)?;
        let proven = margins.iter().flatten().filter(|m| m.certified()).count();
        Ok(100.0 * proven as f64 / right.len().max(1) as f64)
    }

    /// Evaluates the teacher with all its ReLUs and the student under its masks. One entry for each network and attack: each
    /// kind of image through its own branch, with the adversarial accuracy through BN_c beside it.
    fn evaluate(&self, t: &Trained, data: &DataSpec, progress: &Progress) -> Result<Vec<Evaluation>> {
        let most = self.clean.max(self.corrupted).max(self.attacked).max(self.certified);
        let ds = data.open(self.split, Some(most)).map_err(input)?;
        let mut out = vec![];
        let after = if t.masks.is_some() { "masked" } else { "trained" };
        for (what, model) in [("all ReLUs", &t.teacher), (after, &t.student)] {
            out.extend(one(what, model, &ds, self, progress).map_err(input)?);
        }
        Ok(out.into_iter().map(Evaluation::with_intervals).collect())
    }
}

fn one(
    what: &str,
    model: &Model,
    ds: &Dataset,
    m: &Measure,
    progress: &Progress,
) -> Result<Vec<Evaluation>, String> {
    let r = model.runnable();
    let dual = model.net.dual();
    let first = |n| First { images: ds, n, batch: EVAL_BATCH };
    let n = |n: usize| Some(n.min(ds.len()) as u64);
    let tell = |label: &str| {
        let label = format!("{what}, {label}");
        move |i: usize, n: usize| progress.count(&label, i, n)
    };
    let mut base = Evaluation { what: what.into(), ..Evaluation::default() };
    base.scores.clean = Some(clean(&r, Branch::Clean, first(m.clean), &mut tell("clean"))?);
    base.n = ImageCounts { clean: n(m.clean), ..ImageCounts::default() };
    let masked = || masks::apply(&model.graph(Branch::Clean), &model.masks).map_err(|e| e.to_string());
    if m.corrupted > 0 {
        let masked = masked()?;
        let source = relinc_runtime::eval::corrupted::Source::Drawn { images: ds, seed: m.seed };
        let mut tell = tell("corrupted");
        let c = relinc_runtime::eval::corrupted::corrupted(&masked, source, m.corrupted, &mut tell)?;
        base.scores.corrupted = Some(c.mean);
        base.n.corrupted = Some(c.n as u64);
    }
    if m.certified > 0 {
        let masked = masked()?;
        let n = m.certified.min(ds.len());
        base.scores.certified = Some(m.proven(&masked, ds, n, &mut tell("certificates"))?);
        base.n.certified = Some(n as u64);
        base.radius = Some(m.radius.to_string());
    }
    if m.attacked == 0 || m.attacks.is_empty() {
        return Ok(vec![base]);
    }
    let mut out = vec![];
    for (i, attack) in m.attacks.iter().enumerate() {
        let which: Vec<usize> = (0..m.attacked.min(ds.len())).collect();
        let some = Chosen { images: ds, which: &which, batch: EVAL_BATCH };
        let through = |branch: Branch| {
            let label = format!("{what}, {attack} through BN of {} images", branch.name());
            let mut tell = |told: Told| progress.attack(&label, told);
            let found = fallen(&r, branch, some, attack, m.seed, &mut tell)?;
            found.notes.iter().for_each(|n| progress.line(&format!("{label}: {n}")));
            Ok::<f64, String>(found.accuracy())
        };
        let mut e =
            if i == 0 { base.clone() } else { Evaluation { what: what.into(), ..Evaluation::default() } };
        let scores: &mut Scores = &mut e.scores;
        if dual {
            scores.adversarial = Some(through(Branch::Adversarial)?);
            scores.adversarial_clean_bn = Some(through(Branch::Clean)?);
        } else {
            scores.adversarial = Some(through(Branch::Clean)?);
        }
        e.attack = Some(attack.to_string());
        e.n.adversarial = n(m.attacked);
        out.push(e);
    }
    Ok(out)
}
