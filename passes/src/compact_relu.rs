//! Leaves the secure comparison only the elements that keep their ReLU.
//!
//! **Before**: `masked_relu(x, mask[, slope])`.
//!
//! **After**: `f = reshape(x)`, `r = relu(gather(f, kept))`, `y = reshape(gather(concat(f, r, z), places))`, where
//! `places[i]` is i for an identity element, points into r for a kept one and at the single zero z for a zeroed one.
//! f is left out when no element is the identity, r when none is kept, z when none is zeroed; a mask that keeps all is a
//! plain `relu`.
//!
//! **Conditions**: the mask is a constant. Gather and concat by public indices send nothing on the runtimes we know; a
//! mask applied after a full ReLU would save nothing.
//!
//! **Formula**: `y[i] = m[i]=1 ? max(x[i], 0) : m[i]=0 ? slope·x[i] : 0`; z is computed as `f[0] − f[0]`, which costs no
//! truncation on shares.
//!
//! **Source**: mpc-facts section 1 (measured on SPU, CrypTen).

use crate::affine::channel_constant;
use crate::ir::op::SliceAxis;
use crate::ir::{Binary, Dim, NodeId, Op, Tensor};
use crate::masks::{IDENTITY, RELU, ZERO};
use crate::pass::{Cx, Guarantee, Pass, Skip};
use crate::patch::{Patch, Ref};

/// See the module documentation.
pub struct CompactRelu;

impl Pass for CompactRelu {
    fn name(&self) -> &'static str {
        "compact-relu"
    }
    fn guarantee(&self) -> Guarantee {
        Guarantee::Exact
    }
    fn source(&self) -> &'static str {
        include_str!("compact_relu.rs")
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let g = cx.graph;
        if !matches!(g.op(at), Op::MaskedRelu) {
            return Err(Skip::NoMatch);
        }
        let node = g.node(at);
        let x = g.operand(at, 0).ok_or(Skip::NoMatch)?;
        let mask = g.const_operand(at, 1).and_then(|t| t.as_u8()).ok_or(Skip::NoMatch)?;
        if mask.iter().all(|&v| v == RELU) {
            let mut p = Patch::new();
            let r = p.add_in_layer(&node.name, Op::Relu, &[x.into()], node.layer.as_deref());
            return Ok(p.replace(at, r));
        }
        Ok(gather_form(cx, at, x, mask))
    }
}

fn gather_form(cx: &Cx<'_>, at: NodeId, x: NodeId, mask: &[u8]) -> Patch {
    let g = cx.graph;
    let (name, layer) = (&g.node(at).name, g.node(at).layer.as_deref());
    let base = layer.unwrap_or(name);
    let ty = cx.facts.ty(at);
    let n = mask.len();
    let mut p = Patch::new();
    let flatten = |p: &mut Patch, what: &str, from: Ref| {
        let flat = Op::Reshape(vec![ty.dims[0], Dim::Fixed(n)]);
        if ty.rank() == 2 { from } else { p.add_in_layer(format!("{base}.{what}"), flat, &[from], layer) }
    };
    let flat = flatten(&mut p, "flat", x.into());
    let mut parts: Vec<Ref> = vec![];
    let mut width = 0;
    let has = |v| mask.contains(&v);
    if has(IDENTITY) {
        parts.push(match g.const_operand(at, 2).and_then(|t| t.as_f32()) {
            None => flat,
            Some(s) => {
                let c = p.constant(format!("{base}.slope"), channel_constant(ty.rank(), s.to_vec()));
                let scaled =
                    p.add_in_layer(format!("{base}.scaled"), Op::Binary(Binary::Mul), &[x.into(), c], layer);
                flatten(&mut p, "scaled_flat", scaled)
            }
        });
        width += n;
    }
    let kept: Vec<i64> = (0..n as i64).filter(|&i| mask[i as usize] == RELU).collect();
    let first_kept = width;
    if !kept.is_empty() {
        width += kept.len();
        let idx = p.constant(format!("{base}.kept"), Tensor::ints(&kept));
        let picked = p.add_in_layer(format!("{base}.gathered"), Op::Gather { axis: 1 }, &[flat, idx], layer);
        parts.push(p.add_in_layer(format!("{base}.relu"), Op::Relu, &[picked], layer));
    }
    if has(ZERO) {
        let first = SliceAxis { axis: 1, start: 0, end: 1, step: 1 };
        let s = p.add_in_layer(format!("{base}.first"), Op::Slice(vec![first]), &[flat], layer);
        parts.push(p.add_in_layer(format!("{base}.zero"), Op::Binary(Binary::Sub), &[s, s], layer));
    }
    let mut next = first_kept as i64;
    let places: Vec<i64> = (0..n)
        .map(|i| match mask[i] {
            IDENTITY => i as i64,
            RELU => {
                next += 1;
                next - 1
            }
            _ => width as i64,
        })
        .collect();
    let all = match parts[..] {
        [only] => only,
        _ => p.add_in_layer(format!("{base}.joined"), Op::Concat { axis: 1 }, &parts, layer),
    };
    let idx = p.constant(format!("{base}.places"), Tensor::ints(&places));
    let back = p.add_in_layer(format!("{base}.placed"), Op::Gather { axis: 1 }, &[all, idx], layer);
    let y = match ty.rank() {
        2 => back,
        _ => p.add_in_layer(format!("{base}.masked"), Op::Reshape(ty.dims.clone()), &[back], layer),
    };
    p.replace(at, y)
}
