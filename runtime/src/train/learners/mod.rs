//! The methods that learn masks.

pub mod bcd;
pub mod frozen;
pub mod gradual;
pub mod oneshot;
pub mod senet;
pub mod snl;

use super::model::Model;
use relinc_passes::choice::Choice;
use relinc_passes::masks::{LayerMask, Masks};

/// Masks of which elements keep their ReLU; `removed` says what the others of layer l become.
pub(crate) fn masks_of(m: &Model, kept: &[Vec<bool>], removed: impl Fn(usize, usize) -> Choice) -> Masks {
    let layers = m.net.relus().iter().zip(kept).enumerate().map(|(l, (r, k))| {
        let values =
            k.iter().enumerate().map(|(i, &on)| if on { Choice::Relu } else { removed(l, i) }).collect();
        (r.name.clone(), LayerMask::new(r.shape, values))
    });
    Masks { layers: layers.collect(), ..Masks::default() }
}

/// As [`masks_of`], removed elements become the identity.
pub(crate) fn identity_masks(m: &Model, kept: &[Vec<bool>]) -> Masks {
    masks_of(m, kept, |_, _| Choice::Identity)
}

/// Shapes of the ReLU layers in order.
pub(crate) fn shapes(m: &Model) -> Vec<[usize; 3]> {
    m.net.relus().iter().map(|r| r.shape).collect()
}
