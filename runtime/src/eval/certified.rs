//! Certificates of the images of a data set.

use super::around::around;
use super::{interval, layout};
use crate::certify::{Certifier, Margins};
use crate::data::Dataset;
use crate::threads;
use rayon::prelude::*;
use relinc_passes::ir::Type;
use std::time::{Duration, Instant};

/// Images for each thread between two looks at the clock.
const EACH: usize = 4;

relinc_passes::words! {
    /// What is known of an image.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Verdict {
        /// The network errs already on the image itself.
        Misclassified = "misclassified",
        /// No image that near has another class.
        Certified = "certified",
        /// An image that near was found to have another class.
        Falsified = "falsified",
        /// Neither was found.
        Unknown = "unknown",
    }
}

/// How many images, of how many, with the 95 % interval in percent.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// In percent of all.
    pub percent: f64,
    /// How sure that is.
    pub interval: [f64; 2],
}

impl Share {
    /// So many of `n`.
    pub fn of(count: usize, n: usize) -> Share {
        let percent = 100.0 * count as f64 / n.max(1) as f64;
        Share { count, percent, interval: interval::wilson(count as f64, n) }
    }
}

/// The box around each image that a network may see, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// The radius of the ball, a full pixel being 1.
    pub epsilon: f64,
    /// After so long no further image is begun.
    pub time: Option<Duration>,
}

/// What is proven of the images that the network gets right, `None` for the others; fewer than `right` where time ran out.
/// `tell` hears how many are done.
///
/// # Errors
/// Images that the network does not take.
pub fn certified(
    c: &Certifier,
    (ds, input): (&Dataset, &Type),
    right: &[bool],
    task: Task,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Option<Margins>>, String> {
    let (start, layout) = (Instant::now(), layout(input, ds.image_shape())?);
    let one = |i: usize| c.margins(&around(ds, i, task.epsilon, layout, c.arithmetic), ds.label(i));
    let mut done = Vec::with_capacity(right.len());
    while done.len() < right.len() && task.time.is_none_or(|t| start.elapsed() < t) {
        let to = (done.len() + EACH * threads::count().max(1)).min(right.len());
        let some = (done.len()..to).into_par_iter().map(|i| right[i].then(|| one(i)).transpose());
        done.extend(some.collect::<Result<Vec<_>, String>>()?);
        tell(done.len(), right.len());
    }
    Ok(done)
}
