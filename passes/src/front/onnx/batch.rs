//! A batch that the file fixes, and that is symbolic here: what the file holds once for each image.

use super::builder::Builder;
use super::ctx::Stop;
use crate::ir::op::SliceAxis;
use crate::ir::{Data, Dim, NodeId, Op, Tensor};

/// Makes constants that hold one part for each of `k` images fit an operation on any number of them.
///
/// # Errors
/// What `Builder::add` refuses.
pub fn meet(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    k: usize,
    met: &mut Option<Vec<NodeId>>,
) -> Result<(), Stop> {
    let broadcasts = matches!(op, Op::Binary(_) | Op::Compare(_) | Op::Where | Op::PRelu);
    let joins = matches!(op, Op::Concat { axis } if *axis > 0);
    if !broadcasts && !joins {
        return Ok(());
    }
    let dims = |b: &Builder, o: NodeId| b.facts.get(o).map(|f| f.ty.dims.clone()).unwrap_or_default();
    let Some(batched) = operands.iter().map(|&o| dims(b, o)).find(|d| d.first() == Some(&Dim::Batch)) else {
        return Ok(());
    };
    for (i, &o) in operands.iter().enumerate() {
        let of = dims(b, o);
        if of.len() != batched.len() || of[0] != Dim::Fixed(k) || (broadcasts && k == 1) || !b.is_constant(o)
        {
            continue;
        }
        let Some(mut one) = single(b, o, k)? else { continue };
        if joins {
            let to = std::iter::once(Dim::Batch).chain(of[1..].iter().copied()).collect();
            let name = b.helper_name("batched");
            one = b.add(&name, Op::Expand(to), &[one])?;
        }
        met.get_or_insert_with(|| operands.to_vec())[i] = one;
    }
    Ok(())
}

/// What such a constant holds for one image, where it is the same for all.
fn single(b: &mut Builder, id: NodeId, k: usize) -> Result<Option<NodeId>, Stop> {
    if k == 1 {
        return Ok(Some(id));
    }
    let expanded = match b.graph.op(id) {
        Op::Expand(_) | Op::Dyn(crate::ir::op::DynOp::Expand) => b.graph.operand(id, 0),
        _ => None,
    };
    let rank = |b: &Builder, id: NodeId| b.facts.get(id).map_or(0, |f| f.ty.rank());
    let repeats = expanded.is_some_and(|x| {
        rank(b, x) < rank(b, id) || b.facts.get(x).is_some_and(|f| f.ty.dims[0] == Dim::Fixed(1))
    });
    let same = |t: &Tensor| match t.data() {
        Data::F32(v) => alike(v, k),
        Data::I64(v) => alike(v, k),
        Data::U8(v) => alike(v, k),
        Data::Bool(v) => alike(v, k),
    };
    if !repeats && !b.known(id).is_some_and(|t| same(&t)) {
        return Ok(None);
    }
    let first = Op::Slice(vec![SliceAxis { axis: 0, start: 0, end: 1, step: 1 }]);
    let name = b.helper_name("image");
    b.add(&name, first, &[id]).map(Some)
}

/// Are the `k` parts the same?
fn alike<T: PartialEq>(v: &[T], k: usize) -> bool {
    let each = v.len() / k.max(1);
    each > 0 && v.chunks_exact(each).all(|c| *c == v[..each])
}
