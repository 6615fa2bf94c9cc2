//! AutoAttack: APGD on the cross-entropy, APGD on the targeted DLR loss, FAB against each class, and Square, each on the images that are
//! left, with the settings that Croce and Hein published as "standard" (Reliable evaluation of adversarial robustness, 2020).
//!
//! Each attack on an image is a [`search::Search`]; [`search::lead`] leads many at once, whatever the network is that answers.

mod apgd;
mod ball;
mod fab;
mod loss;
mod masking;
mod plane;
mod probe;
mod search;
mod square;
mod victim;

#[cfg(test)]
mod tests;

use super::{Auto, best_of};
use apgd::Apgd;
use ball::Ball;
use fab::Fab;
use loss::{Loss, descending};
use masking::Signs;
use probe::{CORNERS, Probe};
use search::{Answer, Found, Search, lead};
use square::Square;
use std::sync::Arc;
use std::time::Instant;

pub use victim::Victim;

/// Classes that targeted attacks aim at.
const TARGETS: usize = 9;
/// Images whose searches are in memory together.
const GROUP: usize = 512;
/// FAB looks at some points twice; so much more often than it steps, on the whole.
const FAB: f64 = 1.5;

/// An image to attack.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its number in the data set, which its random numbers follow from.
    pub number: usize,
    /// C×H×W in 0…1.
    pub pixels: Vec<f32>,
    /// Its class.
    pub label: usize,
}

/// What is left after an attack.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Stage {
    /// The attack.
    pub attack: &'static str,
    /// Images that stand.
    pub left: usize,
    /// Wall-clock time.
    pub seconds: f64,
}

/// What is told on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Told {
    /// Seconds that all of it takes at most, as far as can be said, and the images that are attacked.
    Expect(f64, usize),
    /// How much is done of an attack.
    Step(&'static str, usize, usize),
}

/// What AutoAttack found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// For each image a misclassified one inside its ball, the image itself where it is.
    pub broken: Vec<Option<Vec<f32>>>,
    /// What stands at first ("clean") and after each attack.
    pub stages: Vec<Stage>,
    /// Signs that gradients are masked, in words.
    pub notes: Vec<String>,
}

/// Attacks images. The result depends on the seed and the images' numbers, and on neither the batch nor each other.
///
/// # Errors
/// What the network answers with.
pub fn run(
    images: &[Image],
    auto: &Auto,
    seed: u64,
    victim: &Victim<'_>,
    tell: &mut dyn FnMut(Told),
) -> Result<Outcome, String> {
    let (cases, broken, stages) = (vec![], vec![], vec![]);
    let mut run = Run { images, auto, seed, victim, cases, broken, stages, tell };
    run.clean()?;
    run.expect()?;
    let mut signs = Signs { images: images.len(), ..Signs::default() };
    if auto.epsilon > 0.0 {
        signs.flat = run.apgd_ce()?;
        signs.after_apgd = run.left();
        run.probe()?;
        signs.after_probe = run.left();
        run.apgd_t()?;
        run.fab_t()?;
        signs.after_gradients = run.left();
        run.square()?;
        signs.left = run.left();
    }
    let mut broken = run.broken;
    for case in run.cases {
        broken[case.place] = case.broken;
    }
    Ok(Outcome { broken, stages: run.stages, notes: signs.said() })
}

/// A network that answers with scores: rows of them, for pixels of images and the images' places.
pub type Scores<'a> = dyn FnMut(Vec<f32>, &[usize]) -> Result<Vec<f32>, String> + 'a;

