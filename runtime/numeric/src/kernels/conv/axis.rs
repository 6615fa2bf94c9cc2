//! Which inputs an output reads, along one axis.

use super::shape::ConvShape;

/// One tap of a phase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    /// Index in the kernel.
    pub index: usize,
    /// Distance from the output's base.
    pub offset: usize,
}

/// Output `o` belongs to phase `o mod phases` and reads input `base(o) + offset` for each tap of its phase. Inputs outside
/// `0..input` are zeros.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// Length of what is read.
    pub input: usize,
    /// Length of what is written.
    pub output: usize,
    /// Taps of each phase.
    pub phases: Vec<Vec<Tap>>,
    starts: Vec<isize>,
    step: usize,
}

impl Axis {
    /// The convolution itself: one phase, and a base that moves by the stride.
    pub(super) fn forward(s: &ConvShape, axis: usize) -> Self {
        let taps = (0..s.kernel[axis]).map(|k| Tap { index: k, offset: k * s.dilations[axis] }).collect();
        Axis {
            input: [s.h, s.w][axis],
            output: s.output()[axis],
            phases: vec![taps],
            starts: vec![-signed(s.pads[axis])],
            step: s.strides[axis],
        }
    }

    /// Its transpose: input `i` of the convolution is read by output `(i + pad - k·dilation) / stride` where that is whole,
    /// so a phase is a remainder modulo the stride.
    pub(super) fn transposed(s: &ConvShape, axis: usize) -> Self {
        let stride = signed(s.strides[axis]);
        let mut axis_of = Axis {
            input: s.output()[axis],
            output: [s.h, s.w][axis],
            phases: Vec::new(),
            starts: Vec::new(),
            step: 1,
        };
        for phase in 0..stride {
            let reads: Vec<(usize, isize)> = (0..s.kernel[axis])
                .map(|k| (k, phase + signed(s.pads[axis]) - signed(k * s.dilations[axis])))
                .filter(|(_, at)| at.rem_euclid(stride) == 0)
                .map(|(k, at)| (k, at.div_euclid(stride)))
                .collect();
            let start = reads.iter().map(|&(_, at)| at).min().unwrap_or(0);
            let taps = reads.iter().map(|&(index, at)| Tap { index, offset: (at - start) as usize });
            axis_of.phases.push(taps.collect());
            axis_of.starts.push(start);
        }
        axis_of
    }

    /// The input that tap offset 0 of output `o` reads.
    pub(super) fn base(&self, o: usize) -> isize {
        signed(o / self.phases.len() * self.step) + self.starts[o % self.phases.len()]
    }

    /// The inputs that outputs `from..to` read, as a half-open range that may reach outside the input.
    pub(super) fn window(&self, from: usize, to: usize) -> (isize, isize) {
        let ends = (from..to).filter_map(|o| {
            let reach = self.phases[o % self.phases.len()].iter().map(|t| t.offset).max()?;
            Some((self.base(o), self.base(o) + signed(reach) + 1))
        });
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, 0))
    }
}

fn signed(v: usize) -> isize {
    v as isize
}
