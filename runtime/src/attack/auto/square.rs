//! Square: squares of random place and colour are kept where they lower the margin; it sees scores and no gradient
//! (Andriushchenko et al. 2020).

use super::super::margin;
use super::super::noise::dice;
use super::ball::Ball;
use super::search::Search;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use std::sync::Arc;

/// Share of an image that the first squares cover.
const SHARE: f64 = 0.8;
/// After so many queries the share is that by the power of two beside.
const HALVED: [(usize, i32); 8] =
    [(10, 1), (50, 2), (200, 3), (500, 4), (1000, 5), (2000, 6), (4000, 7), (6000, 8)];

/// The attack on one image.
#[derive(Debug)]
pub(super) struct Square {
    ball: Arc<Ball>,
    /// C, H, W.
    shape: [usize; 3],
    queries: usize,
    asked: usize,
    dice: ChaCha8Rng,
    best: Vec<f32>,
    tried: Vec<f32>,
    margin: f32,
}

impl Square {
    /// Begins with stripes.
    pub(super) fn new(ball: Arc<Ball>, shape: [usize; 3], queries: usize, seed: u64, round: u64) -> Square {
        let [c, h, w] = shape;
        let mut dice = dice(seed, round, ball.number);
        let stripes: Vec<f32> = (0..c * w).map(|_| side(&mut dice) * ball.epsilon).collect();
        let at = |i: usize| ball.clip(i, ball.image[i] + stripes[i / (h * w) * w + i % w]);
        let tried: Vec<f32> = (0..c * h * w).map(at).collect();
        Square { ball, shape, queries, asked: 0, dice, best: tried.clone(), tried, margin: f32::INFINITY }
    }

    fn throw(&mut self) {
        let [c, h, w] = self.shape;
        let side_of = edge(self.asked, [h, w]);
        let top = below(&mut self.dice, h - side_of + 1);
        let left = below(&mut self.dice, w - side_of + 1);
        self.tried.clone_from(&self.best);
        for channel in 0..c {
            let by = 2.0 * self.ball.epsilon * side(&mut self.dice);
            for y in top..top + side_of {
                for i in (channel * h + y) * w + left..(channel * h + y) * w + left + side_of {
                    self.tried[i] = self.ball.clip(i, self.best[i] + by);
                }
            }
        }
    }
}

/// Edge of the square of a query.
fn edge(query: usize, [h, w]: [usize; 2]) -> usize {
    let halved = HALVED.iter().rev().find(|(after, _)| query > *after).map_or(0, |(_, power)| *power);
    let share = SHARE / 2f64.powi(halved);
    let edge = (share * (h * w) as f64).sqrt().round() as usize;
    edge.clamp(1, h.min(w))
}

fn side(dice: &mut ChaCha8Rng) -> f32 {
    if dice.next_u32() >> 31 == 1 { 1.0 } else { -1.0 }
}

/// A whole number below `n`.
fn below(dice: &mut ChaCha8Rng, n: usize) -> usize {
    (dice.next_u64() % n.max(1) as u64) as usize
}

impl Search for Square {
    fn ball(&self) -> &Ball {
        &self.ball
    }

    fn point(&self) -> &[f32] {
        &self.tried
    }

    fn pull(&self, scores: &[f32]) -> Vec<f32> {
        vec![0.0; scores.len()]
    }

    fn hear(&mut self, scores: &[f32], _: &[f32]) -> bool {
        let margin = margin(scores, self.ball.label);
        if margin < self.margin {
            self.margin = margin;
            std::mem::swap(&mut self.best, &mut self.tried);
        }
        if self.asked == self.queries {
            return false;
        }
        self.throw();
        self.asked += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_shrink_as_published() {
        let edges = [0, 10, 11, 51, 201, 501, 1001, 2001, 4001, 6001];
        assert_eq!(edges.map(|q| edge(q, [32, 32])), [29, 29, 20, 14, 10, 7, 5, 4, 3, 2]);
        assert_eq!((edge(0, [4, 3]), edge(9000, [3, 3])), (3, 1));
    }
}
