//! How long each way of a convolution's passes takes: what the table of `relinc_runtime::kernels::conv::ways` was filled from.

use crate::error::{Result, input};
use relinc_passes::splitmix::SplitMix;
use relinc_runtime::exec::Precision;
use relinc_runtime::kernels::Computed;
use relinc_runtime::kernels::conv::ConvShape;
use relinc_runtime::kernels::conv::ways::{self, How, Pass, Way};
use relinc_runtime::kernels::element::bf16;
use relinc_runtime::kernels::simd::Cpu;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// Channels read and written, height and width of the map, kernel and stride: those of ResNets on images of 32×32 and 64×64, and
/// narrower ones.
const SHAPES: [(usize, usize, usize, usize, usize); 18] = [
    (3, 16, 32, 3, 1),
    (3, 64, 32, 3, 1),
    (4, 4, 32, 3, 1),
    (8, 8, 32, 3, 1),
    (16, 16, 32, 3, 1),
    (32, 32, 16, 3, 1),
    (32, 32, 32, 3, 1),
    (64, 64, 8, 3, 1),
    (64, 64, 16, 3, 1),
    (64, 64, 32, 3, 1),
    (64, 128, 32, 1, 2),
    (64, 128, 32, 3, 2),
    (128, 128, 8, 3, 1),
    (128, 128, 16, 3, 1),
    (256, 256, 4, 3, 1),
    (256, 256, 8, 3, 1),
    (512, 512, 4, 3, 1),
    (512, 512, 8, 3, 1),
];

/// A pass on a shape.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The kind of CPU whose instructions were used.
    cpu: Cpu,
    /// What activations were stored in.
    precision: Precision,
    /// The pass.
    pass: Pass,
    /// The convolution.
    shape: String,
    /// Images.
    images: usize,
    /// Seconds product by product: the least.
    taps: f64,
    /// Seconds by Winograd's way, where it computes the convolution: the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    winograd: Option<f64>,
    /// Seconds by the CPU's matrix unit, where it has one for the precision: the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix: Option<f64>,
    /// What the table says.
    chosen: Way,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shape, taps) = (&self.shape, 1e3 * self.taps);
        write!(f, "{} {} {:<8} {shape:<24} taps {taps:8.3} ms", self.cpu, self.precision, self.pass)?;
        for (way, seconds) in [(Way::Winograd, self.winograd), (Way::Matrix, self.matrix)] {
            if let Some(seconds) = seconds {
                write!(f, ", {way} {:8.3} ms, {:.2} times", 1e3 * seconds, self.taps / seconds)?;
            }
        }
        write!(f, "; chosen: {}", self.chosen)
    }
}

/// Measures all shapes by the instructions of a kind of CPU, each way `repeat` times in turn.
///
/// # Errors
/// This machine does not have the instructions, or no such kernels exist for the precision.
pub fn measure(cpu: Cpu, precision: Precision, images: usize, repeat: u64) -> Result<Vec<Row>> {
    if !cpu.available() {
        return Err(input(format!(
            "bench convolutions: this machine is of the kind {}, not {cpu}",
            Cpu::here()
        )));
    }
    if (cpu, precision) == (Cpu::Avx512, Precision::Bf16) && Cpu::Avx512Bf16.available() {
        return Err(input(
            "bench convolutions: this machine multiplies bf16 by instructions that avx512 lacks; choose avx2",
        ));
    }
    let one: fn(Cpu, Precision, &ConvShape, u64) -> Vec<Row> = match precision {
        Precision::F32 => of_shape::<f32>,
        Precision::Bf16 => of_shape::<bf16>,
        Precision::F16 => return Err(input("bench convolutions: f16 is for cards; use f32 or bf16")),
    };
    Ok(SHAPES.iter().flat_map(|&of| one(cpu, precision, &shape(images, of), repeat)).collect())
}

fn shape(n: usize, (c_in, c_out, side, kernel, stride): (usize, usize, usize, usize, usize)) -> ConvShape {
    ConvShape {
        n,
        c_in,
        h: side,
        w: side,
        c_out,
        kernel: [kernel; 2],
        strides: [stride; 2],
        pads: [kernel / 2; 4],
        dilations: [1, 1],
        groups: 1,
    }
}

fn of_shape<E: Computed>(cpu: Cpu, precision: Precision, s: &ConvShape, repeat: u64) -> Vec<Row> {
    let mut dice = SplitMix::new(0);
    let mut noise = |n: usize| -> Vec<f32> { (0..n).map(|_| 2.0 * dice.uniform() - 1.0).collect() };
    let rounded = |v: Vec<f32>| -> Vec<E> { v.into_iter().map(E::nearest).collect() };
    let (x, g) = (rounded(noise(s.input_len())), rounded(noise(s.output_len())));
    let w = noise(s.weight_len());
    let once = |pass: Pass, way: Way| {
        let how = How { level: cpu.level(), way };
        let start = Instant::now();
        match pass {
            Pass::Forward => drop(E::conv_by(how, &x, &w, None, s)),
            Pass::Data => drop(E::conv_data_grad_by(how, &g, &w, s)),
            Pass::Weights => drop(E::conv_weight_grad_by(how, &x, &g, s)),
        }
        start.elapsed().as_secs_f64()
    };
    let of_pass = |pass: Pass| {
        let ways = Way::ALL.into_iter().filter(|way| match way {
            Way::Taps | Way::Winograd => ways::computes::<E>(*way, pass, s),
            Way::Matrix => cpu == Cpu::AmxBf16 && ways::computes::<E>(*way, pass, s),
        });
        let mut least: Vec<(Way, f64)> = ways.map(|way| (way, f64::INFINITY)).collect();
        // The first turn warms the pool.
        for turn in 0..=repeat {
            for (way, least) in &mut least {
                let seconds = once(pass, *way);
                *least = if turn > 0 { least.min(seconds) } else { *least };
            }
        }
        let of = |way| least.iter().find(|(w, _)| *w == way).map(|(_, seconds)| *seconds);
        let taps = of(Way::Taps).unwrap_or_default();
        let [winograd, matrix] = [Way::Winograd, Way::Matrix].map(of);
        let chosen = How::on::<E>(cpu, pass, s).way;
        Row { cpu, precision, pass, shape: s.to_string(), images: s.n, taps, winograd, matrix, chosen }
    };
    Pass::ALL.map(of_pass).into()
}
