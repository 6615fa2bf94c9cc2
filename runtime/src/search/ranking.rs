//! From what ReLUs are worth to masks.

use super::worth::Worth;
use crate::train::learners::{masks_of, shapes};
use crate::train::select::select;
use crate::train::{Model, SearchOptions};
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

/// What each element of each layer would become without its ReLU, and what that costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking(Vec<Vec<(Choice, f64)>>);

impl Ranking {
    /// The cheapest of the choices that removed elements may become; identity elements have the slopes that the model has
    /// learned.
    pub fn new(m: &Model, worth: &[Worth], among: &[Choice]) -> Ranking {
        let layer = |(l, w): (usize, &Worth)| w.cheapest(among, m.learned_slopes(l).as_deref());
        Ranking(worth.iter().enumerate().map(layer).collect())
    }

    /// The costs, one an element of each layer.
    pub fn costs(&self) -> Vec<Vec<f64>> {
        self.0.iter().map(|layer| layer.iter().map(|(_, cost)| *cost).collect()).collect()
    }

    /// What the elements of a layer become.
    pub fn choices(&self, layer: usize) -> Vec<Choice> {
        self.0[layer].iter().map(|(choice, _)| *choice).collect()
    }

    /// How sensitive each layer is: the root of its summed costs.
    pub fn sensitivities(&self) -> Vec<f64> {
        self.0.iter().map(|layer| layer.iter().map(|(_, cost)| cost).sum::<f64>().sqrt()).collect()
    }

    /// Masks of the `keep` ReLUs that are worth most, when the share `done` of a search is over.
    ///
    /// # Errors
    /// Counts that do not fit the layers.
    pub fn masks(&self, m: &Model, o: &SearchOptions, keep: usize, done: f64) -> Result<Masks, String> {
        let mut costs = self.costs();
        let (closed, keep) = o.vanish.at(&costs, keep, done);
        // What has to go is ranked below everything.
        costs.iter_mut().zip(&closed).filter(|(_, closed)| **closed).for_each(|(c, _)| c.fill(-1.0));
        let caps: Vec<usize> = costs.iter().map(Vec::len).collect();
        let counts = o.counts.of(&caps, keep)?;
        let kept = select(&costs, &shapes(m), keep, counts.as_deref(), o.granularity);
        // A layer that vanishes is the identity, so that what is around it can merge.
        let removed = |l: usize, i: usize| if closed[l] { Choice::Identity } else { self.0[l][i].0 };
        Ok(masks_of(m, &kept, removed))
    }
}
