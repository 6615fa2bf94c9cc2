//! Quadratic elements, `a·x² + b·x + c`, as products and sums.

use crate::choice::Choice;
use crate::driver::Cx;
use crate::driver::patch::{Patch, Ref};
use crate::ir::{Binary, NodeId, Op, Tensor};
use crate::masks::LayerMask;
use crate::passes::affine::channel_constant;

/// A layer in which all elements are quadratic, by coefficients a channel.
pub(super) fn whole_layer(cx: &Cx<'_>, at: NodeId, x: NodeId, mask: &LayerMask) -> Patch {
    let node = cx.graph.node(at);
    let rank = cx.facts.ty(at).rank();
    let rows = (0..channels(cx, at)).map(|c| mask.of_channel(Choice::Quadratic, c)).collect::<Vec<_>>();
    let (mut p, layer) = (Patch::new(), node.layer.as_deref());
    let base = layer.unwrap_or(&node.name);
    let constant = |v: Vec<f32>| channel_constant(rank, v);
    let y = horner(&mut p, x.into(), &rows, base, layer, constant);
    p.replace(at, y)
}

fn channels(cx: &Cx<'_>, at: NodeId) -> usize {
    cx.facts.ty(at).per_sample().first().copied().unwrap_or(1)
}

/// The quadratic elements of `flat`, `[N, elements]`, one after the other; `None` where there are none.
pub(super) fn gathered(
    p: &mut Patch,
    mask: &LayerMask,
    flat: Ref,
    base: &str,
    layer: Option<&str>,
) -> Option<Ref> {
    if mask.count(Choice::Quadratic) == 0 {
        return None;
    }
    let (mut places, mut rows) = (vec![], vec![]);
    for (i, (_, row)) in mask.elements().enumerate().filter(|(_, (c, _))| *c == Choice::Quadratic) {
        places.push(i as i64);
        rows.push(row);
    }
    let idx = p.constant(format!("{base}.quadratic"), Tensor::i64([places.len()], places));
    let u = p.add_in_layer(format!("{base}.quadratic_gathered"), Op::Gather { axis: 1 }, &[flat, idx], layer);
    Some(horner(p, u, &rows, base, layer, |v| Tensor::f32([v.len()], v)))
}

/// `(a·u + b)·u + c` by rows of (a, b, c), of which `constant` makes operands. What multiplies by 1 or adds 0 is left out; without
/// any a it is no product of values.
fn horner(
    p: &mut Patch,
    u: Ref,
    rows: &[&[f32]],
    base: &str,
    layer: Option<&str>,
    constant: impl Fn(Vec<f32>) -> Tensor,
) -> Ref {
    let column = |k: usize| rows.iter().map(|r| r[k]).collect::<Vec<f32>>();
    let mut with = |op: Binary, what: &str, left: Ref, right: Result<Vec<f32>, Ref>| {
        let neutral = f32::from(u8::from(op == Binary::Mul));
        let right = match right {
            Ok(v) if v.iter().all(|&e| e == neutral) => return left,
            Ok(v) => p.constant(format!("{base}.quadratic_{what}.by"), constant(v)),
            Err(value) => value,
        };
        p.add_in_layer(format!("{base}.quadratic_{what}"), Op::Binary(op), &[left, right], layer)
    };
    let y = if column(0).iter().all(|&a| a == 0.0) {
        with(Binary::Mul, "slope", u, Ok(column(1)))
    } else {
        let scaled = with(Binary::Mul, "scaled", u, Ok(column(0)));
        let shifted = with(Binary::Add, "shifted", scaled, Ok(column(1)));
        with(Binary::Mul, "product", shifted, Err(u))
    };
    with(Binary::Add, "sum", y, Ok(column(2)))
}
