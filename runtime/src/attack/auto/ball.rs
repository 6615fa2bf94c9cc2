//! Where an attacked image may go.

use super::super::noise::fill;

/// An image, and the ball around it that is cut off at 0 and 1.
#[derive(Debug)]
pub(super) struct Ball {
    /// Its number in the data set.
    pub(super) number: usize,
    /// Its pixels, C×H×W.
    pub(super) image: Vec<f32>,
    /// Its class.
    pub(super) label: usize,
    /// The radius.
    pub(super) epsilon: f32,
}

impl Ball {
    /// The nearest value that pixel `i` may have.
    pub(super) fn clip(&self, i: usize, v: f32) -> f32 {
        let x = self.image[i];
        v.max((x - self.epsilon).max(0.0)).min((x + self.epsilon).min(1.0))
    }

    /// Is every pixel where it may be?
    pub(super) fn contains(&self, point: &[f32]) -> bool {
        point.iter().enumerate().all(|(i, &v)| self.clip(i, v) == v)
    }

    /// A random point, a pixel of which is as far out as it may be (before it is cut off at 0 and 1).
    pub(super) fn start(&self, seed: u64, round: u64) -> Vec<f32> {
        let mut noise = vec![0.0; self.image.len()];
        fill(&mut noise, seed, round, self.number);
        let largest = noise.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let at = |(i, v): (usize, &f32)| self.clip(i, self.image[i] + self.epsilon * (v / largest));
        noise.iter().enumerate().map(at).collect()
    }
}

/// 1, −1, or 0 of 0.
pub(super) fn sign(v: f32) -> f32 {
    match v {
        v if v > 0.0 => 1.0,
        v if v < 0.0 => -1.0,
        _ => 0.0,
    }
}
