//! The sentence at the top: seconds, megabytes and accuracy, computed from the facts and honest about them.

use super::figures::{bytes, cost_model, count, missing, network, signed, times};
use super::model::{Accuracy, BeforeIs, Cost, LatencyIs, Report, Spent};
use super::shape::Shape;
use super::verdict::{chance, near_chance};

/// One to three sentences that say what the compilation achieved.
pub fn headline(r: &Report) -> String {
    let shape = Shape::of(r);
    let mut out = match (shape, r.totals.relus) {
        (Shape::Lossless, 0) => "Nothing was removed: the network has no ReLUs. ".into(),
        (Shape::Lossless, n) => format!("Nothing was removed: all {} {} are kept. ", count(n), counted(r)),
        _ => String::new(),
    };
    match best(&r.cost).filter(|_| shape != Shape::Bare) {
        Some(c) => out += &cost(shape, c),
        None => out += &relus(shape, r),
    }
    if shape != Shape::Bare || r.accuracy.is_some() {
        out += &accuracy(r);
    }
    out + "."
}

/// The entry the headline speaks of: the first complete and measured one over a WAN, else the first complete, else the first.
pub(super) fn best(cost: &[Cost]) -> Option<&Cost> {
    let whole = |c: &&Cost| missing(c).is_none() && c.before.is_some() && c.verified;
    cost.iter()
        .find(|c| whole(c) && c.network == "wan")
        .or_else(|| cost.iter().find(whole))
        .or_else(|| cost.first())
}

/// What a number of ReLUs counts: comparisons, where a layer has a cap.
pub(super) fn counted(r: &Report) -> &'static str {
    if r.layers.iter().any(|l| l.cap.is_some()) { "comparisons of ReLU layers" } else { "ReLUs" }
}

/// Without prices the ReLUs are all there is to say.
fn relus(shape: Shape, r: &Report) -> String {
    let kept = count(r.totals.relus);
    match (shape, shape.baseline_totals(r)) {
        (Shape::Masked | Shape::Old, Some(b)) => {
            format!("{kept} of {} {} are kept", count(b.relus), counted(r))
        }
        (Shape::Lossless, _) => "No cost model was asked".into(),
        _ if r.totals.relus == 0 => "No ReLUs in this model".into(),
        _ => format!("{kept} {} in {} nonlinear layers", counted(r), r.totals.nonlinear_layers),
    }
}

fn cost(shape: Shape, c: &Cost) -> String {
    let Some(was) = shape.baseline(c) else { return String::new() };
    let now = &c.after;
    let against = match (shape, c.before_is) {
        (Shape::Masked, _) => "compared with the same network compiled with all its ReLUs",
        (Shape::Lossless, BeforeIs::File) => "compared with the original file",
        _ => "compared with the original",
    };
    let predicted = format!("(predicted, {})", cost_model(c));
    // What compiling saved by itself is in an old report's figures: no factor from them.
    let say = |verb: &str, on: &str, was: f64, now: f64, show: &dyn Fn(f64) -> String| {
        let factor = times(was, now).filter(|_| shape != Shape::Old);
        match (factor, show(was) == show(now)) {
            (None, true) => format!("still {verb} {}{on}", show(now)),
            (None, false) => format!("{verb} {} instead of {}{on}", show(now), show(was)),
            (Some(x), _) => format!("{verb} {} instead of {}{on} ({x})", show(now), show(was)),
        }
    };
    let mb = |v: f64| bytes(v as u64);
    if let Some(names) = missing(c) {
        let relu = say("sends", "", was.relu_bytes as f64, now.relu_bytes as f64, &mb);
        return format!(
            "What a private query costs is not known, for the cost model has no law for {names}; for its ReLUs alone it {relu}, \
             {against} {predicted}"
        );
    }
    let on = over(&c.network);
    let seconds = |v: f64| super::figures::seconds(v);
    let kind = shape.time(c);
    let time = |s: &Spent| s.seconds(kind).unwrap_or(s.latency_s);
    let takes = say("takes", &on, time(was), time(now), &seconds);
    let sends = say("sends", "", was.online_bytes as f64, now.online_bytes as f64, &mb);
    match kind {
        LatencyIs::Query => format!("A private query {takes} and {sends}, {against} {predicted}"),
        LatencyIs::Communication => format!(
            "The communication of a private query, without its computing, {takes} and {sends}, {against} {predicted}"
        ),
    }
}

/// ` over a WAN`.
fn over(name: &str) -> String {
    match name {
        "lan" | "wan" => format!(" over a {}", network(name)),
        "mobile" => " over a mobile network".into(),
        other => format!(" over {other}"),
    }
}

fn accuracy(r: &Report) -> String {
    let Some(a) = &r.accuracy else { return "; accuracy was not measured".into() };
    let images = format!("on {}", images(a));
    let of = |s: &Option<super::model::Scores>| s.and_then(|s| s.clean);
    let mut out = match (of(&a.before), of(&a.after)) {
        (Some(b), Some(x)) if !a.before_is_original => {
            format!(
                "; accuracy {x:.1} % {images}: what the original has was not measured (as given: {b:.1} %)"
            )
        }
        (Some(b), Some(x)) => match &a.change {
            Some(c) if c.lost == 0 && c.won == 0 => format!("; accuracy {x:.1} % {images}, none lost"),
            Some(c) if c.within_chance() => format!(
                "; accuracy {b:.1} → {x:.1} % {images}, a change within chance ({} to {} points)",
                signed(c.interval[0]),
                signed(c.interval[1])
            ),
            Some(c) => {
                let which = if c.points < 0.0 { "lost" } else { "won" };
                format!("; accuracy {b:.1} → {x:.1} % {images}, {:.1} points {which}", c.points.abs())
            }
            None => format!("; accuracy {b:.1} → {x:.1} % {images}"),
        },
        (None, Some(x)) => format!("; accuracy {x:.1} % {images}, before not measured"),
        (Some(b), None) => format!("; accuracy was {b:.1} % {images}, after not measured"),
        (None, None) => return "; clean accuracy was not measured".into(),
    };
    if let Some(guessing) = a.after.as_ref().and_then(|s| near_chance(a, s)) {
        out += &format!(". That is near chance ({})", chance(guessing, a));
    }
    out
}

/// `2,000 images`; images that training knew are called what they are.
pub(super) fn images(a: &Accuracy) -> String {
    use super::model::Seen;
    let kind = match a.seen {
        Some(Seen::Trained) => "training ",
        Some(Seen::Chose) => "validation ",
        None => "",
    };
    format!("{} {kind}image{}", count(a.n), if a.n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
