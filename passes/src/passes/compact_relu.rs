//! Leaves the secure comparison only the elements that keep their ReLU.
//!
//! **Before**: `masked_relu(x, mask[, slope=…][, quadratic=…]) {cap=c}`.
//!
//! **After**: `f = reshape(x)`, `r = relu(gather(f, kept))`, `y = reshape(gather(concat(f, r, z), places))`, where
//! `places[i]` is i for an identity element, points into r for a kept one and at the single zero z for a zeroed one.
//! In a layer with a cap r is a `capped_relu`, and elements that are ReLUs without the cap are gathered by themselves into a `relu`.
//! Quadratic elements are gathered in the same way, into `(a·u + b)·u + c` with the coefficients of their channels; a layer that is
//! quadratic in all its elements needs no gather. f is left out when no element is the identity, r when none is kept, z when none is zeroed; a mask that keeps all is a
//! plain `relu` or `capped_relu`.
//!
//! **Conditions**: the mask is a constant. Gather and concat by public indices send nothing on the runtimes we know; a
//! mask applied after a full ReLU would save nothing.
//!
//! **Formula**: `y[i] = m[i]=1 ? min(max(x[i], 0), c) : m[i]=4 ? max(x[i], 0) : m[i]=3 ? a·x[i]² + b·x[i] + c :
//! m[i]=0 ? slope·x[i] : 0`; z is computed as `f[0] − f[0]`, which costs no
//! truncation on shares. Slopes go into the weights of the convolution or linear layer that computes x, where nothing else
//! reads it. With s = a/b of whole numbers up to 4 these take 1/b; then f holds the whole multiples of x/b that are needed,
//! made by additions, of which identity elements are taken a times and kept ones b times: nothing is sent. Other slopes
//! are taken whole, and r is `relu(gather(f, kept)/s)`, a product of the kept elements alone. A channel without kept elements
//! costs nothing in either way. Where x is read elsewhere, slopes are a product of all elements.
//!
//! **Source**: ours; that gathers and concats by public indices send nothing was measured on SPU and CrypTen.

mod quadratics;
mod slopes;

use crate::choice::Choice;
use crate::driver::patch::{Patch, Ref};
use crate::driver::{About, Cx, Guarantee, Pass, Phase, Skip};
use crate::ir::op::SliceAxis;
use crate::ir::{Binary, Dim, NodeId, Op, Tensor};
use crate::masks::LayerMask;
use crate::passes::affine::channel_constant;
use slopes::Slopes;

/// See the module documentation.
#[derive(Debug)]
pub struct CompactRelu;

impl Pass for CompactRelu {
    fn about(&self) -> About {
        About::new("compact-relu", Guarantee::Exact, &[Phase::Lowering], include_str!("compact_relu.rs"))
    }
    fn rewrite(&self, cx: &Cx<'_>, at: NodeId) -> Result<Patch, Skip> {
        let node = cx.graph.node(at);
        let (x, mask) = LayerMask::of_node(cx.graph, at).ok_or(Skip::NoMatch)?;
        let whole = [(Choice::Relu, Op::relu(mask.cap)), (Choice::Uncapped, Op::Relu)];
        if let Some((_, op)) = whole.into_iter().find(|(c, _)| mask.only(*c)) {
            let mut p = Patch::new();
            let r = p.add_in_layer(&node.name, op, &[x.into()], node.layer.as_deref());
            return Ok(p.replace(at, r));
        }
        if mask.only(Choice::Quadratic) {
            return Ok(quadratics::whole_layer(cx, at, x, &mask));
        }
        Ok(gather_form(cx, at, x, &mask))
    }
}

