//! SENet's allocation: how many ReLUs each layer keeps, from the layers' sensitivities.
//!
//! As the layer lists that SENet (arXiv 2301.09254) released: `n_l ∝ η(l)`, not `η(l) × size`, capped at the layer's size; what overflows is shared out again
//! among the layers that are not full. Rounded by largest remainder, ties to the earlier layer.

/// How many ReLUs each layer keeps.
#[derive(Debug, Clone, PartialEq)]
pub enum Counts {
    /// One ranking over the whole network.
    Global,
    /// By the layers' sensitivities, measured when the search begins.
    Measured,
    /// By these sensitivities.
    Eta(Vec<f64>),
    /// These.
    Given(Vec<usize>),
}

impl Counts {
    /// One count a layer of at most `caps`, `keep` in all; nothing for a global ranking.
    ///
    /// # Errors
    /// Another number of layers, more ReLUs than one has, or sensitivities that are still to be measured.
    pub fn of(&self, caps: &[usize], keep: usize) -> Result<Option<Vec<usize>>, String> {
        match self {
            Counts::Global => Ok(None),
            Counts::Measured => Err("the layers' sensitivities were not measured".into()),
            Counts::Eta(eta) if eta.len() != caps.len() => {
                Err(format!("{} sensitivities are given for {} ReLU layers", eta.len(), caps.len()))
            }
            Counts::Eta(eta) => Ok(Some(allocate(caps, eta, keep))),
            Counts::Given(n) if n.len() != caps.len() => {
                Err(format!("{} layer counts are given for {} ReLU layers", n.len(), caps.len()))
            }
            Counts::Given(n) => match n.iter().zip(caps).position(|(n, c)| n > c) {
                Some(l) => Err(format!("layer {l} is to keep {} of {} ReLUs", n[l], caps[l])),
                None => Ok(Some(n.clone())),
            },
        }
    }
}

/// Real-valued shares of `budget` in proportion to `eta`, none above its cap. Sums to `min(budget, Σ caps)`.
fn fill(caps: &[usize], eta: &[f64], budget: usize) -> Vec<f64> {
    let mut n = vec![0.0; caps.len()];
    let mut open: Vec<usize> = (0..caps.len()).filter(|&l| caps[l] > 0).collect();
    let mut rest = budget.min(caps.iter().sum()) as f64;
    while rest > 1e-9 && !open.is_empty() {
        let total: f64 = open.iter().map(|&l| eta[l]).sum();
        // Layers without any sensitivity share equally, once nothing else is open.
        let weight = |l: usize| if total > 0.0 { eta[l] / total } else { 1.0 / open.len() as f64 };
        let mut used = 0.0;
        let mut full = vec![];
        for &l in &open {
            let give = (rest * weight(l)).min(caps[l] as f64 - n[l]);
            n[l] += give;
            used += give;
            if caps[l] as f64 - n[l] < 1e-9 {
                n[l] = caps[l] as f64;
                full.push(l);
            }
        }
        rest -= used;
        if full.is_empty() && used < 1e-12 {
            break;
        }
        open.retain(|l| !full.contains(l));
    }
    n
}

/// Whole numbers that sum to `min(budget, Σ caps)`. `eta` holds one non-negative sensitivity a layer.
pub fn allocate(caps: &[usize], eta: &[f64], budget: usize) -> Vec<usize> {
    let budget = budget.min(caps.iter().sum());
    let shares = fill(caps, eta, budget);
    let mut n: Vec<usize> =
        shares.iter().zip(caps).map(|(s, &c)| ((s + 1e-9).floor() as usize).min(c)).collect();
    let mut order: Vec<usize> = (0..caps.len()).collect();
    let remainder = |l: usize| shares[l] - shares[l].floor();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b)));
    let mut missing = budget.saturating_sub(n.iter().sum());
    while missing > 0 {
        let before = missing;
        for &l in &order {
            if missing > 0 && n[l] < caps[l] {
                n[l] += 1;
                missing -= 1;
            }
        }
        if missing == before {
            break;
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recovered from SENet's released lists: sensitivities of ResNet-18 and the kept fractions at 100,000 ReLUs.
    const ETA: [f64; 17] = [
        0.0572, 0.1854, 0.2129, 0.2506, 0.2758, 0.3549, 0.4884, 0.5102, 0.5568, 0.6739, 0.8143, 0.8277,
        0.8623, 0.9409, 0.9902, 0.9986, 1.0,
    ];
    const FRACTIONS: [f64; 17] = [
        0.0097, 0.0313, 0.0360, 0.0424, 0.0466, 0.1200, 0.1651, 0.1724, 0.1882, 0.4555, 0.5505, 0.5595,
        0.5829, 1.0, 1.0, 1.0, 1.0,
    ];

    fn resnet18_caps() -> Vec<usize> {
        [(5, 65_536), (4, 32_768), (4, 16_384), (4, 8_192)].iter().flat_map(|&(n, c)| vec![c; n]).collect()
    }

    #[test]
    fn reproduces_the_released_fractions() {
        let caps = resnet18_caps();
        assert_eq!(caps.iter().sum::<usize>(), 557_056);
        let n = allocate(&caps, &ETA, 100_000);
        assert_eq!(n.iter().sum::<usize>(), 100_000);
        for l in 0..17 {
            let f = n[l] as f64 / caps[l] as f64;
            assert!((f - FRACTIONS[l]).abs() < 1e-4, "layer {l}: {f} against {}", FRACTIONS[l]);
        }
    }

    #[test]
    fn exact_for_every_budget_and_ties_go_to_the_earlier_layer() {
        let caps = [5, 3, 9];
        for budget in 0..=17 {
            let n = allocate(&caps, &[1.0, 2.0, 0.5], budget);
            assert_eq!(n.iter().sum::<usize>(), budget);
            assert!(n.iter().zip(&caps).all(|(n, c)| n <= c));
        }
        assert_eq!(allocate(&[4, 4], &[1.0, 1.0], 3), [2, 1]);
    }

    #[test]
    fn insensitive_layers_fill_last() {
        assert_eq!(allocate(&[2, 4], &[1.0, 0.0], 4), [2, 2]);
        assert_eq!(allocate(&[4, 4], &[0.0, 0.0], 4), [2, 2]);
    }
}
