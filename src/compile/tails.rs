//! Tails: what quadratic layers read beyond the range that training images showed, and what fixed point makes of it.

use super::Request;
use super::fixed::{self, Plan, SHARE};
use crate::error::{Result, input};
use crate::progress::Progress;
use crate::report::count;
use crate::report::model::{FixedPoint, Report, Tail, Tails};
use relinc_passes::choice::Choice;
use relinc_passes::driver::valid::Valid;
use relinc_passes::ir::{Graph, Tensor};
use relinc_passes::masks::{self, Masks};
use relinc_runtime::data::{Dataset, Split};
use relinc_runtime::eval;
use relinc_runtime::search::tails::{Reach, Reaches, reach};

/// Images of each part that are looked at, at most.
const LOOKED_AT: usize = 512;
/// Training images that do not make the range, since a few are far beyond all others.
const OUTERMOST: f64 = 0.01;
/// Images the network looks at together.
const BATCH: usize = 32;

/// What is said where nobody gave images.
const BLIND: &str = "Some layers are quadratic: what is far from 0 grows with its square, and without images nobody looked how far it \
                     goes; give them with --data.";

/// A network and its masks.
pub struct Masked<'a> {
    /// Without masks.
    pub graph: &'a Graph,
    /// Its masks.
    pub masks: &'a Masks,
    /// What is emitted.
    pub emitted: &'a Valid<'a>,
}

/// The tails of the quadratic layers, and sentences on them; nothing where no element is quadratic.
pub fn look(
    m: &Masked<'_>,
    held_out: Option<&Dataset>,
    plans: &[Plan],
    r: &Request,
    progress: &Progress,
) -> Result<(Option<Tails>, Vec<String>)> {
    let bent = m.masks.layers.iter().filter(|(_, l)| l.count(Choice::Quadratic) > 0);
    let names: Vec<&str> = bent.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Ok((None, vec![]));
    }
    let (Some(held_out), Some(data)) = (held_out, &r.data) else { return Ok((None, vec![BLIND.into()])) };
    let known = data.open(Split::Train, Some(LOOKED_AT)).map_err(input)?;
    let masked = masks::apply(m.graph, m.masks).map_err(input)?;
    let over = |given: &[Tensor], limits: &[f32], what: &str| -> Result<Reaches> {
        let layers: Vec<(&str, f32)> = names.iter().copied().zip(limits.iter().copied()).collect();
        let tell = &mut |i, n| progress.count(what, i, n);
        reach(&masked, &layers, given, tell).map_err(input)
    };
    let known = batches(&masked, &known)?;
    let ranges = over(&known, &vec![f32::INFINITY; names.len()], "ranges of quadratic layers")?;
    let limits: Vec<f32> = ranges.layers.iter().map(|r| r.usual(OUTERMOST)).collect();
    let seen = over(&batches(&masked, held_out)?, &limits, "tails of quadratic layers")?.layers;
    let worst = furthest(&known, &ranges.images, fixed::emulated(plans, m.emitted));
    let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
    let tail = |(((layer, limit), s), known): (((&&str, &f32), &Reach), &Reach)| Tail {
        layer: layer.to_string(),
        calibrated: finite(*limit),
        largest: finite(s.usual(0.0).max(known.usual(0.0))),
        elements_beyond: share(s.elements_beyond, s.elements),
        images_beyond: share(s.images_beyond, s.images),
    };
    let failures = fixed::check_on(r, plans, m.emitted, worst.as_ref(), progress)?;
    let tails = Tails {
        calibrated_on: ranges.images.len() as u64,
        n: seen.first().map_or(0, |r| r.images as u64),
        layers: names.iter().zip(&limits).zip(&seen).zip(&ranges.layers).map(tail).collect(),
        failures: failures.iter().filter_map(failure).collect(),
    };
    let notes = std::iter::once(sentence(&tails)).chain(tails.failures.iter().cloned()).collect();
    Ok((Some(tails), notes))
}

/// The `n` images that read farthest from 0, one batch.
fn furthest(batches: &[Tensor], reach: &[f32], n: usize) -> Option<Tensor> {
    let mut order: Vec<usize> = (0..reach.len()).collect();
    order.sort_by(|&a, &b| reach[b].total_cmp(&reach[a]));
    order.truncate(n);
    let first = batches.first()?;
    let each = first.len() / first.shape().first().copied()?.max(1);
    let all: Vec<&[f32]> =
        batches.iter().flat_map(|b| b.as_f32().unwrap_or_default().chunks(each.max(1))).collect();
    let mut shape = first.shape().to_vec();
    shape[0] = order.len();
    Some(Tensor::f32(shape, order.iter().flat_map(|&i| all[i].iter().copied()).collect()))
}

/// As a number that JSON has.
fn finite(v: f32) -> f64 {
    f64::from(v.min(f32::MAX))
}

fn batches(g: &Graph, ds: &Dataset) -> Result<Vec<Tensor>> {
    let (_, ty) = g.only_input().map_err(input)?;
    let layout = eval::layout(ty, ds.image_shape()).map_err(input)?;
    let ranges = eval::batches(ty, ds.len().min(LOOKED_AT), BATCH).map_err(input)?;
    Ok(ranges.into_iter().map(|range| eval::feed(ds, range, layout).0).collect())
}

/// Why fixed point does not bear the tails: a number leaves the ring, or a class moves by more than what rounding explains.
fn failure(f: &FixedPoint) -> Option<String> {
    let a = f.images.as_ref()?;
    let who = crate::fixed_point::who(f);
    if let Some(o) = a.overflow.first() {
        return Some(format!(
            "Tails of quadratic layers: on {} of the {} training images with the largest numbers one leaves the ring ({who}), first at {} '{}' where {:.3e} does \
             not fit ±{:.3e}.",
            a.overflowed_images, a.n, o.op, o.node, o.value, o.limit
        ));
    }
    (a.flips > 0 && a.output_error_share > SHARE).then(|| {
        format!(
            "Tails of quadratic layers: on {} of the {} training images with the largest numbers fixed point moves the class ({who}), and outputs are off by up to \
             {:.1} % of their range.",
            a.flips,
            a.n,
            100.0 * a.output_error_share
        )
    })
}

/// What the layer with the longest tail reads.
fn sentence(t: &Tails) -> String {
    let worst = t.layers.iter().max_by(|a, b| a.elements_beyond.total_cmp(&b.elements_beyond));
    let furthest = t.layers.iter().max_by(|a, b| a.largest.total_cmp(&b.largest));
    let (Some(w), Some(f)) = (worst, furthest) else { return String::new() };
    format!(
        "{} layers are quadratic. On {} held-out images at most {:.2e} of a layer's elements ({}, on {:.1} % of the images) are beyond \
         what 99 % of {} training images read; the largest |x| of all these images is {:.3e} ({}).",
        t.layers.len(),
        count(t.n),
        w.elements_beyond,
        w.layer,
        100.0 * w.images_beyond,
        count(t.calibrated_on),
        f.largest,
        f.layer
    )
}

/// Why a report is no result to use, unless the user insists.
pub fn answer(r: &Report) -> Option<String> {
    let failures = &r.tails.as_ref().filter(|_| !r.settings.allow_tails)?.failures;
    (!failures.is_empty()).then(|| {
        format!(
            "{}\nTrain longer without clipping, keep ReLUs after the additions, or take more fraction bits or a larger ring with \
             --fixed-point; --allow-tails insists.",
            failures.join("\n")
        )
    })
}
