//! FAB against one class: steps onto the plane where the network, taken as linear, changes its mind, drawn towards the image
//! (Croce and Hein 2020, Minimally distorted adversarial examples).

use super::ball::Ball;
use super::plane::onto;
use super::search::Search;
use std::sync::Arc;

/// How far a step goes beyond the plane.
const OVERSHOOT: f32 = 1.05;
/// What is left of the way from the image after one that succeeded.
const BACK: f32 = 0.9;
/// How much the image draws at most.
const DRAW: f32 = 0.1;

/// The attack on one image.
#[derive(Debug)]
pub(super) struct Fab {
    ball: Arc<Ball>,
    target: usize,
    steps: usize,
    taken: usize,
    point: Vec<f32>,
    /// Did it step back from a point that succeeded, too far from the image?
    back: bool,
}

impl Fab {
    /// Begins at the image.
    pub(super) fn new(ball: Arc<Ball>, target: usize, steps: usize) -> Fab {
        let point = ball.image.clone();
        Fab { ball, target, steps, taken: 0, point, back: false }
    }

    /// Steps where the network, `over` apart and with this gradient of the difference, changes its mind.
    fn go(&mut self, over: f32, gradient: &[f32]) {
        let image = &self.ball.image;
        let between: f64 = gradient
            .iter()
            .zip(self.point.iter().zip(image))
            .map(|(g, (x, o))| f64::from(*g) * f64::from(x - o))
            .sum();
        let from_point = onto(&self.point, gradient, -f64::from(over));
        let from_image = onto(image, gradient, between - f64::from(over));
        let size = |d: &[f32]| d.iter().fold(1e-8f32, |m, v| m.max(v.abs()));
        let (a, b) = (size(&from_point), size(&from_image));
        let draw = (a / (a + b)).min(DRAW);
        for i in 0..self.point.len() {
            let near = self.point[i] + OVERSHOOT * from_point[i];
            let drawn = image[i] + OVERSHOOT * from_image[i];
            self.point[i] = (near * (1.0 - draw) + drawn * draw).clamp(0.0, 1.0);
        }
    }
}

impl Search for Fab {
    fn ball(&self) -> &Ball {
        &self.ball
    }

    fn point(&self) -> &[f32] {
        &self.point
    }

    fn pull(&self, scores: &[f32]) -> Vec<f32> {
        let mut pull = vec![0.0; scores.len()];
        pull[self.target] += 1.0;
        pull[self.ball.label] -= 1.0;
        pull
    }

    fn hear(&mut self, scores: &[f32], gradient: &[f32]) -> bool {
        if !self.back && super::super::best_of(scores) != self.ball.label {
            if self.taken == self.steps {
                return false;
            }
            for (x, o) in self.point.iter_mut().zip(&self.ball.image) {
                *x = o + (*x - o) * BACK;
            }
            self.back = true;
            return true;
        }
        self.back = false;
        if self.taken == self.steps {
            return false;
        }
        self.go(scores[self.target] - scores[self.ball.label], gradient);
        self.taken += 1;
        true
    }
}
