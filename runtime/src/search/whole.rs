//! What a ReLU costs when many of its layer go with it.
//!
//! First-order costs add up as if removals were independent. Removals in one layer are not: they shift the same image the same
//! way. So each layer is linearized whole, the logits it then gives are measured, and its elements' costs are scaled until they
//! sum to that.

use super::oneshot::worth;
use relinc_passes::choice::Choice;
use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{self, LayerMask, Masks};

/// One cost an element and layer: summed over the images of `batches`, the squared change of the centred logits when the
/// layer is linearized, shared out by the elements' first-order costs.
pub fn rescaled(
    g: &Graph,
    layers: &[ReluLayer],
    batches: &[Tensor],
    seed: u64,
    zeros: bool,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Vec<f64>>, String> {
    let mut costs = worth(g, layers, batches, seed, zeros)?;
    let reference = logits(g, batches)?;
    for (l, (layer, costs)) in layers.iter().zip(&mut costs).enumerate() {
        tell(l + 1, layers.len());
        let values =
            costs.iter().map(|c| if c.becomes_zero { Choice::Zero } else { Choice::Identity }).collect();
        let mask = LayerMask::new(layer.shape, values);
        let masks = Masks { layers: [(layer.name.clone(), mask)].into_iter().collect(), ..Masks::default() };
        let linear = masks::apply(g, &masks).map_err(|e| e.to_string())?;
        let moved = distance(&reference, &logits(&linear, batches)?);
        let sum: f64 = costs.iter().map(|c| c.cost).sum();
        if sum > 0.0 && moved.is_finite() {
            costs.iter_mut().for_each(|c| c.cost *= moved / sum);
        }
    }
    Ok(costs.into_iter().map(|c| c.into_iter().map(|c| c.cost).collect()).collect())
}

fn logits(g: &Graph, batches: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let interp = Interp::new(g).map_err(|e| e.to_string())?;
    let one = |b: &Tensor| {
        let out = interp.run(vec![b.clone()]).map_err(|e| e.to_string())?;
        out.into_iter().next().ok_or_else(|| "the network has no output".to_string())
    };
    batches.iter().map(one).collect()
}

/// `Σ ‖a − b‖²` over images, the mean over classes taken off each difference.
fn distance(a: &[Tensor], b: &[Tensor]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        let classes = a.shape().last().copied().unwrap_or(1).max(1);
        let (Some(a), Some(b)) = (a.as_f32(), b.as_f32()) else { continue };
        for (a, b) in a.chunks_exact(classes).zip(b.chunks_exact(classes)) {
            let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(a - b)).collect();
            let mean = d.iter().sum::<f64>() / classes as f64;
            sum += d.iter().map(|d| (d - mean).powi(2)).sum::<f64>();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_constant_to_all_logits_is_no_distance() {
        let a = Tensor::f32([2, 3], vec![1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
        let b = Tensor::f32([2, 3], vec![5.0, 6.0, 7.0, 0.0, 3.0, 0.0]);
        assert!((distance(&[a], &[b]) - 6.0).abs() < 1e-6);
    }
}
