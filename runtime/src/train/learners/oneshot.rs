//! One shot: a method without steps, which keeps the ReLUs whose loss would move the logits most.
//!
//! With a random vector v as the cotangent of the logits, the expected cost of an element ([`crate::search::worth`]) is the
//! squared distance by which, to first order, its removal moves them: `E (vᵀJΔ)² = ‖JΔ‖²`, J being the derivative of the logits
//! by its result. Effects of many removals are not additive, so the removal is spread over rounds along a cubic: each measures
//! all costs anew on the network as masked so far. Weights and statistics never change.

use crate::data::Dataset;
use crate::exec::Norms;
use crate::exec::value::upload;
use crate::search::layers::along_cubic;
use crate::search::ranking::Ranking;
use crate::search::worth::{Worth, first_images, projection, worth};
use crate::train::Model;
use crate::train::learner::{Learner, Scene, Tell};
use crate::train::recipe::{Counts, SearchOptions};
use crate::train::squares::with_fits;
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

/// See the module documentation.
#[derive(Debug)]
pub struct Oneshot {
    options: SearchOptions,
}

impl Oneshot {
    /// Before it has looked.
    pub fn new(options: SearchOptions) -> Oneshot {
        Oneshot { options }
    }
}

impl Learner for Oneshot {
    fn start(&mut self, scene: &Scene<'_>, tell: &mut Tell<'_>) -> Result<Masks, String> {
        search(scene.student, scene.train, &self.options, tell)
    }
}

/// Masks of exactly `o.keep` ReLUs, judged on the first images of `ds`; with slopes where the model learns them.
///
/// # Errors
/// An operation without a gradient, counts that do not fit the layers, or a round that may not begin.
pub fn search(m: &Model, ds: &Dataset, o: &SearchOptions, tell: &mut Tell<'_>) -> Result<Masks, String> {
    let (mut m, mut o) = (m.clone(), o.clone());
    let images = first_images(&m, o.calibration.min(ds.len()))?;
    let mut found = o.first.clone().unwrap_or_else(|| m.open_masks());
    let total = found.kept();
    let (keep, rounds) = (o.keep.min(total), o.rounds.max(1));
    for round in 1..=rounds {
        if !tell(round, rounds) {
            return Err(format!("stopped before round {round} of {rounds}"));
        }
        m.set_masks(&found);
        let rest = 1.0 - round as f64 / rounds as f64;
        let now = along_cubic(total, keep, rest);
        let loss = projection(o.seed.wrapping_add(round as u64));
        let worth = worth(&m, ds, &images, Norms::Running, &loss)?;
        let ranking = Ranking::new(&m, &worth, &o.choices);
        if o.counts == Counts::Measured {
            o.counts = Counts::Eta(ranking.sensitivities());
        }
        found = ranking.masks(&m, &o, now, 1.0 - rest)?;
        if !o.squares.is_empty() {
            found = with_fits(&m, ds, o.calibration, found)?;
        }
        fit_slopes(&mut m, &worth, &found);
    }
    Ok(m.with_slopes(found))
}

/// Gives each channel the slope at which its identity elements cost least together, where slopes are learned.
fn fit_slopes(m: &mut Model, worth: &[Worth], masks: &Masks) {
    let device = m.net.device().clone();
    let learned: Vec<(usize, usize)> = m.net.slopes().filter(|_| m.slopes).collect();
    for (l, p) in learned {
        let Some(mask) = masks.layers.get(&m.net.relus()[l].name) else { continue };
        let slope = |(c, values): (usize, &[Choice])| {
            let identity = (0..values.len()).filter(|&i| values[i] == Choice::Identity);
            worth[l].best_slope(identity.map(|i| c * mask.plane() + i))
        };
        let slopes = mask.values.chunks(mask.plane()).enumerate().map(slope).collect();
        m.params[p] = upload(slopes, &device);
    }
}
