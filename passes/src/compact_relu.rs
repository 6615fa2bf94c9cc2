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
//! truncation on shares. Slopes s go into the weights of the convolution or linear layer that computes x, where nothing else
//! reads it: then f holds s·x, and r is `relu(gather(f, kept)/s)`, a product of the kept elements alone (none where a channel
//! has no kept element or s = 1). Elsewhere they are a product of all elements.
//!
//! **Source**: mpc-facts section 1 (measured on SPU, CrypTen).

use crate::affine::{absorbs_scale, channel_constant};
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
    let has = |v| mask.contains(&v);
    let kept: Vec<i64> = (0..n as i64).filter(|&i| mask[i as usize] == RELU).collect();
    let slopes = Slopes::of(cx, at, x, mask);
    let scaled = slopes.factors().map(|s| {
        let c = p.constant(format!("{base}.slope"), channel_constant(ty.rank(), s.to_vec()));
        let product = Op::Binary(Binary::Mul);
        p.add_in_layer(format!("{base}.scaled"), product, &[x.into(), c], layer)
    });
    let plain = match (&slopes, scaled) {
        (Slopes::Absorbed { .. }, Some(s)) => s,
        _ => x.into(),
    };
    let flat = flatten(&mut p, "flat", plain);
    let mut parts: Vec<Ref> = vec![];
    let mut width = 0;
    if has(IDENTITY) {
        parts.push(match (&slopes, scaled) {
            (Slopes::Beside(_), Some(s)) => flatten(&mut p, "scaled_flat", s),
            _ => flat,
        });
        width += n;
    }
    let first_kept = width;
    if !kept.is_empty() {
        width += kept.len();
        let idx = p.constant(format!("{base}.kept"), Tensor::ints(&kept));
        let mut picked =
            p.add_in_layer(format!("{base}.gathered"), Op::Gather { axis: 1 }, &[flat, idx], layer);
        if let Some(back) = slopes.back(&kept, n) {
            let c = p.constant(format!("{base}.unslope"), Tensor::f32([back.len()], back));
            picked = p.add_in_layer(format!("{base}.unscaled"), Op::Binary(Binary::Mul), &[picked, c], layer);
        }
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

/// The largest factor that a kept element may be multiplied by to undo its channel's slope: rings have few bits.
const UNDONE: f32 = 256.0;

/// What becomes of the slopes of identity elements.
enum Slopes<'a> {
    /// None but 1.
    None,
    /// A product of all elements beside the others, for x is read elsewhere or nothing can take the factors.
    Beside(&'a [f32]),
    /// The convolution or linear layer under the mask takes them, and kept elements are multiplied by their inverse.
    Absorbed { slope: Vec<f32> },
}

impl<'a> Slopes<'a> {
    fn of(cx: &'a Cx<'_>, at: NodeId, x: NodeId, mask: &[u8]) -> Slopes<'a> {
        let Some(s) = cx.graph.const_operand(at, 2).and_then(|t| t.as_f32()) else { return Slopes::None };
        let plane = (mask.len() / s.len().max(1)).max(1);
        // A channel without identity elements has no use for its slope.
        let used: Vec<f32> = s
            .iter()
            .zip(mask.chunks(plane))
            .map(|(&s, m)| if m.contains(&IDENTITY) { s } else { 1.0 })
            .collect();
        if used.iter().all(|&s| s == 1.0) {
            return Slopes::None;
        }
        let undone = |s: &f32| s.is_normal() && s.recip().abs() <= UNDONE;
        match absorbs_scale(cx.graph, cx.facts, x) && used.iter().all(undone) {
            true => Slopes::Absorbed { slope: used },
            false => Slopes::Beside(s),
        }
    }

    /// Factors a channel of x.
    fn factors(&self) -> Option<&[f32]> {
        match self {
            Slopes::None => None,
            Slopes::Beside(s) => Some(s),
            Slopes::Absorbed { slope } => Some(slope),
        }
    }

    /// What undoes them for these of `n` elements; nothing where no element needs it.
    fn back(&self, kept: &[i64], n: usize) -> Option<Vec<f32>> {
        let Slopes::Absorbed { slope } = self else { return None };
        let plane = n / slope.len().max(1);
        let back: Vec<f32> = kept.iter().map(|&i| slope[i as usize / plane].recip()).collect();
        back.iter().any(|&b| b != 1.0).then_some(back)
    }
}
