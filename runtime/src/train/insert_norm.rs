//! Batch normalisations for networks whose exporter folded them away.
//!
//! After every convolution without one, a normalisation is inserted that one pass over calibration images initialises to
//! the identity: with the statistics μ, σ² of what the convolution computes, γ = √(σ²+ε) and β = μ. The adversarial branch
//! is initialised from attacked images, so that both branches begin as the identity by statistics of their own.

use super::loader::Batch;
use super::model::Model;
use super::objective::{At, Objective};
use crate::attack::{Attack, Target, noise};
use crate::exec::value::{download, upload};
use crate::exec::{Branch, Call, Norms, Site};
use burn::tensor::Tensor as Burn;
use relinc_passes::ir::{Graph, NodeId, Op, Tensor};

/// Added to the variance by inserted normalisations, as in PyTorch.
const EPS: f32 = 1e-5;

/// Adds an identity normalisation after each convolution that is not followed by one alone. Returns them.
pub fn insert(g: &mut Graph) -> Result<Vec<NodeId>, String> {
    let order = g.topo().map_err(|n| format!("'{}' is on a cycle", g.node(n).name))?;
    let mut added = vec![];
    for id in order {
        if !matches!(g.op(id), Op::Conv(_)) {
            continue;
        }
        let users = g.users(id);
        if let [(only, 0)] = users[..]
            && matches!(g.op(only), Op::BatchNorm { .. })
        {
            continue;
        }
        let weights = g
            .const_operand(id, 1)
            .ok_or_else(|| format!("conv '{}' has no constant weights", g.node(id).name))?;
        let c = weights.shape()[0];
        let name = g.node(id).name.clone();
        let mut constant =
            |what: &str, v: f32| g.constant(format!("{name}.bn.{what}"), Tensor::f32([c], vec![v; c]));
        let operands = [
            id,
            constant("scale", 1.0),
            constant("shift", 0.0),
            constant("mean", 0.0),
            constant("variance", 1.0 - EPS),
        ];
        let bn = g.add(format!("{name}.bn"), Op::BatchNorm { eps: EPS }, &operands);
        g.redirect_except(id, bn, &[bn]);
        added.push(bn);
    }
    Ok(added)
}

/// Initialises the normalisations named in `sites` (indices of the network's) from `batches` of pixels: those of the
/// clean branch, and where the network is dual those of the adversarial branch from attacked images.
pub fn calibrate(
    m: &mut Model,
    sites: &[usize],
    batches: &[(Burn<4>, Vec<usize>)],
    attack: &Attack,
    at: At,
) -> Result<(), String> {
    set_statistics(m, sites, &pixels(batches), Branch::Clean, Norms::Measure)?;
    if !m.net.dual() {
        return Ok(());
    }
    let attacked = perturbed(m, batches, attack, Branch::Clean, at)?;
    set_statistics(m, sites, &attacked, Branch::Adversarial, Norms::Measure)
}

/// Takes the running statistics of all normalisations anew from `batches`, as training with this objective has them: of its clean and AugMix
/// views, and of attacked ones in a branch of their own or, where there is one normalisation for all, as many again. Scales and shifts stay.
pub fn remeasure(m: &mut Model, batches: &[Batch], o: &Objective, at: At) -> Result<(), String> {
    let sites: Vec<usize> = (0..m.net.norms().len()).collect();
    let [c, h, w] = m.front.image();
    let device = m.net.device().clone();
    let up = |v: &[f32]| upload(v.to_vec(), &device).reshape([v.len() / (c * h * w), c, h, w]);
    // Of a batch with AugMix views the first half is seen, clean and so.
    let views = |b: &Batch| match b.augmix.len() {
        0 => up(&b.clean),
        n => up(&[&b.clean[..n], &b.augmix].concat()),
    };
    let mut seen: Vec<Burn<4>> = batches.iter().map(views).collect();
    if o.robust {
        let branch = o.adversarial_branch();
        let whole: Vec<_> = batches.iter().map(|b| (up(&b.clean), b.labels.clone())).collect();
        let attacked = perturbed(m, &whole, &o.attack, branch, at)?;
        match branch {
            Branch::Adversarial => set_statistics(m, &sites, &attacked, branch, Norms::Batch)?,
            Branch::Clean => seen.extend(attacked),
        }
    }
    set_statistics(m, &sites, &seen, Branch::Clean, Norms::Batch)
}

