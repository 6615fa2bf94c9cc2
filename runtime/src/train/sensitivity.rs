//! What each ReLU is worth to the loss, and from it how sensitive each layer is.

use super::evaluate::pixels;
use super::learner::Scene;
use super::loader::order;
use super::loss::{TEMPERATURE, cross_entropy, distillation, labels};
use crate::exec::ops::removal_costs;
use crate::exec::per_element;
use crate::exec::value::download;
use crate::exec::{Branch, Call, Norms, Precision};
use burn::tensor::Tensor as Burn;

/// Images looked at together.
const BATCH: usize = 64;

/// The first-order cost of removing each element's ReLU, summed over images.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// When it becomes the identity.
    pub identity: Vec<f64>,
    /// When it becomes zero.
    pub zero: Vec<f64>,
}

/// Judges every element on `n` training images drawn by `seed`: `Σ (∂L/∂y·(s·x − max(x,0)))²` and `Σ (∂L/∂y·max(x,0))²` with
/// L = CE + KL to the teacher, an image at a time; s is 1 where slopes are not learned.
pub fn worth(scene: &Scene<'_>, n: usize, seed: u64) -> Result<Vec<Worth>, String> {
    let relus = scene.student.net.relus().iter();
    let mut sums: Vec<Worth> =
        relus.map(|r| Worth { identity: vec![0.0; r.relus()], zero: vec![0.0; r.relus()] }).collect();
    let images: Vec<usize> = order(scene.train.len(), seed, usize::MAX).into_iter().take(n.max(1)).collect();
    for chunk in images.chunks(BATCH) {
        add_batch(scene, chunk, &mut sums)?;
    }
    Ok(sums)
}

fn add_batch(scene: &Scene<'_>, images: &[usize], sums: &mut [Worth]) -> Result<(), String> {
    let m = scene.student;
    let device = m.net.device();
    let n = images.len();
    let x = Burn::cat(images.iter().map(|&i| pixels(scene.train, i..i + 1, device)).collect(), 0);
    let target = match scene.teacher {
        Some(t) => Some(t.runnable().logits(x.clone(), Branch::Clean)?),
        None => None,
    };
    let leaf = Burn::zeros([1], device);
    let probe = |_: &_| Burn::from_inner(leaf.clone()).require_grad();
    let probes: Vec<Burn<1>> = m.net.relus().iter().map(probe).collect();
    let call = Call {
        params: &m.params,
        gates: &m.gates,
        // Running statistics lag behind masks that just changed.
        norms: Norms::Batch,
        branch: Branch::Clean,
        watch: true,
        probes: Some(&probes),
        precision: Precision::F32,
    };
    let out = m.net.forward(m.front.apply(x), &call)?;
    let z = out.logits();
    let of: Vec<usize> = images.iter().map(|&i| scene.train.label(i)).collect();
    let mut loss = cross_entropy(z.clone(), labels(&of, device), 0.0);
    if let Some(t) = target {
        loss = loss + distillation(z, t, TEMPERATURE);
    }
    let mut grads = (loss * n as f32).backward();
    for (r, ((tap, probe), sum)) in out.taps.into_iter().zip(probes).zip(sums).enumerate() {
        // A layer that the loss does not depend on costs nothing.
        let Some(g) = probe.grad_remove(&mut grads) else { continue };
        let x = tap.input.into_flat();
        let x = if x.is_autodiff() { x.inner() } else { x };
        let len = sum.zero.len();
        let slope = match m.net.slope_of(r).filter(|_| m.slopes) {
            None => Burn::ones([len], device),
            Some(p) => per_element(m.params[p].clone(), len),
        };
        sum.add(removal_costs(x, g, slope));
    }
    Ok(())
}

impl Worth {
    /// Adds the costs of a batch of images.
    fn add(&mut self, [identity, zero]: [Burn<1>; 2]) {
        for (sums, costs) in [(&mut self.identity, identity), (&mut self.zero, zero)] {
            sums.iter_mut().zip(download(costs)).for_each(|(sum, c)| *sum += f64::from(c));
        }
    }
}

/// Layer sensitivities by gradients: the root of each layer's summed cost, scaled so that the largest is 1.
pub fn by_gradient(worth: &[Worth]) -> Vec<f64> {
    let roots: Vec<f64> = worth.iter().map(|w| w.identity.iter().sum::<f64>().sqrt()).collect();
    normalised(roots)
}

fn normalised(v: Vec<f64>) -> Vec<f64> {
    let top = v.iter().copied().fold(0.0, f64::max);
    if top > 0.0 { v.into_iter().map(|x| x / top).collect() } else { vec![1.0; v.len()] }
}

/// η recovered from the released layer lists (method, section 3), by network.
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
