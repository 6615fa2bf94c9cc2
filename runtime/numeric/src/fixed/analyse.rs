//! A graph over images, on ring elements and in floating point side by side.

#![deny(clippy::wildcard_enum_match_arm)]

use super::certainty::at_most;
use super::emulator::{Emulator, Unknown};
use super::format::Format;
use super::lane::Word;
use super::propose::propose;
use super::ranges::{before_bias, count, image, magnitude};
use super::report::{Analysis, LayerStats, Overflow};
use super::truncation::Truncation;
use super::watch::{Products, largest};
use super::{FixedError, Value};
use rayon::prelude::*;
use relinc_passes::driver::valid::Valid;
use relinc_passes::interp::Interp;
use relinc_passes::ir::op::Kind;
use relinc_passes::ir::{Graph, NodeId, Op, Tensor};
use relinc_passes::passes::normalise_ranges::{Ranges, shifts};
use std::collections::HashMap;

/// Images between two reports of progress.
const CHUNK: usize = 16;
/// Overflows that are listed.
const LISTED: usize = 10;

/// What to emulate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Ring and fraction bits.
    pub format: Format,
    /// What happens after a product.
    pub truncation: Truncation,
    /// What random truncations follow from.
    pub seed: u64,
    /// Head-room that the proposal shall leave, in bits.
    pub headroom: f64,
    /// What becomes of operations without a fixed-point form.
    pub unknown: Unknown,
}

/// The outputs of all images, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// In floating point.
    pub float: Vec<f32>,
    /// In fixed point.
    pub fixed: Vec<f32>,
    /// Outputs of an image.
    pub width: usize,
}

/// Runs every image of `[n,…]` both ways. `tell` hears how many are done. The result does not depend on threads.
pub fn analyse(
    valid: &Valid<'_>,
    images: &Tensor,
    s: &Settings,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<(Analysis, Outputs), FixedError> {
    match s.format.ring {
        32 => run::<i32>(valid, images, s, tell),
        64 => run::<i64>(valid, images, s, tell),
        _ => run::<i128>(valid, images, s, tell),
    }
}

/// What one layer showed; integers of the ring for `value` and `product`.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    value: f64,
    product: f64,
    product_total: f64,
    products: usize,
    float: f64,
    float_product: f64,
    error_sum: f64,
    error_max: f64,
    elements: usize,
    outside: usize,
}

impl Seen {
    fn add(&mut self, o: &Seen) {
        self.value = self.value.max(o.value);
        self.product = self.product.max(o.product);
        self.product_total += o.product_total;
        self.products += o.products;
        self.float = self.float.max(o.float);
        self.float_product = self.float_product.max(o.float_product);
        self.error_sum += o.error_sum;
        self.error_max = self.error_max.max(o.error_max);
        self.elements += o.elements;
        self.outside += o.outside;
    }
    fn error_mean(&self) -> f64 {
        self.error_sum / self.elements.max(1) as f64
    }
}

struct Image {
    layers: HashMap<NodeId, Seen>,
    overflow: Option<Overflow>,
    failed: bool,
    float: Vec<f32>,
    fixed: Vec<f32>,
}

/// Does it compute, rather than move elements or stand for a constant?
fn computes(op: &Op) -> bool {
    match op.kind() {
        Kind::Move => false,
        Kind::Source | Kind::Elementwise => !matches!(op, Op::Const(_) | Op::Compare(_)),
        Kind::Product | Kind::Norm | Kind::Activation | Kind::Pool | Kind::Row => true,
    }
}

/// The ReLU layer each node is, or feeds first.
pub(super) fn layers_below(valid: &Valid<'_>) -> HashMap<NodeId, String> {
    let g = valid.graph();
    let mut names: HashMap<NodeId, String> = HashMap::new();
    for &id in valid.order().iter().rev() {
        let own = g.node(id).layer.clone();
        let below = || g.users(id).into_iter().filter_map(|(u, _)| names.get(&u).cloned()).min();
        if let Some(name) = own.or_else(below) {
            names.insert(id, name);
        }
    }
    names
}

