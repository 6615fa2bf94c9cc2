//! SENet and RLNet: each epoch's mask from the activation differences to the teacher (arXiv 2301.09254,
//! 2402.05521, and their released code).

use super::{identity_masks, shapes};
use crate::dice::Dice;
use crate::exec::value::{download, upload};
use crate::search::allocate::allocate;
use crate::train::learner::{Learner, Scene, Tell};
use crate::train::recipe::SearchOptions;
use crate::train::seen::{self, Seen};
use crate::train::select::select;
use crate::train::state::Tensors;
use burn::tensor::{Device, Tensor as Burn};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;

/// Accumulates `S_l = Σ |a_teacher − a_student|` over an epoch, then keeps the top n_l of each layer. A cap's share is by how much the
/// teacher's activations are above it.
#[derive(Debug)]
pub struct Senet {
    options: SearchOptions,
    sums: Vec<Burn<1>>,
}

impl Senet {
    /// Before the first epoch.
    pub fn new(options: SearchOptions) -> Senet {
        Senet { options, sums: vec![] }
    }

    fn counts(&self, scene: &Scene<'_>) -> Result<Option<Vec<usize>>, String> {
        let caps: Vec<usize> = scene.student.net.relus().iter().map(|r| r.comparisons()).collect();
        self.options.counts.of(&caps, self.options.keep)
    }
}

/// A random H×W map of the layer's density, the same for all channels, `n` elements in all.
fn random_map(shape: [usize; 3], n: usize, dice: &mut Dice) -> Vec<bool> {
    let [channels, area] = [shape[0], shape[1] * shape[2]];
    let order = dice.order(area);
    let mut kept = vec![false; channels * area];
    let places = order.iter().flat_map(|p| (0..channels).map(move |c| c * area + p));
    places.take(n).for_each(|i| kept[i] = true);
    kept
}

/// A random map of a layer's comparisons, `n` in all; caps stay where there are more than elements.
fn random_maps(r: &ReluLayer, n: usize, dice: &mut Dice) -> Vec<bool> {
    let mut all = random_map(r.shape, n.min(r.relus()), dice);
    if r.capped() {
        all.extend(random_map(r.shape, n.saturating_sub(r.relus()), dice));
    }
    all
}

impl Learner for Senet {
    fn start(&mut self, scene: &Scene<'_>, _: &mut Tell<'_>) -> Result<Masks, String> {
        if let Some(m) = &self.options.first {
            return Ok(m.clone());
        }
        if scene.teacher.is_none() {
            return Err("the senet and rlnet searches need a teacher".into());
        }
        let relus = scene.student.net.relus();
        let caps: Vec<usize> = relus.iter().map(|r| r.comparisons()).collect();
        let counts = match self.counts(scene)? {
            Some(c) => c,
            None => allocate(&caps, &caps.iter().map(|&c| c as f64).collect::<Vec<_>>(), self.options.keep),
        };
        let mut dice = Dice::of(ChaCha8Rng::seed_from_u64(self.options.seed ^ 0x5e9e7));
        let kept: Vec<_> = relus.iter().zip(counts).map(|(r, n)| random_maps(r, n, &mut dice)).collect();
        Ok(identity_masks(scene.student, &kept))
    }

    fn watches(&self) -> bool {
        true
    }

    fn observe(&mut self, seen: Seen) {
        seen::add(&mut self.sums, seen.differences);
    }

    fn after_epoch(&mut self, scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        let worth: Vec<Vec<f64>> =
            self.sums.drain(..).map(|s| download(s).into_iter().map(f64::from).collect()).collect();
        let counts = self.counts(scene)?;
        let o = &self.options;
        let kept = select(&worth, &shapes(scene.student), o.keep, counts.as_deref(), o.granularity);
        Ok(Some(identity_masks(scene.student, &kept)))
    }

    fn save(&self) -> Tensors {
        self.sums.iter().enumerate().map(|(i, s)| (format!("{i}"), download(s.clone()))).collect()
    }

    fn load(&mut self, saved: &Tensors, device: &Device) -> Result<(), String> {
        let at = |i: usize| saved.get(&format!("{i}")).map(|v| upload(v.clone(), device));
        self.sums = (0..saved.len()).map_while(at).collect();
        Ok(())
    }
}
