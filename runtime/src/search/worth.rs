//! What each ReLU is worth: what a loss would lose, to first order, if its element became something else.
//!
//! An element of operand x that becomes the choice c changes its result by `Δ = c(x) − max(x, 0)`, and the loss by about `g·Δ`,
//! g being the loss's derivative by that result. So c costs `Σ (g·Δ)²` over images. With c as the sum
//! `a·max(x, 0) + b·min(x, 0)` that is `(a − 1)²·Σ (g·max(x, 0))² + b²·Σ (g·min(x, 0))²`: two sums an element give the costs of
//! all choices. An element that was never negative costs nothing as the identity, one that was never positive nothing as zero.
//!
//! In a layer with the cap C the element's own function is `min(max(x, 0), C)`. The first sum is then `Σ (g·min(max(x, 0), C))²`, and a
//! third, `Σ (g·max(x − C, 0))²`, is what a slope of 1 beyond the cap costs: what the ReLU costs without its cap. One that was never
//! above the cap loses it for nothing. Where a slope is none of 0 and 1, the product of both parts beyond the cap is left out.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::data::Dataset;
use crate::device::is_host;
use crate::exec::ops::side_squares;
use crate::exec::value::{download, upload};
use crate::exec::{Branch, Call, Norms, Precision, Tap};
use crate::threads;
use crate::train::Model;
use crate::train::evaluate::pixels_of;
use burn::tensor::Tensor as Burn;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use relinc_passes::choice::{Basis, Choice};
use relinc_passes::layers::ReluLayer;

/// Images looked at together, where the batch is free.
pub(crate) const BATCH: usize = 64;
/// The same where only the sums over batches matter: what few images need stays in a core's cache.
const SMALL_BATCH: usize = 16;

/// What two sums over images, three where there is a cap, say of a layer's elements, row-major C×H×W.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// `Σ (g·max(x, 0))²`.
    above: Vec<f64>,
    /// `Σ (g·min(x, 0))²`.
    below: Vec<f64>,
    /// `Σ (g·max(x − cap, 0))²`; empty without a cap.
    over: Vec<f64>,
    /// The layer's cap, +∞ for none.
    cap: f32,
}

/// What a loss may look at beside the logits of a batch.
#[derive(Debug)]
pub struct Shown<'a> {
    /// How many were before it.
    pub first: usize,
    /// Which images of the data set.
    pub images: &'a [usize],
    /// The images, `[N,C,H,W]` in 0…1.
    pub pixels: &'a Burn<4>,
}

/// The loss of a batch, summed over its images, from logits `[N, classes]`.
pub type Loss<'a> = dyn Fn(Burn<2>, &Shown<'_>) -> Result<Burn<1>, String> + Sync + 'a;

/// Looks at the network under its present masks, one entry a ReLU layer; `norms` says which statistics its normalisations use.
///
/// # Errors
/// An operation without a gradient, or what the loss refuses.
pub fn worth(
    m: &Model,
    ds: &Dataset,
    images: &[usize],
    norms: Norms,
    loss: &Loss<'_>,
) -> Result<Vec<Worth>, String> {
    let mut sums: Vec<Worth> = m.net.relus().iter().map(Worth::nothing).collect();
    let alone = norms == Norms::Running && is_host(m.net.device());
    let size = m.net.batch(if alone { SMALL_BATCH } else { BATCH });
    let batches: Vec<&[usize]> = images.chunks(size).collect();
    let look = |i: usize| of_batch(m, ds, i * size, batches[i], norms, loss);
    let add = |batch: Vec<Option<Sides>>| {
        // A layer that the loss does not depend on costs nothing.
        sums.iter_mut().zip(batch).for_each(|(sum, sides)| sides.iter().for_each(|sides| sum.add(sides)));
    };
    threads::side_by_side(if alone { batches.len() } else { 1 }, batches.len(), look, add)?;
    Ok(sums)
}

/// A loss that is a random sign for each logit of each image, centred: adding a constant to all logits changes nothing.
pub fn projection(seed: u64) -> impl Fn(Burn<2>, &Shown<'_>) -> Result<Burn<1>, String> + Sync {
    move |z, shown| {
        let [n, classes] = z.dims();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_word_pos((shown.first * classes) as u128);
        let sign = |_| if rng.random::<bool>() { 1.0f32 } else { -1.0 };
        let mut v: Vec<f32> = (0..n * classes).map(sign).collect();
        for row in v.chunks_mut(classes.max(1)) {
            let mean = row.iter().sum::<f32>() / classes as f32;
            row.iter_mut().for_each(|e| *e -= mean);
        }
        let v = Burn::from_inner(upload(v, &z.device().inner())).reshape([n, classes]);
        Ok((z * v).sum())
    }
}

/// The first `n` images, as far as they fill batches of the network.
///
/// # Errors
/// There is not one batch of them.
pub fn first_images(m: &Model, n: usize) -> Result<Vec<usize>, String> {
    let step = m.net.batch(1);
    match n / step * step {
        0 => Err(format!("the model takes batches of {step}, there are {n} images; give more of them")),
        whole => Ok((0..whole).collect()),
    }
}

/// The sums of a layer, in the order of [`sides_of`].
type Sides = Vec<Vec<f32>>;

