//! How time and memory of a training step grow with batch, width, depth and resolution; each point is a process of its own.

use crate::error::{Error, Result, input};
use serde::Serialize;
use std::fmt;
use std::process::Command;

/// A quantity, and its values with the network and the batch that have them.
type Values = (&'static str, &'static [(f64, &'static str, usize)]);

/// Values of one quantity, the others fixed.
const SERIES: [Values; 4] = [
    (
        "batch",
        &[(32.0, "resnet20", 32), (64.0, "resnet20", 64), (128.0, "resnet20", 128), (256.0, "resnet20", 256)],
    ),
    ("width", &[(1.0, "wrn10-1", 32), (2.0, "wrn10-2", 32), (4.0, "wrn10-4", 32), (8.0, "wrn10-8", 32)]),
    ("depth", &[(20.0, "resnet20", 64), (32.0, "resnet32", 64), (56.0, "resnet56", 64)]),
    (
        "side",
        &[
            (16.0, "resnet20@16", 64),
            (32.0, "resnet20", 64),
            (64.0, "resnet20@64", 64),
            (96.0, "resnet20@96", 64),
        ],
    ),
];

/// One value of a quantity.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// The value.
    pub value: f64,
    /// The network.
    pub network: String,
    /// Images a step.
    pub batch: usize,
    /// Seconds of a step, the smallest.
    pub seconds: f64,
    /// Peak memory of the process in bytes.
    pub peak_bytes: u64,
}

/// What grows with a quantity.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// The quantity.
    pub quantity: &'static str,
    /// Its values.
    pub points: Vec<Point>,
    /// The exponent of a power law through the times.
    pub time_exponent: f64,
    /// The exponent of a power law through the memory.
    pub memory_exponent: f64,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: time grows as its power {:.2}, memory as its power {:.2}",
            self.quantity, self.time_exponent, self.memory_exponent
        )?;
        self.points.iter().try_for_each(|p| {
            let memory = p.peak_bytes as f64 / 1e6;
            write!(f, "\n  {:<12} batch {:<4} {:>8.3} s {memory:>7.0} MB", p.network, p.batch, p.seconds)
        })
    }
}

/// Measures all series.
pub fn measure(repeat: u64, threads: Option<usize>) -> Result<Vec<Series>> {
    SERIES.iter().map(|(quantity, points)| series(quantity, points, repeat, threads)).collect()
}

fn series(
    quantity: &'static str,
    points: &[(f64, &str, usize)],
    repeat: u64,
    threads: Option<usize>,
) -> Result<Series> {
    let points = points
        .iter()
        .map(|&(value, network, batch)| {
            let (seconds, peak_bytes) = step(network, batch, repeat, threads)?;
            Ok(Point { value, network: network.into(), batch, seconds, peak_bytes })
        })
        .collect::<Result<Vec<_>>>()?;
    let exponent = |of: &dyn Fn(&Point) -> f64| {
        slope(&points.iter().map(|p| (p.value.ln(), of(p).ln())).collect::<Vec<_>>())
    };
    let (time_exponent, memory_exponent) = (exponent(&|p| p.seconds), exponent(&|p| p.peak_bytes as f64));
    Ok(Series { quantity, points, time_exponent, memory_exponent })
}

/// Seconds and peak memory of a step.
fn step(network: &str, batch: usize, repeat: u64, threads: Option<usize>) -> Result<(f64, u64)> {
    let mut command = Command::new(std::env::current_exe().map_err(input)?);
    command.args(["bench", "train-step", "--json", "--model", network]);
    command.args(["--batch", &batch.to_string(), "--repeat", &repeat.to_string()]);
    if let Some(n) = threads {
        command.args(["--threads", &n.to_string()]);
    }
    let out = command.output().map_err(input)?;
    let failed =
        || Error::Answer(format!("a step of {network} failed: {}", String::from_utf8_lossy(&out.stderr)));
    let rows: serde_json::Value = serde_json::from_slice(&out.stdout).map_err(|_| failed())?;
    let row = &rows[0];
    row["seconds"].as_f64().zip(row["peak_bytes"].as_u64()).ok_or_else(failed)
}

/// The slope of the line through some points by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    mean(&|p| (p.0 - x) * (p.1 - y)) / mean(&|p| (p.0 - x).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_is_found_again() {
        let points: Vec<(f64, f64)> =
            [1.0f64, 2.0, 4.0].iter().map(|x| (x.ln(), (5.0 * x.powf(1.5)).ln())).collect();
        assert!((slope(&points) - 1.5).abs() < 1e-12);
    }
}
