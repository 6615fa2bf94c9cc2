//! L∞ attacks in pixel space: FGSM, N-FGSM, PGD with restarts on the cross-entropy, margin or DLR loss, and AutoAttack.

mod adversary;
pub mod auto;
mod noise;
mod radius;
mod spec;

use crate::exec::value::{detached, download};
use crate::train::evaluate::best;
use crate::train::loss;
use burn::tensor::Tensor as Burn;

pub use adversary::{Adversary, Auto, EXPLAINED};
pub use noise::noise;
pub use radius::Radius;
pub use spec::{Attack, Goal};

/// The gradient is taken of so many times the loss: its sign is the same, and small ones do not vanish in half precision.
const SCALE: f32 = 1024.0;

/// What the attacker maximises, with what it needs to know.
#[derive(Debug, Clone)]
pub enum Target {
    /// Cross-entropy, margin or DLR against the labels.
    Labels(Vec<usize>),
    /// Divergence from these logits.
    Logits(Box<Burn<2>>),
}

/// What an attack found.
#[derive(Debug)]
pub struct Found {
    /// The perturbed pixels, inside the ball and 0…1.
    pub pixels: Burn<4>,
    /// Images that some iterate got misclassified; empty unless asked for.
    pub broken: Vec<bool>,
    /// How far the label's logit was above all others at least, in any iterate; empty unless asked for.
    pub margins: Vec<f32>,
}

impl Attack {
    /// Attacks pixels `[N,C,H,W]` in 0…1, on a device without gradients. `logits` must be differentiable. `start` is
    /// uniform noise in −1…1 of the pixels' shape, or nothing to start from the images. With `watch` (the labels),
    /// notes every image that any iterate, the last included, gets misclassified, and its least margin.
    pub fn run(
        &self,
        pixels: &Burn<4>,
        target: &Target,
        start: Option<Burn<4>>,
        watch: Option<&[usize]>,
        logits: &dyn Fn(Burn<4>) -> Result<Burn<2>, String>,
    ) -> Result<Found, String> {
        let low = (pixels.clone() - self.epsilon).clamp_min(0.0);
        let high = (pixels.clone() + self.epsilon).clamp_max(1.0);
        let inside = |x: Burn<4>| match self.spread {
            None => x.max_pair(low.clone()).min_pair(high.clone()),
            Some(_) => x.clamp(0.0, 1.0),
        };
        let mut x = match start {
            Some(noise) => inside(pixels.clone() + noise * (self.spread.unwrap_or(1.0) * self.epsilon)),
            None => pixels.clone(),
        };
        let mut seen = vec![];
        if self.epsilon > 0.0 {
            for _ in 0..self.steps {
                let leaf = Burn::from_inner(x.clone()).require_grad();
                let z = logits(leaf.clone())?;
                seen.extend(watch.map(|_| z.clone().inner()));
                let grads = (self.loss(z, target).sum() * SCALE).backward();
                let g = leaf.grad(&grads).ok_or("the network does not depend on its input")?;
                x = inside(x + g.sign() * self.step);
            }
        }
        if watch.is_some() {
            seen.push(detached(logits(x.clone())?));
        }
        let (broken, margins) = watched(seen, watch.unwrap_or_default());
        Ok(Found { pixels: x, broken, margins })
    }

    fn loss(&self, z: Burn<2>, target: &Target) -> Burn<1> {
        match target {
            Target::Logits(t) => loss::distillation(z, (**t).clone(), loss::TEMPERATURE),
            Target::Labels(l) => {
                let l = loss::labels(l, &z.device());
                match self.goal {
                    Goal::CrossEntropy => loss::cross_entropy(z, l, 0.0),
                    Goal::Margin => loss::margin(z, l),
                    Goal::Dlr => loss::dlr(z, l),
                }
            }
        }
    }
}

/// Which images any of these logits got misclassified, and the least margins; fetched in one piece.
fn watched(seen: Vec<Burn<2>>, labels: &[usize]) -> (Vec<bool>, Vec<f32>) {
    let (mut broken, mut margins) = (vec![false; labels.len()], vec![f32::INFINITY; labels.len()]);
    if seen.is_empty() || labels.is_empty() {
        return (broken, margins);
    }
    let classes = seen[0].dims()[1].max(1);
    for (row, z) in download(Burn::cat(seen, 0)).chunks(classes).enumerate() {
        let i = row % labels.len();
        broken[i] |= best_of(z) != labels[i];
        margins[i] = margins[i].min(margin(z, labels[i]));
    }
    (broken, margins)
}

/// How far the label's logit is above all others; negative where one is above it.
fn margin(z: &[f32], label: usize) -> f32 {
    let others = z.iter().enumerate().filter(|(c, _)| *c != label).map(|(_, v)| *v);
    z.get(label).copied().unwrap_or(f32::NEG_INFINITY) - others.fold(f32::NEG_INFINITY, f32::max)
}

/// The class that is predicted from one row of logits.
fn best_of(z: &[f32]) -> usize {
    best(z, z.len().max(1)).next().unwrap_or(0)
}