/// Square alone on images that all are right, with any network that answers with scores, one row an image; `ask` gets their pixels, and
/// places in `images`. For each image a misclassified one, if any.
///
/// # Errors
/// What the network answers with.
pub fn square_alone(
    images: &[Image],
    shape: [usize; 3],
    auto: &Auto,
    seed: u64,
    batch: usize,
    ask: &mut Scores<'_>,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Option<Vec<f32>>>, String> {
    let places: std::collections::BTreeMap<usize, usize> =
        images.iter().enumerate().map(|(place, i)| (i.number, place)).collect();
    let make = |i| Square::new(ball(i, auto.epsilon), shape, auto.queries, seed, round::SQUARE);
    let mut ask = |points: Vec<f32>, asked: &[&Square]| -> Result<Answer, String> {
        let at: Vec<usize> = asked.iter().filter_map(|s| places.get(&s.ball().number).copied()).collect();
        Ok((ask(points, &at)?, vec![]))
    };
    let mut rounds = 0;
    let mut heard = || {
        rounds += 1;
        tell(rounds, auto.queries + 1);
    };
    Ok(lead(images.iter().map(make).collect(), batch, &mut ask, &mut heard)?.broken)
}

/// Names of the places where chance enters.
mod round {
    pub(super) const APGD_CE: u64 = 0;
    pub(super) const PROBE: u64 = 1;
    pub(super) const SQUARE: u64 = 2;
    /// And one for each target after it.
    pub(super) const APGD_T: u64 = 16;
}

/// An image that the network gets right.
struct Case {
    /// Its place among the images.
    place: usize,
    ball: Arc<Ball>,
    /// Classes by its scores, the label first.
    order: Vec<usize>,
    broken: Option<Vec<f32>>,
}

struct Run<'a> {
    images: &'a [Image],
    auto: &'a Auto,
    seed: u64,
    victim: &'a Victim<'a>,
    cases: Vec<Case>,
    /// Of all images; the cases' own come in at the end.
    broken: Vec<Option<Vec<f32>>>,
    stages: Vec<Stage>,
    tell: &'a mut dyn FnMut(Told),
}

fn ball(i: &Image, epsilon: f32) -> Arc<Ball> {
    Arc::new(Ball { number: i.number, image: i.pixels.clone(), label: i.label, epsilon })
}

