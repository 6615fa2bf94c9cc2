//! The ring of SPU's artefacts.

use super::check::{Trial, images};
use super::{Emulation, Plan, Request, Target};
use crate::compile::{describe, forms};
use crate::error::{Result, input};
use crate::progress::Progress;
use relinc_passes::driver::valid::Valid;
use relinc_runtime::cost::{self, Protocol};
use relinc_runtime::data::Dataset;
use relinc_runtime::fixed::{self, Analysis, Format, Truncation};

relinc_passes::words! {
    /// The ring that SPU's artefacts are made for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum RingMode ("ring") {
        /// 32 bits where that is cheaper and the arg max stays on calibration images, else 64.
        Auto = "auto",
        /// 32 bits.
        Bits32 = "32",
        /// 64 bits.
        Bits64 = "64",
        /// 128 bits.
        Bits128 = "128",
    }
}

/// Fraction bits in a ring of 32 bits without images to find a better number.
const USUAL: u32 = 10;
/// Head-room that a ring of 32 bits is left at least, in bits.
const LEAST_ROOM: f64 = 2.0;
/// Emulations of one compilation.
const RUNS: u64 = 3;

impl RingMode {
    /// The ring where it is not chosen by price.
    pub fn bits(self) -> Option<u32> {
        match self {
            RingMode::Auto => None,
            RingMode::Bits32 => Some(32),
            RingMode::Bits64 => Some(64),
            RingMode::Bits128 => Some(128),
        }
    }
}

/// The cost model of the same protocol in a ring.
fn in_ring(p: &Protocol, ring: u32) -> Option<Protocol> {
    let base = [32, 128].iter().find_map(|b| p.name.strip_suffix(&format!("-ring{b}"))).unwrap_or(&p.name);
    let name = if ring == 64 { base.to_string() } else { format!("{base}-ring{ring}") };
    cost::protocols().iter().find(|q| q.name == name && q.ring == ring).cloned()
}

/// The protocols in a ring; of those that nobody named, the ones that have a cost model there.
///
/// # Errors
/// One that was named and has none.
pub fn protocols(all: Vec<Protocol>, ring: u32, named: bool) -> Result<Vec<Protocol>> {
    let mut out = vec![];
    for p in all {
        match in_ring(&p, ring) {
            _ if p.on_spu().is_none() || p.ring == ring => out.push(p),
            Some(q) => out.push(q),
            None if !named => {}
            None => {
                return Err(input(format!(
                    "ring {ring}: {} has no cost model in that ring; leave the protocol out, or take another ring",
                    p.name
                )));
            }
        }
    }
    Ok(out)
}

/// The request in a ring of 32 bits, where that is asked or allowed and every protocol of SPU has a cost model there.
pub fn narrow(r: &Request) -> Option<Request> {
    match r.options.ring? {
        RingMode::Bits64 | RingMode::Bits128 => None,
        RingMode::Bits32 => Some(r.clone()),
        RingMode::Auto => {
            let named = !r.options.report.protocols.is_empty();
            let protocols = protocols(r.protocols.clone(), 32, named).ok()?;
            let some = protocols.iter().any(|p| p.on_spu().is_some());
            some.then(|| Request { protocols, ..r.clone() })
        }
    }
}

/// The request made for a format.
pub fn made_for(r: Request, format: Format) -> Request {
    let mut options = r.options.clone();
    options.fixed_point = Some(Emulation::In(format));
    Request { options, ..r }
}

/// The fraction bits of a ring of 32 bits with which the fewest images overflow and outputs err least, and what was found with
/// them; without images the usual number.
pub fn fraction(
    r: &Request,
    emitted: &Valid<'_>,
    held_out: Option<&Dataset>,
    progress: &Progress,
) -> Result<(Format, Option<Analysis>)> {
    let usual = Format { ring: 32, fraction: USUAL };
    let (given, Some(ds)) = (r.options.format(), held_out) else {
        return Ok((r.options.format().unwrap_or(usual), None));
    };
    let macs = cost::totals(emitted.graph(), emitted.facts()).macs;
    let (_, ty) = emitted.graph().only_input().map_err(input)?;
    let batch = describe::sample(ty, Some(ds), images(macs * RUNS), r.seed)?;
    let run = |format: Format| {
        let (target, truncation) = (Target::Spu, Truncation::Probabilistic);
        let plan = Plan { target, protocols: vec![], format, truncation };
        Trial { plan: &plan, emitted, images: &batch, macs, seed: r.seed, progress }
            .run(emitted, format, &batch)
            .map_err(input)
    };
    let mut best = run(given.unwrap_or(usual))?;
    if given.is_none()
        && let Some(most) = fixed::propose(32, Truncation::Probabilistic, best.largest_float, LEAST_ROOM)
    {
        for fraction in [most.fraction, most.fraction.saturating_sub(1)] {
            if fraction == USUAL || fraction == 0 {
                continue;
            }
            let a = run(Format { ring: 32, fraction })?;
            let by_error = |a: &Analysis, b: &Analysis| {
                a.overflowed_images
                    .cmp(&b.overflowed_images)
                    .then(a.output_error_mean.total_cmp(&b.output_error_mean))
            };
            if by_error(&a, &best).is_lt() {
                best = a;
            }
        }
    }
    Ok((Format { ring: 32, fraction: best.fraction }, Some(best)))
}

/// Seconds of communication of a query that is not the first, by the first protocol of SPU that runs in a ring of 32 bits, on the first
/// network; `None` where it does not model all of the graph.
pub fn seconds(r: &Request, emitted: &Valid<'_>) -> Option<f64> {
    let narrow = |p: &&Protocol| p.on_spu().is_some() && (p.ring == 32 || in_ring(p, 32).is_some());
    let p = r.protocols.iter().find(narrow)?;
    let (g, facts) = (emitted.graph(), emitted.facts());
    let chosen = forms::Chosen::new(r, g, facts);
    let priced = cost::price_as(g, facts, p, forms::weights(r, p), &chosen.of(p));
    let later = priced.later().unwrap_or(priced.total);
    priced.complete().then(|| r.networks.first().map(|n| n.communication(&later, p.directions))).flatten()
}
