//! What stands of the images that a network gets right when an adversary attacks them.

use super::evaluate::{self, Chosen, Runnable};
use crate::attack::auto::{self, Image, Stage, Told, Victim};
use crate::attack::{Adversary, Auto};
use crate::exec::Branch;
use burn::tensor::Tensor as Burn;

/// What an adversary found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallen {
    /// For each image, is it misclassified as it is or somewhere in the ball?
    pub broken: Vec<bool>,
    /// Of AutoAttack, where: an image in the ball for each that is broken. Empty for other attacks.
    pub found: Vec<Option<Vec<f32>>>,
    /// Of AutoAttack, what stood after each of its attacks.
    pub stages: Vec<Stage>,
    /// What makes the figure doubtful.
    pub notes: Vec<String>,
}

impl Fallen {
    /// Images that stand.
    pub fn standing(&self) -> usize {
        self.broken.iter().filter(|b| !**b).count()
    }

    /// The same in percent.
    pub fn accuracy(&self) -> f64 {
        100.0 * self.standing() as f64 / self.broken.len().max(1) as f64
    }
}

/// Attacks images through a branch. `tell` hears of one attack by gradients under the name of "".
///
/// # Errors
/// An operation without a gradient.
pub fn fallen(
    r: &Runnable<'_>,
    branch: Branch,
    some: Chosen<'_>,
    adversary: &Adversary,
    seed: u64,
    tell: &mut dyn FnMut(Told),
) -> Result<Fallen, String> {
    match adversary {
        Adversary::Gradient(attack) => {
            let tell = &mut |i, n| tell(Told::Step("", i, n));
            let worst = evaluate::worst(r, branch, some, attack, seed, tell)?;
            let broken = worst.into_iter().map(|w| w.broken).collect();
            Ok(Fallen { broken, found: vec![], stages: vec![], notes: vec![] })
        }
        Adversary::Auto(a) => by_auto(r, branch, some, a, seed, tell),
    }
}

fn by_auto(
    r: &Runnable<'_>,
    branch: Branch,
    some: Chosen<'_>,
    a: &Auto,
    seed: u64,
    tell: &mut dyn FnMut(Told),
) -> Result<Fallen, String> {
    let logits = |x: Burn<4>| r.logits(x, branch);
    let (device, batch) = (r.net.device(), some.batch);
    let image = some.images.image_shape();
    let victim = Victim { logits: &logits, device, image, batch };
    let outcome = auto::run(&images(&some), a, seed, &victim, tell)?;
    let broken = outcome.broken.iter().map(Option::is_some).collect();
    Ok(Fallen { broken, found: outcome.broken, stages: outcome.stages, notes: outcome.notes })
}

/// Images as AutoAttack takes them.
pub fn images(some: &Chosen<'_>) -> Vec<Image> {
    some.which
        .iter()
        .map(|&number| Image {
            number,
            pixels: some.images.pixels(number).iter().map(|&p| f32::from(p) / 255.0).collect(),
            label: some.images.label(number),
        })
        .collect()
}
