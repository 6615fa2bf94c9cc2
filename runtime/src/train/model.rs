//! A network in training: parameters, gates, and the way from pixels.

use super::evaluate::Runnable;
use super::front::Front;
use crate::data::{Dataset, Normalize};
use crate::dice::Dice;
use crate::exec::squares::{self, Rows};
use crate::exec::value::{detached, download, upload};
use crate::exec::{Branch, Call, Gate, Network, Norms, Precision, Role, Site, Started, Statistics};
use crate::fnv::fingerprint;
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::Choice;
use relinc_passes::free_batch::free_batch;
use relinc_passes::ir::Graph;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::quotient;
use std::borrow::Cow;

/// How much of a new batch's statistics enters the running ones, as in PyTorch.
pub const MOMENTUM: f32 = 0.1;

/// A network with its present parameters and gates.
#[derive(Debug, Clone)]
pub struct Model {
    /// What computes.
    pub net: Network,
    /// Parameter values, without gradients.
    pub params: Vec<Burn<1>>,
    /// The masks it runs under; layers that they do not name keep every ReLU.
    pub masks: Masks,
    /// The same, as one gate a ReLU layer.
    pub gates: Vec<Gate>,
    /// From pixels to its input.
    pub front: Front,
    /// Are the slopes of identity elements learned?
    pub slopes: bool,
    /// Are layers that are quadratic in all their elements trained with a normalised square?
    pub squares: bool,
    /// What share of the ReLU's place such layers, and those that vanish, have taken.
    pub blend: f32,
    /// Where normalisations are trained by their running statistics, which stay: the size at which the loss cuts logits off.
    pub frozen: Option<f32>,
    /// Layers that had left before, which are not blended again; one entry a layer, empty for none.
    pub settled: Vec<bool>,
    /// Both sides' slopes that layers which leave had before; one entry a layer, empty for ReLUs everywhere.
    pub before: Vec<[Burn<1>; 2]>,
}

impl Model {
    /// The network as it starts, with every ReLU in place.
    pub fn new((net, params): Started, normalize: &Normalize, image: [usize; 3]) -> Result<Model, String> {
        let front = Front::new(normalize, image, net.input(), net.device())?;
        let gates = net.relus().iter().map(|r| Gate::open(r, net.device())).collect();
        Ok(Model {
            params,
            masks: Masks::default(),
            gates,
            front,
            net,
            slopes: false,
            squares: false,
            blend: 1.0,
            frozen: None,
            settled: vec![],
            before: vec![],
        })
    }

    /// A canonical graph made ready for the images of a data set. A batch of one that cannot be made free is kept.
    ///
    /// # Errors
    /// An operation that cannot be trained, other images than the data set has, more than one image fixed as the batch, or not one output.
    pub fn of_graph(g: &Graph, ds: &Dataset, device: &Device) -> Result<Model, String> {
        g.only_output()?;
        let free = match (free_batch(g), g.only_input()?.1.fixed_batch()) {
            (Ok(free), _) => Cow::Owned(free),
            (Err(_), Some(1)) => Cow::Borrowed(g),
            (Err(why), _) => return Err(why),
        };
        Model::new(Network::new(&free, false, device)?, &ds.normalize(), ds.image_shape())
    }

    /// A copy on another device.
    pub fn to_device(&self, device: &Device) -> Model {
        let all = |v: &[Burn<1>]| v.iter().map(|t| t.clone().to_device(device)).collect();
        Model {
            net: self.net.to_device(device),
            params: all(&self.params),
            masks: self.masks.clone(),
            gates: self.gates.iter().map(|g| g.to_device(device)).collect(),
            front: self.front.to_device(device),
            slopes: self.slopes,
            squares: self.squares,
            blend: self.blend,
            frozen: self.frozen,
            settled: self.settled.clone(),
            before: self.before.iter().map(|b| b.clone().map(|t| t.to_device(device))).collect(),
        }
    }

