//! Quadratic layers while they are trained: `b·z + a·N(z²) + c` a channel, N a batch normalisation of z² without scale and shift of
//! its own. A square grows tails along the network that a gradient cannot follow; normalised, it is trained like any layer.
//!
//! N uses the batch's statistics in training and running ones elsewhere. There the layer is the plain quadratic
//! `(a/σ)·z² + b·z + (c − a·μ/σ)`, which is what masks hold. The idea is the basis-wise normalisation of AESPA (arXiv 2201.06699).

use super::forward::{Call, Norms, Site, Statistics, per_element};
use super::network::{Network, Param, Role};
use super::ops;
use super::value::{Value, download, upload};
use burn::tensor::Tensor as Burn;

/// How much of a new batch's statistics of the squares enters the running ones. Heavy tails want many batches averaged.
pub const MOMENTUM: f32 = 0.05;
/// Added to the variance of the squares.
pub const EPS: f32 = 1e-5;

/// The parameters of a layer that is quadratic in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SquareSite {
    /// Indices of a, b and c, one number a channel each.
    pub coefficients: [usize; 3],
    /// Indices of the running mean and variance of z².
    pub moments: [usize; 2],
}

/// Numbers of a layer's channels, a row each.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// a, b and c.
    pub coefficients: [Vec<f32>; 3],
    /// Mean and variance of z².
    pub moments: [Vec<f32>; 2],
}

impl Rows {
    /// With these moments, what computes `a·z² + b·z + c` for each `[a, b, c]`.
    pub fn of_plain(plain: &[f32], moments: [Vec<f32>; 2]) -> Rows {
        let mut coefficients = [vec![], vec![], vec![]];
        for ((k, mean), variance) in plain.as_chunks::<3>().0.iter().zip(&moments[0]).zip(&moments[1]) {
            let [a, b, c] = k.map(f64::from);
            coefficients[0].push((a * deviation(*variance)) as f32);
            coefficients[1].push(b as f32);
            coefficients[2].push((c + a * f64::from(*mean)) as f32);
        }
        Rows { coefficients, moments }
    }

    /// a, b and c of each channel with the normalisation in them.
    pub fn plain(&self) -> Vec<f32> {
        let [a, b, c] = &self.coefficients;
        let [mean, variance] = &self.moments;
        let of = |i: usize| {
            let square = f64::from(a[i]) / deviation(variance[i]);
            [square as f32, b[i], (f64::from(c[i]) - square * f64::from(mean[i])) as f32]
        };
        (0..a.len()).flat_map(of).collect()
    }
}

fn deviation(variance: f32) -> f64 {
    (f64::from(variance) + f64::from(EPS)).sqrt()
}

impl Network {
    /// Makes the coefficients of quadratic layers parameters, behind all others, for every ReLU layer without a cap that has none yet.
    /// Returns the values to start from: the identity, z² with the moments of a standard normal distribution.
    pub fn add_squares(&mut self) -> Vec<Burn<1>> {
        let mut values = vec![];
        self.squares.resize(self.relus().len(), None);
        for r in 0..self.relus().len() {
            let layer = self.relus()[r].clone();
            if self.squares[r].is_some() || layer.capped() {
                continue;
            }
            let rows = [("a", 0.0), ("b", 1.0), ("c", 0.0), ("mean", 1.0), ("variance", 2.0)];
            let at = rows.map(|(what, value)| {
                let moment = matches!(what, "mean" | "variance");
                values.push(upload(vec![value; layer.shape[0]], self.device()));
                self.add_own(Param {
                    name: format!("{}.square/{what}", layer.name),
                    node: layer.node,
                    role: if moment { Role::Moment } else { Role::Coefficient },
                    branch: None,
                    shape: vec![layer.shape[0]],
                })
            });
            let [a, b, c, mean, variance] = at;
            self.squares[r] = Some(SquareSite { coefficients: [a, b, c], moments: [mean, variance] });
        }
        values
    }

    /// The parameters of a layer that may be quadratic in training.
    pub fn square_of(&self, relu: usize) -> Option<SquareSite> {
        *self.squares.get(relu)?
    }

    /// Those of a layer, fetched.
    pub fn square_rows(&self, relu: usize, params: &[Burn<1>]) -> Option<Rows> {
        let s = self.square_of(relu)?;
        let row = |i: usize| download(params[i].clone());
        Some(Rows { coefficients: s.coefficients.map(row), moments: s.moments.map(row) })
    }

    /// The quadratic of layer `relu` that has taken the share `blend` of the ReLU's place.
    pub(super) fn quadratic(
        &self,
        relu: usize,
        site: SquareSite,
        z: &Value,
        blend: f32,
        call: &Call<'_>,
        statistics: &mut Vec<Statistics>,
    ) -> Value {
        let [a, b, c] = site.coefficients.map(|i| call.params[i].clone());
        if call.norms == Norms::Batch {
            let (y, mean, variance) = ops::square(z, [a, b, c], EPS, blend);
            let count = z.len() / mean.dims()[0].max(1);
            statistics.push(Statistics { site: Site::Square(relu), mean, variance, count });
            return y;
        }
        let [mean, variance] = site.moments.map(|i| call.params[i].clone());
        let lift = |t: Burn<1>| if a.is_autodiff() && !t.is_autodiff() { Burn::from_inner(t) } else { t };
        let factor = a.clone() * blend / lift((variance + EPS).sqrt());
        let offset = c * blend - factor.clone() * lift(mean);
        let below = b * blend;
        let each = z.len() / z.batch().max(1);
        let [above, below] = [below.clone() + (1.0 - blend), below].map(|s| per_element(s, each));
        let squared = Value::new(z.flat() * z.flat(), z.shape());
        ops::sum(&ops::affine(&squared, factor, offset), &ops::gate(z, above, below))
    }
}
