//! How sensitive each layer is to the loss of its ReLUs.

use super::learner::Scene;
use super::loader::order;
use super::loss::{TEMPERATURE, cross_entropy, distillation, labels};
use crate::exec::{Branch, Norms};
use crate::search::ranking::Ranking;
use crate::search::worth::{self, Shown, Worth};
use burn::tensor::Tensor as Burn;
use relinc_passes::choice::Choice;

/// What each ReLU is worth to L = CE + KL to the teacher, on `n` training images drawn by `seed`.
///
/// # Errors
/// An operation without a gradient.
pub fn worth(scene: &Scene<'_>, n: usize, seed: u64) -> Result<Vec<Worth>, String> {
    let images: Vec<usize> = order(scene.train.len(), seed, usize::MAX).into_iter().take(n.max(1)).collect();
    let device = scene.student.net.device();
    let loss = |z: Burn<2>, shown: &Shown<'_>| {
        let of: Vec<usize> = shown.images.iter().map(|&i| scene.train.label(i)).collect();
        let mut loss = cross_entropy(z.clone(), labels(&of, device), 0.0);
        if let Some(t) = scene.teacher {
            let target = t.runnable().logits(shown.pixels.clone(), Branch::Clean)?;
            loss = loss + distillation(z, target, TEMPERATURE);
        }
        Ok(loss * shown.images.len() as f32)
    };
    // Running statistics lag behind masks that just changed.
    worth::worth(scene.student, scene.train, &images, Norms::Batch, &loss)
}

/// Layer sensitivities by gradients: the root of each layer's summed cost as the identity, scaled so that the largest is 1.
pub fn by_gradient(scene: &Scene<'_>, worth: &[Worth]) -> Vec<f64> {
    let v = Ranking::new(scene.student, worth, &[Choice::Identity]).sensitivities();
    let top = v.iter().copied().fold(0.0, f64::max);
    if top > 0.0 { v.into_iter().map(|x| x / top).collect() } else { vec![1.0; v.len()] }
}

/// η recovered from the layer lists that SENet (arXiv 2301.09254) released, by network.
pub const PRESETS: [(&str, &[f64]); 3] = [
    (
        "resnet18",
        &[
            0.0572, 0.1854, 0.2129, 0.2506, 0.2758, 0.3549, 0.4884, 0.5102, 0.5568, 0.6739, 0.8143, 0.8277,
            0.8623, 0.9409, 0.9902, 0.9986, 1.0,
        ],
    ),
    (
        "resnet34",
        &[
            0.049, 0.121, 0.124, 0.146, 0.168, 0.183, 0.212, 0.359, 0.125, 0.378, 0.418, 0.441, 0.486, 0.502,
            0.547, 0.751, 0.351, 0.770, 0.815, 0.832, 0.874, 0.882, 0.914, 0.914, 0.939, 0.939, 0.959, 0.996,
            0.729, 1.0, 1.0, 1.0, 1.0,
        ],
    ),
    (
        "wrn22-8",
        &[
            0.031, 0.141, 0.315, 0.394, 0.434, 0.482, 0.531, 0.577, 0.724, 0.792, 0.828, 0.862, 0.893, 0.901,
            0.973, 1.0, 0.986, 1.0, 1.0,
        ],
    ),
];

/// The released η of a network.
pub fn preset(name: &str) -> Option<Vec<f64>> {
    PRESETS.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_vec())
}
