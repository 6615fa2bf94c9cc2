//! Continuous and counting distributions, drawn in f64.
//!
//! They use `ln` and `exp`, whose last bit the platform's mathematics library decides; everything else is exact.

use super::Dice;
use rand_chacha::rand_core::RngCore;

impl Dice {
    /// Uniform in `[0, 1)`, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and standard deviation 1: Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Gamma with the given `shape` above 0 and scale 1: Marsaglia and Tsang 2000, "A simple method for generating
    /// gamma variables".
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.unit()).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta with both parameters above 0, as the share of one gamma in two.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }

    /// `N` weights that sum to 1, from the Dirichlet distribution whose parameters all are `alpha`, above 0.
    pub fn dirichlet(&mut self, alpha: f64, count: usize) -> Vec<f64> {
        let mut weights: Vec<f64> = (0..count).map(|_| self.gamma(alpha)).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        weights
    }

    /// Poisson with the given `mean`, by inversion: one uniform number is used up outwards from the mode, in about
    /// √`mean` steps.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let mode = mean.floor();
        let peak = if mean > 0.0 { (mode * mean.ln() - mean - ln_factorial(mode)).exp() } else { 1.0 };
        let mut left = self.unit() - peak;
        let (mut up, mut down) = (peak, peak);
        let mut step = 0.0;
        while left >= 0.0 && (up > 1e-300 || down > 1e-300) {
            step += 1.0;
            up *= mean / (mode + step);
            left -= up;
            if left < 0.0 {
                return (mode + step) as u32;
            }
            // At 0 the factor is 0, so the downward branch dies by itself.
            down *= (mode - step + 1.0).max(0.0) / mean;
            left -= down;
            if left < 0.0 {
                return (mode - step) as u32;
            }
        }
        mode as u32
    }
}

/// ln n! for a whole `n`, to about 10⁻¹⁰: products below 16, then Stirling's series.
fn ln_factorial(n: f64) -> f64 {
    if n < 16.0 {
        return (2..=n as u32).map(f64::from).product::<f64>().ln();
    }
    let half_ln_tau = 0.5 * std::f64::consts::TAU.ln();
    (n + 0.5) * n.ln() - n + half_ln_tau + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
        + 1.0 / (1260.0 * n.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of 40,000 draws.
    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let n = 40_000;
        let drawn: Vec<f64> = (0..n).map(|_| draw()).collect();
        let mean = drawn.iter().sum::<f64>() / f64::from(n);
        (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n))
    }

    fn near(found: f64, wanted: f64, slack: f64) {
        assert!((found - wanted).abs() <= slack, "{found} is not {wanted} ± {slack}");
    }

    #[test]
    fn normal_has_its_moments_and_tails() {
        let mut dice = Dice::new(1, 0);
        let (mean, variance) = moments(|| dice.normal());
        near(mean, 0.0, 0.02);
        near(variance, 1.0, 0.03);
        let (beyond, _) = moments(|| f64::from(u8::from(dice.normal().abs() > 1.959_964)));
        near(beyond, 0.05, 0.005);
    }

    #[test]
    fn gamma_has_mean_and_variance_equal_to_its_shape() {
        let mut dice = Dice::new(2, 0);
        for shape in [0.5, 1.0, 4.5] {
            let (mean, variance) = moments(|| dice.gamma(shape));
            near(mean, shape, 0.03 * shape.max(1.0));
            near(variance, shape, 0.1 * shape.max(1.0));
        }
    }

    #[test]
    fn beta_of_ones_is_uniform_and_others_have_their_mean() {
        let mut dice = Dice::new(3, 0);
        let (mean, variance) = moments(|| dice.beta(1.0, 1.0));
        near(mean, 0.5, 0.01);
        near(variance, 1.0 / 12.0, 0.002);
        near(moments(|| dice.beta(2.0, 6.0)).0, 0.25, 0.01);
    }

    #[test]
    fn dirichlet_weights_sum_to_one_and_share_evenly() {
        let mut dice = Dice::new(4, 0);
        near(dice.dirichlet(1.0, 3).iter().sum::<f64>(), 1.0, 1e-12);
        let (mean, variance) = moments(|| dice.dirichlet(1.0, 3)[1]);
        near(mean, 1.0 / 3.0, 0.01);
        near(variance, 1.0 / 18.0, 0.002);
    }

    #[test]
    fn poisson_has_its_moments_and_its_probabilities() {
        let mut dice = Dice::new(5, 0);
        assert_eq!(dice.poisson(0.0), 0);
        for mean in [0.3, 4.7, 60.0, 500.0] {
            let (found, variance) = moments(|| f64::from(dice.poisson(mean)));
            near(found, mean, 0.02 * mean.max(1.0));
            near(variance, mean, 0.04 * mean.max(1.0));
        }
        // e⁻² 2³/3! = 0.18045
        let (threes, _) = moments(|| f64::from(u8::from(dice.poisson(2.0) == 3)));
        near(threes, 0.180_45, 0.008);
    }

    #[test]
    fn stirling_continues_the_products() {
        let direct: f64 = (2..=20).map(|k| f64::from(k).ln()).sum();
        near(ln_factorial(20.0), direct, 1e-9);
        near(ln_factorial(4.0), 24f64.ln(), 1e-12);
    }
}
