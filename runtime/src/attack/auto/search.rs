//! An attack on one image as a dialogue: it names a point, hears the network's scores there, and names the next.

use super::super::best_of;
use super::ball::Ball;
use rayon::prelude::*;

/// An attack on one image.
pub(super) trait Search: Send + Sync {
    /// The image.
    fn ball(&self) -> &Ball;
    /// The point whose scores it wants to know.
    fn point(&self) -> &[f32];
    /// The derivative by the scores of what it maximises, from the scores at the point.
    fn pull(&self, scores: &[f32]) -> Vec<f32>;
    /// Hears scores, and the gradient by the pixels where one was taken. False when it is through.
    fn hear(&mut self, scores: &[f32], gradient: &[f32]) -> bool;
}

/// What points are answered with: rows of scores, and of gradients where the attack may see them.
pub(super) type Answer = (Vec<f32>, Vec<f32>);

/// Answers points, of which the searches are given with them.
pub(super) type Ask<'a, S> = dyn FnMut(Vec<f32>, &[&S]) -> Result<Answer, String> + 'a;

/// What attacks found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// For each, a point inside its ball that the network misclassifies.
    pub(super) broken: Vec<Option<Vec<f32>>>,
    /// How many had a gradient of nothing but zeros where they began.
    pub(super) flat: usize,
}

struct Live<S> {
    place: usize,
    search: S,
    goes: bool,
}

/// Leads all attacks to their ends, up to `batch` points at a time; one that found something stops. `heard` is told after each round.
pub(super) fn lead<S: Search>(
    searches: Vec<S>,
    batch: usize,
    ask: &mut Ask<'_, S>,
    heard: &mut dyn FnMut(),
) -> Result<Found, String> {
    let mut found = Found { broken: vec![None; searches.len()], flat: 0 };
    let live = searches.into_iter().enumerate();
    let mut live: Vec<_> = live.map(|(place, search)| Live { place, search, goes: true }).collect();
    let mut first = true;
    while !live.is_empty() {
        for some in live.chunks_mut(batch.max(1)) {
            let asked: Vec<&S> = some.iter().map(|l| &l.search).collect();
            let points: Vec<f32> = asked.iter().flat_map(|s| s.point()).copied().collect();
            let (scores, gradients) = ask(points, &asked)?;
            let row = |v: &[f32], i: usize| {
                let width = v.len() / asked.len();
                i * width..(i + 1) * width
            };
            let rows: Vec<_> = (0..asked.len())
                .map(|i| (&scores[row(&scores, i)], &gradients[row(&gradients, i)]))
                .collect();
            some.par_iter_mut().zip(&rows).for_each(|(l, (z, g))| {
                l.goes = !succeeded(&l.search, z) && l.search.hear(z, g);
            });
            for (l, (z, g)) in some.iter().zip(&rows) {
                if first && !g.is_empty() && g.iter().all(|v| *v == 0.0) {
                    found.flat += 1;
                }
                if !l.goes && succeeded(&l.search, z) {
                    found.broken[l.place] = Some(l.search.point().to_vec());
                }
            }
        }
        live.retain(|l| l.goes);
        first = false;
        heard();
    }
    Ok(found)
}

/// Is the point misclassified, and in the ball?
fn succeeded(s: &impl Search, scores: &[f32]) -> bool {
    best_of(scores) != s.ball().label && s.ball().contains(s.point())
}
