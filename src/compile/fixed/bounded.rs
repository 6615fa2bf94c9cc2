//! Truncations that cost nothing and go wrong at random: taken where a bound on that is low enough.

use super::check::{Trial, images};
use super::{IMAGES, Plan, Request, Target};
use crate::compile::describe;
use crate::error::{Result, input};
use crate::progress::Progress;
use relinc_passes::back::spu;
use relinc_passes::driver::valid::Valid;
use relinc_runtime::cost::{self, Truncates};
use relinc_runtime::data::Dataset;
use relinc_runtime::fixed::{Analysis, Format, Truncation};
use std::str::FromStr;

/// The probability that a query may go wrong with unless another is given.
const ASKED: f64 = 1e-4;
/// Fraction bits at which ranges are measured: so few that next to no truncation goes wrong.
const PROBE: u32 = 12;
/// Emulations of one compilation.
const RUNS: u64 = 3;

/// How SPU's SEMI2K truncates.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum TruncationMode {
    /// Together, for an exchange.
    #[default]
    Safe,
    /// Each party by itself where a query goes wrong with at most this probability.
    Bounded(f64),
}

impl FromStr for TruncationMode {
    type Err = String;
    fn from_str(s: &str) -> Result<TruncationMode, String> {
        let p = match s.trim() {
            "safe" => return Ok(TruncationMode::Safe),
            "bounded" => return Ok(TruncationMode::Bounded(ASKED)),
            s => s.strip_prefix("bounded=").and_then(|p| p.parse::<f64>().ok()),
        };
        p.filter(|p| *p > 0.0 && *p < 1.0).map(TruncationMode::Bounded).ok_or_else(|| {
            format!(
                "'{s}' is no truncation; write safe, bounded, or bounded=P with a probability between 0 and 1"
            )
        })
    }
}

impl std::fmt::Display for TruncationMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TruncationMode::Safe => write!(f, "safe"),
            TruncationMode::Bounded(p) => write!(f, "bounded={p}"),
        }
    }
}

/// Truncations that each party does by itself, and what that risks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The probability that was allowed.
    pub asked: f64,
    /// The probability that a query goes wrong is no larger, for images whose numbers are no larger than those seen.
    pub at_most: f64,
    /// Ring and fraction bits.
    pub format: Format,
}

/// The request with the prices of truncations that cost nothing; `None` where no protocol has such, which is said.
pub fn hopeful(r: &Request, notes: &mut Vec<String>) -> Option<Request> {
    if r.options.truncation == TruncationMode::Safe {
        return None;
    }
    let mut protocols = r.protocols.clone();
    for p in protocols.iter_mut().filter(|p| p.on_spu().is_some()) {
        match p.truncating_alone() {
            Some(alone) => *p = alone,
            None if p.on_spu() == Some("semi2k") && p.parties == 2 && p.ring == 64 => notes.push(format!(
                "{}: its file does not say what of its laws is truncation, so --truncation bounded has no price and safe is taken.",
                p.name
            )),
            None => notes.push(format!(
                "{}: --truncation bounded has no effect; it is for SPU's SEMI2K with two parties in the ring of 64 bits.",
                p.name
            )),
        }
    }
    let some = protocols.iter().any(|p| p.truncates == Truncates::Alone);
    if !some && !protocols.iter().any(|p| p.on_spu().is_some()) {
        notes.push(
            "--truncation bounded has no effect: no protocol of SPU is priced; add --protocol semi2k.".into(),
        );
    }
    some.then(|| Request { protocols, ..r.clone() })
}

/// Finds the number of fraction bits for an emitted graph, or says why there is none.
pub fn judge(
    r: &Request,
    emitted: &Valid<'_>,
    held_out: Option<&Dataset>,
    progress: &Progress,
) -> Result<Result<Bounded, String>> {
    let TruncationMode::Bounded(asked) = r.options.truncation else {
        return Ok(Err("safe was asked".into()));
    };
    let macs = cost::totals(emitted.graph(), emitted.facts()).macs;
    let (_, ty) = emitted.graph().only_input().map_err(input)?;
    let batch = describe::sample(ty, held_out, images(macs * RUNS).min(IMAGES), r.seed)?;
    let run = |fraction: u32| {
        let format = Format { ring: 64, fraction };
        let plan = Plan { target: Target::Spu, protocols: vec![], format, truncation: Truncation::Local };
        let trial = Trial { plan: &plan, emitted, images: &batch, macs, seed: r.seed, progress };
        trial.run(emitted, format, &batch)
    };
    let found = || -> Result<Bounded, String> {
        let probe = run(PROBE)?;
        if !probe.stand_ins.is_empty() {
            return Err(format!(
                "SPU approximates {}, and nothing bounds the truncations in that",
                probe.stand_ins.join(", ")
            ));
        }
        let own = r.options.format().map_or(spu::fraction_bits(64), |f| f.fraction);
        let most = f64::from(PROBE) + ((asked / probe.local_failures_at_most).log2() / 2.0).floor();
        let most = if probe.local_failures_at_most > 0.0 { most } else { f64::from(own) };
        if most < 1.0 {
            return Err(format!(
                "with any number of fraction bits a query may go wrong more often than {asked}"
            ));
        }
        let most = most as u32;
        if r.options.format().is_some() && own > most {
            return Err(format!(
                "with {own} fraction bits a query may go wrong more often than {asked}; --fixed-point 64,{most} does not"
            ));
        }
        let fraction = own.min(most);
        let a = if fraction == PROBE { probe } else { run(fraction)? };
        holds(&a, asked)?;
        Ok(Bounded { asked, at_most: a.local_failures_at_most, format: Format { ring: 64, fraction } })
    };
    Ok(found())
}

/// The arg max stays, and truncations are as rare as they have to be.
fn holds(a: &Analysis, asked: f64) -> Result<(), String> {
    let bits = format!("with {} fraction bits, as many as the bound of {asked} leaves,", a.fraction);
    match () {
        () if a.overflows > 0 => {
            Err(format!("{bits} a number leaves the ring in {} of {} images", a.overflowed_images, a.n))
        }
        () if a.flips > 0 => Err(format!("{bits} the class moves on {} of {} images", a.flips, a.n)),
        () if a.local_failures_at_most > asked => Err(format!(
            "{bits} a query may still go wrong with probability {:.1e}",
            a.local_failures_at_most
        )),
        () => Ok(()),
    }
}
