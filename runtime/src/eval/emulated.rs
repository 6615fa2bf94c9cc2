//! A network in fixed point under the attack that was made on it in single precision, and under one of its own.

use super::attacked::Target;
use crate::attack::Auto;
use crate::attack::auto::{Image, square_alone};
use crate::fixed::{AnyRing, FixedError, Settings};
use crate::train::evaluate::best;
use rayon::prelude::*;
use relinc_passes::driver::valid::Valid;
use std::time::Instant;

/// Points that the emulator is asked about together.
const BATCH: usize = 64;

/// Images that stand in fixed point.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Emulated {
    /// Images.
    pub n: usize,
    /// Right as they are.
    pub clean: usize,
    /// Of these, right as well where single precision was misled.
    pub transferred: usize,
    /// Of these, left by Square, which the emulator itself answers.
    pub left: usize,
    /// Queries that Square had for each image.
    pub queries: usize,
    /// Wall-clock time.
    pub seconds: f64,
}

/// Runs images in fixed point: as they are, as the attack in single precision left them, and those that are right in both under
/// Square with `auto`'s queries. `found` are the misclassified images of that attack. The random truncations of an image are the same
/// in every query. `tell` hears how much is done of what.
///
/// # Errors
/// A graph that has no fixed-point form here.
pub fn emulated(
    valid: &Valid<'_>,
    settings: &Settings,
    target: &Target,
    (images, found): (&[Image], &[Option<Vec<f32>>]),
    auto: &Auto,
    tell: &mut dyn FnMut(&'static str, usize, usize),
) -> Result<Emulated, String> {
    run(valid, settings, target, (images, found), auto, tell).map_err(|e| e.to_string())
}

fn run(
    valid: &Valid<'_>,
    settings: &Settings,
    target: &Target,
    (images, found): (&[Image], &[Option<Vec<f32>>]),
    auto: &Auto,
    tell: &mut dyn FnMut(&'static str, usize, usize),
) -> Result<Emulated, FixedError> {
    let start = Instant::now();
    let emulator = AnyRing::new(valid, settings)?;
    let scores = |points: Vec<f32>, numbers: &[usize]| -> Result<Vec<f32>, FixedError> {
        let inputs = target.input(points);
        let each = inputs.len() / numbers.len().max(1);
        let rows: Result<Vec<Vec<f32>>, FixedError> = inputs
            .par_chunks(each.max(1))
            .zip(numbers)
            .map(|(x, &number)| Ok(emulator.output(x, number)?.into_iter().map(|v| v as f32).collect()))
            .collect();
        Ok(rows?.concat())
    };
    // Which of these are right, pixels taken from elsewhere.
    let right = |what: &'static str,
                 of: &[(&Image, &Vec<f32>)],
                 tell: &mut dyn FnMut(&'static str, usize, usize)|
     -> Result<Vec<bool>, FixedError> {
        let mut all = vec![];
        for some in of.chunks(BATCH) {
            let numbers: Vec<usize> = some.iter().map(|(i, _)| i.number).collect();
            let z = scores(some.iter().flat_map(|(_, p)| p.iter()).copied().collect(), &numbers)?;
            let predicted = best(&z, (z.len() / some.len()).max(1));
            all.extend(predicted.zip(some).map(|(p, (i, _))| p == i.label));
            tell(what, all.len(), of.len());
        }
        Ok(all)
    };
    let clean: Vec<(&Image, &Vec<f32>)> = images.iter().map(|i| (i, &i.pixels)).collect();
    let clean = right("in fixed point", &clean, tell)?;
    let moved: Vec<(&Image, &Vec<f32>)> = images
        .iter()
        .zip(found)
        .zip(&clean)
        .filter_map(|((i, f), right)| Some((i, f.as_ref().filter(|_| *right)?)))
        .collect();
    let stood = right("attacked images in fixed point", &moved, tell)?;
    let fell: std::collections::BTreeSet<usize> =
        moved.iter().zip(&stood).filter(|(_, s)| !**s).map(|((i, _), _)| i.number).collect();
    let standing: Vec<Image> = images
        .iter()
        .zip(&clean)
        .filter(|(i, right)| **right && !fell.contains(&i.number))
        .map(|(i, _)| i.clone())
        .collect();
    let mut ask = |points: Vec<f32>, at: &[usize]| {
        let numbers: Vec<usize> = at.iter().map(|&i| standing[i].number).collect();
        scores(points, &numbers).map_err(|e| e.to_string())
    };
    let tell = &mut |done, of| tell("square in fixed point", done, of);
    let broken = square_alone(&standing, target.image(), auto, settings.seed, BATCH, &mut ask, tell)
        .map_err(FixedError::Graph)?;
    Ok(Emulated {
        n: images.len(),
        clean: clean.iter().filter(|r| **r).count(),
        transferred: standing.len(),
        left: broken.iter().filter(|b| b.is_none()).count(),
        queries: auto.queries,
        seconds: start.elapsed().as_secs_f64(),
    })
}
