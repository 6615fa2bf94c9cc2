//! The ways in for those who compute with numbers of a kind that is known only where a tensor is at hand.

use super::batch_norm::{self, Gradients, Normalised};
use super::conv::ways::How;
use super::conv::{self, ConvShape};
use super::element::{Element, bf16};
use super::elementwise;
use super::normed::Normed;
use super::place::{self, Along};
use super::pool::Buffer;
use super::two_slope::{self, Slopes};

/// Declares the kernels and compiles each for every kind of numbers, here: a generic function would be compiled where it is
/// called, as that crate is.
macro_rules! entries {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $of:path;)*) => {
        /// Numbers that the kernels are compiled for, in this crate, at its level of optimisation.
        pub trait Computed: Element {
            $($(#[$doc])* fn $name($($arg: $type),*) $(-> $result)?;)*
        }
        impl Computed for f32 {
            $(fn $name($($arg: $type),*) $(-> $result)? { $of($($arg),*) })*
        }
        impl Computed for bf16 {
            $(fn $name($($arg: $type),*) $(-> $result)? { $of($($arg),*) })*
        }
    };
}

entries! {
    /// The convolution of `x`, `[n, c_in, h, w]`, with `w`, `[c_out, c_in/groups, kernel…]`, plus a bias for each output
    /// channel: `[n, c_out, output…]`.
    fn conv(x: &[Self], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer<Self> = conv::forward;
    /// [`Computed::conv`] in a given way. By [`conv::ways::Way::Taps`] every output is the sum of its own products and its bias: of n
    /// of them its rounding error is at most n·2⁻²⁴ times the sum of their magnitudes, which Winograd's way does not promise.
    fn conv_by(how: How, x: &[Self], w: &[f32], bias: Option<&[f32]>, s: &ConvShape) -> Buffer<Self> = conv::forward_by;
    /// The gradient of a convolution's input, `[n, c_in, h, w]`, from that of the output, `g`, `[n, c_out, output…]`.
    fn conv_data_grad(g: &[Self], w: &[f32], s: &ConvShape) -> Buffer<Self> = conv::data_grad;
    /// [`Computed::conv_data_grad`] in a given way.
    fn conv_data_grad_by(how: How, g: &[Self], w: &[f32], s: &ConvShape) -> Buffer<Self> = conv::data_grad_by;
    /// The gradient of the weights, `[c_out, c_in/groups, kernel…]`, from the input and the gradient of the output.
    fn conv_weight_grad(x: &[Self], g: &[Self], s: &ConvShape) -> Buffer = conv::weight_grad;
    /// [`Computed::conv_weight_grad`] in a given way.
    fn conv_weight_grad_by(how: How, x: &[Self], g: &[Self], s: &ConvShape) -> Buffer = conv::weight_grad_by;
    /// The gradient of the bias, `[c_out]`: sums over images and positions.
    fn conv_bias_grad(g: &[Self], s: &ConvShape) -> Vec<f32> = conv::bias_grad;
    /// `pos·max(x, 0) + neg·min(x, 0)` of `x`, `[n, c·h·w]`, the slopes shared by all images.
    fn gate(x: &[Self], slopes: Slopes<'_>) -> Buffer<Self> = two_slope::forward;
    /// The gradient of a gate's input from that of its output, `g`, both `[n, c·h·w]`.
    fn gate_data_grad(x: &[Self], g: &[Self], slopes: Slopes<'_>) -> Buffer<Self> = two_slope::input_grad;
    /// The gradients of the slopes above and below 0 of `image` elements, `Σ g·max(x, 0)` and `Σ g·min(x, 0)` over the images.
    fn gate_slope_grads(x: &[Self], g: &[Self], image: usize) -> [Buffer; 2] = two_slope::slope_grads;
    /// `min(y, ceiling)` of `y`, `[n, c·h·w]`, with one ceiling for each element of an image.
    fn ceiling(y: &[Self], ceiling: &[f32]) -> Buffer<Self> = two_slope::ceiling;
    /// The gradient of `y` from that of [`Computed::ceiling`], `g`: none above the ceiling.
    fn ceiling_grad(y: &[Self], g: &[Self], ceiling: &[f32]) -> Buffer<Self> = two_slope::ceiling_grad;
    /// Normalises `x`, `[n, channels, area]`, by the statistics of the batch; `gamma` and `beta` are `[channels]`.
    fn norm(x: &[Self], gamma: &[f32], beta: &[f32], area: usize, eps: f32) -> Normalised<Self> = batch_norm::forward;
    /// The gradients of [`Computed::norm`] from `x` and the gradient of its result; mean and variance are those it returned.
    fn norm_grads(
        of: (&[Self], &[Self]),
        gamma: &[f32],
        statistics: (&[f32], &[f32]),
        area: usize,
        eps: f32,
    ) -> Gradients<Self> = batch_norm::backward;
    /// Mean and biased variance of each channel of `x`, `[n, channels, area]`.
    fn statistics(x: &[Self], channels: usize, area: usize) -> (Vec<f32>, Vec<f32>) = batch_norm::statistics;
    /// `x·scale[c] + shift[c]` over `[n, channels, area]`: also batch normalisation with fixed statistics.
    fn affine(x: &[Self], scale: &[f32], shift: &[f32], area: usize) -> Buffer<Self> = batch_norm::affine;
    /// `Σ x·g` of each channel, `[n, channels, area]`.
    fn channel_products(x: &[Self], g: &[Self], channels: usize, area: usize) -> Vec<f32> = batch_norm::channel_products;
    /// [`Computed::norm_grads`] from the sums of each channel, `Σ g` and `Σ g·(x - mean)`, in place of the gradient `g` of the result;
    /// returns the gradients of scale and shift.
    fn norm_finish(
        of: (&[Self], &mut [Self]),
        gamma: &[f32],
        statistics: (&[f32], &[f32]),
        sums: &[[f64; 2]],
        area: usize,
        eps: f32,
    ) -> (Vec<f32>, Vec<f32>) = batch_norm::finish;
    /// [`Computed::norm_finish`] with the gradient of the input written to `gx`.
    fn norm_finish_into(
        of: (&[Self], &[Self]),
        gamma: &[f32],
        statistics: (&[f32], &[f32]),
        sums: &[[f64; 2]],
        area: usize,
        eps: f32,
        gx: &mut [Self],
    ) -> (Vec<f32>, Vec<f32>) = batch_norm::finish_into;
    /// Normalisation, residual and gate.
    fn normed(op: &Normed<'_, Self>) -> Buffer<Self> = Normed::forward;
    /// Turns the gradient `g` of [`Computed::normed`] into the gradient of the gate's input, which is the residual's. Returns, for each channel, its sum
    /// and that of its products with `x - mean[c]`.
    fn normed_cut(op: &Normed<'_, Self>, g: &mut [Self], mean: &[f32]) -> Vec<[f64; 2]> = Normed::cut;
    /// Turns the gradient `g` of [`Computed::normed`] into that of `x`, factor and offset being constants; also returns that of the
    /// residual, where there is one.
    fn normed_input_grad(op: &Normed<'_, Self>, g: &mut [Self]) -> Option<Buffer<Self>> = Normed::input_grad;
    /// `fill` everywhere but in the box, which is copied from `x`; axes from the outermost to the innermost.
    fn place(x: &[Self], axes: &[Along], fill: Self) -> Buffer<Self> = place::place;
    /// `a + b`.
    fn add(a: &[Self], b: &[Self]) -> Buffer<Self> = elementwise::add;
    /// The same numbers in other memory.
    fn copy(a: &[Self]) -> Buffer<Self> = elementwise::copy;
}
