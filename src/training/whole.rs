//! How far a run is, over all of its stages, and how long it will still take.

use super::Plan;
use crate::error::Result;
use crate::jobs::Part;
use crate::report::{count, seconds};
use relinc_runtime::train::{Kind, Method, Now};
use std::time::Instant;

/// After so many steps a first estimate is made.
const FIRST: usize = 5;
/// Passes through the network for an image of a step: forward, and the gradients of values and weights, which take as long each.
const PASSES: f64 = 3.0;

/// A stage that is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// Its name.
    pub name: String,
    /// Passes over the training images.
    pub epochs: usize,
    /// Steps of each.
    pub steps: usize,
    /// What a step takes, in passes of an image.
    pub step: f64,
    /// What comes after an epoch, in the same.
    pub validation: f64,
}

impl Leg {
    fn epoch(&self) -> f64 {
        self.steps as f64 * self.step + self.validation
    }
    fn all(&self) -> f64 {
        self.epochs as f64 * self.epoch()
    }
}

/// The stages that `part` runs.
///
/// # Errors
/// Options of a stage that make no recipe.
pub fn legs(plan: &Plan, part: &Part, images: usize, validated: usize) -> Result<Vec<Leg>> {
    let mut out = vec![];
    for (s, name) in plan.stages.iter().zip(part.names()).filter(|(_, n)| part.has(n)) {
        let method = (s.kind == Kind::Search).then(|| s.options.method()).transpose()?;
        if method.is_some_and(|m: Method| !m.trains()) {
            continue;
        }
        let robust = s.options.steps.robust.unwrap_or_else(|| plan.robust());
        let r = s.options.recipe(s.kind, method, robust, !robust, 1.0, plan.seed)?;
        let taught = if s.kind == Kind::Teacher { 0.0 } else { 1.0 };
        // Of a robust step: one and a half views, and half of the images attacked by forward and data gradient in each iterate.
        let image = match robust {
            true => 1.5 * PASSES + 0.5 * 2.0 * f64::from(r.objective.attack.steps as u32) + taught,
            false => PASSES + taught,
        };
        out.push(Leg {
            name: name.clone(),
            epochs: r.epochs,
            steps: r.steps(images),
            step: image * r.each(images) as f64,
            validation: r.looked_at(validated) as f64,
        });
    }
    Ok(out)
}

/// How far a run is.
#[derive(Debug)]
pub struct Whole {
    legs: Vec<Leg>,
    /// When the first step had been made, and what was left then.
    began: Option<(Instant, f64)>,
    seen: usize,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Far {
    /// Of the whole, from 0 to 1.
    pub share: f64,
    /// Seconds that are left; not known at the first step.
    pub left: Option<f64>,
    /// A sentence at the start.
    pub first: Option<String>,
}

impl Whole {
    /// Of these stages.
    pub fn new(legs: Vec<Leg>) -> Whole {
        Whole { legs, began: None, seen: 0 }
    }

    /// After a step; none where its stage is not one of them.
    pub fn step(&mut self, n: &Now<'_>, now: Instant) -> Option<Far> {
        let i = self.legs.iter().position(|l| l.name == n.stage)?;
        self.seen += 1;
        let done = (n.epoch - 1) as f64 * self.legs[i].epoch() + n.step as f64 * self.legs[i].step;
        let mut far = self.far(i, done, now);
        let first = far.left.filter(|_| self.seen == FIRST).map(|s| {
            let steps: usize = self.legs[i..].iter().map(|l| l.epochs * l.steps).sum();
            let passed = (n.epoch - 1) * n.steps + n.step;
            let stages: Vec<String> =
                self.legs[i..].iter().map(|l| format!("{} ({} epochs)", l.name, l.epochs)).collect();
            format!(
                "This will take about {}, by its first {FIRST} steps: {} to go in {}.",
                seconds(s),
                count(steps.saturating_sub(passed) as u64),
                stages.join(", ")
            )
        });
        far.first = first;
        Some(far)
    }

    /// After an epoch and its validation, counted from 1.
    pub fn epoch(&mut self, stage: &str, epoch: usize, now: Instant) -> Option<Far> {
        let i = self.legs.iter().position(|l| l.name == stage)?;
        Some(self.far(i, epoch as f64 * self.legs[i].epoch(), now))
    }

    /// Where so much of a stage is done.
    fn far(&mut self, i: usize, done: f64, now: Instant) -> Far {
        let left =
            (self.legs[i].all() - done).max(0.0) + self.legs[i + 1..].iter().map(Leg::all).sum::<f64>();
        let all: f64 = self.legs.iter().map(Leg::all).sum();
        let seconds_left = match self.began {
            None => {
                self.began = Some((now, left));
                None
            }
            Some((start, from)) => {
                let made = from - left;
                (made > 0.0).then(|| now.duration_since(start).as_secs_f64() / made * left)
            }
        };
        Far { share: 1.0 - left / all.max(f64::MIN_POSITIVE), left: seconds_left, first: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::progress::bar;
    use std::time::Duration;

    fn leg(name: &str, epochs: usize) -> Leg {
        Leg { name: name.into(), epochs, steps: 10, step: 100.0, validation: 0.0 }
    }

    fn at(stage: &str, epochs: usize, epoch: usize, step: usize) -> Now<'_> {
        Now {
            stage,
            epoch,
            epochs,
            step,
            steps: 10,
            loss: 0.0,
            accuracy: 0.0,
            kept: 0,
            images_per_second: 0.0,
        }
    }

    #[test]
    fn a_steady_run_is_foreseen() {
        let mut w = Whole::new(vec![leg("search", 2), leg("tune", 3)]);
        let start = Instant::now();
        let mut said = vec![];
        for i in 0..20 {
            let far = w
                .step(&at("search", 2, i / 10 + 1, i % 10 + 1), start + Duration::from_secs(i as u64))
                .unwrap();
            assert!((far.share - (i + 1) as f64 / 50.0).abs() < 1e-9);
            assert_eq!(far.left.is_some(), i > 0);
            assert!(far.left.is_none_or(|s| (s - (49 - i) as f64).abs() < 1e-6), "{far:?}");
            said.extend(far.first);
        }
        assert_eq!(
            said,
            [
                "This will take about 45.0 s, by its first 5 steps: 45 to go in search (2 epochs), tune (3 epochs)."
            ]
        );
        let far = w.epoch("tune", 3, start + Duration::from_secs(49)).unwrap();
        assert_eq!(bar(far.share, far.left), "[████████████████████] 100 %");
    }

    #[test]
    fn a_resumed_run_counts_what_is_left() {
        let mut w = Whole::new(vec![leg("search", 2), leg("tune", 2)]);
        let start = Instant::now();
        let first = w.step(&at("tune", 2, 1, 1), start).unwrap();
        assert!((first.share - 21.0 / 40.0).abs() < 1e-9);
        let far = w.step(&at("tune", 2, 1, 2), start + Duration::from_secs(2)).unwrap();
        assert!((far.left.unwrap() - 36.0).abs() < 1e-6);
        assert!(w.step(&at("other", 1, 1, 1), start).is_none());
    }
}
