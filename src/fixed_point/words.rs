//! One check of a target's arithmetic, in words: for the report's section, its notes, and the exit code.

use crate::compile::fixed::ALLOWED_FLIPS;
use crate::report::model::{Failure, FixedPoint, Outcome, Tried};
use relinc_runtime::fixed::Analysis;

/// Failures of truncation an image from which on they are worth a word.
const RARE: f64 = 1e-4;

/// The target, its protocols and the format: `spu (spu-semi2k, spu-aby3), ring 64, 18 fraction bits`.
pub fn who(f: &FixedPoint) -> String {
    let by = if f.protocols.is_empty() { String::new() } else { format!(" ({})", f.protocols.join(", ")) };
    format!("{}{by}, ring {}, {} fraction bits", f.target, f.ring, f.fraction)
}

/// A word for what was found.
pub fn verdict(f: &FixedPoint) -> &'static str {
    match (f.verdict, &f.bounds) {
        (Outcome::Holds, None) => "holds",
        (Outcome::Holds, Some(_)) => "cannot overflow",
        (Outcome::Unchecked, _) => "not checked",
        (Outcome::MayOverflow, _) => "may overflow",
        (Outcome::Imprecise, _) => "imprecise",
        (Outcome::Moved, _) => "class moved",
        (Outcome::Overflows, _) => "overflows",
    }
}

/// On how many images the class is the same, and what that says of others.
pub fn agreement(a: &Analysis) -> String {
    let at_most = 100.0 * a.flips_at_most;
    format!("{} of {} (another on at most {at_most:.1} % of all images, at 95 %)", a.n - a.flips, a.n)
}

/// What was found, a sentence.
pub fn outcome(f: &FixedPoint) -> String {
    if let Some(why) = &f.why {
        return format!("Not checked: {why}.");
    }
    if let Some(a) = &f.images {
        let overflow = match a.overflowed_images {
            0 => "no overflow".to_string(),
            k => format!("overflow in {k} of {}", a.n),
        };
        let tightest = a.tightest.as_ref().map_or(String::new(), |t| format!(" at {t}"));
        return format!(
            "Emulated on {} images: {overflow}, the class moved on {} of {} (at most {:.1} % of all images, at 95 %), largest \
             error {} of the outputs' range, head-room {:.1} bits{tightest}.{}{}",
            a.n,
            a.flips,
            a.n,
            100.0 * a.flips_at_most,
            share(a.output_error_share),
            a.headroom_bits,
            risk(f),
            stood_in(f, a)
        );
    }
    let Some(b) = &f.bounds else { return "Not checked.".into() };
    let range = format!("{} and {}", b.range[0], b.range[1]);
    let range = match f.assumed {
        true => format!("{range} (assumed, as in the sample; say what holds with --input-range)"),
        false => format!("{range} (as declared)"),
    };
    let Some(first) = &b.first else {
        let room =
            b.headroom_bits.map_or(String::new(), |r| format!(" with {r:.1} bits of head-room or more"));
        return format!(
            "Bounded, no images given: while the input lies between {range} nothing overflows,{room}. Precision and classes are \
             not checked; --data does."
        );
    };
    let most = match first.bound {
        Some(x) => format!("|x| can be up to {}", number(x)),
        None => "nothing bounds |x|".into(),
    };
    format!(
        "Bounded, no images given: with an input between {range} it may overflow at {}: {most}, the ring holds {}. A \
         bound by weights alone grows with every layer and says nothing of real images: --data emulates them.",
        place(&first.op, &first.node, &first.layer),
        number(first.limit)
    )
}

/// What truncation that each party does by itself risks.
fn risk(f: &FixedPoint) -> String {
    let said = |r: Failure| {
        format!(
            " Truncation is bounded: a query goes wrong with probability {:.1e} at most ({:e} allowed), for images whose numbers are no \
             larger than these.",
            r.at_most, r.asked
        )
    };
    f.failure.map_or(String::new(), said)
}

/// An operation in a graph: `conv 'c1' of relu03`.
pub fn place(op: &str, node: &str, layer: &Option<String>) -> String {
    let layer = layer.as_ref().map_or(String::new(), |l| format!(" of {l}"));
    format!("{op} '{node}'{layer}")
}

fn stood_in(f: &FixedPoint, a: &Analysis) -> String {
    if a.stand_ins.is_empty() {
        return String::new();
    }
    let more = a.stand_ins.len().saturating_sub(3);
    let names = a.stand_ins[..a.stand_ins.len().min(3)].join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        " Not emulated: {names}{more}; computed exactly here, the error of {}'s own approximation is not in these figures.",
        f.target
    )
}

