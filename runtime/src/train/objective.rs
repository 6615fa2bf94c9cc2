//! One training step's loss: the views of a batch, their cross-entropies, distillation and attention transfer.

use super::evaluate::best;
use super::loader::Batch;
use super::loss::{attention_transfer, cross_entropy, distillation, labels, row_loss, stage_outputs};
use super::model::Model;
use crate::attack::{Attack, Target, noise};
use crate::exec::value::{download, flatten, upload};
use crate::exec::{Boxed, Branch, Call, Gate, Norms, Precision, Statistics, Tap, Value};
use burn::tensor::{Device, Int, Tensor as Burn};
use std::ops::Range;

/// What is minimised:
/// `ce·mean CE + kl·mean KL + attention·mean AT` over the views.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The first half of a batch clean and as AugMix view through BN_c, the second half attacked through BN_a.
    /// Otherwise all of it clean.
    pub robust: bool,
    /// Weight of the cross-entropy.
    pub ce: f32,
    /// Weight of the divergence from the teacher's clean logits.
    pub kl: f32,
    /// Temperature of the divergence.
    pub temperature: f32,
    /// Weight of the attention transfer.
    pub attention: f32,
    /// ReLU layers it compares; empty for the stage outputs.
    pub attention_at: Vec<String>,
    /// Label smoothing of the cross-entropy.
    pub smoothing: f32,
    /// The training attack.
    pub attack: Attack,
    /// Of robust views: the cross-entropy of the attacked images is that of the worst logits, by intervals, of the box that reaches so
    /// far around them, a full pixel being 1 (SABR, Müller et al., ICLR 2023); 0 for their own.
    pub reach: f32,
    /// Weight of the penalty on what is far out in quadratic layers, summed over them.
    pub tails: f32,
    /// One batch normalisation for all views instead of two.
    pub single_norm: bool,
    /// What networks compute in.
    pub precision: Precision,
}

/// The parts of a loss, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Parts {
    /// All together.
    pub total: f64,
    /// Mean cross-entropy.
    pub ce: f64,
    /// Mean divergence.
    pub kl: f64,
    /// Mean attention transfer.
    pub attention: f64,
    /// Mean penalty on what is far out in quadratic layers.
    #[serde(default)]
    pub tails: f64,
}

/// What a step computed.
#[derive(Debug)]
pub struct Computed {
    /// The loss, with gradients.
    pub loss: Burn<1>,
    /// Its parts and what was classified, still on the device.
    pub pending: Pending,
    /// The leaves whose gradients it has, one a parameter.
    pub leaves: Vec<Burn<1>>,
    /// Rows of the batch that went in clean, from the first.
    pub clean_rows: usize,
    /// Student taps, when watched; the clean rows come first.
    pub taps: Vec<Tap>,
    /// Teacher taps of the same rows, when watched.
    pub teacher_taps: Vec<Tap>,
    /// Batch statistics by branch.
    pub statistics: Vec<(Branch, Vec<Statistics>)>,
}

/// The numbers of a step that are still on the device: reading them waits for it.
#[derive(Debug)]
pub struct Pending {
    terms: [Option<Burn<1>>; 4],
    total: Burn<1>,
    logits: Burn<2>,
    labels: Vec<usize>,
}

/// The numbers of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The loss.
    pub parts: Parts,
    /// Clean rows classified correctly.
    pub correct: usize,
    /// The cross-entropy of each clean row with its label.
    pub losses: Vec<f32>,
    /// L2 norm of the gradient before clipping.
    pub norm: f64,
}

