//! A convolution as one matrix product over all its taps, in the ring, and one truncation.
//!
//! SPU computes a convolution of secrets by opening the im2col of its input, nine times the input for a 3×3. Here the
//! weights `[O,C,kH,kW]` become a matrix `[kH·kW·O, C]`, so that one product with the input `[C, H·W]` opens every
//! element once. The result, one map for each tap and output channel, is shifted into place and added up by slices.
//!
//! Each output of a fixed-point product is truncated, and there are kH·kW times more of them than of the convolution. So
//! operands are taken as the ring's integers (a `bitcast_convert` of a secret keeps its shares), whose products
//! are not truncated; the sums are, all at once, by a product with one unit in the last place, 2^-fraction. That number
//! is an argument of the program, for it belongs to the run and not to the model. The sum in the ring is the one
//! that the direct form truncates, so range and error are the same.

use super::text::{UNIT, Value, Writer, ty};
use crate::ir::{Conv, DType};

/// One axis of the convolution over the positions that are read: every `step`-th from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    start: usize,
    step: usize,
    /// Positions read.
    len: usize,
    /// Zeros before and after them.
    pads: [usize; 2],
    /// Step of the outputs and of the taps, in positions read.
    stride: usize,
    dilation: usize,
    kernel: usize,
    out: usize,
}

