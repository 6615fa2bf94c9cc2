//! What any honest gradient outdoes: one step, and random corners of the ball.

use super::super::noise::dice;
use super::ball::{Ball, sign};
use super::loss::Loss;
use super::search::Search;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use std::sync::Arc;

/// Random corners.
pub(super) const CORNERS: usize = 10;

/// The check of one image: the gradient at it, one step of ε, then corners.
#[derive(Debug)]
pub(super) struct Probe {
    ball: Arc<Ball>,
    point: Vec<f32>,
    heard: usize,
    dice: ChaCha8Rng,
}

impl Probe {
    /// Begins at the image.
    pub(super) fn new(ball: Arc<Ball>, seed: u64, round: u64) -> Probe {
        let (point, dice) = (ball.image.clone(), dice(seed, round, ball.number));
        Probe { ball, point, heard: 0, dice }
    }
}

impl Search for Probe {
    fn ball(&self) -> &Ball {
        &self.ball
    }

    fn point(&self) -> &[f32] {
        &self.point
    }

    fn pull(&self, scores: &[f32]) -> Vec<f32> {
        Loss::CrossEntropy.pull(scores, self.ball.label)
    }

    fn hear(&mut self, _: &[f32], gradient: &[f32]) -> bool {
        let first = self.heard == 0;
        for (i, x) in self.point.iter_mut().enumerate() {
            let side = match first {
                true => sign(gradient[i]),
                false if self.dice.next_u32() >> 31 == 1 => 1.0,
                false => -1.0,
            };
            *x = self.ball.clip(i, self.ball.image[i] + self.ball.epsilon * side);
        }
        self.heard += 1;
        self.heard <= CORNERS + 1
    }
}
