//! The operations on the CPU backend, by [`crate::kernels`].

mod bytes;
mod descend;
mod normed;
mod side_squares;
mod square;

use super::{Geometry, Place, Planes, TrainKernels};
use crate::kernels::clock::timed;
use crate::kernels::element::Element;
use crate::kernels::pool::Buffer;
use crate::kernels::two_slope::{self, Slopes};
use crate::kernels::{batch_norm, conv, elementwise, place};
use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, TensorData};
use half::bf16;
use rayon::prelude::*;

type T = FloatTensor<Flex>;

/// The numbers of a tensor, as burn and as the kernels know them.
trait Number: Element + burn_std::Element {}

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
        let c = &self.conv;
        conv::ConvShape {
            n: self.x[0],
            c_in: self.x[1],
            h: self.x[2],
            w: self.x[3],
            c_out: self.w[0],
            kernel: [self.w[2], self.w[3]],
            strides: c.strides,
            pads: c.pads,
            dilations: c.dilations,
            groups: c.group,
        }
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
            conv::forward(values::<E>(&x), slice(&w), b.as_ref().map(slice), &s)
        }))
    }
    fn conv_data_grad(grad: T, w: T, g: &Geometry) -> T {
        let (grad, w) = (plain(grad), plain(w));
        let s = g.shape();
        in_kind!(grad, E => convolution("data gradient", &s, || conv::data_grad(values::<E>(&grad), slice(&w), &s)))
    }
    fn conv_weight_grad(x: T, grad: T, g: &Geometry) -> T {
        let (x, grad) = (plain(x), plain(grad));
        let s = g.shape();
        in_kind!(x, E => convolution("weight gradient", &s, || {
            conv::weight_grad(values::<E>(&x), values::<E>(&grad), &s)
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
            make(in_kind!(grad, E => conv::bias_grad(values::<E>(&grad), &s)))
        })
    }
    fn gate_forward(x: T, pos: T, neg: T) -> T {
        let [x, pos, neg] = [x, pos, neg].map(plain);
        let slopes = Slopes { pos: slice(&pos), neg: slice(&neg) };
        elements(
            "gate",
            slopes.pos.len(),
            || in_kind!(x, E => make(two_slope::forward(values::<E>(&x), slopes))),
        )
    }
    fn gate_data_grad(x: T, pos: T, neg: T, grad: T) -> T {
        let [x, pos, neg, grad] = [x, pos, neg, grad].map(plain);
        let slopes = Slopes { pos: slice(&pos), neg: slice(&neg) };
        let each = slopes.pos.len();
        elements(
            "gate, backward",
            each,
            || in_kind!(x, E => make(two_slope::input_grad(values::<E>(&x), values(&grad), slopes))),
        )
    }
    fn gate_grads(x: T, grad: T, gates: usize) -> [T; 2] {
        let (x, grad) = (plain(x), plain(grad));
        elements("gate, slopes", gates, || {
            in_kind!(x, E => two_slope::slope_grads(values::<E>(&x), values(&grad), gates)).map(make)
        })
    }
    fn ceiling_forward(y: T, ceiling: T) -> T {
        let [y, ceiling] = [y, ceiling].map(plain);
        let each = slice(&ceiling).len();
        elements("cap", each, || in_kind!(y, E => make(two_slope::ceiling(values::<E>(&y), slice(&ceiling)))))
    }
    fn ceiling_grad(y: T, ceiling: T, grad: T) -> T {
        let [y, ceiling, grad] = [y, ceiling, grad].map(plain);
        let c = slice(&ceiling);
        elements(
            "cap, backward",
            c.len(),
            || in_kind!(y, E => make(two_slope::ceiling_grad(values::<E>(&y), values(&grad), c))),
        )
    }
    fn norm_forward(x: T, scale: T, shift: T, p: &Planes) -> [T; 3] {
        let [x, scale, shift] = [x, scale, shift].map(plain);
        elements("batch normalisation", p.channels * p.size, || {
            in_kind!(x, E => {
                let n = batch_norm::forward(values::<E>(&x), slice(&scale), slice(&shift), p.size, p.eps);
                [make(n.y), make(n.mean), make(n.var)]
            })
        })
    }
    fn norm_backward(x: T, scale: T, mean: T, variance: T, grad: T, p: &Planes) -> [T; 3] {
        let [x, scale, mean, variance, grad] = [x, scale, mean, variance, grad].map(plain);
        let statistics = (slice(&mean), slice(&variance));
        elements("batch normalisation, backward", p.channels * p.size, || {
            in_kind!(x, E => {
                let of = (values::<E>(&x), values::<E>(&grad));
                let g = batch_norm::backward(of, slice(&scale), statistics, p.size, p.eps);
                [make(g.x), make(g.gamma), make(g.beta)]
            })
        })
    }
    fn affine_forward(x: T, scale: T, shift: T, p: &Planes) -> T {
        let [x, scale, shift] = [x, scale, shift].map(plain);
        elements("batch normalisation, fixed", p.channels * p.size, || {
            in_kind!(x, E => {
                let x = values::<E>(&x);
                let mut y = Buffer::<E>::result(x.len());
                batch_norm::affine_into(x, slice(&scale), slice(&shift), p.size, &mut y);
                make(y)
            })
        })
    }
    fn channel_dot(x: T, grad: T, p: &Planes) -> T {
        let (x, grad) = (plain(x), plain(grad));
        elements(
            "batch normalisation, fixed",
            p.channels * p.size,
            || in_kind!(x, E => make(channel_dots(values::<E>(&x), values(&grad), p))),
        )
    }
    fn place(x: T, p: &Place) -> T {
        let x = plain(x);
        let each = p.axes.iter().skip(1).map(|a| a.sizes[1]).product();
        elements(
            "slice or padding",
            each,
            || in_kind!(x, E => make(place::place::<E>(values(&x), &p.axes, E::nearest(p.fill)))),
        )
    }
    fn sum(a: T, b: T) -> T {
        let (a, b) = (plain(a), plain(b));
        let what = || format!("{} elements of a batch", a.layout().num_elements());
        timed("sum", what, || 0, || in_kind!(a, E => make(elementwise::add(values::<E>(&a), values(&b)))))
    }
}

/// `Σ x·grad` of each channel.
fn channel_dots<E: Element>(x: &[E], grad: &[E], p: &Planes) -> Vec<f32> {
    let plane = |n: usize, c: usize| {
        let at = (n * p.channels + c) * p.size;
        let pairs = x[at..at + p.size].iter().zip(&grad[at..at + p.size]);
        pairs.map(|(x, g)| f64::from(x.value() * g.value())).sum::<f64>()
    };
    let channel = |c| (0..p.n).map(|n| plane(n, c)).sum::<f64>() as f32;
    (0..p.channels).into_par_iter().map(channel).collect()
}