impl Axis {
    /// `None` when no output reads anything but padding.
    fn new(size: usize, kernel: usize, stride: usize, dilation: usize, pad: usize) -> Option<Axis> {
        // A single tap reads positions `stride` apart; several read those of one residue.
        let step = if kernel == 1 { stride } else { gcd(stride, dilation) };
        Some(step).filter(|&s| s > 0 && size > 0)?;
        let start = (step - pad % step) % step;
        (start < size).then_some(())?;
        Some(Axis {
            start,
            step,
            len: 0,
            pads: [(start + pad) / step, 0],
            stride: stride / step,
            dilation: if kernel == 1 { 1 } else { dilation / step },
            kernel,
            out: 0,
        })
    }
    /// With the number of outputs, which decides what is read at the end.
    fn ending(mut self, size: usize, out: usize) -> Option<Axis> {
        let span = (out.checked_sub(1)?) * self.stride + (self.kernel - 1) * self.dilation + 1;
        let there = (size - self.start).div_ceil(self.step);
        self.len = span.checked_sub(self.pads[0])?.min(there);
        self.pads[1] = span - self.pads[0] - self.len;
        self.out = out;
        (self.len > 0).then_some(self)
    }
    /// First position of a tap and one past its last, in padded positions.
    fn range(&self, tap: usize) -> String {
        let first = tap * self.dilation;
        format!("{first}:{}:{}", first + (self.out - 1) * self.stride + 1, self.stride)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How the product over all taps of one convolution is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taps {
    axes: [Axis; 2],
    channels: [usize; 2],
}

impl Taps {
    /// The layout for one image `[1,C,H,W]`, weights `[O,C,kH,kW]` and result `[1,O,oH,oW]`; `None` for grouped
    /// convolutions, which stay direct, and for those that read nothing but padding.
    pub fn new(c: &Conv, x: &[usize], k: &[usize], out: &[usize]) -> Option<Taps> {
        let (&[1, cin, ..], &[cout, kin, ..], 4, 4, 4) = (x, k, x.len(), k.len(), out.len()) else {
            return None;
        };
        (c.group == 1 && kin == cin && k[2] > 0 && k[3] > 0).then_some(())?;
        let axis = |i: usize| {
            Axis::new(x[2 + i], k[2 + i], c.strides[i], c.dilations[i], c.pads[i])?
                .ending(x[2 + i], out[2 + i])
        };
        Some(Taps { axes: [axis(0)?, axis(1)?], channels: [cin, cout] })
    }
    /// Elements of the input that the product reads.
    pub fn inputs(&self) -> usize {
        self.channels[0] * self.positions()
    }
    /// Elements of the product: positions × taps × output channels.
    pub fn products(&self) -> usize {
        self.rows() * self.positions()
    }
    fn positions(&self) -> usize {
        self.axes[0].len * self.axes[1].len
    }
    /// Rows of the weights as a matrix.
    fn rows(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel * self.channels[1]
    }
}

/// Writes the convolution without its bias.
pub fn lower(w: &mut Writer<'_>, t: &Taps, x: &Value, k: &Value, out: &[usize]) -> Value {
    let ([cin, cout], [v, h]) = (t.channels, t.axes);
    let taps = v.kernel * h.kernel;
    let x = read_positions(w, t, x);
    let x = reshape(w, &x, &[cin, t.positions()]);
    let x = cast(w, &x, DType::I64);
    let by_tap = [v.kernel, h.kernel, cout, cin];
    let text = format!("stablehlo.transpose {}, dims = [2, 3, 0, 1] : ({}) -> ", k.name, k.ty());
    let k = w.put(&by_tap, k.dtype, &(text + &ty(&by_tap, k.dtype)));
    let k = reshape(w, &k, &[t.rows(), cin]);
    let k = cast(w, &k, DType::I64);
    let flat = [t.rows(), t.positions()];
    let text = format!(
        "stablehlo.dot_general {}, {}, contracting_dims = [1] x [0] : ({}, {}) -> {}",
        k.name,
        x.name,
        k.ty(),
        x.ty(),
        ty(&flat, DType::I64)
    );
    let product = w.put(&flat, DType::I64, &text);
    let maps = reshape(w, &product, &[taps, cout, v.len, h.len]);
    let maps = pad(w, t, &maps);
    let shifted = (0..v.kernel).flat_map(|i| (0..h.kernel).map(move |j| (i, j)));
    let mut sum: Option<Value> = None;
    for (n, (i, j)) in shifted.enumerate() {
        let text = format!(
            "stablehlo.slice {} [{n}:{}, 0:{cout}, {}, {}] : ({}) -> {}",
            maps.name,
            n + 1,
            v.range(i),
            h.range(j),
            maps.ty(),
            ty(out, DType::I64)
        );
        let tap = w.put(out, DType::I64, &text);
        sum = Some(match sum {
            None => tap,
            Some(s) => {
                let text = format!("stablehlo.add {}, {} : {}", s.name, tap.name, s.ty());
                w.put(out, DType::I64, &text)
            }
        });
    }
    truncate(w, &sum.unwrap_or(maps))
}

fn reshape(w: &mut Writer<'_>, x: &Value, to: &[usize]) -> Value {
    let text = format!("stablehlo.reshape {} : ({}) -> {}", x.name, x.ty(), ty(to, x.dtype));
    w.put(to, x.dtype, &text)
}

/// The same ring elements under another type.
fn cast(w: &mut Writer<'_>, x: &Value, to: DType) -> Value {
    let text = format!("stablehlo.bitcast_convert {} : ({}) -> {}", x.name, x.ty(), ty(&x.shape, to));
    w.put(&x.shape, to, &text)
}

fn read_positions(w: &mut Writer<'_>, t: &Taps, x: &Value) -> Value {
    let to = [1, t.channels[0], t.axes[0].len, t.axes[1].len];
    if x.shape == to {
        return x.clone();
    }
    let range = |a: &Axis| format!("{}:{}:{}", a.start, a.start + (a.len - 1) * a.step + 1, a.step);
    let text = format!(
        "stablehlo.slice {} [0:1, 0:{}, {}, {}] : ({}) -> {}",
        x.name,
        to[1],
        range(&t.axes[0]),
        range(&t.axes[1]),
        x.ty(),
        ty(&to, x.dtype)
    );
    w.put(&to, x.dtype, &text)
}

fn pad(w: &mut Writer<'_>, t: &Taps, maps: &Value) -> Value {
    let [[top, bottom], [left, right]] = t.axes.map(|a| a.pads);
    if [top, bottom, left, right] == [0; 4] {
        return maps.clone();
    }
    let mut to = maps.shape.clone();
    to[2] += top + bottom;
    to[3] += left + right;
    let zero = w.put(&[], DType::I64, &format!("stablehlo.constant dense<0> : {}", ty(&[], DType::I64)));
    let text = format!(
        "stablehlo.pad {}, {}, low = [0, 0, {top}, {left}], high = [0, 0, {bottom}, {right}], interior = [0, 0, 0, 0] : \
         ({}, {}) -> {}",
        maps.name,
        zero.name,
        maps.ty(),
        zero.ty(),
        ty(&to, DType::I64)
    );
    w.put(&to, DType::I64, &text)
}

/// Back to fixed point: the ring's integers carry twice the fraction bits, of which the product takes half.
fn truncate(w: &mut Writer<'_>, sum: &Value) -> Value {
    let twice = cast(w, sum, DType::F32);
    let scalar = ty(&[], DType::F32);
    let text = format!("stablehlo.broadcast_in_dim {UNIT}, dims = [] : ({scalar}) -> {}", twice.ty());
    let unit = w.float(&twice.shape, &text);
    w.float(&twice.shape, &format!("stablehlo.multiply {}, {} : {}", twice.name, unit.name, twice.ty()))
}

#[cfg(test)]
mod tests;
