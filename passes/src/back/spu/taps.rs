//! A convolution as one matrix product over all its taps, in the ring, and one truncation.
//!
//! SPU computes a convolution of secrets by opening the im2col of its input, nine times the input for a 3×3. Here the
//! weights `[O,C,kH,kW]` are a matrix `[kH·kW·O, C]`, so that one product with the input `[C, H·W]` opens every
//! element once. The matrix is an argument of its own, of ring elements, for SPU can then keep what it opened of it: from
//! the second query of a session on, weights cost nothing. The result, one map for each tap and output channel, is shifted into place and added up by slices.
//!
//! Each output of a fixed-point product is truncated, and there are kH·kW times more of them than of the convolution. So
//! operands are taken as the ring's integers (a `bitcast_convert` of a secret keeps its shares), whose products
//! are not truncated; the sums are, all at once, by a product with one unit in the last place, 2^-fraction. That number
//! is an argument of the program, for it belongs to the run and not to the model. The sum in the ring is the one
//! that the direct form truncates, so range and error are the same.

mod axis;

use super::lower::{binary, reshape, transpose};
use super::text::{UNIT, Value, Writer, ty};
use crate::ir::{Conv, DType, geometry};
use axis::{Axis, Grid};

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
        let axis = |i: usize| Axis::of(&geometry::Axis::of_conv(c, i, x[2 + i], k[2 + i]));
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
        self.axes[0].grid.len * self.axes[1].grid.len
    }
    fn grids(&self) -> [Grid; 2] {
        self.axes.map(|a| a.grid)
    }
    /// The same of a convolution whose operand is a slice of a larger value: `(start, step, positions)` of rows and columns.
    pub fn of_slice(mut self, slice: [(usize, usize, usize); 2]) -> Taps {
        for (a, (start, step, len)) in self.axes.iter_mut().zip(slice) {
            a.grid = a.grid.within(&Grid { start, step, len });
        }
        self
    }
    /// Elements that one product for all of these convolutions of one value reads.
    pub fn inputs_of_all(all: &[Taps]) -> usize {
        let [v, h] = hull(all);
        all.first().map_or(0, |t| t.channels[0]) * v.len * h.len
    }
    /// Elements of that product.
    pub fn products_of_all(all: &[Taps]) -> usize {
        let [v, h] = hull(all);
        all.iter().map(Taps::rows).sum::<usize>() * v.len * h.len
    }
    /// Rows of the weights as a matrix.
    fn rows(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel * self.channels[1]
    }
}

/// The positions that these convolutions of one value read between them.
fn hull(all: &[Taps]) -> [Grid; 2] {
    let axis = |i: usize| {
        let grids = all.iter().map(|t| t.axes[i].grid);
        grids.reduce(|a, b| a.hull(&b)).unwrap_or(Grid::whole(0))
    };
    [axis(0), axis(1)]
}

/// Writes the convolution of `x` with the matrix `k` without its bias.
pub fn lower(w: &mut Writer<'_>, t: &Taps, x: &Value, k: &Value, out: &[usize]) -> Value {
    let product = product(w, std::slice::from_ref(t), x, k);
    let ([v, h], images) = (t.axes, x.shape[0]);
    let maps = reshape(w, &product, &[v.kernel * h.kernel, t.channels[1] * images, v.grid.len, h.grid.len]);
    let sum = shift_add(w, t, &maps, out);
    truncate(w, &sum)
}

/// Writes the convolutions of one value, each without its bias and not yet truncated, with one product by their matrix `k`.
pub fn lower_all(w: &mut Writer<'_>, all: &[Taps], x: &Value, k: &Value, outs: &[Vec<usize>]) -> Vec<Value> {
    let product = product(w, all, x, k);
    let read = hull(all);
    let rows: usize = all.iter().map(Taps::rows).sum();
    let images = x.shape[0];
    let maps = reshape(w, &product, &[rows, images, read[0].len, read[1].len]);
    let mut first = 0;
    let mut done = vec![];
    for (t, out) in all.iter().zip(outs) {
        let [v, h] = t.grids();
        let to = [t.rows(), images, v.len, h.len];
        let text = format!(
            "stablehlo.slice {} [{first}:{}, 0:{images}, {}, {}] : ({}) -> {}",
            maps.name,
            first + t.rows(),
            v.among(&read[0]).range(),
            h.among(&read[1]).range(),
            maps.ty(),
            ty(&to, DType::I64)
        );
        first += t.rows();
        let mine = w.put(&to, DType::I64, &text);
        let taps = t.axes[0].kernel * t.axes[1].kernel;
        let mine = reshape(w, &mine, &[taps, t.channels[1] * images, v.len, h.len]);
        done.push(shift_add(w, t, &mine, out));
    }
    done
}