impl Run<'_> {
    fn left(&self) -> usize {
        self.cases.iter().filter(|c| c.broken.is_none()).count()
    }

    /// Classes that there are to aim at.
    fn targets(&self) -> usize {
        self.cases.first().map_or(0, |c| c.order.len() - 1).min(TARGETS)
    }

    /// Sorts out the images that are wrong as they are.
    fn clean(&mut self) -> Result<(), String> {
        let start = Instant::now();
        for (at, some) in self.images.chunks(self.victim.batch.max(1)).enumerate() {
            let pixels = some.iter().flat_map(|i| &i.pixels).copied().collect();
            let scores = self.victim.scores(pixels)?;
            for (row, (i, z)) in some.iter().zip(scores.chunks(scores.len() / some.len())).enumerate() {
                let place = at * self.victim.batch.max(1) + row;
                let right = best_of(z) == i.label;
                self.broken.push((!right).then(|| i.pixels.clone()));
                if right {
                    let ball = ball(i, self.auto.epsilon);
                    self.cases.push(Case { place, ball, order: descending(z), broken: None });
                }
            }
        }
        self.stages.push(Stage {
            attack: "clean",
            left: self.cases.len(),
            seconds: start.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    /// Says how long it may take, from one batch of each kind.
    fn expect(&mut self) -> Result<(), String> {
        let some = &self.cases[..self.cases.len().min(self.victim.batch.max(1))];
        if some.is_empty() || self.auto.epsilon == 0.0 {
            return Ok(());
        }
        let pixels: Vec<f32> = some.iter().flat_map(|c| &c.ball.image).copied().collect();
        let pull = |i: usize, z: &[f32]| Loss::CrossEntropy.pull(z, some.get(i).map_or(0, |c| c.ball.label));
        // The first makes room.
        self.victim.gradients(pixels.clone(), &pull)?;
        let start = Instant::now();
        self.victim.gradients(pixels.clone(), &pull)?;
        let gradient = start.elapsed().as_secs_f64() / some.len() as f64;
        let start = Instant::now();
        self.victim.scores(pixels)?;
        let score = start.elapsed().as_secs_f64() / some.len() as f64;
        let (steps, targets) = (self.auto.steps as f64 + 1.0, self.targets() as f64);
        let gradients = steps * (1.0 + targets + FAB * targets) + CORNERS as f64;
        let all = gradients * gradient + (self.auto.queries + 1) as f64 * score;
        (self.tell)(Told::Expect(all * self.cases.len() as f64, self.cases.len()));
        Ok(())
    }

    fn apgd_ce(&mut self) -> Result<usize, String> {
        let (steps, seed) = (self.auto.steps, self.seed);
        let make = |c: &Case, _| {
            Apgd::new(c.ball.clone(), Loss::CrossEntropy, steps, c.ball.start(seed, round::APGD_CE))
        };
        self.stage(Plan { attack: "apgd-ce", passes: 1, rounds: steps + 1, gradient: true }, &make)
    }

    fn probe(&mut self) -> Result<usize, String> {
        let seed = self.seed;
        let make = |c: &Case, _| Probe::new(c.ball.clone(), seed, round::PROBE);
        self.stage(Plan { attack: "fgsm, corners", passes: 1, rounds: CORNERS + 2, gradient: true }, &make)
    }

    fn apgd_t(&mut self) -> Result<usize, String> {
        let (steps, seed, passes) = (self.auto.steps, self.seed, self.targets());
        let make = |c: &Case, pass: usize| {
            let start = c.ball.start(seed, round::APGD_T + pass as u64);
            Apgd::new(c.ball.clone(), Loss::Targeted(c.order[pass + 1]), steps, start)
        };
        self.stage(Plan { attack: "apgd-t", passes, rounds: steps + 1, gradient: true }, &make)
    }

    fn fab_t(&mut self) -> Result<usize, String> {
        let (steps, passes) = (self.auto.steps, self.targets());
        let make = |c: &Case, pass: usize| Fab::new(c.ball.clone(), c.order[pass + 1], steps);
        self.stage(Plan { attack: "fab-t", passes, rounds: 2 * steps + 1, gradient: true }, &make)
    }

    fn square(&mut self) -> Result<usize, String> {
        let (queries, seed, shape) = (self.auto.queries, self.seed, self.victim.image);
        let make = |c: &Case, _| Square::new(c.ball.clone(), shape, queries, seed, round::SQUARE);
        self.stage(Plan { attack: "square", passes: 1, rounds: queries + 1, gradient: false }, &make)
    }

    /// Runs an attack on what is left; how many images had no gradient.
    fn stage<S: Search>(&mut self, plan: Plan, make: &dyn Fn(&Case, usize) -> S) -> Result<usize, String> {
        let start = Instant::now();
        let Run { cases, victim, tell, .. } = self;
        let mut flat = 0;
        let groups = cases.len().div_ceil(GROUP).max(1);
        let all = plan.passes * groups * plan.rounds;
        for pass in 0..plan.passes {
            for (at, group) in cases.chunks_mut(GROUP).enumerate() {
                let mut left: Vec<&mut Case> = group.iter_mut().filter(|c| c.broken.is_none()).collect();
                let searches: Vec<S> = left.iter().map(|c| make(c, pass)).collect();
                let mut done = (pass * groups + at) * plan.rounds;
                let mut ask = |points: Vec<f32>, asked: &[&S]| match plan.gradient {
                    true => victim.gradients(points, &|i, z| asked[i].pull(z)),
                    false => Ok((victim.scores(points)?, vec![])),
                };
                let mut heard = || {
                    done += 1;
                    tell(Told::Step(plan.attack, done, all));
                };
                let Found { broken, flat: none } = lead(searches, victim.batch, &mut ask, &mut heard)?;
                left.iter_mut().zip(broken).for_each(|(c, b)| c.broken = b);
                flat += none;
            }
        }
        tell(Told::Step(plan.attack, all, all));
        let (attack, left) = (plan.attack, self.left());
        self.stages.push(Stage { attack, left, seconds: start.elapsed().as_secs_f64() });
        Ok(flat)
    }
}

/// An attack on all images.
#[derive(Debug, Clone, Copy)]
struct Plan {
    attack: &'static str,
    /// How often it goes over what is left.
    passes: usize,
    /// Points of an image in a pass, at most.
    rounds: usize,
    /// Does it see gradients?
    gradient: bool,
}
