//! The operations training spends its time in, as an extension of burn's backends: convolution, batch normalisation and
//! the gated ReLU, each with a handwritten backward pass.
//!
//! On the CPU they run on [`crate::kernels`]; other backends compose them of burn's own operations ([`composed`]).

mod again;
mod autodiff;
mod composed;
#[cfg(any(feature = "gpu", feature = "cuda"))]
mod cube;
mod descend;
#[cfg(feature = "cpu")]
mod flex;
mod fork;
mod normed;
mod place;
mod plain;
mod side_squares;
pub mod square;

pub use again::{Normalised, norm_gate_conv, norms_gate};
pub use descend::{descend, squares};
pub use fork::{Forked, Given};
pub use normed::{norm_gate, scale_gate};
pub use place::{Place, place};
pub use side_squares::side_squares;
pub use square::{square, tails};

use super::value::Value;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;
use relinc_passes::ir::Conv;
use relinc_passes::ir::geometry::Axis;

/// Forward and backward of the operations, on tensors without gradients.
pub trait TrainKernels: Backend {
    /// Convolution; x `[N,C,H,W]`, w `[O,C/group,kH,kW]`, b `[O]`.
    fn conv_forward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: Option<FloatTensor<Self>>,
        g: &Geometry,
    ) -> FloatTensor<Self> {
        composed::convolve::<Self>(x, w, b, g)
    }
    /// Gradient by the convolution's input.
    fn conv_data_grad(grad: FloatTensor<Self>, w: FloatTensor<Self>, g: &Geometry) -> FloatTensor<Self> {
        composed::data_grad::<Self>(grad, w, g)
    }
    /// Gradient by the convolution's weights.
    fn conv_weight_grad(x: FloatTensor<Self>, grad: FloatTensor<Self>, g: &Geometry) -> FloatTensor<Self> {
        composed::weight_grad::<Self>(x, grad, g)
    }
    /// Gradient by a bias per channel.
    fn channel_sum(grad: FloatTensor<Self>, g: &Planes) -> FloatTensor<Self> {
        composed::channel_sum::<Self>(grad, g)
    }
    /// `pos·max(x,0) + neg·min(x,0)`, the gates shared by all samples.
    fn gate_forward(
        x: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::gate::<Self>(x, pos, neg)
    }
    /// Gradient by the gated value.
    fn gate_data_grad(
        x: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::gate_input_grad::<Self>(x, pos, neg, grad)
    }
    /// Gradients by the two gates.
    fn gate_grads(x: FloatTensor<Self>, grad: FloatTensor<Self>, gates: usize) -> [FloatTensor<Self>; 2] {
        composed::gate_grads::<Self>(x, grad, gates)
    }
    /// `min(y, ceiling)`, the ceilings shared by all samples.
    fn ceiling_forward(y: FloatTensor<Self>, ceiling: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::ceiling::<Self>(y, ceiling)
    }
    /// Its gradient by y.
    fn ceiling_grad(
        y: FloatTensor<Self>,
        ceiling: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::ceiling_grad::<Self>(y, ceiling, grad)
    }
    /// Normalisation by the batch's own statistics: result, mean, biased variance.
    fn norm_forward(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        p: &Planes,
    ) -> [FloatTensor<Self>; 3] {
        composed::norm::<Self>(x, scale, shift, p)
    }
    /// Its gradients by x, scale and shift.
    fn norm_backward(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        p: &Planes,
    ) -> [FloatTensor<Self>; 3] {
        composed::norm_backward::<Self>(x, scale, [mean, variance], grad, p)
    }
    /// `x·scale + shift` per channel.
    fn affine_forward(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        p: &Planes,
    ) -> FloatTensor<Self> {
        composed::affine::<Self>(x, scale, shift, p)
    }
    /// `Σ x·grad` per channel.
    fn channel_dot(x: FloatTensor<Self>, grad: FloatTensor<Self>, p: &Planes) -> FloatTensor<Self> {
        composed::channel_dot::<Self>(x, grad, p)
    }
    /// A box of elements elsewhere.
    fn place(x: FloatTensor<Self>, p: &Place) -> FloatTensor<Self> {
        composed::place::<Self>(x, p)
    }
    /// Sum of two tensors of one shape.
    fn sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(a, b)
    }
}