/// One product of the weights of all convolutions, `[taps·channels, C]` one after the other, with the positions they read
/// of their one operand: `[taps·channels, images·positions]`.
fn product(w: &mut Writer<'_>, all: &[Taps], x: &Value, k: &Value) -> Value {
    let (read, [images, cin]) = (hull(all), [x.shape[0], x.shape[1]]);
    let positions = images * read[0].len * read[1].len;
    let x = read_positions(w, &read, x);
    let x = if images == 1 { x } else { swap_first(w, &x) };
    let x = reshape(w, &x, &[cin, positions]);
    let x = cast(w, &x, DType::I64);
    let flat = [all.iter().map(Taps::rows).sum(), positions];
    let text = format!(
        "stablehlo.dot_general {}, {}, contracting_dims = [1] x [0] : ({}, {}) -> {}",
        k.name,
        x.name,
        k.ty(),
        x.ty(),
        ty(&flat, DType::I64)
    );
    w.put(&flat, DType::I64, &text)
}

/// Shifts the maps `[taps, O·images, rows, columns]` into place and adds them up, in the ring.
fn shift_add(w: &mut Writer<'_>, t: &Taps, maps: &Value, out: &[usize]) -> Value {
    let (planes, [v, h]) = (t.channels[1] * out[0], t.axes);
    let one = [1, planes, out[2], out[3]];
    let maps = pad(w, t, maps);
    let shifted = (0..v.kernel).flat_map(|i| (0..h.kernel).map(move |j| (i, j)));
    let mut sum: Option<Value> = None;
    for (n, (i, j)) in shifted.enumerate() {
        let text = format!(
            "stablehlo.slice {} [{n}:{}, 0:{planes}, {}, {}] : ({}) -> {}",
            maps.name,
            n + 1,
            v.range(i),
            h.range(j),
            maps.ty(),
            ty(&one, DType::I64)
        );
        let tap = w.put(&one, DType::I64, &text);
        sum = Some(match sum {
            None => tap,
            Some(s) => binary(w, "add", &s, &tap),
        });
    }
    let sum = sum.unwrap_or(maps);
    if out[0] == 1 {
        return sum;
    }
    let by_channel = reshape(w, &sum, &[t.channels[1], out[0], out[2], out[3]]);
    swap_first(w, &by_channel)
}

/// Images before channels, or channels before images.
fn swap_first(w: &mut Writer<'_>, x: &Value) -> Value {
    let &[a, b, rows, columns] = &x.shape[..] else { return x.clone() };
    transpose(w, x, &[1, 0, 2, 3], &[b, a, rows, columns])
}

/// The same ring elements under another type.
fn cast(w: &mut Writer<'_>, x: &Value, to: DType) -> Value {
    let text = format!("stablehlo.bitcast_convert {} : ({}) -> {}", x.name, x.ty(), ty(&x.shape, to));
    w.put(&x.shape, to, &text)
}

fn read_positions(w: &mut Writer<'_>, read: &[Grid; 2], x: &Value) -> Value {
    let to = [x.shape[0], x.shape[1], read[0].len, read[1].len];
    if x.shape == to {
        return x.clone();
    }
    let text = format!(
        "stablehlo.slice {} [0:{}, 0:{}, {}, {}] : ({}) -> {}",
        x.name,
        to[0],
        to[1],
        read[0].range(),
        read[1].range(),
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
    let zero = zero(w);
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

/// Zero as an element of the ring.
pub fn zero(w: &mut Writer<'_>) -> Value {
    w.put(&[], DType::I64, &format!("stablehlo.constant dense<0> : {}", ty(&[], DType::I64)))
}

/// Back to fixed point: the ring's integers carry twice the fraction bits, of which the product takes half.
pub fn truncate(w: &mut Writer<'_>, sum: &Value) -> Value {
    let twice = cast(w, sum, DType::F32);
    let scalar = ty(&[], DType::F32);
    let text = format!("stablehlo.broadcast_in_dim {UNIT}, dims = [] : ({scalar}) -> {}", twice.ty());
    let unit = w.float(&twice.shape, &text);
    w.float(&twice.shape, &format!("stablehlo.multiply {}, {} : {}", twice.name, unit.name, twice.ty()))
}

#[cfg(test)]
mod tests;
