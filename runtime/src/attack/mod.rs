//! L∞ attacks in pixel space: FGSM, PGD, and PGD with restarts on the margin or DLR loss.

mod noise;
mod spec;

use crate::exec::value::detached;
use crate::train::evaluate::predictions;
use crate::train::loss;
use burn::tensor::Tensor as Burn;

pub use noise::noise;
pub use spec::{Attack, Goal, Radius};

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
}

impl Attack {
    /// Attacks pixels `[N,C,H,W]` in 0…1, on a device without gradients. `logits` must be differentiable. `start` is
    /// uniform noise in −1…1 of the pixels' shape, or nothing to start from the images. With `watch` (the labels),
    /// notes every image that any iterate, the last included, gets misclassified.
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
        let inside = |x: Burn<4>| x.max_pair(low.clone()).min_pair(high.clone());
        let mut x = match start {
            Some(noise) => inside(pixels.clone() + noise * self.epsilon),
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
        Ok(Found { pixels: x, broken: broken(seen, watch.unwrap_or_default()) })
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

/// Which images any of these logits got misclassified, fetched in one piece.
fn broken(seen: Vec<Burn<2>>, labels: &[usize]) -> Vec<bool> {
    let mut broken = vec![false; labels.len()];
    if seen.is_empty() || labels.is_empty() {
        return broken;
    }
    let found = predictions(Burn::cat(seen, 0));
    for of_iterate in found.chunks(labels.len()) {
        broken.iter_mut().zip(of_iterate.iter().zip(labels)).for_each(|(b, (p, l))| *b |= p != l);
    }
    broken
}
