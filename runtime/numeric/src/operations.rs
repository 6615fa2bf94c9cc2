//! What kernels want to know, from the operations of a graph.

use crate::kernels::conv::ConvShape;
use relinc_passes::ir::Conv;

impl ConvShape {
    /// Of an operation on `x`, N×C×H×W, with weights O×I×kH×kW.
    pub fn of(conv: &Conv, [n, c_in, h, w]: [usize; 4], [c_out, _, rows, columns]: [usize; 4]) -> ConvShape {
        ConvShape {
            n,
            c_in,
            h,
            w,
            c_out,
            kernel: [rows, columns],
            strides: conv.strides,
            pads: conv.pads,
            dilations: conv.dilations,
            groups: conv.group,
        }
    }
}
