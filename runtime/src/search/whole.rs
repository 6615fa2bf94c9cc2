//! What a ReLU costs when many of its layer go with it.
//!
//! First-order costs add up as if removals were independent. Removals in one layer are not: they shift the same image the same
//! way. So each layer becomes linear whole, the logits it then gives are measured, and its elements' costs are scaled until they
//! sum to that. It becomes the line nearest to its ReLUs a channel: slope and shift are what training learns at once, in the weights around it,
//! and with the identity itself a layer would be charged for the scale that it moves.

use super::ranking::Ranking;
use super::worth::{BATCH, projection, worth};
use crate::data::Dataset;
use crate::exec::value::download;
use crate::exec::{Branch, Norms};
use crate::train::Model;
use crate::train::evaluate::pixels_of;
use crate::train::squares::{self, Spread};
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};

/// A network with all its ReLUs, of which one layer at a time is changed.
pub struct Whole<'a> {
    m: Model,
    on: (&'a Dataset, &'a [usize]),
    /// Logits with all ReLUs.
    reference: Vec<Vec<f32>>,
    /// What goes into each layer.
    spreads: Vec<Vec<Spread>>,
}

impl<'a> Whole<'a> {
    /// Of these images.
    ///
    /// # Errors
    /// Images that the network does not take, or an operation it cannot compute.
    pub fn new(m: &Model, on: (&'a Dataset, &'a [usize])) -> Result<Whole<'a>, String> {
        let mut m = m.clone();
        m.set_masks(&m.open_masks());
        let reference = logits(&m, on)?;
        let spreads = squares::spreads(&m, on.0, on.1.len())?;
        Ok(Whole { m, on, reference, spreads })
    }

    /// One cost a comparison and layer: summed over the images, the squared change of the centred logits when the layer becomes the
    /// least-squares line of its ReLUs (one with a cap, what its elements would become), shared out by the elements' first-order costs.
    /// `among` is what removed elements may become; `tell` hears of each layer.
    ///
    /// # Errors
    /// An operation without a gradient.
    pub fn rescaled(
        &mut self,
        among: &[Choice],
        seed: u64,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Vec<f64>>, String> {
        self.m.set_masks(&self.m.open_masks());
        let (ds, images) = self.on;
        let worth = worth(&self.m, ds, images, Norms::Running, &projection(seed))?;
        let ranking = Ranking::new(&self.m, &worth, among);
        let mut costs = ranking.costs();
        let layers = costs.len();
        for (l, costs) in costs.iter_mut().enumerate() {
            tell(l + 1, layers);
            let r = self.m.net.relus()[l].clone();
            let mask = match r.capped() {
                true => LayerMask::new(r.shape, ranking.choices(l)).with_cap(r.cap),
                false => polynomial(&r, squares::fitted_line(&self.spreads[l])),
            };
            let moved = self.moved(r, mask)?;
            let sum: f64 = costs.iter().sum();
            if sum > 0.0 && moved.is_finite() {
                costs.iter_mut().for_each(|c| *c *= moved / sum);
            }
        }
        Ok(costs)
    }

    /// What each layer costs as a quadratic: summed over the images, the squared change of the centred logits when the layer becomes the
    /// least-squares fit of its ReLUs, whatever is far out included. `None` for layers that may be none.
    ///
    /// # Errors
    /// An operation that cannot be computed.
    pub fn squared(
        &mut self,
        may: &[bool],
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Option<f64>>, String> {
        let all = may.iter().filter(|m| **m).count();
        let (mut costs, mut done) = (vec![], 0);
        for (l, r) in self.m.net.relus().to_vec().into_iter().enumerate() {
            if !may.get(l).copied().unwrap_or(false) {
                costs.push(None);
                continue;
            }
            done += 1;
            tell(done, all);
            let mask = polynomial(&r, squares::fitted(&self.spreads[l]));
            let moved = self.moved(r, mask)?;
            costs.push(Some(if moved.is_finite() { moved } else { f64::MAX }));
        }
        Ok(costs)
    }

    /// How far the logits move when a layer alone is masked.
    fn moved(&mut self, r: ReluLayer, mask: LayerMask) -> Result<f64, String> {
        self.m.set_masks(&Masks { layers: [(r.name, mask)].into(), ..Masks::default() });
        Ok(distance(&self.reference, &logits(&self.m, self.on)?))
    }
}

/// A layer that is `[a, b, c]` of each channel.
fn polynomial(r: &ReluLayer, coefficients: Vec<f32>) -> LayerMask {
    let mut mask = LayerMask::uniform(r.shape, Choice::Quadratic).with_cap(r.cap);
    mask.parameters.insert(Choice::Quadratic, coefficients);
    mask
}

/// One row an image.
fn logits(m: &Model, (ds, images): (&Dataset, &[usize])) -> Result<Vec<Vec<f32>>, String> {
    let mut rows = vec![];
    for chunk in images.chunks(m.net.batch(BATCH)) {
        let z = m.runnable().logits(pixels_of(ds, chunk, m.net.device()), Branch::Clean)?;
        let classes = z.dims()[1].max(1);
        rows.extend(download(z).chunks(classes).map(<[f32]>::to_vec));
    }
    Ok(rows)
}

/// `Σ ‖a − b‖²` over images, the mean over classes taken off each difference.
fn distance(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let row = |(a, b): (&Vec<f32>, &Vec<f32>)| -> f64 {
        let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(a - b)).collect();
        let mean = d.iter().sum::<f64>() / d.len().max(1) as f64;
        d.iter().map(|d| (d - mean).powi(2)).sum()
    };
    a.iter().zip(b).map(row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_constant_to_all_logits_is_no_distance() {
        let a = [vec![1.0, 2.0, 3.0], vec![0.0, 0.0, 0.0]];
        let b = [vec![5.0, 6.0, 7.0], vec![0.0, 3.0, 0.0]];
        assert!((distance(&a, &b) - 6.0).abs() < 1e-6);
    }
}
