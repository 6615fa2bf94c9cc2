//! The emitted graph in the arithmetic of each target: emulated on images, bounded without.

use super::{IMAGES, Plan, Request, Target};
use crate::compile::describe;
use crate::error::{Result, input};
use crate::progress::Progress;
use crate::random;
use crate::report::model::{Failure, FixedPoint, Outcome, Tried};
use relinc_passes::back::{crypten, mp_spdz};
use relinc_passes::driver::valid::{self, Valid};
use relinc_passes::driver::{self, Options};
use relinc_passes::ir::Tensor;
use relinc_passes::passes::normalise_ranges::NormaliseRanges;
use relinc_runtime::cost;
use relinc_runtime::data::Dataset;
use relinc_runtime::fixed::{self, Analysis, Format, Settings, Truncation, Unknown, analyse};

/// Head-room that a proposal leaves, in bits.
const HEADROOM: f64 = 8.0;
/// Outputs that are off by more than this share of their range are imprecise.
pub const SHARE: f64 = 0.02;
/// Multiply-accumulates that the emulations of one compilation may take, so that they stay under about 20 seconds on two
/// cores; a fixed number, so that the images are the same everywhere.
const MACS: u64 = 60_000_000_000;
/// Images that are emulated whatever they take.
const LEAST: usize = 4;
/// The target of normalise-ranges unless it is told another.
const NORMAL: i32 = 3;
/// What a product in a ring of 128 bits takes more.
const WIDE: u64 = 8;

/// Checks every arithmetic of `plans`: on the first images of a data set where there is one, else by bounds.
pub fn check(
    r: &Request,
    plans: &[Plan],
    emitted: &Valid<'_>,
    held_out: Option<&Dataset>,
    progress: &Progress,
) -> Result<Vec<FixedPoint>> {
    let n = emulated(plans, emitted);
    let batch = match held_out {
        Some(ds) if !plans.is_empty() => {
            let (_, ty) = emitted.graph().only_input().map_err(input)?;
            Some(describe::sample(ty, Some(ds), n, r.seed)?)
        }
        _ => None,
    };
    check_on(r, plans, emitted, batch.as_ref(), progress)
}

/// How many images [`check`] emulates.
pub fn emulated(plans: &[Plan], emitted: &Valid<'_>) -> usize {
    let macs = cost::totals(emitted.graph(), emitted.facts()).macs;
    images(plans.iter().map(|p| weight(p.format)).sum::<u64>() * macs)
}

/// The same on these inputs of the network, `[n, …]`.
pub fn check_on(
    r: &Request,
    plans: &[Plan],
    emitted: &Valid<'_>,
    batch: Option<&Tensor>,
    progress: &Progress,
) -> Result<Vec<FixedPoint>> {
    let macs = cost::totals(emitted.graph(), emitted.facts()).macs;
    let one = |p: &Plan| {
        let mut found = FixedPoint {
            target: p.target.name().into(),
            protocols: p.protocols.clone(),
            ring: p.format.ring,
            fraction: p.format.fraction,
            truncation: p.truncation,
            failure: r
                .bounded
                .filter(|_| p.truncation == Truncation::Local)
                .map(|b| Failure { asked: b.asked, at_most: b.at_most }),
            verdict: Outcome::Unchecked,
            images: None,
            tried: vec![],
            bounds: None,
            assumed: false,
            why: None,
        };
        let done = match batch {
            Some(images) => {
                let trial = Trial { plan: p, emitted, images, macs, seed: r.seed, progress };
                trial.emulate(&mut found, r.options.normalise().is_none())
            }
            None => with_graph(p.target, emitted, |v| bound(&mut found, p, v, r.options.input_range())),
        };
        found.why = done.err();
        found
    };
    Ok(plans.iter().map(one).collect())
}

/// How many images are emulated where one takes so many multiply-accumulates.
pub(super) fn images(macs: u64) -> usize {
    usize::try_from(MACS / macs.max(1)).unwrap_or(IMAGES).clamp(LEAST, IMAGES)
}

fn weight(f: Format) -> u64 {
    if f.ring > 64 { WIDE } else { 1 }
}

/// Looks at the graph that a target's artefact computes.
fn with_graph<T>(t: Target, emitted: &Valid<'_>, look: impl FnOnce(&Valid<'_>) -> T) -> Result<T, String> {
    let own = match t {
        Target::Onnx | Target::Spu => return Ok(look(emitted)),
        Target::Crypten => crypten::lowered(emitted),
        Target::MpSpdz => mp_spdz::lowered(emitted),
    };
    let g = own.map_err(|e| e.to_string())?;
    Ok(look(&valid::check(&g).map_err(|e| e[0].to_string())?))
}

