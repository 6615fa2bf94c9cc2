//! The methods that learn masks.

pub mod bcd;
pub mod frozen;
pub mod gradual;
pub mod oneshot;
pub mod senet;
pub mod snl;

use super::model::Model;
use relinc_passes::choice::Choice;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};

/// Masks of which comparisons stay: one an element, and behind them, where the layer has a cap, another an element. Which of its two
/// an element keeps does not matter: with both it keeps the layer's function, with one it is a ReLU without its cap. `removed` says
/// what an element of layer l without any becomes.
pub(crate) fn masks_of(m: &Model, kept: &[Vec<bool>], removed: impl Fn(usize, usize) -> Choice) -> Masks {
    let layers = m.net.relus().iter().zip(kept).enumerate().map(|(l, (r, k))| {
        let (own, caps) = k.split_at(r.relus());
        let value = |(i, &own): (usize, &bool)| match (own, caps.get(i).copied()) {
            (true, None | Some(true)) => Choice::Relu,
            (true, Some(false)) | (false, Some(true)) => Choice::Uncapped,
            (false, None | Some(false)) => removed(l, i),
        };
        let values = own.iter().enumerate().map(value).collect();
        (r.name.clone(), LayerMask::new(r.shape, values).with_cap(r.cap))
    });
    Masks { layers: layers.collect(), ..Masks::default() }
}

/// As [`masks_of`], removed elements become the identity.
pub(crate) fn identity_masks(m: &Model, kept: &[Vec<bool>]) -> Masks {
    masks_of(m, kept, |_, _| Choice::Identity)
}

/// Which comparisons of a layer a mask keeps, as [`masks_of`] takes them; all without a mask.
pub(crate) fn comparisons(r: &ReluLayer, mask: Option<&LayerMask>) -> Vec<bool> {
    let Some(m) = mask else { return vec![true; r.comparisons()] };
    let own = m.values.iter().map(|v| v.compares());
    let caps = m.values.iter().map(|v| v.comparisons(r.cap) > 1);
    own.chain(caps).take(r.comparisons()).collect()
}

/// Shapes of the ReLU layers in order.
pub(crate) fn shapes(m: &Model) -> Vec<[usize; 3]> {
    m.net.relus().iter().map(|r| r.shape).collect()
}
