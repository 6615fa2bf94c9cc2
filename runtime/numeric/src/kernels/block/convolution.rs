//! A convolution made ready for blocks: its weights in the order in which they are read.

use super::direct::Direct;
use super::finish::Finish;
use super::planes::Planes;
use super::winograd::Winograd;
use crate::kernels::conv::ConvShape;
use crate::kernels::conv::ways::evaluates_tiled;
use crate::kernels::micro::LANES;
use relinc_passes::ir::axis::Axis;

/// A convolution from one place to another.
#[derive(Debug)]
pub struct Convolution {
    multiplications: usize,
    from: Planes,
    to: Planes,
    method: Method,
}

#[derive(Debug)]
enum Method {
    Direct(Direct),
    Winograd(Winograd),
}

/// Working memory of a thread; it grows to what the largest convolution needs.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) spectrum: Vec<f32>,
    pub(super) products: Vec<f32>,
    pub(super) sums: Vec<f32>,
}

impl Convolution {
    /// The border that the input of a convolution must have.
    pub fn border(s: &ConvShape) -> [usize; 4] {
        let tiled = evaluates_tiled(s);
        let [bottom, right] = s.axes().map(|a| {
            let output = if tiled { a.output.next_multiple_of(2) } else { a.output };
            Axis { output, ..a }.overhang()
        });
        [s.pads[0], s.pads[1], bottom, right]
    }

    /// Weights `w` as `[c_out, c_in/groups, kernel…]`. `from` has at least [`Convolution::border`].
    pub fn new(s: &ConvShape, w: &[f32], bias: Option<&[f32]>, from: Planes, to: Planes) -> Convolution {
        assert_eq!(w.len(), s.weight_len());
        assert_eq!((from.channels, from.rows, from.columns), (s.c_in, s.h, s.w));
        assert_eq!((to.channels, [to.rows, to.columns]), (s.c_out, s.output()));
        assert!(from.border.iter().zip(Self::border(s)).all(|(has, wants)| *has >= wants));
        let bias = bias.map_or_else(|| vec![0.0; s.c_out], <[f32]>::to_vec);
        let method = match evaluates_tiled(s) {
            true => Method::Winograd(Winograd::new(s, w, bias)),
            false => Method::Direct(Direct::new(s, w, bias, &from)),
        };
        let multiplications = LANES * ConvShape { n: 1, ..*s }.multiplications();
        Convolution { multiplications, from, to, method }
    }

    /// Multiplications of a block, by the definition of the convolution.
    pub fn multiplications(&self) -> usize {
        self.multiplications
    }

    /// Convolves the block `x` and writes the finished sums to `out`, of which the border is zero already.
    pub fn run(&self, x: &[f32], finish: Finish<'_>, out: &mut [f32], scratch: &mut Scratch) {
        assert!(x.len() >= self.from.len() && out.len() >= self.to.len());
        if self.to.is_empty() {
            return;
        }
        match &self.method {
            Method::Direct(m) => m.run((x, &self.from), finish, (out, &self.to), scratch),
            Method::Winograd(m) => m.run((x, &self.from), finish, (out, &self.to), scratch),
        }
    }
}

/// At least so many floats of a buffer.
pub(super) fn room(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