/// The images alone.
fn pixels(batches: &[(Burn<4>, Vec<usize>)]) -> Vec<Burn<4>> {
    batches.iter().map(|(x, _)| x.clone()).collect()
}

/// Attacked images, through a branch.
fn perturbed(
    m: &Model,
    batches: &[(Burn<4>, Vec<usize>)],
    attack: &Attack,
    branch: Branch,
    at: At,
) -> Result<Vec<Burn<4>>, String> {
    let mut attacked = vec![];
    for (i, (x, labels)) in batches.iter().enumerate() {
        let images: Vec<usize> = (0..x.dims()[0]).collect();
        let start = noise(x, at.seed, at.step + i as u64, &images);
        let r = m.runnable();
        let logits = |x: Burn<4>| r.logits(x, branch);
        attacked.push(attack.run(x, &Target::Labels(labels.clone()), Some(start), None, &logits)?.pixels);
    }
    Ok(attacked)
}

/// Sets the running statistics of a branch to those of these images: with [`Norms::Batch`] to what the layers really have, each
/// batch by its own statistics as in training; with [`Norms::Measure`] scale and shift too, so that all is the identity.
fn set_statistics(
    m: &mut Model,
    sites: &[usize],
    batches: &[Burn<4>],
    branch: Branch,
    norms: Norms,
) -> Result<(), String> {
    let found = statistics(m, batches, branch, norms)?;
    let device = m.net.device().clone();
    let row = |v: &mut dyn Iterator<Item = f64>| upload(v.map(|v| v as f32).collect(), &device);
    for &site in sites {
        let s = &m.net.norms()[site];
        let ([scale, shift, mean, variance], eps) = (s.params[branch as usize], f64::from(s.eps));
        let (means, variances) = &found[site];
        m.params[mean] = row(&mut means.iter().copied());
        m.params[variance] = row(&mut variances.iter().copied());
        if norms == Norms::Measure {
            m.params[scale] = row(&mut variances.iter().map(|v| (v + eps).sqrt()));
            m.params[shift] = m.params[mean].clone();
        }
    }
    Ok(())
}

/// Mean and variance by channel.
type Moments = (Vec<f64>, Vec<f64>);

/// Mean and variance of what goes into each normalisation, over all batches together.
fn statistics(m: &Model, batches: &[Burn<4>], branch: Branch, norms: Norms) -> Result<Vec<Moments>, String> {
    let n = m.net.norms().len();
    let (mut means, mut squares, mut count) = (vec![vec![]; n], vec![vec![]; n], vec![0.0f64; n]);
    for x in batches {
        let call = Call { branch, ..m.call(norms) };
        for s in m.net.forward(m.front.apply(x.clone()), &call)?.statistics {
            let Site::Norm(site) = s.site else { continue };
            let (mean, variance) = (download(s.mean), download(s.variance));
            let weight = s.count as f64;
            means[site].resize(mean.len(), 0.0);
            squares[site].resize(mean.len(), 0.0);
            for (c, (m, v)) in mean.iter().zip(&variance).enumerate() {
                means[site][c] += weight * f64::from(*m);
                squares[site][c] += weight * (f64::from(*v) + f64::from(*m).powi(2));
            }
            count[site] += weight;
        }
    }
    let of = |site: usize| {
        let k = count[site].max(1.0);
        let mean: Vec<f64> = means[site].iter().map(|v| v / k).collect();
        let variance = squares[site].iter().zip(&mean).map(|(q, m)| (q / k - m * m).max(0.0)).collect();
        (mean, variance)
    };
    Ok((0..n).map(of).collect())
}
