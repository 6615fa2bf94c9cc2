//! The operations without gradients: the kernels themselves.

use super::again::AgainOps;
use super::normed::{Channels, Gates, NormedKernels, NormedOps};
use super::square::{Coefficients, Square, SquareKernels, SquareOps};
use super::{Geometry, Given, Place, Planes, TrainKernels, TrainOps};
use burn::backend::tensor::FloatTensor;

type P<B> = FloatTensor<B>;

/// For a backend that has the kernels.
macro_rules! without_gradients {
    ($backend:ty) => {
        impl TrainOps for $backend {
            fn train_conv(x: P<Self>, w: P<Self>, b: P<Self>, g: Geometry) -> P<Self> {
                Self::conv_forward(x, w, Some(b), &g)
            }
            fn train_conv_plain(x: P<Self>, w: P<Self>, g: Geometry) -> P<Self> {
                Self::conv_forward(x, w, None, &g)
            }
            fn train_gate(x: P<Self>, pos: P<Self>, neg: P<Self>) -> P<Self> {
                Self::gate_forward(x, pos, neg)
            }
            fn train_ceiling(y: P<Self>, ceiling: P<Self>) -> P<Self> {
                Self::ceiling_forward(y, ceiling)
            }
            fn train_norm(
                x: P<Self>,
                scale: P<Self>,
                shift: P<Self>,
                p: Planes,
            ) -> (P<Self>, P<Self>, P<Self>) {
                let [y, mean, variance] = Self::norm_forward(x, scale, shift, &p);
                (y, mean, variance)
            }
            fn train_affine(x: P<Self>, scale: P<Self>, shift: P<Self>, p: Planes) -> P<Self> {
                Self::affine_forward(x, scale, shift, &p)
            }
            fn train_sum(a: P<Self>, b: P<Self>) -> P<Self> {
                Self::sum(a, b)
            }
            fn train_probed(x: P<Self>, _: P<Self>) -> P<Self> {
                x
            }
            fn train_place(x: P<Self>, p: Place) -> P<Self> {
                Self::place(x, &p)
            }
            fn train_fork(x: P<Self>) -> P<Self> {
                x
            }
            fn train_read(x: P<Self>, _: Given) -> P<Self> {
                x
            }
        }

        impl NormedOps for $backend {
            fn norm_gate(
                x: P<Self>,
                scale: P<Self>,
                shift: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                p: Planes,
            ) -> (P<Self>, P<Self>, P<Self>) {
                let [mean, variance] = Self::statistics(x.clone(), &p);
                let c = Channels { scale, shift, statistics: Some([mean.clone(), variance.clone()]) };
                (Self::normed(x, None, &c, &Gates(pos, neg), &p), mean, variance)
            }
            fn norm_sum_gate(
                x: P<Self>,
                r: P<Self>,
                scale: P<Self>,
                shift: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                p: Planes,
            ) -> (P<Self>, P<Self>, P<Self>) {
                let [mean, variance] = Self::statistics(x.clone(), &p);
                let c = Channels { scale, shift, statistics: Some([mean.clone(), variance.clone()]) };
                (Self::normed(x, Some(r), &c, &Gates(pos, neg), &p), mean, variance)
            }
            fn scale_gate(
                x: P<Self>,
                factor: P<Self>,
                offset: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                p: Planes,
            ) -> P<Self> {
                let c = Channels { scale: factor, shift: offset, statistics: None };
                Self::normed(x, None, &c, &Gates(pos, neg), &p)
            }
            fn scale_sum_gate(
                x: P<Self>,
                r: P<Self>,
                factor: P<Self>,
                offset: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                p: Planes,
            ) -> P<Self> {
                let c = Channels { scale: factor, shift: offset, statistics: None };
                Self::normed(x, Some(r), &c, &Gates(pos, neg), &p)
            }
        }

        impl AgainOps for $backend {
            fn norm_gate_conv(
                x: P<Self>,
                scale: P<Self>,
                shift: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                w: P<Self>,
                p: Planes,
                g: Geometry,
            ) -> (P<Self>, P<Self>, P<Self>) {
                let (y, mean, variance) = Self::norm_gate(x, scale, shift, pos, neg, p);
                (Self::conv_forward(y, w, None, &g), mean, variance)
            }
            fn norms_gate(
                x: P<Self>,
                scale: P<Self>,
                shift: P<Self>,
                s: P<Self>,
                s_scale: P<Self>,
                s_shift: P<Self>,
                pos: P<Self>,
                neg: P<Self>,
                p: Planes,
                q: Planes,
            ) -> (P<Self>, P<Self>, P<Self>, P<Self>, P<Self>) {
                let [r, s_mean, s_variance] = Self::norm_forward(s, s_scale, s_shift, &q);
                let (y, mean, variance) = Self::norm_sum_gate(x, r, scale, shift, pos, neg, p);
                (y, mean, variance, s_mean, s_variance)
            }
        }

        impl SquareOps for $backend {
            fn train_square(
                z: P<Self>,
                a: P<Self>,
                b: P<Self>,
                c: P<Self>,
                s: Square,
            ) -> (P<Self>, P<Self>, P<Self>) {
                let [y, mean, variance] = Self::square(z, &Coefficients(a, b, c), &s);
                (y, mean, variance)
            }
            fn train_tails(z: P<Self>) -> P<Self> {
                Self::tails(z)
            }
        }
    };
}

#[cfg(feature = "cpu")]
without_gradients!(burn::backend::Flex);
#[cfg(any(feature = "gpu", feature = "cuda"))]
without_gradients!(burn::backend::Cube);
