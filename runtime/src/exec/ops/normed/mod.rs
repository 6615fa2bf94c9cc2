//! A batch normalisation, a residual and a gated ReLU as one operation: what lies between them is neither stored for the backward
//! pass nor written twice.

mod autodiff;

pub(super) use autodiff::{Kept, give, keep, of_norm};

use super::{Planes, TrainKernels, composed};
use crate::exec::value::Value;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor as Burn;

type P<B> = FloatTensor<B>;

/// Where the factor and the offset of each channel come from.
#[derive(Debug, Clone)]
pub struct Channels<B: Backend> {
    /// Scale and shift of a normalisation by the batch's statistics, or factor and offset.
    pub scale: FloatTensor<B>,
    /// The other.
    pub shift: FloatTensor<B>,
    /// Mean and biased variance of the batch; nothing where factor and offset are given.
    pub statistics: Option<[FloatTensor<B>; 2]>,
}

/// The slopes of the gate, one for each element of a sample.
#[derive(Debug, Clone)]
pub struct Gates<B: Backend>(pub FloatTensor<B>, pub FloatTensor<B>);

/// Gradients by `x`, by the residual, and by scale and shift where they belong to a normalisation.
pub type Backwards<B> = (FloatTensor<B>, Option<FloatTensor<B>>, Option<[FloatTensor<B>; 2]>);

/// Forward and backward, on tensors without gradients.
pub trait NormedKernels: TrainKernels {
    /// Mean and biased variance of the channels.
    fn statistics(x: P<Self>, p: &Planes) -> [P<Self>; 2] {
        composed::statistics::<Self>(x, p)
    }
    /// `norm(x)`.
    fn normalised(x: P<Self>, c: &Channels<Self>, p: &Planes) -> P<Self> {
        composed::by_channels::<Self>(x, c, p)
    }
    /// `gate(norm(x) + residual)`.
    fn normed(x: P<Self>, r: Option<P<Self>>, c: &Channels<Self>, g: &Gates<Self>, p: &Planes) -> P<Self> {
        composed::normed::<Self>(x, r, c, g, p)
    }
    /// Its gradients.
    fn normed_backward(
        x: P<Self>,
        r: Option<P<Self>>,
        c: &Channels<Self>,
        g: &Gates<Self>,
        grad: P<Self>,
        p: &Planes,
    ) -> Backwards<Self> {
        composed::normed_backward::<Self>(x, r, c, g, grad, p)
    }
}

/// The same with gradients by `x`, the residual, scale and shift; all tensors flat.
#[backend_extension(Flex: cfg(feature = "cpu"), Cube: cfg(any(feature = "gpu", feature = "cuda")), Autodiff)]
pub trait NormedOps: Backend {
    /// By the batch's statistics, which come back.
    fn norm_gate(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// The same with a residual.
    fn norm_sum_gate(
        x: FloatTensor<Self>,
        r: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// By a factor and an offset for each channel, which get no gradients.
    fn scale_gate(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> FloatTensor<Self>;
    /// The same with a residual.
    fn scale_sum_gate(
        x: FloatTensor<Self>,
        r: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
        pos: FloatTensor<Self>,
        neg: FloatTensor<Self>,
        p: Planes,
    ) -> FloatTensor<Self>;
}

/// `gate(norm(x) + residual)` by the batch's statistics; also its mean and biased variance, without gradients.
pub fn norm_gate(
    x: &Value,
    r: Option<&Value>,
    [scale, shift]: [Burn<1>; 2],
    [pos, neg]: [Burn<1>; 2],
    eps: f32,
) -> (Value, Burn<1>, Burn<1>) {
    let (p, shape) = (Planes::of(x.shape(), eps), x.shape());
    let [scale, shift, pos, neg] = [scale, shift, pos, neg].map(Burn::into_dispatch);
    let x = x.flat().into_dispatch();
    let (y, mean, variance) = match r {
        Some(r) => Dispatch::norm_sum_gate(x, r.flat().into_dispatch(), scale, shift, pos, neg, p),
        None => Dispatch::norm_gate(x, scale, shift, pos, neg, p),
    };
    (Value::new(Burn::from_dispatch(y), shape), Burn::from_dispatch(mean), Burn::from_dispatch(variance))
}

/// `gate(x·factor + offset + residual)`; neither factor, offset nor gate gets a gradient.
pub fn scale_gate(
    x: &Value,
    r: Option<&Value>,
    [factor, offset]: [Burn<1>; 2],
    [pos, neg]: [Burn<1>; 2],
) -> Value {
    let (p, shape) = (Planes::of(x.shape(), 0.0), x.shape());
    let [factor, offset, pos, neg] = [factor, offset, pos, neg].map(Burn::into_dispatch);
    let x = x.flat().into_dispatch();
    let y = match r {
        Some(r) => Dispatch::scale_sum_gate(x, r.flat().into_dispatch(), factor, offset, pos, neg, p),
        None => Dispatch::scale_gate(x, factor, offset, pos, neg, p),
    };
    Value::new(Burn::from_dispatch(y), shape)
}