fn run<W: Word>(
    valid: &Valid<'_>,
    images: &Tensor,
    s: &Settings,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<(Analysis, Outputs), FixedError> {
    let g = valid.graph();
    let emulator = Emulator::<W>::new(valid, s)?;
    let interp = Interp::new(g).map_err(|e| FixedError::Graph(e.to_string()))?;
    let names = layers_below(valid);
    let n = count(images);
    let (mut layers, mut out) = (HashMap::<NodeId, Seen>::new(), Outputs::default());
    let (mut overflow, mut overflowed, mut failed) = (vec![], 0, 0);
    for start in (0..n).step_by(CHUNK) {
        let end = (start + CHUNK).min(n);
        let one = |i| one_image(g, &emulator, &interp, &names, &image(images, i)?, i, s);
        let done: Vec<Image> = (start..end).into_par_iter().map(one).collect::<Result<_, _>>()?;
        for im in done {
            im.layers.iter().for_each(|(id, seen)| layers.entry(*id).or_default().add(seen));
            out.width = im.fixed.len();
            out.float.extend(im.float);
            out.fixed.extend(im.fixed);
            failed += usize::from(im.failed);
            overflowed += usize::from(im.overflow.is_some());
            overflow.extend(im.overflow.filter(|_| overflow.len() < LISTED));
        }
        tell(end, n);
    }
    let mut a = describe(valid, &layers, &names, s, n, &out);
    (a.overflow, a.overflowed_images, a.failed_images) = (overflow, overflowed, failed);
    a.stand_ins = emulator.stand_ins().to_vec();
    Ok((a, out))
}

fn one_image<W: Word>(
    g: &Graph,
    emulator: &Emulator<'_, W>,
    interp: &Interp<'_>,
    names: &HashMap<NodeId, String>,
    x: &Tensor,
    index: usize,
    s: &Settings,
) -> Result<Image, FixedError> {
    let mut floats: HashMap<NodeId, Tensor> = g.inputs().iter().map(|&i| (i, x.clone())).collect();
    let out = interp
        .run_watched(vec![x.clone()], &mut |id, t| {
            if computes(g.op(id)) && t.as_f32().is_some() {
                floats.insert(id, t.clone());
            }
        })
        .map_err(|e| FixedError::Graph(e.to_string()))?;
    let float =
        out.first().and_then(|t| t.as_f32()).ok_or(FixedError::Graph("the output is not f32".into()))?;
    let mut im =
        Image { layers: HashMap::new(), overflow: None, failed: false, float: float.to_vec(), fixed: vec![] };
    let fraction = s.format.fraction;
    let mut watch = |id: NodeId, value: &Value<W>, seen: Option<&Products>| {
        let (Some(t), Ok((_, v))) = (floats.get(&id), value.ring()) else { return };
        let mut l = Seen { value: largest(v), float: magnitude(t), elements: v.len(), ..Seen::default() };
        let scale = s.format.ulp();
        for (&a, &b) in v.iter().zip(t.as_f32().unwrap_or_default()) {
            let e = (a.to_f64() * scale - f64::from(b)).abs();
            l.error_sum += e;
            l.error_max = l.error_max.max(e);
        }
        let (mut first, mut points) = (None, 1);
        if let Some(p) = seen {
            if p.points == 2 {
                (l.product, l.product_total, l.products) = (p.largest, p.total, p.count);
                l.float_product = before_bias(g, id, t);
            }
            (l.outside, first, points) = (p.outside, p.first, p.points);
        }
        let most = f64::from(s.truncation.value_bits(W::BITS)).exp2();
        if l.outside == 0 && l.value >= most {
            let outside = || v.iter().map(|x| x.to_f64()).filter(|x| x.abs() >= most);
            (l.outside, first, points) = (outside().count(), outside().next(), 1);
        }
        // What follows from a truncation that went wrong is no overflow of its own.
        if im.failed {
            l.outside = 0;
        } else if let (Some(first), None) = (first, &im.overflow) {
            let unit = (-f64::from(points * fraction)).exp2();
            let bits = if points == 2 { s.truncation.safe_bits(s.format) } else { most.log2() as u32 };
            im.overflow = Some(Overflow {
                image: index,
                node: g.node(id).name.clone(),
                op: g.op(id).mnemonic().into(),
                layer: names.get(&id).cloned(),
                value: first * unit,
                elements: l.outside,
                limit: f64::from(bits).exp2() * unit,
            });
        }
        im.failed |= seen.is_some_and(|p| p.failed > 0) && im.overflow.is_none();
        im.layers.insert(id, l);
    };
    let y = emulator.run(x.as_f32().unwrap_or_default(), index, &mut watch)?;
    let y = y.decoded(fraction).ok_or(FixedError::Graph("the output is no number".into()))?;
    im.fixed = y.into_iter().map(|v| v as f32).collect();
    Ok(im)
}

/// The error that a node's operands bring, through nodes that only move elements.
fn inherited(g: &Graph, id: NodeId, layers: &HashMap<NodeId, Seen>) -> f64 {
    let of = |o: NodeId| match layers.get(&o) {
        Some(seen) => seen.error_mean(),
        None if g.const_of(o).is_some() => 0.0,
        None => inherited(g, o, layers),
    };
    g.operands(id).into_iter().map(of).fold(0.0, f64::max)
}

/// Images whose arg max is another in fixed point.
fn flips(out: &Outputs) -> usize {
    let best = |row: &[f32]| (0..row.len()).fold(0, |b, i| if row[i] > row[b] { i } else { b });
    rows(out).filter(|(a, b)| best(a) != best(b)).count()
}

fn rows(out: &Outputs) -> impl Iterator<Item = (&[f32], &[f32])> {
    let width = out.width.max(1);
    out.float.chunks(width).zip(out.fixed.chunks(width))
}

/// The largest error of an image's outputs, as a share of their range.
fn largest_share(out: &Outputs) -> f64 {
    // One output alone, or outputs that are all the same, are held against their own size.
    let scale = |row: &[f32]| {
        let (low, high) = row.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let size = if high > low { f64::from(high) - f64::from(low) } else { f64::from(high.abs()) };
        if size > 0.0 { size } else { 1.0 }
    };
    let of = |(float, fixed): (&[f32], &[f32])| {
        let errors = float.iter().zip(fixed).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
        errors.fold(0.0, f64::max) / scale(float)
    };
    rows(out).map(of).fold(0.0, f64::max)
}

fn describe(
    valid: &Valid<'_>,
    seen: &HashMap<NodeId, Seen>,
    names: &HashMap<NodeId, String>,
    s: &Settings,
    n: usize,
    out: &Outputs,
) -> Analysis {
    let (g, ring) = (valid.graph(), s.format.ring);
    let flips = flips(out);
    let bits = |v: f64| (v > 0.0).then(|| v.log2());
    let of = |&id: &NodeId| {
        let l = seen.get(&id)?;
        let (value_bits, product_bits) = (bits(l.value), bits(l.product));
        let of_value = f64::from(s.truncation.value_bits(ring)) - value_bits.unwrap_or(0.0);
        let of_product = f64::from(s.truncation.safe_bits(s.format)) - product_bits.unwrap_or(0.0);
        let error_mean = l.error_mean();
        Some(LayerStats {
            node: g.node(id).name.clone(),
            op: g.op(id).mnemonic().into(),
            layer: names.get(&id).cloned(),
            largest: l.value * s.format.ulp(),
            largest_float: l.float,
            value_bits,
            product_bits,
            headroom_bits: of_value.min(of_product),
            error_mean,
            error_max: l.error_max,
            error_increase: error_mean - inherited(g, id, seen),
            overflows: l.outside as u64,
        })
    };
    let layers: Vec<LayerStats> = valid.order().iter().filter_map(of).collect();
    let label = |l: &LayerStats| match &l.layer {
        Some(layer) => format!("{} '{}' ({layer})", l.op, l.node),
        None => format!("{} '{}'", l.op, l.node),
    };
    let least = layers.iter().min_by(|a, b| a.headroom_bits.total_cmp(&b.headroom_bits));
    let enters = layers.iter().max_by(|a, b| a.error_increase.total_cmp(&b.error_increase));
    let over = |f: fn(&Seen) -> f64| seen.values().map(f).fold(0.0, f64::max);
    let largest_float = [over(|l| l.float_product), over(|l| l.float)];
    let errors = || out.fixed.iter().zip(&out.float).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    let target = (f64::from(s.truncation.safe_bits(s.format)) - f64::from(2 * s.format.fraction) - s.headroom)
        .floor() as i32;
    let measured =
        seen.iter().map(|(id, l)| (g.node(*id).name.clone(), l.float.max(l.float_product))).collect();
    let mut rescaling = shifts(g, &Ranges::new(g, measured, target));
    rescaling.retain(|r| r.shift > 0);
    let sum = |of: fn(&Seen) -> f64| valid.order().iter().filter_map(|id| seen.get(id)).map(of).sum::<f64>();
    let per_image = |total: f64| total / f64::from(ring).exp2() / n.max(1) as f64;
    Analysis {
        ring,
        fraction: s.format.fraction,
        truncation: s.truncation,
        seed: s.seed,
        n,
        argmax_agreement: 1.0 - flips as f64 / n.max(1) as f64,
        flips,
        flips_at_most: at_most(flips, n),
        output_error_share: largest_share(out),
        output_error_max: errors().fold(0.0, f64::max),
        output_error_mean: errors().sum::<f64>() / out.fixed.len().max(1) as f64,
        headroom_bits: least.map_or(f64::from(ring), |l| l.headroom_bits),
        tightest: least.map(label),
        error_enters: enters.filter(|l| l.error_increase > 0.0).map(label),
        overflows: layers.iter().map(|l| l.overflows).sum(),
        overflowed_images: 0,
        overflow: vec![],
        failed_images: 0,
        stand_ins: vec![],
        expected_local_failures: per_image(sum(|l| l.product_total)),
        local_failures_at_most: per_image(sum(|l| l.product * l.products as f64)),
        target,
        rescaling,
        largest_float,
        proposal: propose(ring, s.truncation, largest_float, s.headroom),
        layers,
    }
}