fn share(v: f64) -> String {
    match 100.0 * v {
        p if p >= 10.0 => format!("{p:.0} %"),
        p if p >= 0.1 => format!("{p:.1} %"),
        p if p > 0.0 => format!("{p:.1e} %"),
        _ => "0 %".into(),
    }
}

fn number(v: f64) -> String {
    match v {
        v if (1e-3..1e5).contains(&v.abs()) => {
            format!("{v:.4}").trim_end_matches('0').trim_end_matches('.').into()
        }
        v => format!("{v:.3e}"),
    }
}

/// The layers that normalise-ranges would scale down.
pub fn rescaled(a: &Analysis) -> String {
    let all: Vec<String> = a.rescaling.iter().map(|r| format!("'{}' by 2^-{}", r.node, r.shift)).collect();
    all.join(", ")
}

/// What the reader must know: the outcome where it is not good, what causes it and what to do.
pub fn notes(f: &FixedPoint) -> Vec<String> {
    let mut out = vec![];
    let who = who(f);
    match (f.verdict, &f.images) {
        (Outcome::Holds, Some(a)) if !a.stand_ins.is_empty() => out.push(format!("{who}:{}", stood_in(f, a))),
        (Outcome::Holds, Some(_)) => {}
        (_, Some(a)) => {
            let moved = format!("the class moved on {} of {} images", a.flips, a.n);
            let what = match f.verdict {
                Outcome::Overflows => {
                    format!("overflow in {} of {} images, {moved}", a.overflowed_images, a.n)
                }
                _ if a.flips > 0 => moved,
                _ => format!("outputs are off by {} of their range", share(a.output_error_share)),
            };
            out.push(format!("{who}: {what}; {}{}{}", cause(f.verdict, a), advice(f), stood_in(f, a)));
        }
        (_, None) => out.push(format!("{who}: {}", outcome(f))),
    }
    if let Some(a) = &f.images {
        let expected = a.expected_local_failures;
        if f.truncation.fails_at_random() && (expected > RARE || a.failed_images > 0) {
            out.push(format!(
                "{who}: a truncation goes wrong at random and spoils the answer, in about one query in {:.0} (in {} of {} emulated); \
                 fewer fraction bits make it rarer.",
                expected.recip().max(1.0),
                a.failed_images,
                a.n
            ));
        }
    }
    out
}

fn cause(v: Outcome, a: &Analysis) -> String {
    match (v, a.overflow.first()) {
        (Outcome::Overflows, Some(o)) => {
            format!(
                "{} reaches {} in image {}, the ring holds {}.",
                place(&o.op, &o.node, &o.layer),
                number(o.value),
                o.image,
                number(o.limit)
            )
        }
        _ => match &a.error_enters {
            Some(place) => format!("the error enters most at {place}."),
            None => "the error enters nowhere in particular.".into(),
        },
    }
}

/// What to do: the format that was tried and does, or what was tried and does not.
fn advice(f: &FixedPoint) -> String {
    let format = |t: &Tried| match t.normalise {
        Some(target) => format!("--normalise-ranges={target}"),
        None => format!("--fixed-point {},{}", t.ring, t.fraction),
    };
    let found = |t: &Tried| {
        let overflow = if t.overflowed_images == 0 {
            "no overflow".into()
        } else {
            format!("overflow in {}", t.overflowed_images)
        };
        format!(
            "{overflow}, {} of {} classes moved, error {} of the range",
            t.flips,
            t.n,
            share(t.output_error_share)
        )
    };
    match f.tried.iter().find(|t| t.holds) {
        Some(t) => format!(" With {} it holds ({}).", format(t), found(t)),
        None if f.tried.is_empty() => String::new(),
        None => {
            let all: Vec<String> = f.tried.iter().map(|t| format!("{}: {}", format(t), found(t))).collect();
            format!(" Tried, and no better: {}.", all.join("; "))
        }
    }
}

/// Why the compilation's answer is no, where it is: an overflow on images, or more moved classes than one.
pub fn failure(f: &FixedPoint) -> Option<String> {
    let a = f.images.as_ref()?;
    let who = who(f);
    match f.verdict {
        Outcome::Overflows => Some(format!(
            "{who}: overflow in {} of {} images; the notes say where and what to do",
            a.overflowed_images, a.n
        )),
        _ if a.flips > ALLOWED_FLIPS => Some(format!(
            "{who}: the class moves on {} of {} images; the notes say where the error enters and what to do",
            a.flips, a.n
        )),
        _ => None,
    }
}
