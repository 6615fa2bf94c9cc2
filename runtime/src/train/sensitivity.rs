//! What each ReLU is worth to the loss, and from it how sensitive each layer is.

use super::evaluate::pixels;
use super::learner::Scene;
use super::loader::order;
use super::loss::{TEMPERATURE, cross_entropy, distillation, labels};
use crate::device::is_host;
use crate::exec::value::download;
use crate::exec::{Branch, Call, Norms, Precision};
use crate::kernels::removal;
use burn::tensor::{Tensor as Burn, TensorData};

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
        relus.map(|r| Worth { identity: vec![0.0; r.len()], zero: vec![0.0; r.len()] }).collect();
    let images: Vec<usize> = order(scene.train.len(), seed, usize::MAX).into_iter().take(n.max(1)).collect();
    // Probes only read them, so that all layers and batches share one tensor, which stays in the cache.
    let most = sums.iter().map(|w| w.zero.len()).max().unwrap_or(0);
    let zeros = Burn::zeros([BATCH.min(images.len()) * most], scene.student.net.device());
    for chunk in images.chunks(BATCH) {
        add_batch(scene, chunk, &zeros, &mut sums)?;
    }
    Ok(sums)
}

fn add_batch(scene: &Scene<'_>, images: &[usize], zeros: &Burn<1>, sums: &mut [Worth]) -> Result<(), String> {
    let m = scene.student;
    let device = m.net.device();
    let n = images.len();
    let x = Burn::cat(images.iter().map(|&i| pixels(scene.train, i..i + 1, device)).collect(), 0);
    let target = match scene.teacher {
        Some(t) => Some(t.runnable().logits(x.clone(), Branch::Clean)?),
        None => None,
    };
    let probes: Vec<Burn<1>> = m
        .net
        .relus()
        .iter()
        .map(|r| Burn::from_inner(zeros.clone().narrow(0, 0, n * r.len())).require_grad())
        .collect();
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
        let g = probe.grad_remove(&mut grads).unwrap_or_else(|| Burn::zeros(probe.dims(), device));
        let x = tap.input.into_flat();
        let x = if x.is_autodiff() { x.inner() } else { x };
        let slope = m.net.slope_of(r).filter(|_| m.slopes).map(|p| m.params[p].clone());
        match is_host(device) {
            true => sum.add_on_cpu(x, g, slope)?,
            false => sum.add(x, g, slope),
        }
    }
    Ok(())
}

impl Worth {
    /// Adds the costs of images whose layer has inputs x and gradients g, both `[n·c·h·w]`; slopes are `[c]`.
    fn add(&mut self, x: Burn<1>, g: Burn<1>, slope: Option<Burn<1>>) {
        let len = self.zero.len();
        let n = x.dims()[0].checked_div(len).unwrap_or(0);
        let above = x.clone().clamp_min(0.0);
        let line = match slope {
            None => x.clamp_max(0.0),
            Some(s) => {
                let [channels] = s.dims();
                let s = s.reshape([1, channels, 1]).expand([n, channels, len / channels.max(1)]);
                x * s.reshape([n * len]) - above.clone()
            }
        };
        for (sums, side) in [(&mut self.identity, line), (&mut self.zero, above)] {
            let costs = (g.clone() * side).square().reshape([n, len]).sum_dim(0);
            sums.iter_mut().zip(download(costs)).for_each(|(sum, c)| *sum += f64::from(c));
        }
    }

    /// The same in one pass.
    fn add_on_cpu(&mut self, x: Burn<1>, g: Burn<1>, slope: Option<Burn<1>>) -> Result<(), String> {
        let len = self.zero.len();
        let slope = match slope {
            None => vec![1.0; len],
            Some(s) => {
                let s = download(s);
                let plane = len / s.len().max(1);
                s.into_iter().flat_map(|s| std::iter::repeat_n(s, plane)).collect()
            }
        };
        let (x, g) = (x.into_data(), g.into_data());
        let floats = |t: &TensorData| format!("a ReLU layer is of {:?}", t.dtype());
        let (x, g) = (x.as_slice().map_err(|_| floats(&x))?, g.as_slice().map_err(|_| floats(&g))?);
        removal::add_costs(x, g, &slope, &mut self.identity, &mut self.zero);
        Ok(())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::exec::value::upload;
    use crate::kernels::noise;

    #[test]
    fn the_cpu_adds_what_any_device_adds() {
        let (n, channels, plane) = (5, 3, 50);
        let len = channels * plane;
        let device = burn::tensor::Device::flex();
        let tensor = |len, seed| upload(noise(len, seed), &device);
        for slope in [None, Some(tensor(channels, 7))] {
            let [mut one, mut other] =
                [0, 1].map(|_| Worth { identity: vec![0.0; len], zero: vec![0.0; len] });
            for batch in 0..2 {
                let (x, g) = (tensor(n * len, batch), tensor(n * len, 9 + batch));
                one.add_on_cpu(x.clone(), g.clone(), slope.clone()).unwrap();
                other.add(x, g, slope.clone());
            }
            let both = one.identity.iter().zip(&other.identity).chain(one.zero.iter().zip(&other.zero));
            for (a, b) in both {
                assert!((a - b).abs() <= 1e-5 * b.abs(), "{a} and {b}");
            }
        }
    }
}
