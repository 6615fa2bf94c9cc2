//! Comparisons and what is decided by them. Known truth values become constants at once.

use super::super::ctx::{Ctx, Done, Stop};
use crate::ir::infer::broadcast;
use crate::ir::movement;
use crate::ir::op::Compare;
use crate::ir::{Dim, NodeId, Op, SymInt, Tensor};

const DATA: &str = "works on truth values computed from data; relinc supports it on constants only";

/// Greater, Less, Equal and their kin.
pub fn compare(c: &mut Ctx<'_>, op: Compare) -> Done {
    let (l, r) = (c.need(0)?, c.need(1)?);
    match sizes(c, l, r, op)? {
        Some(t) => c.emit_const(t),
        None => c.emit(Op::Compare(op), &[l, r]),
    }
}

/// The comparison of known integers.
fn sizes(c: &Ctx<'_>, l: NodeId, r: NodeId, op: Compare) -> Result<Option<Tensor>, Stop> {
    let (lf, rf) = (c.fact(l)?, c.fact(r)?);
    let (Some(a), Some(b)) = (&lf.ints, &rf.ints) else { return Ok(None) };
    let Some((shape, a, b)) = spread(c, (l, a), (r, b))? else { return Ok(None) };
    let v: Option<Vec<bool>> = a.into_iter().zip(b).map(|(a, b)| decide(op, a, b)).collect();
    Ok(v.map(|v| Tensor::bool(shape, v)))
}

/// Compares two sizes where the answer is the same for every batch of at least one image.
fn decide(op: Compare, a: SymInt, b: SymInt) -> Option<bool> {
    let d = a.minus(b)?;
    let least = d.batch.checked_add(d.add)?;
    // The difference grows from `least`, or falls from it, as the batch does.
    let (never_below, never_above) = (d.batch >= 0, d.batch <= 0);
    let known = |yes: bool, no: bool| if yes { Some(true) } else { no.then_some(false) };
    match op {
        Compare::Equal => known(
            d.batch == 0 && d.add == 0,
            d.batch == 0 && d.add != 0 || never_below && least > 0 || never_above && least < 0,
        ),
        Compare::Greater => known(never_below && least > 0, never_above && least <= 0),
        Compare::GreaterEqual => known(never_below && least >= 0, never_above && least < 0),
        Compare::Less => known(never_above && least < 0, never_below && least >= 0),
        Compare::LessEqual => known(never_above && least <= 0, never_below && least > 0),
    }
}

type Spread<T, U> = (Vec<usize>, Vec<T>, Vec<U>);

/// Two lists of elements broadcast to one shape.
fn spread<T: Clone, U: Clone>(
    c: &Ctx<'_>,
    (l, a): (NodeId, &[T]),
    (r, b): (NodeId, &[U]),
) -> Result<Option<Spread<T, U>>, Stop> {
    let (Some(ls), Some(rs)) = (c.fixed_dims(l)?, c.fixed_dims(r)?) else { return Ok(None) };
    let shape: Option<Vec<usize>> =
        broadcast(&c.ty(l)?.dims, &c.ty(r)?.dims)?.into_iter().map(Dim::fixed).collect();
    let Some(shape) = shape else { return Ok(None) };
    let (a, b) = (movement::expand(a, &ls, &shape), movement::expand(b, &rs, &shape));
    Ok(Some((shape, a, b)))
}

/// And, Or and Xor of constants.
pub fn connective(c: &mut Ctx<'_>) -> Done {
    let (l, r) = (c.need(0)?, c.need(1)?);
    let (lk, rk) = (c.konst(l).ok_or(DATA)?, c.konst(r).ok_or(DATA)?);
    let (a, b) = (lk.as_bool().ok_or(DATA)?, rk.as_bool().ok_or(DATA)?);
    let (shape, a, b) = spread(c, (l, a), (r, b))?.ok_or(DATA)?;
    let f: fn(bool, bool) -> bool = match c.node.op_type.as_str() {
        "And" => |a, b| a && b,
        "Or" => |a, b| a || b,
        _ => |a, b| a != b,
    };
    c.emit_const(Tensor::bool(shape, a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()))
}

/// Not of a constant, or of a comparison: the opposite one.
pub fn not(c: &mut Ctx<'_>) -> Done {
    let x = c.need(0)?;
    if let Op::Compare(op) = *c.b.graph.op(x) {
        let opposite = match op {
            Compare::Greater => Compare::LessEqual,
            Compare::GreaterEqual => Compare::Less,
            Compare::Less => Compare::GreaterEqual,
            Compare::LessEqual => Compare::Greater,
            Compare::Equal => return Err("negates an equality of data, which relinc has not".into()),
        };
        let operands = c.b.graph.operands(x);
        return c.emit(Op::Compare(opposite), &operands);
    }
    let k = c.konst(x).ok_or(DATA)?;
    let v = k.as_bool().ok_or(DATA)?.iter().map(|b| !b).collect();
    c.emit_const(Tensor::bool(k.shape(), v))
}
