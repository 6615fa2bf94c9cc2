//! What the figures call for, in words: the same for text and for the page.

use super::figures::{bytes, count, network, protocol, rounds, seconds};
use super::model::{Conclusion, LatencyIs, Saved};

/// The heading.
pub(super) const TITLE: &str = "Layers whose few ReLUs cost more than they are worth";

/// What the lines are of.
pub(super) fn lead(c: &Conclusion) -> String {
    let of = match c.latency_is {
        LatencyIs::Query => "a query",
        LatencyIs::Communication => "the communication of a query, computing not known,",
    };
    let them = if c.drop.len() == 1 { "it" } else { "them" };
    format!(
        "A layer costs its exchanges as soon as one ReLU is left. Predicted for {of} without {them}, {}, {}; what that does to the accuracy \
         was not measured.",
        protocol(&c.protocol),
        network(&c.network)
    )
}

/// A line a layer, and one for all of them.
pub(super) fn lines(c: &Conclusion) -> Vec<String> {
    let one =
        |d: &super::model::Drop| format!("drop {}: {}, {} ReLUs", d.layer, saved(&d.saved), count(d.relus));
    let mut out: Vec<String> = c.drop.iter().map(one).collect();
    if c.drop.len() > 1 {
        let relus = c.drop.iter().map(|d| d.relus).sum();
        out.push(format!("all of them: {}, {} ReLUs", saved(&c.together), count(relus)));
    }
    out
}

/// `−8 exchanges, −164 ms`, and bytes where more are sent.
fn saved(s: &Saved) -> String {
    let bytes = (s.online_bytes < 0).then(|| sent(s));
    time(s).into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
}

/// `−8 exchanges, −164 ms, −4.42 kB`.
pub(super) fn saved_with_bytes(s: &Saved) -> String {
    time(s).into_iter().chain([sent(s)]).collect::<Vec<_>>().join(", ")
}

fn time(s: &Saved) -> Vec<String> {
    let sign = |v: f64| if v > 0.0 { '−' } else { '+' };
    let exchanges = format!("{}{} exchanges", sign(s.rounds), rounds(s.rounds.abs()));
    let mut parts = vec![format!("{}{}", sign(s.seconds), seconds(s.seconds.abs()))];
    if s.rounds.abs() >= 0.05 {
        parts.insert(0, exchanges);
    }
    parts
}

fn sent(s: &Saved) -> String {
    let sign = if s.online_bytes < 0 { '+' } else { '−' };
    format!("{sign}{}", bytes(s.online_bytes.unsigned_abs()))
}
