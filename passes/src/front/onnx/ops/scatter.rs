//! Elements put in known places: what was there and what is put are joined, and each place is gathered from one of them.

use super::super::attrs::Attrs;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::tensor::strides;
use crate::ir::{Dim, NodeId, Op, Shared, Tensor};

/// Places beyond it are not listed.
const MOST: usize = 1 << 24;

/// The operands: data, the indices, updates.
fn read(c: &mut Ctx<'_>) -> Result<(NodeId, Shared, NodeId), Stop> {
    if c.word("reduction", "none") != "none" {
        return Err("combines what is put with what is there; relinc only puts".into());
    }
    let (x, indices, updates) = (c.need(0)?, c.need(1)?, c.need(2)?);
    let known = c.b.evaluated(indices);
    let known =
        known.ok_or("its indices are computed from data or from the batch; relinc needs them constant")?;
    Ok((x, known, updates))
}

/// All of these that are no batch.
fn fixed(dims: &[Dim]) -> Option<Vec<usize>> {
    dims.iter().map(|d| d.fixed()).collect()
}

/// Joins data of `places` rows with updates, and puts row `rows[u]` of the latter at its place, the last one counting.
fn put(c: &mut Ctx<'_>, [x, updates]: [NodeId; 2], places: usize, rest: &[Dim], rows: &[usize]) -> Done {
    let dims = c.ty(x)?.dims;
    let list = |n: usize| std::iter::once(Dim::Fixed(n)).chain(rest.iter().copied()).collect::<Vec<_>>();
    if places.max(rows.len()) > MOST {
        return Err("puts elements in too many places".into());
    }
    let mut from: Vec<i64> = (0..places as i64).collect();
    for (u, &place) in rows.iter().enumerate() {
        from[place] = (places + u) as i64;
    }
    let was = c.helper(Op::Reshape(list(places)), &[x])?;
    let put = c.helper(Op::Reshape(list(rows.len())), &[updates])?;
    let both = c.helper(Op::Concat { axis: 0 }, &[was, put])?;
    let from = c.helper(Op::Const(Tensor::ints(&from).into()), &[])?;
    let y = c.helper(Op::Gather { axis: 0 }, &[both, from])?;
    c.emit(Op::Reshape(dims), &[y])
}

/// ScatterND: slices at the places that the rows of the indices name.
pub fn nd(c: &mut Ctx<'_>) -> Done {
    let (x, indices, updates) = read(c)?;
    let dims = c.ty(x)?.dims;
    let (&axes, _) = indices.shape().split_last().ok_or("its indices have no axis")?;
    let sizes = dims.get(..axes).and_then(fixed).filter(|s| !s.is_empty());
    let sizes = sizes.ok_or("puts elements along the batch, or along more axes than there are")?;
    let v = indices.as_i64().ok_or("its indices are no integers")?;
    let mut rows = vec![];
    for at in v.chunks_exact(axes) {
        let mut place = 0;
        for (&i, &n) in at.iter().zip(&sizes) {
            place = place * n + within(i, n)?;
        }
        rows.push(place);
    }
    put(c, [x, updates], sizes.iter().product(), &dims[axes..], &rows)
}

/// ScatterElements: single elements, each at the place its index names along an axis.
pub fn elements(c: &mut Ctx<'_>) -> Done {
    let (x, indices, updates) = read(c)?;
    let sizes = fixed(&c.ty(x)?.dims).ok_or("puts elements along the batch")?;
    let axis = c.axis(0, sizes.len())?;
    let inside = indices.rank() == sizes.len()
        && indices.shape().iter().zip(&sizes).enumerate().all(|(i, (n, size))| i == axis || n <= size);
    if !inside || fixed(&c.ty(updates)?.dims).as_deref() != Some(indices.shape()) {
        return Err("its indices do not fit the data and the updates".into());
    }
    let v = indices.as_i64().ok_or("its indices are no integers")?;
    let (there, here) = (strides(&sizes), strides(indices.shape()));
    let mut rows = vec![];
    for (u, &i) in v.iter().enumerate() {
        let mut place = 0;
        for (k, (&step, &n)) in here.iter().zip(indices.shape()).enumerate() {
            let at = if k == axis { within(i, sizes[axis])? } else { u / step % n };
            place += at * there[k];
        }
        rows.push(place);
    }
    put(c, [x, updates], sizes.iter().product(), &[], &rows)
}

/// An index below n; negative ones count from the end.
fn within(i: i64, n: usize) -> Result<usize, Stop> {
    let at = usize::try_from(if i < 0 { i.saturating_add(n as i64) } else { i });
    at.ok().filter(|&i| i < n).ok_or_else(|| Stop::Why(format!("index {i} is outside {n}")))
}
