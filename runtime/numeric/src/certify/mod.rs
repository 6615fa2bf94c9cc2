//! Certificates: proofs that no small change of an image changes its class.
//!
//! A graph becomes a [`Program`] of few kinds of steps. Intervals bound every step; linear functions of a value go back to the
//! input and bound it better, first the operands of the gates, then the margins of the label's logit over every other one.
//! Everything is computed in single precision, and how far that may be off is accounted for on the way, so that what is
//! [`Lower::proven`] holds.

mod alpha;
mod backward;
mod function;
mod interval;
mod lower;
mod program;
mod relaxed;
mod rounding;
mod sample;
mod sums;
#[cfg(test)]
mod tests;
pub mod vnnlib;

pub use backward::Lower;
pub use function::UNIT;
pub use program::Program;
pub use rounding::Arithmetic;
pub use sample::Sample;

use backward::{Stop, lower};
use relaxed::{Inner, Relaxed};

relinc_passes::words! {
    /// How margins are bounded; each is at least as tight as the one before it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Method ("method") {
        /// Intervals, forward.
        Interval = "interval",
        /// Linear functions, backward.
        Crown = "crown",
        /// The same with optimised slopes.
        Alpha = "alpha",
    }
}

/// Rounds in which slopes are optimised for the margins.
const ROUNDS: usize = 20;
/// The same for each operand of a gate, of which there are many.
const INNER_ROUNDS: usize = 4;

/// What is proven of one image.
#[derive(Debug, Clone)]
pub struct Margins {
    /// Every class but the label, and how much the label's logit is above its own at least.
    pub of: Vec<(usize, Lower)>,
    /// Elements that are no line around the image: what makes it hard.
    pub bent: usize,
}

impl Margins {
    /// The class with the least margin.
    pub fn least(&self) -> Option<(usize, Lower)> {
        self.of.iter().copied().min_by(|a, b| a.1.proven().total_cmp(&b.1.proven()))
    }
    /// No image of the box has another class.
    pub fn certified(&self) -> bool {
        self.of.iter().all(|(_, m)| m.proven() > 0.0)
    }
}

/// A network ready to be certified.
#[derive(Debug, Clone)]
pub struct Certifier {
    /// What it computes.
    pub program: Program,
    /// How it is bounded.
    pub method: Method,
    /// What it is run in.
    pub arithmetic: Arithmetic,
}

impl Certifier {
    /// Bounds the margins of `label` on a box of inputs.
    ///
    /// # Errors
    /// A box of another size than the input's, or a label without a logit.
    pub fn margins(&self, sample: &Sample, label: usize) -> Result<Margins, String> {
        let (inputs, classes) = (self.program.inputs(), self.program.outputs());
        if sample.low.len() != inputs || sample.high.len() != inputs {
            return Err(format!("the model takes {inputs} numbers, the image has {}", sample.low.len()));
        }
        if label >= classes {
            return Err(format!("the data set has a label {label}, the model only {classes} classes"));
        }
        let inner = match self.method {
            Method::Interval => Inner::Interval,
            Method::Crown | Method::Alpha => Inner::Crown,
        };
        let found = self.with(sample, label, inner);
        match self.method {
            Method::Alpha if !found.certified() => {
                Ok(self.with(sample, label, Inner::Alpha(INNER_ROUNDS)).or(found))
            }
            Method::Interval | Method::Crown | Method::Alpha => Ok(found),
        }
    }

    fn with(&self, sample: &Sample, label: usize, inner: Inner) -> Margins {
        let p = &self.program;
        let relaxed = Relaxed::new(p, sample, self.arithmetic, inner);
        let classes = p.outputs();
        let others: Vec<usize> = (0..classes).filter(|&c| c != label).collect();
        let mut rows = vec![0.0f32; others.len() * classes];
        for (row, &other) in rows.chunks_mut(classes).zip(&others) {
            (row[label], row[other]) = (1.0, -1.0);
        }
        let last = p.steps.len() - 1;
        let found = match self.method {
            Method::Interval => lower::<Stop>(p, &relaxed.bounds, last, rows, None, None),
            Method::Crown => lower(p, &relaxed.bounds, last, rows, Some(&relaxed), None),
            Method::Alpha => alpha::optimised(&relaxed, last, rows, ROUNDS, true),
        };
        Margins { of: others.into_iter().zip(found).collect(), bent: relaxed.bent }
    }
}

impl Margins {
    /// The better of two bounds of each margin.
    fn or(self, other: Margins) -> Margins {
        let better = |((c, a), (_, b)): ((usize, Lower), (usize, Lower))| {
            (c, if a.proven() >= b.proven() { a } else { b })
        };
        Margins {
            of: self.of.into_iter().zip(other.of).map(better).collect(),
            bent: self.bent.min(other.bent),
        }
    }
}
