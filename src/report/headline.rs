//! The sentence at the top, computed from the facts and honest about them.

use super::figures::{Change, cost_model, count, digits, missing, network};
use super::model::{Cost, Report};

/// One or two sentences that say what the compilation achieved.
pub fn headline(r: &Report) -> String {
    let mut parts = vec![relus(r)];
    if let Some(c) = best(&r.cost) {
        parts.extend(traffic(c));
    }
    let mut out = join(&parts);
    if let Some(c) = best(&r.cost).filter(|c| c.before.is_some()) {
        out += &format!(" with {}", cost_model(c));
    }
    out += &accuracy(r);
    out
}

/// The entry the headline speaks of: the first complete and measured one over a WAN, else the first complete, else the first.
pub(super) fn best(cost: &[Cost]) -> Option<&Cost> {
    let whole = |c: &&Cost| missing(c).is_none() && c.before.is_some() && c.verified;
    cost.iter()
        .find(|c| whole(c) && c.network == "wan")
        .or_else(|| cost.iter().find(whole))
        .or_else(|| cost.first())
}

fn relus(r: &Report) -> String {
    let after = count(r.totals.relus);
    let Some(before) = &r.before else {
        let layers = r.totals.nonlinear_layers;
        return match r.totals.relus {
            0 => "no ReLUs in this model".into(),
            _ => format!("{after} ReLUs in {layers} nonlinear layers"),
        };
    };
    match Change::of(before.relus as f64, r.totals.relus as f64) {
        _ if before.relus == r.totals.relus && before.relus == 0 => "no ReLUs, before or after".into(),
        _ if before.relus == r.totals.relus => format!("no ReLU was removed ({after} before and after)"),
        Change::Gone => format!("all {} ReLUs removed", count(before.relus)),
        Change::Less(x) => format!("{x} fewer ReLUs"),
        Change::Same if r.totals.relus < before.relus => "under half a percent fewer ReLUs".into(),
        Change::Same | Change::More(_) | Change::New | Change::Points(..) => {
            format!("more ReLUs than before ({} → {after})", count(before.relus))
        }
    }
}

fn traffic(c: &Cost) -> Vec<String> {
    let Some(b) = &c.before else { return vec![] };
    let a = &c.after;
    let bytes = |what: &str, was: u64, is: u64| match Change::of(was as f64, is as f64) {
        Change::Same => format!("the same {what} traffic"),
        Change::Gone => format!("no {what} traffic left"),
        Change::New => format!("new {what} traffic"),
        Change::Less(x) => format!("{x} less {what} traffic"),
        Change::More(x) | Change::Points(x, _) => format!("{x} more {what} traffic"),
    };
    let mut out = vec![bytes("ReLU", b.relu_bytes, a.relu_bytes)];
    if missing(c).is_some() {
        return out;
    }
    out.push(bytes("total", b.online_bytes, a.online_bytes));
    let on = network(&c.network);
    out.push(match Change::of(b.latency_s, a.latency_s) {
        Change::Same => format!("no faster on {on}"),
        Change::Gone => format!("no communication time left on {on}"),
        Change::New => format!("slower on {on}"),
        Change::Less(x) => format!("{x} faster on {on}"),
        Change::More(x) | Change::Points(x, _) => format!("{x} slower on {on}"),
    });
    out
}

fn accuracy(r: &Report) -> String {
    let Some(a) = &r.accuracy else {
        return if r.before.is_some() { "; accuracy was not measured.".into() } else { ".".into() };
    };
    let of = |s: &Option<super::model::Scores>| s.and_then(|s| s.clean);
    match (of(&a.before), of(&a.after)) {
        (Some(b), Some(x)) => format!("; accuracy {b:.1} → {x:.1} %."),
        (None, Some(x)) => format!("; accuracy {x:.1} %, before not measured."),
        (Some(b), None) => format!("; accuracy was {b:.1} %, after not measured."),
        (None, None) => "; clean accuracy was not measured.".into(),
    }
}

/// `A, b and c`, with a capital.
fn join(parts: &[String]) -> String {
    let text = match parts {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    };
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// The change of a score in points, signed: `−30.4`.
pub(super) fn points(before: f64, after: f64) -> String {
    let d = after - before;
    match d {
        _ if d.abs() < 0.05 => "±0.0".into(),
        _ if d < 0.0 => format!("−{}", digits_points(-d)),
        _ => format!("+{}", digits_points(d)),
    }
}

fn digits_points(v: f64) -> String {
    if v >= 99.95 { digits(v) } else { format!("{v:.1}") }
}