impl Pending {
    /// Where they are.
    pub fn device(&self) -> Device {
        self.logits.device()
    }
    /// Fetches them in one piece, together with the gradient's norm (one element).
    pub fn read(self, norm: Burn<1>) -> Reading {
        let classes = self.logits.dims()[1].max(1);
        let there = self.terms.each_ref().map(Option::is_some);
        let mut all = vec![norm, self.total];
        all.extend(self.terms.into_iter().flatten());
        all.push(flatten(self.logits));
        let numbers = all.len() - 1;
        let read = download(Burn::cat(all, 0));
        let (numbers, logits) = read.split_at(numbers.min(read.len()));
        let mut numbers = numbers.iter().map(|&v| f64::from(v));
        let mut next = || numbers.next().unwrap_or(f64::NAN);
        let (norm, total) = (next(), next());
        let [ce, kl, attention, tails] = there.map(|t| if t { next() } else { 0.0 });
        let correct = best(logits, classes).zip(&self.labels).filter(|(p, l)| p == *l).count();
        let rows = logits.chunks(classes).zip(&self.labels);
        let losses = rows.map(|(z, l)| row_loss(z, *l)).collect();
        Reading { parts: Parts { total, ce, kl, attention, tails }, correct, losses, norm }
    }
}

/// Where a step is: what its random starts depend on.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// Seed of the run.
    pub seed: u64,
    /// Steps taken before.
    pub step: u64,
}

/// Some rows of a value.
fn rows(v: &Value, at: Range<usize>) -> Value {
    let each = v.len() / v.batch().max(1);
    let mut shape = v.shape().to_vec();
    shape[0] = at.len();
    Value::new(v.flat().narrow(0, at.start * each, at.len() * each), shape)
}

/// Views of the same images, one below the other.
struct Views {
    /// `[n·rows,C,H,W]` in 0…1.
    pixels: Burn<4>,
    /// Images a view.
    rows: usize,
    /// 1, or 2 with the AugMix view.
    n: usize,
}

impl Views {
    fn of(batch: &Batch, pixels: &Burn<4>, rows: usize, device: &Device) -> Views {
        let clean = pixels.clone().narrow(0, 0, rows);
        if batch.augmix.is_empty() {
            return Views { pixels: clean, rows, n: 1 };
        }
        let [_, c, h, w] = pixels.dims();
        let augmix = upload(batch.augmix.clone(), device).reshape([rows, c, h, w]);
        Views { pixels: Burn::cat(vec![clean, augmix], 0), rows, n: 2 }
    }
}

/// The images of a batch that are attacked.
struct Half<'a> {
    pixels: Burn<4>,
    /// The teacher's logits.
    target: Option<Burn<2>>,
    images: &'a [usize],
    labels: &'a [usize],
}

/// The terms of a loss, a cross-entropy and a divergence a view.
#[derive(Default)]
struct Terms {
    ce: Vec<Burn<1>>,
    kl: Vec<Burn<1>>,
    attention: Option<Burn<1>>,
    tails: Vec<Burn<1>>,
}

impl Terms {
    /// A view's; `worst` are logits for the cross-entropy where it has other ones.
    fn add(
        &mut self,
        o: &Objective,
        (z, worst): (Burn<2>, Option<Burn<2>>),
        labels: Burn<1, Int>,
        target: Option<Burn<2>>,
    ) {
        self.ce.push(cross_entropy(worst.unwrap_or_else(|| z.clone()), labels, o.smoothing));
        if let (true, Some(t)) = (o.kl > 0.0, target) {
            self.kl.push(distillation(z, t, o.temperature));
        }
    }

    /// The weighed sum of the means over views, and the means.
    fn weighed(self, o: &Objective) -> Result<(Burn<1>, [Option<Burn<1>>; 4]), String> {
        let mean = |v: Vec<Burn<1>>| {
            let k = v.len() as f32;
            v.into_iter().reduce(|a, b| a + b).map(|s| s / k)
        };
        let (ce, kl, tails) = (mean(self.ce), mean(self.kl), mean(self.tails));
        let terms = [(o.ce, ce), (o.kl, kl), (o.attention, self.attention), (o.tails, tails)];
        let means = terms.each_ref().map(|(_, t)| t.clone().map(Burn::inner));
        let sum = terms.into_iter().filter_map(|(k, t)| t.map(|t| t * k)).reduce(|a, b| a + b);
        Ok((sum.ok_or("the objective has no term")?, means))
    }
}

