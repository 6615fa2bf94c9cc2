//! What a count among a few images says about all images.

/// The upper end of the 95 % interval (Clopper and Pearson's) of a share that was met in `k` of `n` cases.
pub fn at_most(k: usize, n: usize) -> f64 {
    if k >= n {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if at_most_k(k, n, middle) > 0.025 { low = middle } else { high = middle }
    }
    high
}

/// The probability of `k` cases or fewer among `n`, each with probability `p`.
fn at_most_k(k: usize, n: usize, p: f64) -> f64 {
    let mut log = n as f64 * (-p).ln_1p();
    let mut sum = log.exp();
    for i in 0..k {
        log += ((n - i) as f64 / (i + 1) as f64).ln() + p.ln() - (-p).ln_1p();
        sum += log.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn few_images_say_little() {
        for (k, n, want) in [(0, 64, 0.0560), (1, 64, 0.0840), (5, 100, 0.1128), (0, 4, 0.6024), (3, 3, 1.0)]
        {
            assert!((at_most(k, n) - want).abs() < 1e-4, "{k} of {n}: {}", at_most(k, n));
        }
    }
}
