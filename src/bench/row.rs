//! What a measurement found.

use super::profile::Line;
use serde::Serialize;
use std::fmt;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Seconds, the smallest of the repetitions.
    pub seconds: f64,
    /// The median.
    pub median_seconds: f64,
    /// Threads that computed.
    pub threads: usize,
    /// Peak memory of the process in bytes, the largest of the repetitions; where the system tells it.
    pub peak_bytes: Option<u64>,
    /// Memory held on the graphics card in bytes, where one computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_bytes: Option<u64>,
    /// Size of the model file in bytes.
    pub model_bytes: Option<u64>,
    /// Images a second.
    pub images_per_second: Option<f64>,
    /// Floating-point operations a second, in 10⁹, counted by the definition of the operations.
    pub gflops: Option<f64>,
    /// What matrix products reach here with as many threads, in 10⁹ operations a second.
    pub gemm_gflops: Option<f64>,
    /// Where the time of one more repetition went, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile: Vec<Line>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = if self.threads == 1 { "1 thread".into() } else { format!("{} threads", self.threads) };
        write!(f, "{:<34} {threads}, {:.3} s (median {:.3})", self.name, self.seconds, self.median_seconds)?;
        if let (Some(i), Some(g)) = (self.images_per_second, self.gflops) {
            write!(f, ", {i:.0} images/s, {g:.1} GFLOP/s")?;
            if let Some(p) = self.gemm_gflops {
                write!(f, " = {:.0} % of {p:.0} of matrix products", 100.0 * g / p)?;
            }
        }
        if let Some(p) = self.peak_bytes {
            let p = p as f64;
            write!(f, ", peak {:.0} MB", p / 1e6)?;
            if let Some(m) = self.model_bytes.map(|m| m as f64) {
                write!(f, " = {:.2} × the model's {:.1} MB", p / m, m / 1e6)?;
            }
        }
        if let Some(c) = self.card_bytes {
            write!(f, ", on the card {:.0} MB", c as f64 / 1e6)?;
        }
        self.profile.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
