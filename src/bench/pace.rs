//! When a repetition starts: one after the other, or whenever someone says so.

use crate::error::{Result, input};
use std::time::Instant;

/// Seconds of a repetition.
#[derive(Debug, Clone, Copy)]
pub struct Seconds {
    /// The smallest.
    pub best: f64,
    /// The middle one.
    pub median: f64,
}

/// Decides whether there is another repetition.
pub trait Pace {
    /// Called before each repetition with the seconds of the one before; returns whether there is one.
    ///
    /// # Errors
    /// Whoever says so cannot be heard or told.
    fn next(&mut self, before: Option<f64>) -> Result<bool>;
}

impl dyn Pace + '_ {
    /// Repeats `once` until there is no next repetition.
    pub(super) fn run(&mut self, once: &mut dyn FnMut() -> Result<()>) -> Result<Seconds> {
        let (mut all, mut before) = (vec![], None);
        while self.next(before)? {
            let start = Instant::now();
            once()?;
            let seconds = start.elapsed().as_secs_f64();
            all.push(seconds);
            before = Some(seconds);
        }
        all.sort_by(f64::total_cmp);
        let (Some(&best), Some(&median)) = (all.first(), all.get(all.len() / 2)) else {
            return Err(input("there was no repetition to measure"));
        };
        Ok(Seconds { best, median })
    }
}

/// So many repetitions for each measurement.
#[derive(Debug)]
pub struct Repeat {
    count: u64,
    left: u64,
}

impl Repeat {
    /// `count` repetitions, at least one.
    pub fn new(count: u64) -> Repeat {
        Repeat { count: count.max(1), left: 0 }
    }
}

impl Pace for Repeat {
    fn next(&mut self, before: Option<f64>) -> Result<bool> {
        self.left = if before.is_none() { self.count } else { self.left - 1 };
        Ok(self.left > 0)
    }
}
