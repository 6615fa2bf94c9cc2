//! The sizes of convolutions and windows on concrete tensors.

pub use super::axis::Axis;
use super::op::{Conv, Window};

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
