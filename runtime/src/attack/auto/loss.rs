//! What APGD maximises, with its derivative by the scores.

/// A loss of one row of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// Cross-entropy.
    CrossEntropy,
    /// The targeted difference-of-logits ratio, `−(z_y − z_t) / (z_(1) − (z_(3) + z_(4))/2)`, z sorted from the largest. Of three
    /// classes the divisor is `z_(1) − z_(3)`, of two there is none.
    Targeted(usize),
}

/// What keeps a ratio of equal scores finite.
const TINY: f64 = 1e-12;

impl Loss {
    /// Its value.
    pub(super) fn value(self, z: &[f32], label: usize) -> f32 {
        match self {
            Loss::CrossEntropy => cross_entropy(z, label),
            Loss::Targeted(t) => {
                let (ratio, _) = dlr(z, label, t);
                ratio as f32
            }
        }
    }

    /// Its derivative by each score, times a number above 0 that makes the largest 1: a network that is very sure of itself leaves no
    /// gradient else, and the sign is all that is used of it.
    pub(super) fn pull(self, z: &[f32], label: usize) -> Vec<f32> {
        let pull = match self {
            Loss::CrossEntropy => {
                // All but the label's, so that their sum does not vanish beside 1.
                let top = z.iter().enumerate().filter(|(c, _)| *c != label);
                let top = top.map(|(_, v)| f64::from(*v)).fold(f64::NEG_INFINITY, f64::max);
                let mut p: Vec<f64> = z.iter().map(|&v| (f64::from(v) - top).exp()).collect();
                p[label] = 0.0;
                p[label] = -p.iter().sum::<f64>();
                p
            }
            Loss::Targeted(t) => dlr(z, label, t).1,
        };
        let largest = pull.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let scale = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        pull.into_iter().map(|v| (v * scale) as f32).collect()
    }
}

fn cross_entropy(z: &[f32], label: usize) -> f32 {
    let top = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = z.iter().map(|v| f64::from(v - top).exp()).sum();
    (sum.ln() - f64::from(z[label] - top)) as f32
}

/// The ratio and its derivative.
fn dlr(z: &[f32], label: usize, target: usize) -> (f64, Vec<f64>) {
    let order = descending(z);
    let at = |c: usize| f64::from(z[c]);
    let weights: Vec<(usize, f64)> = match order[..] {
        [a, _, c, d, ..] => vec![(a, 1.0), (c, -0.5), (d, -0.5)],
        [a, _, c] => vec![(a, 1.0), (c, -1.0)],
        _ => vec![],
    };
    let mut pull = vec![0.0; z.len()];
    let over = at(target) - at(label);
    let divisor = match weights.is_empty() {
        true => 1.0,
        false => weights.iter().map(|&(c, w)| w * at(c)).sum::<f64>() + TINY,
    };
    pull[target] += 1.0 / divisor;
    pull[label] -= 1.0 / divisor;
    for (c, w) in weights {
        pull[c] -= w * over / (divisor * divisor);
    }
    (over / divisor, pull)
}

/// Classes from the largest score to the smallest, of equal ones the first first.
pub(super) fn descending(z: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|&a, &b| z[b].total_cmp(&z[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const Z: [f32; 5] = [0.3, -1.2, 2.5, 0.9, 0.1];

    #[test]
    fn values_are_those_of_the_formulas() {
        let sum: f64 = Z.iter().map(|v| f64::from(*v).exp()).sum();
        assert!((f64::from(Loss::CrossEntropy.value(&Z, 2)) - (sum.ln() - 2.5)).abs() < 1e-6);
        // Sorted: 2.5, 0.9, 0.3, 0.1, −1.2.
        let dlr = -(2.5 - 0.9) / (2.5 - 0.5 * (0.3 + 0.1));
        assert!((Loss::Targeted(3).value(&Z, 2) - dlr).abs() < 1e-6);
        assert!((Loss::Targeted(0).value(&Z[1..4], 1) - (-1.2 - 2.5) / (2.5 + 1.2)).abs() < 1e-6);
        assert!((Loss::Targeted(0).value(&Z[1..3], 1) - (-3.7)).abs() < 1e-6);
    }

    #[test]
    fn pulls_point_where_finite_differences_do() {
        for (loss, classes) in
            [(Loss::CrossEntropy, 5), (Loss::Targeted(3), 5), (Loss::Targeted(0), 3), (Loss::Targeted(1), 2)]
        {
            let label = if classes == 2 { 0 } else { 2 };
            let pull = loss.pull(&Z[..classes], label);
            let slope = |c: usize| {
                let moved = |by: f32| {
                    let mut z = Z[..classes].to_vec();
                    z[c] += by;
                    loss.value(&z, label)
                };
                (moved(1e-2) - moved(-1e-2)) / 2e-2
            };
            let slopes: Vec<f32> = (0..classes).map(slope).collect();
            let largest = slopes.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            for (p, s) in pull.iter().zip(&slopes) {
                assert!((p - s / largest).abs() < 1e-2, "{loss:?}: {pull:?}, {slopes:?}");
            }
        }
    }

    #[test]
    fn a_sure_network_still_pulls() {
        let pull = Loss::CrossEntropy.pull(&[500.0, 0.0, 1.0], 0);
        assert_eq!(pull[0], -1.0);
        assert!(pull[2] > pull[1] && pull[1] > 0.0, "{pull:?}");
    }
}
