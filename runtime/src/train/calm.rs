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

/// Times the median image's largest logit at which the loss cuts logits off; an image beyond it is worth a second look.
const CUT: f32 = 4.0;
/// Images far out that are kept in mind.
const MOST: usize = 1024;

/// The images that are answered with the largest logits.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Far {
    /// Their indices, the farthest first.
    pub images: Vec<usize>,
    /// The size beyond which they are.
    pub limit: f32,
}

/// The images whose logits are beyond the usual; of networks that take a fixed batch none.
///
/// # Errors
/// As [`calm`].
pub fn far(m: &Model, ds: &Dataset) -> Result<Far, String> {
    if m.net.batch(1) > 1 {
        return Ok(Far { images: vec![], limit: f32::MAX });
    }
    let images: Vec<usize> = (0..ds.len()).collect();
    let largest = largest(m, ds, &images)?;
    let limit = far::limit(&largest) / far::FAR * CUT;
    let mut beyond: Vec<usize> = images.into_iter().filter(|&i| largest[i] > limit).collect();
    beyond.sort_by(|&a, &b| largest[b].total_cmp(&largest[a]).then(a.cmp(&b)));
    beyond.truncate(MOST);
    Ok(Far { images: beyond, limit })
}

/// Each image's largest logit by running statistics.
fn largest(m: &Model, ds: &Dataset, images: &[usize]) -> Result<Vec<f32>, String> {
    let mut largest = vec![];
    for chunk in images.chunks(m.net.batch(BATCH)) {
        let x = m.front.apply(pixels_of(ds, chunk, m.net.device()));
        let call = Call { branch: Branch::Clean, ..m.call(Norms::Running) };
        let logits = m.net.forward(x, &call)?.logits();
        let classes = logits.dims()[1];
        largest.extend(far::largest(&download(detached(logits)), classes));
    }
    Ok(largest)
}

/// Of the first `n` images those whose logits are of a usual size; of networks that take a fixed batch all.
///
/// # Errors
/// Images that the network does not take, or an operation it cannot compute.
pub fn calm(m: &Model, ds: &Dataset, n: usize) -> Result<Vec<usize>, String> {
    let images = first_images(m, n.min(ds.len()))?;
    if m.net.batch(1) > 1 {
        return Ok(images);
    }
    let largest = largest(m, ds, &images)?;
    let limit = far::limit(&largest);
    let usual: Vec<usize> =
        images.iter().zip(&largest).filter(|(_, l)| **l <= limit).map(|(i, _)| *i).collect();
    Ok(if usual.is_empty() { images } else { usual })
}
