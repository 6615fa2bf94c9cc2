//! Which way the sums of a convolution are taken, by the kind of CPU and the shape.
//!
//! The table is what was measured (`relinc bench convolutions`, docs/results.md, "Fewer multiplications"): time, and in bf16 the
//! error, too. It is committed, since a stopwatch at start would make runs differ.

use super::ConvShape;
use crate::kernels::element::Element;
use crate::kernels::simd::{Cpu, Level};

relinc_passes::words! {
    /// How the sums of a convolution are taken.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Way {
        /// Product by product.
        Taps = "taps",
        /// By Winograd's F(2×2, 3×3), where the convolution is one of 3×3 with neither stride nor dilation.
        Winograd = "winograd",
        /// Products of tiles of bf16, in the order of a CPU's matrix unit; slow without one.
        Matrix = "matrix",
    }
}

relinc_passes::words! {
    /// What of a convolution is computed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Pass {
        /// Its result, in training.
        Forward = "forward",
        /// The gradient of its input.
        Data = "data",
        /// The gradient of its weights.
        Weights = "weights",
    }
}

/// Channels of a group from which on a matrix unit is used for bf16, whatever the pass: of those read and of those written.
const MATRIX: [usize; 2] = [3, 8];

/// So many channels has no convolution.
const NEVER: usize = usize::MAX;

/// Channels of a group, the fewer of those read and written, from which on Winograd's way is taken, by pass: forward, data gradient, weight
/// gradient.
struct Least {
    f32: [usize; 3],
    bf16: [usize; 3],
}

/// By the least channels that were not slower than product by product. In bf16 all kinds of CPU without a matrix unit have the same, so that
/// forward passes and gradients of inputs are; forwards it is never taken there, whatever the time: rounded to bf16, what is transformed is off by more
/// than the operands are, and that grows from layer to layer. On 64-bit ARM nothing was measured.
const fn measured(cpu: Cpu) -> Least {
    let bf16 = [NEVER, 64, 8];
    match cpu {
        Cpu::AmxBf16 | Cpu::Avx512Bf16 | Cpu::Avx512 => Least { f32: [32, 32, 8], bf16 },
        Cpu::Avx2 | Cpu::Neon | Cpu::Plain => Least { f32: [8, 8, 8], bf16 },
    }
}

/// How a pass is computed: by which vectors, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// The vectors.
    pub level: Level,
    /// The way.
    pub way: Way,
}

impl How {
    /// On this CPU, for activations stored as `E`.
    pub fn here<E: Element>(pass: Pass, s: &ConvShape) -> How {
        How::on::<E>(Cpu::here(), pass, s)
    }

    /// On a kind of CPU.
    pub fn on<E: Element>(cpu: Cpu, pass: Pass, s: &ConvShape) -> How {
        let least = measured(cpu);
        let [forward, data, weights] =
            if size_of::<E>() == size_of::<f32>() { least.f32 } else { least.bf16 };
        let least = match pass {
            Pass::Forward => forward,
            Pass::Data => data,
            Pass::Weights => weights,
        };
        let fewest = s.c_in.min(s.c_out) / s.groups;
        let wide = [s.c_in, s.c_out].iter().zip(MATRIX).all(|(channels, least)| channels / s.groups >= least);
        if cpu == Cpu::AmxBf16 && wide && computes::<E>(Way::Matrix, pass, s) {
            return How { level: cpu.level(), way: Way::Matrix };
        }
        let many = fewest >= least;
        How { level: cpu.level(), way: if many && tiled(pass, s) { Way::Winograd } else { Way::Taps } }
    }

    /// Product by product on this CPU.
    pub fn taps() -> How {
        How { level: Level::best(), way: Way::Taps }
    }
}

/// Whether evaluation, where sixteen images stay in the lanes from layer to layer, goes Winograd's way; on every kind of CPU.
pub(crate) fn evaluates_tiled(s: &ConvShape) -> bool {
    s.groups == 1 && s.c_in.min(s.c_out) >= 8 && tiled(Pass::Forward, s)
}

/// Whether a way computes a pass for activations stored as `E` at all.
pub fn computes<E: Element>(way: Way, pass: Pass, s: &ConvShape) -> bool {
    match way {
        Way::Taps => true,
        Way::Winograd => tiled(pass, s),
        Way::Matrix => size_of::<E>() < size_of::<f32>() && (s.groups == 1 || pass != Pass::Weights),
    }
}

/// Whether Winograd's way computes a pass at all: tiles of 2×2 results of a kernel of 3×3.
pub fn tiled(pass: Pass, s: &ConvShape) -> bool {
    let written = match pass {
        Pass::Forward | Pass::Weights => s.output(),
        Pass::Data => [s.h, s.w],
    };
    let dense = (s.kernel, s.strides, s.dilations) == ([3, 3], [1, 1], [1, 1]);
    dense && written.iter().product::<usize>() >= 4 && (s.groups == 1 || pass != Pass::Weights)
}