impl Objective {
    /// The branch adversarial images go through.
    pub fn adversarial_branch(&self) -> Branch {
        if self.single_norm { Branch::Clean } else { Branch::Adversarial }
    }

    /// Computes the loss of a batch. With `watch`, also what goes through the ReLU layers of the clean rows.
    /// `gates` are the student's, possibly with gradients.
    pub fn compute(
        &self,
        student: &Model,
        gates: &[Gate],
        teacher: Option<&Model>,
        batch: &Batch,
        watch: bool,
        at: At,
    ) -> Result<Computed, String> {
        let device = student.net.device();
        let [c, h, w] = student.front.image();
        let n = batch.images.len();
        let clean_rows = if self.robust { (n / 2).max(1) } else { n };
        let pixels = upload(batch.clean.clone(), device).reshape([n, c, h, w]);
        let teacher_attends = teacher.filter(|_| self.attention > 0.0);
        let taps_wanted = watch || teacher_attends.is_some();
        let taught = match teacher {
            Some(t) if self.kl > 0.0 || taps_wanted => {
                let call = teacher_call(t, taps_wanted, self.precision);
                Some(t.net.forward(t.front.apply(pixels.clone()), &call)?)
            }
            _ => None,
        };
        let target = taught.as_ref().map(|t| t.logits());
        let leaves = student.net.leaves(&student.params);
        let precision = self.precision;
        let call = |branch, watch| Call {
            params: &leaves,
            gates,
            branch,
            watch,
            precision,
            tails: self.tails > 0.0,
            ..student.call(if student.frozen.is_some() { Norms::Running } else { Norms::Batch })
        };

        let views = Views::of(batch, &pixels, clean_rows, device);
        let fed = student.front.apply(views.pixels.clone());
        let out = student.net.forward(fed, &call(Branch::Clean, taps_wanted))?;
        // The pull of logits far out would drown all others'.
        let cut = |z: Burn<2>| student.frozen.iter().fold(z, |z, &most| z.clamp(-most, most));
        let z = out.logits();
        let clean = z.clone().inner().narrow(0, 0, clean_rows);
        let z = cut(z);
        let mut statistics = vec![(Branch::Clean, out.statistics)];
        let mut terms = Terms { tails: out.tails.clone().into_iter().collect(), ..Terms::default() };
        for v in 0..views.n {
            let z = z.clone().narrow(0, v * clean_rows, clean_rows);
            let target = target.clone().map(|t| t.narrow(0, 0, clean_rows));
            terms.add(self, (z, None), labels(&batch.labels[..clean_rows], device), target);
        }
        if self.robust && clean_rows < n {
            let half = Half {
                pixels: pixels.narrow(0, clean_rows, n - clean_rows),
                target: target.map(|t| t.narrow(0, clean_rows, n - clean_rows)),
                images: &batch.images[clean_rows..],
                labels: &batch.labels[clean_rows..],
            };
            let attacked = self.perturb(student, gates, &half, at)?;
            let branch = self.adversarial_branch();
            let call = call(branch, false);
            let worst = if self.reach > 0.0 {
                let corner = |by: f32| student.front.apply((attacked.clone() + by).clamp(0.0, 1.0));
                let around = Boxed::between(&corner(-self.reach), &corner(self.reach));
                Some(student.net.boxed(around, &call)?.worst(half.labels))
            } else {
                None
            };
            let out = student.net.forward(student.front.apply(attacked), &call)?;
            let z = cut(out.logits());
            statistics.push((branch, out.statistics));
            terms.tails.extend(out.tails);
            terms.add(self, (z, worst), labels(half.labels, device), half.target);
        }
        let teacher_taps = taught.map(|t| t.taps).unwrap_or_default();
        if let Some(t) = teacher_attends {
            terms.attention = Some(self.attend(student, t, (&out.taps, &teacher_taps), &views)?);
        }
        let (loss, terms) = terms.weighed(self)?;
        let pending = Pending {
            terms,
            total: loss.clone().inner(),
            logits: clean,
            labels: batch.labels[..clean_rows].to_vec(),
        };
        Ok(Computed { loss, pending, leaves, clean_rows, taps: out.taps, teacher_taps, statistics })
    }

