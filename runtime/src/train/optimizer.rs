//! Optimisers over flat parameters: SGD with momentum as PyTorch defines it, and Adam.

use crate::device::is_host;
use crate::exec::Role;
use crate::exec::ops::{descend, squares};
use crate::kernels::sgd::Update;
use burn::tensor::Tensor as Burn;

/// SGD: `g ← clip·g + decay·w`, `v ← momentum·v + g`, `w ← w − rate·v`.
#[derive(Debug, Clone)]
pub struct Sgd {
    /// Momentum.
    pub momentum: f32,
    /// Weight decay.
    pub decay: f32,
    /// Largest L2 norm of the whole gradient; 0 for no limit.
    pub clip: f32,
    /// One velocity a parameter, once it has moved.
    pub velocity: Vec<Option<Burn<1>>>,
    /// How many times too large the gradients come; 1 unless the loss was scaled.
    pub scale: f32,
    /// How many times as fast parameters move that are not decayed; `None`, as behind the last, for those that are.
    pub gains: Vec<Option<f32>>,
}

/// How much faster slopes move than weights: a slope is one number beside a channel's hundreds.
pub const SLOPE_GAIN: f32 = 10.0;

impl Sgd {
    /// At rest.
    pub fn new(params: usize, momentum: f32, decay: f32, clip: f32) -> Sgd {
        Sgd { momentum, decay, clip, velocity: vec![None; params], scale: 1.0, gains: vec![] }
    }

    /// How a parameter moves that is no weight of the graph.
    pub fn gain(role: Role) -> Option<f32> {
        match role {
            Role::Slope => Some(SLOPE_GAIN),
            Role::Quadratic | Role::Coefficient | Role::Moment => Some(1.0),
            Role::Weight | Role::Bias | Role::Scale | Role::Shift | Role::Mean | Role::Variance => None,
        }
    }

    /// L2 norm of the gradients that the loss itself has, one element.
    pub fn norm(&self, grads: &[Option<Burn<1>>]) -> Burn<1> {
        let norm = norm(grads);
        if self.scale == 1.0 { norm } else { norm / self.scale }
    }

    /// One update. Parameters without a gradient stay. Returns the gradient's L2 norm before clipping, one element.
    pub fn step(&mut self, params: &mut [Burn<1>], grads: Vec<Option<Burn<1>>>, rate: f32) -> Burn<1> {
        let norm = self.norm(&grads);
        let (mut factor, mut clipped) = (1.0, None);
        if self.clip > 0.0 {
            match params.first().is_none_or(|p| is_host(&p.device())) {
                true => factor = (self.clip / norm.clone().into_scalar::<f32>()).min(1.0),
                // Waiting for the number would empty the device's queue.
                false => clipped = Some((norm.clone().recip() * self.clip).clamp_max(1.0)),
            }
        }
        let hole = Burn::empty([1], &norm.device());
        let velocities = self.velocity.iter_mut().enumerate();
        for ((w, g), (i, v)) in params.iter_mut().zip(grads).zip(velocities) {
            let Some(g) = g else { continue };
            let old = v.take().unwrap_or_else(|| Burn::zeros_like(w));
            let (gain, decay) = match self.gains.get(i).copied().flatten() {
                Some(gain) => (gain, 0.0),
                None => (1.0, self.decay),
            };
            let u = Update { factor: factor * gain / self.scale, decay, momentum: self.momentum, rate };
            let g = clipped.iter().fold(g, |g, c| g * c.clone());
            // Weights that nobody else holds are changed in place.
            let (weights, velocity) = descend(std::mem::replace(w, hole.clone()), g, old, u);
            (*w, *v) = (weights, Some(velocity));
        }
        norm
    }
}

/// L2 norm over all gradients, one element.
pub fn norm(grads: &[Option<Burn<1>>]) -> Burn<1> {
    let all: Vec<Burn<1>> = grads.iter().flatten().map(|g| squares(g.clone())).collect();
    Burn::cat(all, 0).sum().sqrt()
}

/// Adam with the usual constants (β 0.9, 0.999, ε 1e-8).
#[derive(Debug, Clone)]
pub struct Adam {
    /// Steps taken.
    pub steps: i32,
    /// First moments.
    pub first: Vec<Option<Burn<1>>>,
    /// Second moments.
    pub second: Vec<Option<Burn<1>>>,
}

impl Adam {
    /// Before the first step.
    pub fn new(params: usize) -> Adam {
        Adam { steps: 0, first: vec![None; params], second: vec![None; params] }
    }

    /// One update.
    pub fn step(&mut self, params: &mut [Burn<1>], grads: Vec<Option<Burn<1>>>, rate: f32) {
        self.steps += 1;
        let (c1, c2) = (1.0 - 0.9f32.powi(self.steps), 1.0 - 0.999f32.powi(self.steps));
        for (i, (w, g)) in params.iter_mut().zip(grads).enumerate() {
            let Some(g) = g else { continue };
            let blend = |old: Option<Burn<1>>, new: Burn<1>, keep: f32| match old {
                Some(o) => o * keep + new * (1.0 - keep),
                None => new * (1.0 - keep),
            };
            let m = blend(self.first[i].take(), g.clone(), 0.9);
            let v = blend(self.second[i].take(), g.square(), 0.999);
            let step = (m.clone() / c1) / ((v.clone() / c2).sqrt() + 1e-8);
            *w = w.clone() - step * rate;
            (self.first[i], self.second[i]) = (Some(m), Some(v));
        }
    }
}