    /// As it stands, to evaluate in f32.
    pub fn runnable(&self) -> Runnable<'_> {
        Runnable {
            net: &self.net,
            params: &self.params,
            gates: &self.gates,
            front: &self.front,
            precision: Precision::F32,
        }
    }

    /// A call of it as it stands, in f32 through the clean branch, watched by nobody.
    pub fn call(&self, norms: Norms) -> Call<'_> {
        Call {
            params: &self.params,
            gates: &self.gates,
            norms,
            branch: Branch::Clean,
            watch: false,
            probes: None,
            precision: Precision::F32,
            tails: false,
        }
    }

    /// Puts masks on, under the layers' caps; layers that are not named keep every ReLU. Where slopes or
    /// coefficients are learned, those that a mask gives are taken up and others stay.
    pub fn set_masks(&mut self, masks: &Masks) {
        let device = self.net.device().clone();
        let mut masks = Masks { layers: masks.layers.clone(), ..Masks::default() };
        for r in self.net.relus() {
            masks.layers.get_mut(&r.name).into_iter().for_each(|m| m.put_under(r.cap));
        }
        let squares = if self.squares { self.net.relus().len() } else { 0 };
        for r in 0..squares {
            let layer = masks.layers.get_mut(&self.net.relus()[r].name).filter(|m| m.only(Choice::Quadratic));
            let Some(own) = self.net.square_rows(r, &self.params) else { continue };
            if let Some(plain) = layer.and_then(|m| m.parameters.remove(&Choice::Quadratic)) {
                self.set_square(r, Rows::of_plain(&plain, own.moments));
            }
        }
        let mask = |r: usize| masks.layers.get(&self.net.relus()[r].name);
        self.gates = (0..self.net.relus().len()).map(|r| self.gate(r, mask(r), &device)).collect();
        for (r, p) in self.net.slopes().filter(|_| self.slopes) {
            if let Some(s) = mask(r).and_then(|m| m.slopes()) {
                self.params[p] = upload(s.to_vec(), &device);
            }
        }
        self.masks = masks;
    }

    fn gate(&self, r: usize, mask: Option<&LayerMask>, device: &Device) -> Gate {
        let layer = &self.net.relus()[r];
        let Some(m) = mask else { return Gate::open(layer, device) };
        if self.squares && self.net.square_of(r).is_some() && m.only(Choice::Quadratic) {
            return Gate { square: Some(self.share(r)), ..Gate::open(layer, device) };
        }
        let mut gate = match self.slopes && self.net.slope_of(r).is_some() {
            true => Gate::of_learned(m, device),
            false => Gate::of_mask(m, device),
        };
        if self.squares && self.share(r) < 1.0 && m.only(Choice::Identity) {
            let share = self.share(r);
            let [pos, neg] = match self.before.get(r) {
                Some(before) => before.clone(),
                None => [gate.pos.clone(), Burn::zeros_like(&gate.neg)],
            };
            gate.pos = pos * (1.0 - share) + gate.pos * share;
            gate.neg = neg * (1.0 - share) + gate.neg * share;
        }
        gate
    }

    /// Had layer `relu` left before the stage began?
    pub fn is_settled(&self, relu: usize) -> bool {
        self.settled.get(relu).copied().unwrap_or(false)
    }

    /// What share of the ReLU's place a layer that leaves has taken.
    fn share(&self, relu: usize) -> f32 {
        if self.is_settled(relu) { 1.0 } else { self.blend }
    }

    /// From here on layers that have left whole under these masks are not blended any more.
    pub fn settle(&mut self, masks: &Masks) {
        let left = |m: &LayerMask| m.only(Choice::Quadratic) || m.only(Choice::Identity);
        let relus = self.net.relus().iter();
        self.settled = relus.map(|r| masks.layers.get(&r.name).is_some_and(left)).collect();
        let device = self.net.device();
        let slopes = |r: &ReluLayer| {
            let gate =
                masks.layers.get(&r.name).map_or_else(|| Gate::open(r, device), |m| Gate::of_mask(m, device));
            [gate.pos, gate.neg]
        };
        self.before = self.net.relus().iter().map(slopes).collect();
    }

    /// No layer has left before.
    pub fn unsettle(&mut self) {
        self.settled.clear();
        self.before.clear();
    }

    /// Lets the layers that are quadratic or vanish take this share of the ReLUs' place.
    pub fn set_blend(&mut self, share: f32) {
        if self.squares && self.blend != share {
            self.blend = share;
            let masks = std::mem::take(&mut self.masks);
            self.set_masks(&masks);
        }
    }

    /// From here on layers that are quadratic in all their elements are trained with a normalised square. Says whether that
    /// needed new parameters.
    pub fn learn_squares(&mut self) -> bool {
        self.squares = true;
        let fresh = self.net.add_squares();
        let any = !fresh.is_empty();
        self.params.extend(fresh);
        any
    }

    /// The numbers of a layer that may be quadratic.
    pub fn set_square(&mut self, relu: usize, rows: Rows) {
        let Some(site) = self.net.square_of(relu) else { return };
        let device = self.net.device().clone();
        let at = site.coefficients.into_iter().chain(site.moments);
        for (p, row) in at.zip(rows.coefficients.into_iter().chain(rows.moments)) {
            self.params[p] = upload(row, &device);
        }
    }

    /// The masks with the coefficients learned so far, the normalisation in them.
    pub fn with_squares(&self, mut masks: Masks) -> Masks {
        for (r, layer) in self.net.relus().iter().enumerate().filter(|_| self.squares) {
            let m = masks.layers.get_mut(&layer.name).filter(|m| m.only(Choice::Quadratic));
            if let (Some(m), Some(rows)) = (m, self.net.square_rows(r, &self.params)) {
                m.parameters.insert(Choice::Quadratic, rows.plain());
            }
        }
        masks
    }

    /// From here on the slopes of identity elements are learned, or fixed at what masks say.
    pub fn learn_slopes(&mut self, on: bool) {
        self.slopes = on;
        if on {
            self.params.extend(self.net.add_slopes());
        }
    }

    /// The slopes a channel that layer `relu` has learned so far, where it learns some.
    pub fn learned_slopes(&self, relu: usize) -> Option<Vec<f32>> {
        let p = self.net.slope_of(relu).filter(|_| self.slopes)?;
        Some(download(self.params[p].clone()))
    }

    /// The masks with the slopes learned so far, each at the nearest quotient ([`quotient`]); an identity element of slope 0 is
    /// zero.
    pub fn with_slopes(&self, mut masks: Masks) -> Masks {
        for (r, p) in self.net.slopes().filter(|_| self.slopes) {
            let layer = masks.layers.get_mut(&self.net.relus()[r].name);
            let Some(m) = layer.filter(|m| m.count(Choice::Identity) > 0 && m.kept() > 0) else { continue };
            let plane = m.plane();
            let mut slopes: Vec<f32> =
                download(self.params[p].clone()).into_iter().map(quotient::nearest).collect();
            for (values, s) in m.values.chunks_mut(plane).zip(&mut slopes) {
                if *s == 0.0 {
                    values.iter_mut().filter(|v| **v == Choice::Identity).for_each(|v| *v = Choice::Zero);
                }
                if !values.contains(&Choice::Identity) {
                    *s = 1.0;
                }
            }
            m.parameters.insert(Choice::Identity, slopes);
        }
        masks
    }

    /// Masks that keep every ReLU.
    pub fn open_masks(&self) -> Masks {
        Masks::uniform(self.net.relus(), Choice::Relu)
    }

    /// Moves the running statistics of a branch by `momentum` towards a batch's; those of squares by their own. The variance is made unbiased first, as in
    /// PyTorch.
    pub fn update_statistics(&mut self, branch: Branch, batch: &[Statistics], momentum: f32) {
        for s in batch {
            let (mean, variance, momentum) = match s.site {
                Site::Norm(site) => {
                    let [_, _, mean, variance] = self.net.norms()[site].params[branch as usize];
                    (mean, variance, momentum)
                }
                Site::Square(relu) => match self.net.square_of(relu) {
                    Some(s) => (s.moments[0], s.moments[1], squares::MOMENTUM),
                    None => continue,
                },
            };
            let unbiased = s.count as f32 / (s.count.max(2) - 1) as f32;
            let blend = |old: &Burn<1>, new: Burn<1>| old.clone() * (1.0 - momentum) + new * momentum;
            self.params[mean] = blend(&self.params[mean], detached(s.mean.clone()));
            self.params[variance] = blend(&self.params[variance], detached(s.variance.clone()) * unbiased);
        }
    }

    /// Takes over another's running statistics, which its weights were trained by.
    pub fn statistics_of(&mut self, other: &Model) {
        let rows = self.net.params().iter().zip(self.params.iter_mut().zip(&other.params));
        for (p, (mine, theirs)) in rows {
            if matches!(p.role, Role::Mean | Role::Variance | Role::Moment) {
                *mine = theirs.clone();
            }
        }
    }

    /// The graph with the present parameters, those of `branch` where normalisations are dual.
    pub fn graph(&self, branch: Branch) -> Graph {
        self.net.write_back(&self.params, branch)
    }

    /// Parameter values on the host, with their names.
    pub fn export(&self) -> Vec<(String, Vec<f32>)> {
        self.net
            .params()
            .iter()
            .zip(&self.params)
            .map(|(p, v)| (p.name.clone(), download(v.clone())))
            .collect()
    }

    /// Uploads parameter values in the order of the network's parameters.
    pub fn import(&mut self, values: Vec<Vec<f32>>) {
        let device = self.net.device().clone();
        self.params = values.into_iter().map(|v| upload(v, &device)).collect();
    }

    /// Starts anew: weights from N(0, 2/fan-in), biases 0, normalisations the identity of zero mean and unit variance.
    pub fn randomise(&mut self, seed: u64) {
        let device = self.net.device().clone();
        let fresh = self.net.params().iter().enumerate().map(|(i, p)| {
            let n = p.shape.iter().product::<usize>();
            let fan_in = p.shape.iter().skip(1).product::<usize>().max(1);
            let spread = (2.0 / fan_in as f64).sqrt();
            let mut dice = Dice::tagged(seed, [i as u64, 0x1417], 0);
            let values = match p.role {
                Role::Weight => (0..n).map(|_| (spread * dice.normal()) as f32).collect(),
                Role::Scale | Role::Variance | Role::Slope | Role::Moment => vec![1.0; n],
                Role::Bias | Role::Shift | Role::Mean | Role::Coefficient => vec![0.0; n],
                Role::Quadratic => Choice::Quadratic.neutral().repeat(n / 3),
            };
            upload(values, &device)
        });
        self.params = fresh.collect();
    }

    /// A number that tells networks with other parameters apart.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.params.iter().flat_map(|p| download(p.clone())).map(|w| w.to_bits().into()))
    }
}