/// One arithmetic on images.
pub(super) struct Trial<'a> {
    pub plan: &'a Plan,
    pub emitted: &'a Valid<'a>,
    pub images: &'a Tensor,
    /// Multiply-accumulates of an image.
    pub macs: u64,
    pub seed: u64,
    pub progress: &'a Progress,
}

impl Trial<'_> {
    /// Emulates the graph, and where that goes wrong, what may be done about it.
    fn emulate(&self, found: &mut FixedPoint, rescalable: bool) -> Result<(), String> {
        let a = self.run(self.emitted, self.plan.format, self.images)?;
        found.verdict = verdict(&a);
        let candidates = if found.verdict == Outcome::Holds || found.failure.is_some() {
            vec![]
        } else {
            self.candidates(&a, rescalable)
        };
        let all: u64 = candidates.iter().map(|c| weight(c.0)).sum();
        let few = first(self.images, self::images(self.macs * all));
        for (format, normalise) in candidates {
            let b = match normalise {
                None => self.run(self.emitted, format, &few)?,
                Some(target) => self.rescaled(format, target, &few)?,
            };
            let holds = verdict(&b) == Outcome::Holds;
            found.tried.push(Tried {
                ring: format.ring,
                fraction: format.fraction,
                normalise,
                n: b.n,
                flips: b.flips,
                overflowed_images: b.overflowed_images,
                output_error_share: b.output_error_share,
                holds,
            });
            if holds {
                break;
            }
        }
        found.images = Some(a);
        Ok(())
    }

    pub fn run(&self, emitted: &Valid<'_>, format: Format, images: &Tensor) -> Result<Analysis, String> {
        let (truncation, headroom) = (self.plan.truncation, HEADROOM);
        let s = Settings { format, truncation, seed: self.seed, headroom, unknown: Unknown::StandIn };
        let target = self.plan.target;
        let label = format!("fixed point, {} {format}", target.name());
        let tell = &mut |i, n| self.progress.count(&label, i, n);
        let done = with_graph(target, emitted, |v| analyse(v, images, &s, tell))?;
        done.map(|(a, _)| a).map_err(|e| e.to_string())
    }

    /// The graph as `--normalise-ranges` would make it.
    fn rescaled(&self, format: Format, target: i32, few: &Tensor) -> Result<Analysis, String> {
        let mut g = self.emitted.graph().clone();
        let ranges = fixed::ranges(&g, self.images, target).map_err(|e| e.to_string())?;
        driver::run(&NormaliseRanges(Some(ranges)), &mut g, &Options::default())
            .map_err(|e| e.to_string())?;
        self.run(&valid::check(&g).map_err(|e| e[0].to_string())?, format, few)
    }

    /// What is worth a try where this arithmetic does not do: the fraction bits that leave enough head-room, layers scaled
    /// down, a wider ring. A format, and an exponent for normalise-ranges.
    fn candidates(&self, a: &Analysis, rescalable: bool) -> Vec<(Format, Option<i32>)> {
        let f = self.plan.format;
        let best = |ring: u32| {
            let p = fixed::propose(ring, self.plan.truncation, a.largest_float, HEADROOM)?;
            Some(Format { ring, fraction: p.fraction })
        };
        let better = best(f.ring).filter(|c| a.overflows > 0 || c.fraction > f.fraction);
        let wider = if f.ring < 128 { best(128) } else { None };
        let fits = |c: &Format| *c != f && self.plan.truncation.check(*c).is_ok();
        let plain = |c: Format| (c, None);
        let mut all: Vec<_> = better.into_iter().filter(fits).map(plain).collect();
        all.extend(rescalable.then_some((f, Some(NORMAL))));
        all.extend(wider.into_iter().filter(fits).map(plain));
        all
    }
}

/// What images say of an arithmetic.
fn verdict(a: &Analysis) -> Outcome {
    match () {
        () if a.overflows > 0 => Outcome::Overflows,
        () if a.flips > 0 => Outcome::Moved,
        () if a.output_error_share > SHARE => Outcome::Imprecise,
        () => Outcome::Holds,
    }
}

/// The first `n` images.
fn first(images: &Tensor, n: usize) -> Tensor {
    let mut shape = images.shape().to_vec();
    let each = images.len() / shape[0].max(1);
    shape[0] = shape[0].min(n);
    let v = images.as_f32().unwrap_or_default();
    Tensor::f32(shape.clone(), v[..shape[0] * each].to_vec())
}

fn bound(found: &mut FixedPoint, p: &Plan, v: &Valid<'_>, declared: Option<(f32, f32)>) {
    let b = fixed::bounds(v, p.format, p.truncation, declared.unwrap_or(random::RANGE));
    found.assumed = declared.is_none();
    found.verdict = if b.fits { Outcome::Holds } else { Outcome::MayOverflow };
    found.bounds = Some(b);
}
