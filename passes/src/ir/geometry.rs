//! The sizes of a convolution or window on concrete tensors.

use super::op::{Conv, Window};

/// Sizes along one spatial axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Input size.
    pub input: usize,
    /// Output size.
    pub output: usize,
    /// Taps.
    pub kernel: usize,
    /// Step from one output to the next.
    pub stride: usize,
    /// Step from one tap to the next.
    pub dilation: usize,
    /// Padding before and after.
    pub pad: [usize; 2],
}

impl Axis {
    /// Axis `i` of a convolution by a kernel of this size; one without room for the kernel has no output.
    pub fn of_conv(c: &Conv, i: usize, input: usize, kernel: usize) -> Axis {
        let axis = Axis::unsized_conv(c, i, input, kernel);
        Axis { output: axis.outputs(false).unwrap_or(0), ..axis }
    }
    /// The same before it is known whether there is any output.
    pub fn unsized_conv(c: &Conv, i: usize, input: usize, kernel: usize) -> Axis {
        let (stride, dilation, pad) = (c.strides[i], c.dilations[i], [c.pads[i], c.pads[i + 2]]);
        Axis { input, output: 0, kernel, stride, dilation, pad }
    }
    /// Axis `i` of a window.
    pub fn of_window(w: &Window, i: usize, input: usize, output: usize) -> Axis {
        let pad = [w.pads[i], w.pads[i + 2]];
        Axis { input, output, kernel: w.kernel[i], stride: w.strides[i], dilation: 1, pad }
    }
    /// Positions from the first tap to the last, both counted.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel.max(1) - 1) + 1
    }
    /// How many outputs there are, with `ceil` rounded up, but none that starts behind the input; `None` where the padded
    /// input has no room for the kernel.
    pub fn outputs(&self, ceil: bool) -> Option<usize> {
        let room = (self.input + self.pad[0] + self.pad[1]).checked_sub(self.span())?;
        if !ceil {
            return Some(room / self.stride + 1);
        }
        let n = room.div_ceil(self.stride) + 1;
        Some(if (n - 1) * self.stride >= self.input + self.pad[0] { n - 1 } else { n })
    }
    /// How far the taps of the last output reach behind the input.
    pub fn overhang(&self) -> usize {
        let reach = self.output.saturating_sub(1) * self.stride + self.span();
        reach.saturating_sub(self.pad[0] + self.input)
    }
    /// The position tap `k` of output `o` reads; negative in the padding before the input.
    pub fn at(&self, o: isize, k: usize) -> isize {
        o * self.stride as isize + (k * self.dilation) as isize - self.pad[0] as isize
    }
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
    /// The input positions that output `o` reads (dilation 1).
    pub fn reads(&self, o: usize) -> std::ops::Range<usize> {
        let (lo, hi) = self.taps(o);
        let first = (o * self.stride + lo).saturating_sub(self.pad[0]).min(self.input);
        first..first + (hi - lo)
    }
    /// The taps of output `o` inside the padded input (dilation 1).
    pub fn padded_taps(&self, o: usize) -> usize {
        (self.input + self.pad[0] + self.pad[1]).saturating_sub(o * self.stride).min(self.kernel)
    }
}

/// A convolution's sizes; channels are those of one group.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Groups.
    pub group: usize,
    /// Input channels of one group.
    pub cin: usize,
    /// Output channels of one group.
    pub cout: usize,
    /// From row to row.
    pub y: Axis,
    /// From column to column.
    pub x: Axis,
}

impl Geometry {
    /// Sizes of a convolution that inference accepted: x `[N,C,H,W]`, w `[O,C/group,kH,kW]`.
    pub fn new(c: &Conv, x: &[usize], w: &[usize]) -> Geometry {
        let axis = |i: usize| Axis::of_conv(c, i, x[2 + i], w[2 + i]);
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
pub fn window(w: &Window, x: &[usize], out: &[usize]) -> [Axis; 2] {
    [0, 1].map(|i| Axis::of_window(w, i, x[2 + i], out[2 + i]))
}

/// What the mean of the window of output `[row, column]` divides by: its elements, with padding where that counts; 0 where
/// it has none.
pub fn divisor([ya, xa]: &[Axis; 2], [oy, ox]: [usize; 2], count_pad: bool) -> usize {
    if count_pad {
        return ya.padded_taps(oy) * xa.padded_taps(ox);
    }
    let ((y0, y1), (x0, x1)) = (ya.taps(oy), xa.taps(ox));
    (y1 - y0) * (x1 - x0)
}

/// What the mean of each window of a map divides by, row by row; at least 1.
pub fn divisors(axes: &[Axis; 2], count_pad: bool) -> Vec<usize> {
    let rows = 0..axes[0].output;
    let all = rows.flat_map(|oy| (0..axes[1].output).map(move |ox| [oy, ox]));
    all.map(|at| divisor(axes, at, count_pad).max(1)).collect()
}