/// The sums over the batch, for each layer that the loss depends on.
fn of_batch(
    m: &Model,
    ds: &Dataset,
    first: usize,
    images: &[usize],
    norms: Norms,
    loss: &Loss<'_>,
) -> Result<Vec<Option<Sides>>, String> {
    let device = m.net.device();
    let x = pixels_of(ds, images, device);
    let leaf = Burn::zeros([1], device);
    let probe = |_: &_| Burn::from_inner(leaf.clone()).require_grad();
    let probes: Vec<Burn<1>> = m.net.relus().iter().map(probe).collect();
    let call = Call {
        params: &m.params,
        gates: &m.gates,
        norms,
        branch: Branch::Clean,
        watch: true,
        probes: Some(&probes),
        precision: Precision::F32,
        tails: false,
    };
    let out = m.net.forward(m.front.apply(x.clone()), &call)?;
    let mut grads = loss(out.logits(), &Shown { first, images, pixels: &x })?.backward();
    let sides = |((tap, probe), r): ((Tap, Burn<1>), &ReluLayer)| {
        let g = probe.grad_remove(&mut grads)?;
        let x = tap.input.into_flat();
        let x = if x.is_autodiff() { x.inner() } else { x };
        Some(sides_of(x, g, r).into_iter().map(download).collect())
    };
    Ok(out.taps.into_iter().zip(probes).zip(m.net.relus()).map(sides).collect())
}

/// The sums of a batch over a layer's operands `x` and gradients `g`: up to its cap, below 0 and, where there is one, beyond the cap.
fn sides_of(x: Burn<1>, g: Burn<1>, layer: &ReluLayer) -> Vec<Burn<1>> {
    if !layer.capped() {
        return side_squares(x, g, layer.relus()).into();
    }
    let [above, below] = side_squares(x.clone().clamp_max(layer.cap), g.clone(), layer.relus());
    let [over, _] = side_squares(x.sub_scalar(layer.cap), g, layer.relus());
    vec![above, below, over]
}

impl Worth {
    fn nothing(layer: &ReluLayer) -> Worth {
        let n = layer.relus();
        let over = vec![0.0; if layer.capped() { n } else { 0 }];
        Worth { above: vec![0.0; n], below: vec![0.0; n], over, cap: layer.cap }
    }

    /// Adds the sums of a batch, in the order of [`sides_of`].
    fn add(&mut self, sides: &[Vec<f32>]) {
        let sums = [&mut self.above, &mut self.below, &mut self.over];
        for (sums, batch) in sums.into_iter().zip(sides) {
            sums.iter_mut().zip(batch).for_each(|(sum, v)| *sum += f64::from(*v));
        }
    }

    /// Leaves of what each element is worth this share.
    pub fn scale(&mut self, shares: &[f64]) {
        for sums in [&mut self.above, &mut self.below, &mut self.over] {
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum *= share);
        }
    }

    /// What element `i` costs as this function; infinitely much where it is no sum of slopes.
    pub fn cost(&self, i: usize, f: Basis) -> f64 {
        // Not 0·∞.
        let part = |k: f32, sum: f64| if k == 0.0 { 0.0 } else { f64::from(k).powi(2) * sum };
        let Basis { above, below, beyond, square, constant } = f;
        // The sums tell lines alone.
        if square != 0.0 || constant != 0.0 {
            return f64::INFINITY;
        }
        let over = self.over.get(i).map_or(0.0, |&sum| part(beyond, sum));
        part(above - 1.0, self.above[i]) + part(below, self.below[i]) + over
    }

    /// What each element costs as a ReLU without its cap; nothing where the layer has none.
    pub fn without_caps(&self) -> &[f64] {
        &self.over
    }

    /// The cheapest of some choices for each element, and what it costs; the first of equals. `slopes` are those of identity
    /// elements, one a channel, where they are not 1.
    pub fn cheapest(&self, among: &[Choice], slopes: Option<&[f32]>) -> Vec<(Choice, f64)> {
        let n = self.above.len();
        let plane = (n / slopes.map_or(1, <[f32]>::len).max(1)).max(1);
        let basis = |c: Choice, i: usize| match (c, slopes) {
            (Choice::Identity, Some(s)) => c.basis(self.cap, &s[i / plane..=i / plane]),
            (c, _) => c.basis(self.cap, c.neutral()),
        };
        let cheaper = |a: (Choice, f64), b: (Choice, f64)| if b.1 < a.1 { b } else { a };
        let best = |i| among.iter().map(|&c| (c, self.cost(i, basis(c, i)))).reduce(cheaper);
        (0..n).map(|i| best(i).unwrap_or((Choice::Relu, 0.0))).collect()
    }

    /// The slope at which these elements together cost least as `slope·x`: the root of `(s − 1)·A + s·B`; 1 where they cost
    /// nothing.
    pub fn best_slope(&self, elements: impl Iterator<Item = usize>) -> f32 {
        let over = |i: usize| self.over.get(i).copied().unwrap_or(0.0);
        let (a, b) = elements.fold((0.0, 0.0), |(a, b), i| (a + self.above[i], b + self.below[i] + over(i)));
        if a + b > 0.0 { (a / (a + b)) as f32 } else { 1.0 }
    }
}
