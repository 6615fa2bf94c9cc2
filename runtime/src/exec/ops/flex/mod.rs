//! The operations on the CPU backend, by [`crate::kernels`].

mod bytes;
mod descend;
mod normed;
mod side_squares;
mod square;

use super::{Geometry, Place, Planes, TrainKernels};
use crate::kernels::clock::timed;
use crate::kernels::pool::Buffer;
use crate::kernels::two_slope::Slopes;
use crate::kernels::{Computed, conv, element::Element};
use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, TensorData};
use half::bf16;

type T = FloatTensor<Flex>;

/// The numbers of a tensor, as burn and as the kernels know them.
trait Number: Computed + burn_std::Element {}

impl Number for f32 {}
impl Number for bf16 {}

/// An expression with `$E` set to the numbers of the activation `$t`.
macro_rules! in_kind {
    ($t:expr, $E:ident => $body:expr) => {
        match $t.dtype() {
            DType::BF16 => {
                type $E = bf16;
                $body
            }
            _ => {
                type $E = f32;
                $body
            }
        }
    };
}
use in_kind;

impl Geometry {
    fn shape(&self) -> conv::ConvShape {
        conv::ConvShape::of(&self.conv, self.x, self.w)
    }
}

/// Computes `f` and counts its time as that of a convolution's kernel.
fn convolution<E: Number>(kind: &'static str, s: &conv::ConvShape, f: impl FnOnce() -> Buffer<E>) -> T {
    make(timed(kind, || s.to_string(), || 2 * s.multiplications(), f))
}

/// Computes `f` and counts its time as that of an operation on values of `each` elements an image.
fn elements<R>(kind: &'static str, each: usize, f: impl FnOnce() -> R) -> R {
    timed(kind, || format!("{each} elements"), || 0, f)
}

/// A contiguous view from the first element.
fn plain(t: T) -> T {
    if t.is_contiguous() && t.layout().start_offset() == 0 { t } else { t.to_contiguous() }
}

/// The numbers of a parameter, or of what is computed in f32.
fn slice(t: &T) -> &[f32] {
    values(t)
}

/// The numbers of an activation.
fn values<E: Number>(t: &T) -> &[E] {
    &t.storage::<E>()[..t.layout().num_elements()]
}

fn make<E: Number>(v: impl Into<Buffer<E>>) -> T {
    let v = v.into();
    let n = v.len();
    T::from_data(TensorData::from_bytes(bytes::of(v), [n], E::dtype()))
}

