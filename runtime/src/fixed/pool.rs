//! Windows and reductions of one image.

use super::lane::Lane;
use relinc_passes::ir::op::Window;
use relinc_passes::ir::tensor::strides;

/// The operand's positions that a window's output reads along one axis, padding left out.
pub fn taps(w: &Window, axis: usize, out: usize, input: usize) -> std::ops::Range<usize> {
    let at = out * w.strides[axis];
    let from = at.saturating_sub(w.pads[axis]);
    let to = (at + w.kernel[axis]).saturating_sub(w.pads[axis]).min(input);
    from.min(to)..to
}

/// What the mean of a window divides by: its elements, with the padding when that counts. Never 0.
pub fn divisor(w: &Window, count_pad: bool, out: [usize; 2], input: [usize; 2]) -> usize {
    let along = |axis: usize| {
        if !count_pad {
            return taps(w, axis, out[axis], input[axis]).len();
        }
        let end = input[axis] + w.pads[axis] + w.pads[axis + 2];
        end.saturating_sub(out[axis] * w.strides[axis]).min(w.kernel[axis])
    };
    (along(0) * along(1)).max(1)
}

/// Combines each window of `[1,C,H,W]` into an element of `[1,C,H',W']`; an empty window gives zero.
pub fn windows<T: Lane>(
    w: &Window,
    x: &[T],
    shape: &[usize],
    out: &[usize],
    f: impl Fn(T, T) -> T,
) -> Vec<T> {
    let (h, wd) = (shape[2], shape[3]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.chunks_exact((h * wd).max(1)) {
        for (oy, ox) in (0..out[2]).flat_map(|oy| (0..out[3]).map(move |ox| (oy, ox))) {
            let columns = taps(w, 1, ox, wd);
            let rows = taps(w, 0, oy, h).flat_map(|iy| &plane[iy * wd..][columns.clone()]);
            y.push(rows.copied().reduce(&f).unwrap_or_default());
        }
    }
    y
}

/// Combines over axes; the result has the kept axes in order.
pub fn reduce<T: Lane>(x: &[T], shape: &[usize], axes: &[usize], f: impl Fn(T, T) -> T) -> Vec<T> {
    let steps = strides(shape);
    let kept: Vec<usize> = (0..shape.len()).filter(|a| !axes.contains(a)).collect();
    let mut y: Vec<Option<T>> = vec![None; kept.iter().map(|&a| shape[a]).product()];
    for (i, &v) in x.iter().enumerate() {
        let at = kept.iter().fold(0, |at, &a| at * shape[a] + i / steps[a] % shape[a]);
        y[at] = Some(y[at].map_or(v, |s| f(s, v)));
    }
    y.into_iter().map(Option::unwrap_or_default).collect()
}
