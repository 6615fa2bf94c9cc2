//! Images that statistics are measured on.
//!
//! A network of squares without resets answers a few images in a thousand with numbers far beyond all others. One of them among the
//! images that a normalisation is measured on, and every batch without it is scaled by its size.

use super::evaluate::pixels_of;
use super::model::Model;
use crate::data::Dataset;
use crate::eval::far;
use crate::exec::value::{detached, download};
use crate::exec::{Branch, Call, Norms};
use crate::search::worth::{BATCH, first_images};

/// Of the first `n` images those whose logits are of a usual size; of networks that take a fixed batch all.
///
/// # Errors
/// Images that the network does not take, or an operation it cannot compute.
pub fn calm(m: &Model, ds: &Dataset, n: usize) -> Result<Vec<usize>, String> {
    let images = first_images(m, n.min(ds.len()))?;
    if m.net.batch(1) > 1 {
        return Ok(images);
    }
    let mut largest = vec![];
    for chunk in images.chunks(m.net.batch(BATCH)) {
        let x = m.front.apply(pixels_of(ds, chunk, m.net.device()));
        let call = Call { branch: Branch::Clean, ..m.call(Norms::Running) };
        let logits = m.net.forward(x, &call)?.logits();
        let classes = logits.dims()[1];
        largest.extend(far::largest(&download(detached(logits)), classes));
    }
    let limit = far::limit(&largest);
    let usual: Vec<usize> =
        images.iter().zip(&largest).filter(|(_, l)| **l <= limit).map(|(i, _)| *i).collect();
    Ok(if usual.is_empty() { images } else { usual })
}
