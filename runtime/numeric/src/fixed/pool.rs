//! Windows and reductions of one image.

use super::lane::Lane;
use relinc_passes::ir::geometry::window;
use relinc_passes::ir::op::Window;
use relinc_passes::ir::tensor::strides;

/// Combines each window of `[1,C,H,W]` into an element of `[1,C,H',W']`; an empty window gives zero.
pub fn windows<T: Lane>(
    w: &Window,
    x: &[T],
    shape: &[usize],
    out: &[usize],
    f: impl Fn(T, T) -> T,
) -> Vec<T> {
    let [rows_of, columns_of] = window(w, shape, out);
    let (h, wd) = (shape[2], shape[3]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.chunks_exact((h * wd).max(1)) {
        for (oy, ox) in (0..out[2]).flat_map(|oy| (0..out[3]).map(move |ox| (oy, ox))) {
            let columns = columns_of.reads(ox);
            let rows = rows_of.reads(oy).flat_map(|iy| &plane[iy * wd..][columns.clone()]);
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