/// The same with gradients; all tensors flat.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait TrainOps: Backend {
    /// Convolution with bias.
    fn train_conv(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        g: Geometry,
    ) -> FloatTensor<Self>;
    /// Convolution without bias.
    fn train_conv_plain(x: FloatTensor<Self>, w: FloatTensor<Self>, g: Geometry) -> FloatTensor<Self>;
    /// Gated ReLU.
    fn train_gate(x: FloatTensor<Self>, pos: FloatTensor<Self>, neg: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The smaller of a value and a ceiling, which gets no gradient.
    fn train_ceiling(y: FloatTensor<Self>, ceiling: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Normalisation by the batch's statistics.
    fn train_norm(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        p: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// Scale and shift per channel.
    fn train_affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        p: Planes,
    ) -> FloatTensor<Self>;
    /// Sum.
    fn train_sum(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    /// `x` itself, of which `probe` gets the gradient too, whatever its own length.
    fn train_probed(x: FloatTensor<Self>, probe: FloatTensor<Self>) -> FloatTensor<Self>;
    /// A box of elements elsewhere.
    fn train_place(x: FloatTensor<Self>, p: Place) -> FloatTensor<Self>;
    /// `x` itself, for [`Forked`].
    fn train_fork(x: FloatTensor<Self>) -> FloatTensor<Self>;
    /// `x` itself for one of its readers.
    fn train_read(x: FloatTensor<Self>, given: Given) -> FloatTensor<Self>;
}

/// The sizes of a convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// Input: N, C, H, W.
    pub x: [usize; 4],
    /// Weights: O, C/group, kH, kW.
    pub w: [usize; 4],
    /// Strides, padding, dilation, groups.
    pub conv: Conv,
}

impl Geometry {
    fn new(x: &Value, w: &Value, conv: &Conv) -> Result<Geometry, String> {
        let four =
            |v: &Value| <[usize; 4]>::try_from(v.shape()).map_err(|_| "is no 2-D convolution".to_string());
        Ok(Geometry { x: four(x)?, w: four(w)?, conv: conv.clone() })
    }
    /// N, O, H, W of the result.
    pub fn output(&self) -> [usize; 4] {
        let size = |i: usize| Axis::of_conv(&self.conv, i, self.x[2 + i], self.w[2 + i]).output;
        [self.x[0], self.w[0], size(0), size(1)]
    }
    /// The planes of the result.
    pub fn output_planes(&self) -> Planes {
        let [n, c, h, w] = self.output();
        Planes { n, channels: c, size: h * w, eps: 0.0 }
    }
}

/// A value seen as N × channels × elements a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planes {
    /// Images.
    pub n: usize,
    /// Channels.
    pub channels: usize,
    /// Elements a channel and image.
    pub size: usize,
    /// Added to the variance by a normalisation.
    pub eps: f32,
}

impl Planes {
    /// The planes of a value `[N, C, …]`.
    pub fn of(shape: &[usize], eps: f32) -> Planes {
        Planes { n: shape[0], channels: shape[1], size: shape[2..].iter().product(), eps }
    }
}

/// Convolution of `[N,C,H,W]`.
pub fn conv(x: &Value, w: &Value, b: Option<&Value>, conv: &Conv) -> Result<Value, String> {
    let g = Geometry::new(x, w, conv)?;
    let shape = g.output();
    let (x, w) = (x.flat().into_dispatch(), w.flat().into_dispatch());
    let y = match b {
        Some(b) => Dispatch::train_conv(x, w, b.flat().into_dispatch(), g),
        None => Dispatch::train_conv_plain(x, w, g),
    };
    Ok(Value::new(Burn::from_dispatch(y), shape))
}

/// `pos·max(x,0) + neg·min(x,0)`; the gates have one element for each of a sample.
pub fn gate(x: &Value, pos: Burn<1>, neg: Burn<1>) -> Value {
    let y = Dispatch::train_gate(x.flat().into_dispatch(), pos.into_dispatch(), neg.into_dispatch());
    Value::new(Burn::from_dispatch(y), x.shape())
}

/// `min(y, ceiling)`; the ceilings have one element for each of a sample.
pub fn ceiling(y: &Value, ceiling: Burn<1>) -> Value {
    let z = Dispatch::train_ceiling(y.flat().into_dispatch(), ceiling.into_dispatch());
    Value::new(Burn::from_dispatch(z), y.shape())
}

/// Normalisation by the batch's statistics; also returns its mean and biased variance, without gradients.
pub fn norm(x: &Value, scale: Burn<1>, shift: Burn<1>, eps: f32) -> (Value, Burn<1>, Burn<1>) {
    let p = Planes::of(x.shape(), eps);
    let (y, mean, variance) =
        Dispatch::train_norm(x.flat().into_dispatch(), scale.into_dispatch(), shift.into_dispatch(), p);
    (Value::new(Burn::from_dispatch(y), x.shape()), Burn::from_dispatch(mean), Burn::from_dispatch(variance))
}

/// `x·scale + shift` per channel.
pub fn affine(x: &Value, scale: Burn<1>, shift: Burn<1>) -> Value {
    let p = Planes::of(x.shape(), 0.0);
    let y = Dispatch::train_affine(x.flat().into_dispatch(), scale.into_dispatch(), shift.into_dispatch(), p);
    Value::new(Burn::from_dispatch(y), x.shape())
}

/// Sum of two values of one shape.
pub fn sum(a: &Value, b: &Value) -> Value {
    let y = Dispatch::train_sum(a.flat().into_dispatch(), b.flat().into_dispatch());
    Value::new(Burn::from_dispatch(y), a.shape())
}

/// The value itself; its gradient is also that of `probe`, a leaf of any length.
pub fn probed(x: &Value, probe: Burn<1>) -> Value {
    let y = Dispatch::train_probed(x.flat().into_dispatch(), probe.into_dispatch());
    Value::new(Burn::from_dispatch(y), x.shape())
}