fn gather_form(cx: &Cx<'_>, at: NodeId, x: NodeId, of: &LayerMask) -> Patch {
    let (g, mask) = (cx.graph, &of.values[..]);
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
    let slopes = Slopes::of(cx, x, of);
    let scaled = slopes.factors().map(|s| {
        let c = p.constant(format!("{base}.slope"), channel_constant(ty.rank(), s.to_vec()));
        let product = Op::Binary(Binary::Mul);
        p.add_in_layer(format!("{base}.scaled"), product, &[x.into(), c], layer)
    });
    let beside = matches!(slopes, Slopes::Beside(_));
    let flat = flatten(&mut p, "flat", scaled.filter(|_| !beside).unwrap_or(x.into()));
    let mut table = Table { multiples: slopes.multiples(mask), parts: vec![], n };
    table.parts = match scaled.filter(|_| beside) {
        Some(s) => vec![flatten(&mut p, "scaled_flat", s)],
        None => table.multiples.iter().map(|&k| times(&mut p, k, flat, base, layer)).collect(),
    };
    let mut parts: Vec<Ref> = if has(Choice::Identity) { table.parts.clone() } else { vec![] };
    let mut width = parts.len() * n;
    let mut from = None;
    let mut first = [width; 2];
    for (k, (choice, op, names)) in groups(of.cap).into_iter().enumerate() {
        let kept = || (0..n).filter(|&i| mask[i] == choice);
        first[k] = width;
        let relus = of.count(choice);
        if relus == 0 {
            continue;
        }
        width += relus;
        let from = *from.get_or_insert_with(|| match table.parts[..] {
            [_] => flat,
            _ => {
                let all =
                    p.add_in_layer(format!("{base}.multiples"), Op::Concat { axis: 1 }, &table.parts, layer);
                parts = vec![all];
                all
            }
        });
        let [kept_name, gathered, unslope, unscaled, relu] = names.map(|name| format!("{base}.{name}"));
        let idx = p.constant(kept_name, Tensor::i64([relus], table.kept(mask, choice, &slopes, relus)));
        let mut picked = p.add_in_layer(gathered, Op::Gather { axis: 1 }, &[from, idx], layer);
        if let Some(back) = slopes.back(kept(), n) {
            let c = p.constant(unslope, Tensor::f32([back.len()], back));
            picked = p.add_in_layer(unscaled, Op::Binary(Binary::Mul), &[picked, c], layer);
        }
        parts.push(p.add_in_layer(relu, op, &[picked], layer));
    }
    if has(Choice::Zero) {
        let first = SliceAxis { axis: 1, start: 0, end: 1, step: 1 };
        let s = p.add_in_layer(format!("{base}.first"), Op::Slice(vec![first]), &[flat], layer);
        parts.push(p.add_in_layer(format!("{base}.zero"), Op::Binary(Binary::Sub), &[s, s], layer));
    }
    let first_quadratic = width + usize::from(has(Choice::Zero));
    parts.extend(quadratics::gathered(&mut p, of, flat, base, layer));
    let places = table.places(mask, &slopes, first, [width, first_quadratic]);
    let all = match parts[..] {
        [only] => only,
        _ => p.add_in_layer(format!("{base}.joined"), Op::Concat { axis: 1 }, &parts, layer),
    };
    let idx = p.constant(format!("{base}.places"), Tensor::i64([n], places));
    let back = p.add_in_layer(format!("{base}.placed"), Op::Gather { axis: 1 }, &[all, idx], layer);
    let y = match ty.rank() {
        2 => back,
        _ => p.add_in_layer(format!("{base}.masked"), Op::Reshape(ty.dims.clone()), &[back], layer),
    };
    p.replace(at, y)
}

/// The elements that compare, by what they have in common, and what their nodes are called: those with the layer's own function, then
/// ReLUs without its cap.
fn groups(cap: f32) -> [(Choice, Op, [&'static str; 5]); 2] {
    let own = ["kept", "gathered", "unslope", "unscaled", "relu"];
    let uncapped =
        ["uncapped", "uncapped_gathered", "uncapped_unslope", "uncapped_unscaled", "uncapped_relu"];
    [(Choice::Relu, Op::relu(cap), own), (Choice::Uncapped, Op::Relu, uncapped)]
}

/// Whole multiples of all elements, one after the other.
struct Table {
    multiples: Vec<u32>,
    parts: Vec<Ref>,
    n: usize,
}

impl Table {
    /// Where the elements begin, taken `times`.
    fn start(&self, times: u32) -> usize {
        self.multiples.iter().position(|&k| k == times).unwrap_or(0) * self.n
    }

    /// Where the elements of a choice that compares are, of which there are `relus`.
    fn kept(&self, mask: &[Choice], choice: Choice, slopes: &Slopes<'_>, relus: usize) -> Vec<i64> {
        // Masks are as good as random: every element is written, and only kept ones go on, without a branch.
        let (mut all, mut next) = (vec![0; relus + 1], 0);
        for (first, part) in slopes.parts(mask) {
            let start = self.start(slopes.kept(first, self.n)) + first;
            for (i, v) in part.iter().enumerate() {
                all[next] = (start + i) as i64;
                next += usize::from(*v == choice);
            }
        }
        all.truncate(relus);
        all
    }

    /// Where every element comes from: itself, the kept and the quadratic ones from the first of their group on, or the zero.
    fn places(
        &self,
        mask: &[Choice],
        slopes: &Slopes<'_>,
        [mut next, mut uncapped]: [usize; 2],
        [zero, mut quadratic]: [usize; 2],
    ) -> Vec<i64> {
        let mut all = Vec::with_capacity(self.n);
        for (first, part) in slopes.parts(mask) {
            let start = self.start(slopes.identity(first, self.n)) + first;
            all.extend(part.iter().enumerate().map(|(i, &v)| {
                let place = match v {
                    Choice::Identity => start + i,
                    Choice::Relu => next,
                    Choice::Zero => zero,
                    Choice::Quadratic => quadratic,
                    Choice::Uncapped => uncapped,
                };
                quadratic += usize::from(v == Choice::Quadratic);
                uncapped += usize::from(v == Choice::Uncapped);
                next += usize::from(v == Choice::Relu);
                place as i64
            }));
        }
        all
    }
}

/// `k·x` by additions.
fn times(p: &mut Patch, k: u32, x: Ref, base: &str, layer: Option<&str>) -> Ref {
    let mut add =
        |name: String, a: Ref, b: Ref| p.add_in_layer(name, Op::Binary(Binary::Add), &[a, b], layer);
    let (mut sum, mut power) = (None, x);
    for bit in 0..u32::BITS - k.leading_zeros() {
        if bit > 0 {
            power = add(format!("{base}.times_{k}.{bit}"), power, power);
        }
        if k >> bit & 1 == 1 {
            sum = Some(match sum {
                None => power,
                Some(s) => add(format!("{base}.times_{k}"), s, power),
            });
        }
    }
    sum.unwrap_or(x)
}
