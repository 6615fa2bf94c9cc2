//! Sizes of a two-dimensional convolution.

use relinc_passes::ir::axis::Axis;

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

/// Kernel, stride, channels and map: `3×3/1 16→16 on 32×32`.
impl std::fmt::Display for ConvShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ([rows, columns], [down, across]) = (self.kernel, self.strides);
        write!(f, "{rows}×{columns}/{down}")?;
        if down != across {
            write!(f, "×{across}")?;
        }
        write!(f, " {}→{} on {}×{}", self.c_in, self.c_out, self.h, self.w)?;
        if self.dilations != [1, 1] {
            write!(f, ", dilated {}×{}", self.dilations[0], self.dilations[1])?;
        }
        if self.groups > 1 { write!(f, ", {} groups", self.groups) } else { Ok(()) }
    }
}

impl ConvShape {
    /// Output height and width; 0 where the kernel is larger than the padded input.
    pub fn output(&self) -> [usize; 2] {
        self.axes().map(|a| a.output)
    }

    /// Both axes of the convolution.
    pub fn axes(&self) -> [Axis; 2] {
        [(0, self.h), (1, self.w)].map(|(i, input)| {
            let (kernel, stride, dilation) = (self.kernel[i], self.strides[i], self.dilations[i]);
            let axis =
                Axis { input, output: 0, kernel, stride, dilation, pad: [self.pads[i], self.pads[i + 2]] };
            Axis { output: axis.outputs(false).unwrap_or(0), ..axis }
        })
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
