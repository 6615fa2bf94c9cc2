//! The sizes of a convolution or window on concrete tensors.

use crate::ir::op::{Conv, Window};

/// Sizes along one spatial axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Input size.
    pub input: usize,
    /// Output size.
    pub output: usize,
    /// Taps.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Padding before and after.
    pub pad: [usize; 2],
}

impl Axis {
    /// The input position tap `k` of output `o` reads, if it is not padding.
    pub fn source(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride + k * self.dilation).checked_sub(self.pad[0]).filter(|&i| i < self.input)
    }
    /// The outputs whose tap `k` reads the input rather than padding, as `lo..hi`.
    pub fn inside(&self, k: usize) -> (usize, usize) {
        let at = k * self.dilation;
        let lo = self.pad[0].saturating_sub(at).div_ceil(self.stride);
        let end = self.input + self.pad[0];
        let hi = if end > at { (end - at - 1) / self.stride + 1 } else { 0 };
        let hi = hi.min(self.output);
        (lo.min(hi), hi)
    }
    /// The taps of output `o` that read the input, as `lo..hi` (dilation 1).
    pub fn taps(&self, o: usize) -> (usize, usize) {
        let at = o * self.stride;
        let lo = self.pad[0].saturating_sub(at);
        let hi = (self.input + self.pad[0]).saturating_sub(at).min(self.kernel);
        (lo.min(hi), hi)
    }
    /// The taps of output `o` inside the padded input (dilation 1).
    pub fn padded_taps(&self, o: usize) -> usize {
        (self.input + self.pad[0] + self.pad[1]).saturating_sub(o * self.stride).min(self.kernel)
    }
}

/// A convolution's sizes; channels are those of one group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub group: usize,
    /// Input channels of one group.
    pub cin: usize,
    /// Output channels of one group.
    pub cout: usize,
    pub y: Axis,
    pub x: Axis,
}

impl Geometry {
    /// Sizes of a convolution that inference accepted: x `[N,C,H,W]`, w `[O,C/group,kH,kW]`.
    pub fn new(c: &Conv, x: &[usize], w: &[usize]) -> Geometry {
        let axis = |i: usize| {
            let (input, kernel) = (x[2 + i], w[2 + i]);
            let span = c.dilations[i] * (kernel - 1) + 1;
            let output = (input + c.pads[i] + c.pads[i + 2] - span) / c.strides[i] + 1;
            let pad = [c.pads[i], c.pads[i + 2]];
            Axis { input, output, kernel, stride: c.strides[i], dilation: c.dilations[i], pad }
        };
        Geometry { group: c.group, cin: w[1], cout: w[0] / c.group, y: axis(0), x: axis(1) }
    }
    /// Input pixels of a channel.
    pub fn in_plane(&self) -> usize {
        self.y.input * self.x.input
    }
    /// Output pixels of a channel.
    pub fn out_plane(&self) -> usize {
        self.y.output * self.x.output
    }
    /// Input elements an output element of one group depends on.
    pub fn depth(&self) -> usize {
        self.cin * self.y.kernel * self.x.kernel
    }
    /// The unfolded input is the input: 1×1, stride 1, no padding.
    pub fn is_pointwise(&self) -> bool {
        let plain = |a: &Axis| a.kernel == 1 && a.stride == 1 && a.pad == [0, 0];
        plain(&self.y) && plain(&self.x)
    }
}

/// Both axes of a pooling window over `[N,C,H,W]` with the result shape `out`.
pub(crate) fn window(w: &Window, x: &[usize], out: &[usize]) -> [Axis; 2] {
    [0, 1].map(|i| Axis {
        input: x[2 + i],
        output: out[2 + i],
        kernel: w.kernel[i],
        stride: w.strides[i],
        dilation: 1,
        pad: [w.pads[i], w.pads[i + 2]],
    })
}
