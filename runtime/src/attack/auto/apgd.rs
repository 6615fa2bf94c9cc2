//! APGD: projected gradient ascent with momentum, whose steps halve where they stop to pay (Croce and Hein 2020).

use super::ball::{Ball, sign};
use super::loss::Loss;
use super::search::Search;
use std::sync::Arc;

/// How much of a step is the gradient's; the rest is the step before.
const SHARE: f32 = 0.75;
/// Share of the steps between two looks that must have been improvements.
const IMPROVED: f32 = 0.75;

/// The attack on one image.
#[derive(Debug)]
pub(super) struct Apgd {
    ball: Arc<Ball>,
    loss: Loss,
    steps: usize,
    point: Vec<f32>,
    before: Vec<f32>,
    gradient: Vec<f32>,
    best: Best,
    /// Size of a step.
    step: f32,
    /// Losses: of the start, then of each step.
    losses: Vec<f32>,
    looks: Looks,
}

#[derive(Debug, Default)]
struct Best {
    loss: f32,
    point: Vec<f32>,
    gradient: Vec<f32>,
}

/// When it looks whether to halve the step, and what it saw.
#[derive(Debug)]
struct Looks {
    /// The step of the next look.
    next: usize,
    /// Steps between the one before and the next.
    window: usize,
    /// Best loss at the last one.
    best: f32,
    halved: bool,
}

impl Apgd {
    /// Begins at a point.
    pub(super) fn new(ball: Arc<Ball>, loss: Loss, steps: usize, start: Vec<f32>) -> Apgd {
        let window = part(steps, 0.22);
        Apgd {
            step: 2.0 * ball.epsilon,
            ball,
            loss,
            steps,
            before: start.clone(),
            point: start,
            gradient: vec![],
            best: Best { loss: f32::NEG_INFINITY, ..Best::default() },
            losses: vec![],
            looks: Looks { next: window, window, best: f32::NEG_INFINITY, halved: true },
        }
    }

    fn look(&mut self) {
        let now = self.losses.len() - 1;
        let seen = &self.losses[now - self.looks.window..];
        let better = seen.windows(2).filter(|w| w[1] > w[0]).count();
        let stalls = better as f32 <= IMPROVED * self.looks.window as f32;
        let stuck = !self.looks.halved && self.looks.best >= self.best.loss;
        if stalls || stuck {
            self.step /= 2.0;
            self.point.clone_from(&self.best.point);
            self.gradient.clone_from(&self.best.gradient);
        }
        let shorter = self.looks.window.saturating_sub(part(self.steps, 0.03));
        let window = shorter.max(part(self.steps, 0.06));
        self.looks = Looks { next: now + window, window, best: self.best.loss, halved: stalls || stuck };
    }

    fn go(&mut self) {
        let share = if self.losses.len() == 1 { 1.0 } else { SHARE };
        for i in 0..self.point.len() {
            let x = self.point[i];
            let stepped = self.ball.clip(i, x + self.step * sign(self.gradient[i]));
            let moved = x + (stepped - x) * share + (x - self.before[i]) * (1.0 - share);
            self.before[i] = x;
            self.point[i] = self.ball.clip(i, moved);
        }
    }
}

/// So many of the steps, at least one.
fn part(steps: usize, share: f64) -> usize {
    ((share * steps as f64) as usize).max(1)
}

impl Search for Apgd {
    fn ball(&self) -> &Ball {
        &self.ball
    }

    fn point(&self) -> &[f32] {
        &self.point
    }

    fn pull(&self, scores: &[f32]) -> Vec<f32> {
        self.loss.pull(scores, self.ball.label)
    }

    fn hear(&mut self, scores: &[f32], gradient: &[f32]) -> bool {
        let loss = self.loss.value(scores, self.ball.label);
        self.gradient.clear();
        self.gradient.extend_from_slice(gradient);
        self.losses.push(loss);
        if loss > self.best.loss || self.losses.len() == 1 {
            self.best.loss = loss;
            self.best.point.clone_from(&self.point);
            self.best.gradient.clone_from(&self.gradient);
        }
        let now = self.losses.len() - 1;
        if now == 0 {
            self.looks.best = loss;
        } else if now == self.looks.next {
            self.look();
        }
        if now == self.steps {
            return false;
        }
        self.go();
        true
    }
}
