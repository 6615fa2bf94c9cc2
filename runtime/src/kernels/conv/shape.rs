//! Sizes of a two-dimensional convolution.

/// Sizes of a convolution of `[n, c_in, h, w]` with `[c_out, c_in/groups, kernel…]`, in elements; the first entry of a
/// pair is the vertical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Images.
    pub n: usize,
    /// Input channels.
    pub c_in: usize,
    /// Input height.
    pub h: usize,
    /// Input width.
    pub w: usize,
    /// Output channels.
    pub c_out: usize,
    /// Kernel height and width, at least 1.
    pub kernel: [usize; 2],
    /// Strides, at least 1.
    pub strides: [usize; 2],
    /// Zeros around the input: top, left, bottom, right.
    pub pads: [usize; 4],
    /// Distances between taps, at least 1.
    pub dilations: [usize; 2],
    /// Groups; divides both numbers of channels.
    pub groups: usize,
}

impl ConvShape {
    /// Output height and width; 0 where the kernel is larger than the padded input.
    pub fn output(&self) -> [usize; 2] {
        let size = |axis: usize, length: usize| {
            let padded = length + self.pads[axis] + self.pads[axis + 2];
            let window = self.dilations[axis] * (self.kernel[axis] - 1) + 1;
            if padded < window { 0 } else { (padded - window) / self.strides[axis] + 1 }
        };
        [size(0, self.h), size(1, self.w)]
    }

    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.n * self.c_in * self.h * self.w
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        let [h, w] = self.output();
        self.n * self.c_out * h * w
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        self.c_out * (self.c_in / self.groups) * self.taps()
    }

    /// Multiplications of the forward convolution, those with padding included.
    pub fn multiplications(&self) -> usize {
        self.output_len() * (self.c_in / self.groups) * self.taps()
    }

    /// Taps of a kernel.
    pub(in crate::kernels) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }
}
