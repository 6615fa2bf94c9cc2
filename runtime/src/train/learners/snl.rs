//! SNL: `y = α·ReLU(x) + (1−α)·x` with an α per element, driven down by an L1 term until the budget is met
//! (Cho et al., ICML 2022, arXiv 2202.02340). In a layer with the cap C an element has a second, β: from C on the slope is 1 − β.

use super::{comparisons, identity_masks, shapes};
use crate::exec::value::{download, upload};
use crate::exec::{Beyond, Gate};
use crate::train::learner::{Learner, Scene, Tell};
use crate::train::optimizer::Adam;
use crate::train::recipe::SearchOptions;
use crate::train::seen::Seen;
use crate::train::select::select;
use crate::train::state::Tensors;
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::{NO_CAP, comparisons_under};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::Masks;

/// An element counts as a ReLU above this.
const THRESHOLD: f32 = 1e-2;
/// Adam's rate.
const RATE: f32 = 1e-3;
/// The L1 term's first weight, and what it grows by when the count of active elements stalls.
const LAMBDA: f32 = 1e-5;
const GROWTH: f32 = 1.1;
/// Epochs before it may grow.
const WARM: usize = 5;

/// See the module documentation.
#[derive(Debug)]
pub struct Snl {
    options: SearchOptions,
    alpha: Vec<Burn<1>>,
    /// Of each layer, +∞ for none. Where there is one, the second half of the layer's `alpha` are the elements' β.
    caps: Vec<f32>,
    adam: Adam,
    lambda: f32,
    active: usize,
    met: bool,
}

impl Snl {
    /// Before the first epoch.
    pub fn new(options: SearchOptions) -> Snl {
        Snl {
            options,
            alpha: vec![],
            caps: vec![],
            adam: Adam::new(0),
            lambda: LAMBDA,
            active: usize::MAX,
            met: false,
        }
    }

    fn values(&self) -> Vec<Vec<f32>> {
        self.alpha.iter().map(|a| download(a.clone())).collect()
    }

    fn best(&self, scene: &Scene<'_>) -> Masks {
        let worth: Vec<Vec<f64>> =
            self.values().into_iter().map(|v| v.into_iter().map(f64::from).collect()).collect();
        let kept = select(&worth, &shapes(scene.student), self.options.keep, None, self.options.granularity);
        identity_masks(scene.student, &kept)
    }
}

impl Learner for Snl {
    fn start(&mut self, scene: &Scene<'_>, _: &mut Tell<'_>) -> Result<Masks, String> {
        let m = scene.student;
        self.caps = m.net.relus().iter().map(|r| r.cap).collect();
        if self.alpha.is_empty() {
            let first = |r: &ReluLayer| self.options.first.as_ref().and_then(|f| f.layers.get(&r.name));
            let alpha = |r: &ReluLayer| {
                let kept = comparisons(r, first(r)).into_iter().map(|k| f32::from(u8::from(k)));
                upload(kept.collect(), m.net.device())
            };
            self.alpha = m.net.relus().iter().map(alpha).collect();
            self.adam = Adam::new(self.alpha.len());
        }
        Ok(m.open_masks())
    }

    fn gates(&self) -> Option<Vec<Gate>> {
        let rest = |a: Burn<1>| Burn::from_inner(a.neg() + 1.0).require_grad();
        let gate = |(a, &cap): (&Burn<1>, &f32)| {
            let n = a.dims()[0] / comparisons_under(cap);
            let own = a.clone().narrow(0, 0, n);
            let beyond = (cap != NO_CAP).then(|| Beyond::Slopes(cap, rest(a.clone().narrow(0, n, n))));
            Gate { beyond, ..Gate::of_slopes(Burn::ones_like(&own), rest(own)) }
        };
        Some(self.alpha.iter().zip(&self.caps).map(gate).collect())
    }

    fn observe(&mut self, seen: Seen) {
        if self.met {
            return;
        }
        let lambda = self.lambda;
        // A slope below zero is 1 − α, one beyond the cap 1 − β.
        let gradient = |(d, a): (Option<Burn<1>>, &Burn<1>)| d.map(|d| a.clone().sign() * lambda - d);
        let all = seen.slopes.into_iter().zip(&self.alpha).map(gradient).collect();
        self.adam.step(&mut self.alpha, all, RATE);
        self.alpha.iter_mut().for_each(|a| *a = a.clone().clamp(0.0, 1.0));
    }

    fn after_epoch(&mut self, scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        let active = self.values().iter().flatten().filter(|a| **a > THRESHOLD).count();
        self.met = active <= self.options.keep;
        let stalled = active as f64 > self.active as f64 - 0.001 * scene.student.net.relu_count() as f64;
        // With few epochs the released waiting time would be the whole stage.
        if stalled && scene.epoch >= WARM.min(scene.epochs / 4) {
            self.lambda *= GROWTH;
        }
        self.active = active;
        Ok(None)
    }

    fn finish(&mut self, scene: &Scene<'_>) -> Result<Option<Masks>, String> {
        Ok(Some(self.best(scene)))
    }

    fn save(&self) -> Tensors {
        let mut t = Tensors::new();
        for (i, a) in self.alpha.iter().enumerate() {
            t.insert(format!("alpha/{i}"), download(a.clone()));
            if self.caps[i] != NO_CAP {
                t.insert(format!("cap/{i}"), vec![self.caps[i]]);
            }
            for (name, m) in [("first", &self.adam.first[i]), ("second", &self.adam.second[i])] {
                if let Some(m) = m {
                    t.insert(format!("{name}/{i}"), download(m.clone()));
                }
            }
        }
        let active = self.active.min(1 << 24) as f32;
        t.insert(
            "state".into(),
            vec![self.lambda, active, f32::from(u8::from(self.met)), self.adam.steps as f32],
        );
        t
    }

    fn load(&mut self, saved: &Tensors, device: &Device) -> Result<(), String> {
        let at = |name: &str, i: usize| saved.get(&format!("{name}/{i}")).map(|v| upload(v.clone(), device));
        self.alpha = (0..).map_while(|i| at("alpha", i)).collect();
        let cap =
            |i: usize| saved.get(&format!("cap/{i}")).and_then(|c| c.first().copied()).unwrap_or(NO_CAP);
        self.caps = (0..self.alpha.len()).map(cap).collect();
        self.adam = Adam::new(self.alpha.len());
        for i in 0..self.alpha.len() {
            (self.adam.first[i], self.adam.second[i]) = (at("first", i), at("second", i));
        }
        if let Some(&[lambda, active, met, steps]) = saved.get("state").map(Vec::as_slice) {
            (self.lambda, self.active, self.met, self.adam.steps) =
                (lambda, active as usize, met > 0.0, steps as i32);
        }
        Ok(())
    }
}
