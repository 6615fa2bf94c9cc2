//! Accuracy of a network on burn: clean and under attack.

use super::front::Front;
use crate::attack::{Attack, Target, noise};
use crate::data::Dataset;
use crate::exec::value::{detached, download, upload};
use crate::exec::{Branch, Call, Gate, Network, Norms, Precision};
use burn::tensor::{Device, Tensor as Burn};
use std::ops::Range;

/// A network with the parameters and gates it runs with.
#[derive(Debug, Clone)]
pub struct Runnable<'a> {
    /// What computes.
    pub net: &'a Network,
    /// Parameter values.
    pub params: &'a [Burn<1>],
    /// One gate a ReLU layer.
    pub gates: &'a [Gate],
    /// From pixels to its input.
    pub front: &'a Front,
    /// What it computes in.
    pub precision: Precision,
}

impl Runnable<'_> {
    /// Logits of pixels `[N,C,H,W]` in 0…1, by running statistics.
    pub fn logits(&self, pixels: Burn<4>, branch: Branch) -> Result<Burn<2>, String> {
        Ok(self.net.forward(self.front.apply(pixels), &self.call(branch))?.logits())
    }

    fn call(&self, branch: Branch) -> Call<'_> {
        Call {
            params: self.params,
            gates: self.gates,
            norms: Norms::Running,
            branch,
            watch: false,
            probes: None,
            precision: self.precision,
            tails: false,
        }
    }
}

/// Index of the largest logit of each row, the first of equals.
pub fn predictions(logits: Burn<2>) -> Vec<usize> {
    let k = logits.dims()[1].max(1);
    best(&download(logits), k).collect()
}

/// Index of the largest of each row of `k` logits, the first of equals.
pub fn best(logits: &[f32], k: usize) -> impl Iterator<Item = usize> + '_ {
    let of =
        |row: &[f32]| (0..row.len()).fold(0, |b, i| if row[i].total_cmp(&row[b]).is_gt() { i } else { b });
    logits.chunks(k).map(of)
}

/// Pixels of a range of images as `[N,C,H,W]` in 0…1.
pub fn pixels(ds: &Dataset, range: Range<usize>, device: &Device) -> Burn<4> {
    pixels_of(ds, &range.collect::<Vec<_>>(), device)
}

/// Pixels of images as `[N,C,H,W]` in 0…1.
pub fn pixels_of(ds: &Dataset, images: &[usize], device: &Device) -> Burn<4> {
    let [c, h, w] = ds.image_shape();
    let mut v = Vec::with_capacity(images.len() * c * h * w);
    images.iter().for_each(|&i| v.extend(ds.pixels(i).iter().map(|&p| f32::from(p) / 255.0)));
    upload(v, device).reshape([images.len(), c, h, w])
}

/// The first images of a data set, and how many are looked at together.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// The data set.
    pub images: &'a Dataset,
    /// How many of them.
    pub n: usize,
    /// In batches of so many.
    pub batch: usize,
}

impl First<'_> {
    /// How many there are.
    fn len(&self) -> usize {
        self.n.min(self.images.len())
    }

    /// Ranges of images, a batch each.
    fn batches(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n, batch) = (self.len(), self.batch.max(1));
        (0..n).step_by(batch).map(move |from| from..(from + batch).min(n))
    }
}

/// Top-1 accuracy in percent.
pub fn clean(
    r: &Runnable<'_>,
    branch: Branch,
    first: First<'_>,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<f64, String> {
    let (ds, n) = (first.images, first.len());
    let mut right = 0;
    for at in first.batches() {
        let z = r.logits(pixels(ds, at.clone(), r.net.device()), branch)?;
        right += predictions(z).into_iter().zip(at.clone()).filter(|(p, i)| *p == ds.label(*i)).count();
        tell(at.end, n);
    }
    Ok(100.0 * right as f64 / n.max(1) as f64)
}

/// The largest magnitude that goes into a quadratic layer of the network; not a number where one is none.
pub fn largest(r: &Runnable<'_>, first: First<'_>) -> Result<f64, String> {
    let mut top = 0.0f32;
    for at in first.batches() {
        let call = Call { watch: true, ..r.call(Branch::Clean) };
        let out = r.net.forward(r.front.apply(pixels(first.images, at, r.net.device())), &call)?;
        let far = out.taps.iter().zip(r.gates).filter(|(_, g)| g.square.is_some());
        let tops = far.map(|(t, _)| detached(t.input.flat()).abs().max().into_scalar::<f32>());
        top = tops.fold(top, |top, z| if z > top || z.is_nan() { z } else { top });
    }
    Ok(top.into())
}

/// Some images of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'a> {
    /// The data set.
    pub images: &'a Dataset,
    /// Their numbers.
    pub which: &'a [usize],
    /// In batches of so many.
    pub batch: usize,
}

/// The worst that an attack made of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// Did some restart and some iterate get it misclassified?
    pub broken: bool,
    /// How far the label's logit was above all others at least, up to the restart that broke it.
    pub margin: f32,
}

/// Accuracy in percent on the images that no restart and no iterate of the attack got misclassified.
pub fn adversarial(
    r: &Runnable<'_>,
    branch: Branch,
    first: First<'_>,
    attack: &Attack,
    seed: u64,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<f64, String> {
    let n = first.len();
    let which: Vec<usize> = (0..n).collect();
    let all = Chosen { images: first.images, which: &which, batch: first.batch };
    let worst = worst(r, branch, all, attack, seed, tell)?;
    Ok(100.0 * worst.iter().filter(|w| !w.broken).count() as f64 / n.max(1) as f64)
}

/// What an attack makes of these images; one that is broken is not attacked by further restarts.
pub fn worst(
    r: &Runnable<'_>,
    branch: Branch,
    some: Chosen<'_>,
    attack: &Attack,
    seed: u64,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Worst>, String> {
    let device = r.net.device().clone();
    let logits = |x: Burn<4>| r.logits(x, branch);
    let (restarts, batch) = (attack.restarts.max(1), some.batch.max(1));
    let mut found = Vec::with_capacity(some.which.len());
    for images in some.which.chunks(batch) {
        let mut worst = vec![Worst { broken: false, margin: f32::INFINITY }; images.len()];
        let mut restart = 0;
        while restart < restarts {
            let left: Vec<usize> = (0..images.len()).filter(|&i| !worst[i].broken).collect();
            if left.is_empty() {
                break;
            }
            // Restarts of few images fill a batch together.
            let together = (batch / left.len()).clamp(1, restarts - restart);
            let chosen: Vec<usize> = left.iter().map(|&i| images[i]).collect();
            let labels: Vec<usize> = chosen.iter().map(|&i| some.images.label(i)).collect();
            let labels = labels.repeat(together);
            let x = pixels_of(some.images, &chosen, &device);
            let start = attack.random_start.then(|| {
                let each = (restart..restart + together).map(|r| noise(&x, seed, r as u64, &chosen));
                Burn::cat(each.collect(), 0)
            });
            let x = Burn::cat(vec![x; together], 0);
            let hit = attack.run(&x, &Target::Labels(labels.clone()), start, Some(&labels), &logits)?;
            for (at, (broken, margin)) in hit.broken.iter().zip(&hit.margins).enumerate() {
                let w = &mut worst[left[at % left.len()]];
                *w = Worst { broken: w.broken || *broken, margin: w.margin.min(*margin) };
            }
            restart += together;
            tell(found.len() + images.len() * restart / restarts, some.which.len());
        }
        found.extend(worst);
        tell(found.len(), some.which.len());
    }
    Ok(found)
}
