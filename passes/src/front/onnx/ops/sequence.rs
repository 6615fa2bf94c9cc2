//! Sequences of tensors, as scripted splits and concatenations write them: their elements are values, and they are gone after import.

use super::super::attrs::Attrs;
use super::super::builder::Value;
use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::op::SliceAxis;
use crate::ir::{Dim, NodeId, Op};

/// No axis is split into more parts.
const MOST: usize = 1 << 12;
const COMPUTED: &str = "is computed from data; relinc needs it constant or shape-derived";

fn emit(c: &mut Ctx<'_>, elements: Vec<NodeId>) -> Done {
    if let Some(name) = c.output(0) {
        c.b.sequences.push(elements);
        c.b.values.insert(name, Value::Sequence(c.b.sequences.len() - 1));
    }
    Ok(())
}

fn read(c: &Ctx<'_>) -> Result<Vec<NodeId>, Stop> {
    let name = c.node.input.first().ok_or("lacks operand 0")?;
    match c.b.values.get(name) {
        Some(&Value::Sequence(i)) => Ok(c.b.sequences[i].clone()),
        Some(Value::Refused) => Err(Stop::Operand),
        Some(Value::Node(_)) | None => Err(format!(
            "reads '{name}', a sequence that is not made in the file by SplitToSequence or SequenceConstruct"
        )
        .into()),
    }
}

/// Identity, of a sequence too.
pub fn identity(c: &mut Ctx<'_>) -> Done {
    let sequence =
        c.node.input.first().is_some_and(|x| matches!(c.b.values.get(x), Some(Value::Sequence(_))));
    match sequence {
        true => {
            let all = read(c)?;
            emit(c, all)
        }
        false => c.plain(Op::Identity, 1),
    }
}

/// SequenceConstruct.
pub fn construct(c: &mut Ctx<'_>) -> Done {
    let all = c.all()?;
    emit(c, all)
}

/// SplitToSequence: by sizes, into parts of one size, or into slices.
pub fn split(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    let ty = c.ty(x)?;
    let axis = c.axis(0, ty.rank())?;
    let Dim::Fixed(size) = ty.dims[axis] else {
        return Err(format!("splits the batch; {}", c.b.only_at_its_batch()).into());
    };
    let sizes = match c.has(1) {
        false => vec![1; size],
        true => {
            let id = c.need(1)?;
            let given = c.fixed_ints(1)?.ok_or_else(|| format!("its split {COMPUTED}"))?;
            match (c.ty(id)?.rank(), &given[..]) {
                (0, &[each]) if each > 0 => {
                    let each = each.min(size.max(1) as i64) as usize;
                    (0..size.div_ceil(each)).map(|i| each.min(size - i * each)).collect()
                }
                _ => given.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect(),
            }
        }
    };
    if sizes.len() > MOST || sizes.iter().fold(0usize, |sum, &n| sum.saturating_add(n)) != size {
        return Err(format!("does not divide {size} into {} parts, or into too many", sizes.len()).into());
    }
    let keep = c.has(1) || c.flag("keepdims", true);
    let (mut start, mut parts) = (0, vec![]);
    for n in sizes {
        let (from, to) = (start as i64, (start + n) as i64);
        let mut part = c.helper(Op::Slice(vec![SliceAxis { axis, start: from, end: to, step: 1 }]), &[x])?;
        if !keep {
            let mut dims = ty.dims.clone();
            dims.remove(axis);
            part = c.helper(Op::Reshape(dims), &[part])?;
        }
        parts.push(part);
        start += n;
    }
    emit(c, parts)
}

/// SequenceAt.
pub fn at(c: &mut Ctx<'_>) -> Done {
    let all = read(c)?;
    let place = c
        .fixed_ints(1)?
        .and_then(|v| v.first().copied())
        .ok_or_else(|| format!("its position {COMPUTED}"))?;
    let at = if place < 0 { place.saturating_add(all.len() as i64) } else { place };
    let element = usize::try_from(at).ok().and_then(|i| all.get(i).copied());
    let element = element.ok_or_else(|| format!("takes element {place} of a sequence of {}", all.len()))?;
    c.emit(Op::Identity, &[element])
}

/// ConcatFromSequence: along an axis of the elements, or along a new one.
pub fn concat(c: &mut Ctx<'_>) -> Done {
    let mut all = read(c)?;
    let first = *all.first().ok_or("joins an empty sequence")?;
    let fresh = c.flag("new_axis", false);
    let axis = c.axis(0, c.ty(first)?.rank() + usize::from(fresh))?;
    if fresh {
        for x in &mut all {
            let mut dims = c.ty(*x)?.dims;
            if axis > dims.len() {
                return Err("joins tensors of different ranks".into());
            }
            dims.insert(axis, Dim::Fixed(1));
            *x = c.helper(Op::Reshape(dims), &[*x])?;
        }
    }
    c.emit(Op::Concat { axis }, &all)
}