impl TrainKernels for Flex {
    fn conv_forward(x: T, w: T, b: Option<T>, g: &Geometry) -> T {
        let (x, w, b) = (plain(x), plain(w), b.map(plain));
        let s = g.shape();
        in_kind!(x, E => convolution("convolution", &s, || {
            E::conv(values(&x), slice(&w), b.as_ref().map(slice), &s)
        }))
    }
    fn conv_data_grad(grad: T, w: T, g: &Geometry) -> T {
        let (grad, w) = (plain(grad), plain(w));
        let s = g.shape();
        in_kind!(grad, E => convolution("data gradient", &s, || E::conv_data_grad(values(&grad), slice(&w), &s)))
    }
    fn conv_weight_grad(x: T, grad: T, g: &Geometry) -> T {
        let (x, grad) = (plain(x), plain(grad));
        let s = g.shape();
        in_kind!(x, E => convolution("weight gradient", &s, || {
            E::conv_weight_grad(values(&x), values(&grad), &s)
        }))
    }
    fn channel_sum(grad: T, p: &Planes) -> T {
        let s = conv::ConvShape {
            n: p.n,
            c_in: 1,
            h: p.size,
            w: 1,
            c_out: p.channels,
            kernel: [1, 1],
            strides: [1, 1],
            pads: [0; 4],
            dilations: [1, 1],
            groups: 1,
        };
        let grad = plain(grad);
        elements("bias gradient", p.channels * p.size, || {
            make(in_kind!(grad, E => E::conv_bias_grad(values(&grad), &s)))
        })
    }
    fn gate_forward(x: T, pos: T, neg: T) -> T {
        let [x, pos, neg] = [x, pos, neg].map(plain);
        let slopes = Slopes { pos: slice(&pos), neg: slice(&neg) };
        elements("gate", slopes.pos.len(), || in_kind!(x, E => make(E::gate(values(&x), slopes))))
    }
    fn gate_data_grad(x: T, pos: T, neg: T, grad: T) -> T {
        let [x, pos, neg, grad] = [x, pos, neg, grad].map(plain);
        let slopes = Slopes { pos: slice(&pos), neg: slice(&neg) };
        let each = slopes.pos.len();
        elements(
            "gate, backward",
            each,
            || in_kind!(x, E => make(E::gate_data_grad(values(&x), values(&grad), slopes))),
        )
    }
    fn gate_grads(x: T, grad: T, gates: usize) -> [T; 2] {
        let (x, grad) = (plain(x), plain(grad));
        elements("gate, slopes", gates, || {
            in_kind!(x, E => E::gate_slope_grads(values(&x), values(&grad), gates)).map(make)
        })
    }
    fn ceiling_forward(y: T, ceiling: T) -> T {
        let [y, ceiling] = [y, ceiling].map(plain);
        let each = slice(&ceiling).len();
        elements("cap", each, || in_kind!(y, E => make(E::ceiling(values(&y), slice(&ceiling)))))
    }
    fn ceiling_grad(y: T, ceiling: T, grad: T) -> T {
        let [y, ceiling, grad] = [y, ceiling, grad].map(plain);
        let c = slice(&ceiling);
        elements(
            "cap, backward",
            c.len(),
            || in_kind!(y, E => make(E::ceiling_grad(values(&y), values(&grad), c))),
        )
    }
    fn norm_forward(x: T, scale: T, shift: T, p: &Planes) -> [T; 3] {
        let [x, scale, shift] = [x, scale, shift].map(plain);
        elements("batch normalisation", p.channels * p.size, || {
            in_kind!(x, E => {
                let n = E::norm(values(&x), slice(&scale), slice(&shift), p.size, p.eps);
                [make(n.y), make(n.mean), make(n.var)]
            })
        })
    }
    fn norm_backward(x: T, scale: T, mean: T, variance: T, grad: T, p: &Planes) -> [T; 3] {
        let [x, scale, mean, variance, grad] = [x, scale, mean, variance, grad].map(plain);
        let statistics = (slice(&mean), slice(&variance));
        elements("batch normalisation, backward", p.channels * p.size, || {
            in_kind!(x, E => {
                let of = (values(&x), values(&grad));
                let g = E::norm_grads(of, slice(&scale), statistics, p.size, p.eps);
                [make(g.x), make(g.gamma), make(g.beta)]
            })
        })
    }
    fn affine_forward(x: T, scale: T, shift: T, p: &Planes) -> T {
        let [x, scale, shift] = [x, scale, shift].map(plain);
        elements(
            "batch normalisation, fixed",
            p.channels * p.size,
            || in_kind!(x, E => make(E::affine(values(&x), slice(&scale), slice(&shift), p.size))),
        )
    }
    fn channel_dot(x: T, grad: T, p: &Planes) -> T {
        let (x, grad) = (plain(x), plain(grad));
        elements(
            "batch normalisation, fixed",
            p.channels * p.size,
            || in_kind!(x, E => make(E::channel_products(values(&x), values(&grad), p.channels, p.size))),
        )
    }
    fn place(x: T, p: &Place) -> T {
        let x = plain(x);
        let each = p.axes.iter().skip(1).map(|a| a.sizes[1]).product();
        elements(
            "slice or padding",
            each,
            || in_kind!(x, E => make(E::place(values(&x), &p.axes, E::nearest(p.fill)))),
        )
    }
    fn sum(a: T, b: T) -> T {
        let (a, b) = (plain(a), plain(b));
        let what = || format!("{} elements of a batch", a.layout().num_elements());
        timed("sum", what, || 0, || in_kind!(a, E => make(E::add(values(&a), values(&b)))))
    }
}