    /// The adversarial images of a half batch: the network by running statistics, its parameters fixed.
    fn perturb(&self, student: &Model, gates: &[Gate], half: &Half<'_>, at: At) -> Result<Burn<4>, String> {
        let random = self.attack.random_start;
        let start = random.then(|| noise(&half.pixels, at.seed, at.step, half.images));
        let goal = match &half.target {
            Some(t) if self.kl > 0.0 => Target::Logits(Box::new(t.clone())),
            _ => Target::Labels(half.labels.to_vec()),
        };
        let plain: Vec<Gate> = gates.iter().map(Gate::detached).collect();
        let mut frozen = student.runnable();
        (frozen.gates, frozen.precision) = (&plain, self.precision);
        let branch = self.adversarial_branch();
        Ok(self.attack.run(&half.pixels, &goal, start, None, &|x| frozen.logits(x, branch))?.pixels)
    }

    /// Attention transfer of the views, their mean; `taps` are the student's and the teacher's.
    fn attend(
        &self,
        student: &Model,
        teacher: &Model,
        taps: (&[Tap], &[Tap]),
        views: &Views,
    ) -> Result<Burn<1>, String> {
        let at = self.attended(student, teacher)?;
        let theirs = at.iter().map(|&i| same_layer(student, i, teacher)).collect::<Result<Vec<_>, _>>()?;
        let pick =
            |taps: &[Tap], at: &[usize]| at.iter().map(|&i| taps[i].output.clone()).collect::<Vec<_>>();
        let of = |v: &[Value], view: usize| {
            let at = view * views.rows..(view + 1) * views.rows;
            v.iter().map(|v| rows(v, at.clone())).collect::<Vec<_>>()
        };
        let (mine, taught) = (pick(taps.0, &at), pick(taps.1, &theirs));
        let mut terms = vec![attention_transfer(&of(&mine, 0), &of(&taught, 0))];
        if views.n == 2 {
            let aug = views.pixels.clone().narrow(0, views.rows, views.rows);
            let taught = teacher
                .net
                .forward(teacher.front.apply(aug), &teacher_call(teacher, true, self.precision))?;
            terms.push(attention_transfer(&of(&mine, 1), &pick(&taught.taps, &theirs)));
        }
        let k = terms.len() as f32;
        let sum = terms.into_iter().flatten().reduce(|a, b| a + b);
        sum.map(|s| s / k)
            .ok_or_else(|| "the network has no ReLU layer with a spatial map to compare attention at".into())
    }

    /// Indices of the student's layers that attention transfer compares. Those that only the teacher has were folded away.
    fn attended(&self, student: &Model, teacher: &Model) -> Result<Vec<usize>, String> {
        let relus = student.net.relus();
        let mut at = vec![];
        for n in &self.attention_at {
            match relus.iter().position(|r| r.name == *n) {
                Some(i) => at.push(i),
                None if teacher.net.relus().iter().any(|r| r.name == *n) => {}
                None => return Err(format!("pram_at: there is no ReLU layer '{n}'")),
            }
        }
        match at.is_empty() {
            true => Ok(stage_outputs(&relus.iter().map(|r| r.shape).collect::<Vec<_>>())),
            false => Ok(at),
        }
    }
}

/// The teacher's layer of the same name: a folded student has fewer.
fn same_layer(student: &Model, layer: usize, teacher: &Model) -> Result<usize, String> {
    let name = &student.net.relus()[layer].name;
    let at = teacher.net.relus().iter().position(|r| r.name == *name);
    at.ok_or_else(|| format!("the teacher has no ReLU layer '{name}' to compare attention at"))
}

fn teacher_call(t: &Model, watch: bool, precision: Precision) -> Call<'_> {
    Call { watch, precision, ..t.call(Norms::Running) }
}
