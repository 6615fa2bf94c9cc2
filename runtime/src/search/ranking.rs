//! From what ReLUs are worth to masks.
//!
//! What is ranked are comparisons. An element of a layer with a cap has two, and loses them one by one or together, whichever costs
//! less a comparison: losing the cap costs `o`, all `c`. Where `o ≤ c/2` the cap is worth `o` and the rest `c − o`, else each is
//! worth `c/2`. So the cap is never worth more than the rest, and the best comparisons are those of the linear relaxation.

use super::worth::Worth;
use crate::train::learners::{masks_of, shapes};
use crate::train::select::select;
use crate::train::{Model, SearchOptions};
use relinc_passes::choice::Choice;
use relinc_passes::masks::Masks;

/// What each element of each layer would become without its ReLU, and what that costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking(Vec<Layer>);

#[derive(Debug, Clone, PartialEq)]
struct Layer {
    removed: Vec<(Choice, f64)>,
    /// What each element costs without its cap; empty where there is none.
    without_caps: Vec<f64>,
}

impl Layer {
    fn costs(&self) -> Vec<f64> {
        let all = self.removed.iter().map(|(_, cost)| *cost);
        if self.without_caps.is_empty() {
            return all.collect();
        }
        let cap = |(c, o): (f64, &f64)| o.min(c / 2.0);
        let caps: Vec<f64> = all.clone().zip(&self.without_caps).map(cap).collect();
        all.zip(&caps).map(|(c, cap)| c - cap).chain(caps.iter().copied()).collect()
    }
}

impl Ranking {
    /// The cheapest of the choices that removed elements may become; identity elements have the slopes that the model has
    /// learned.
    pub fn new(m: &Model, worth: &[Worth], among: &[Choice]) -> Ranking {
        // Layers become quadratic whole.
        let among: Vec<Choice> = among.iter().copied().filter(|c| *c != Choice::Quadratic).collect();
        let layer = |(l, w): (usize, &Worth)| Layer {
            removed: w.cheapest(&among, m.learned_slopes(l).as_deref()),
            without_caps: w.without_caps().to_vec(),
        };
        Ranking(worth.iter().enumerate().map(layer).collect())
    }

    /// The costs, one a comparison of each layer: of the elements, then, where there is a cap, of the elements' caps.
    pub fn costs(&self) -> Vec<Vec<f64>> {
        self.0.iter().map(Layer::costs).collect()
    }

    /// What the elements of a layer become.
    pub fn choices(&self, layer: usize) -> Vec<Choice> {
        self.0[layer].removed.iter().map(|(choice, _)| *choice).collect()
    }

    /// How sensitive each layer is: the root of its summed costs.
    pub fn sensitivities(&self) -> Vec<f64> {
        self.0.iter().map(|l| l.removed.iter().map(|(_, cost)| cost).sum::<f64>().sqrt()).collect()
    }

    /// Masks of the `keep` comparisons that are worth most, when the share `done` of a search is over.
    ///
    /// # Errors
    /// Counts that do not fit the layers.
    pub fn masks(&self, m: &Model, o: &SearchOptions, keep: usize, done: f64) -> Result<Masks, String> {
        let mut costs = self.costs();
        // Layers that are blended out go together.
        let done = if o.squares.is_empty() { done } else { 1.0 };
        let (closed, keep) = o.vanish.at(&costs, keep, done);
        // What has to go is ranked below everything.
        costs.iter_mut().zip(&closed).filter(|(_, closed)| **closed).for_each(|(c, _)| c.fill(-1.0));
        let caps: Vec<usize> = costs.iter().map(Vec::len).collect();
        let counts = o.counts.of(&caps, keep)?;
        let kept = select(&costs, &shapes(m), keep, counts.as_deref(), o.granularity);
        // A layer that vanishes is the identity, so that what is around it can merge.
        let removed = |l: usize, i: usize| match closed[l] {
            true if o.squares(l) => Choice::Quadratic,
            true => Choice::Identity,
            false => self.0[l].removed[i].0,
        };
        Ok(masks_of(m, &kept, removed))
    }
}
