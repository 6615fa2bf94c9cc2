//! Predicted against measured, for a terminal.

use super::super::figures::{bytes, count, protocol, rounds, seconds};
use super::super::model::{Compared, Measured, MeasuredPart, MeasuredService, Report};
use super::{table, wrap};

/// The section of a report.
pub(super) fn section(r: &Report, out: &mut String) {
    if r.measured.is_empty() {
        return;
    }
    super::section(out, "Predicted against measured, one image, rank 0");
    for m in &r.measured {
        out.push('\n');
        *out += &measured(m);
    }
}

fn row(name: &str, of: &str, c: Compared, show: impl Fn(f64) -> String) -> Vec<String> {
    [name, of].map(String::from).into_iter().chain(c.shown(show)).collect()
}

/// Predicted exchanges beside the counted send actions, which are not always exchanges.
pub(in crate::report) fn exchanges(m: &Measured, show: impl Fn(f64) -> String) -> [String; 3] {
    let [predicted, counted, error] = m.rounds.shown(show);
    match m.actions_are_chunks {
        true => [predicted, format!("{counted} chunks"), "–".into()],
        false => [predicted, counted, error],
    }
}

/// Times of a service: what, and the cells predicted, measured, error.
pub(in crate::report) fn service(s: &MeasuredService) -> [(&'static str, [String; 3]); 3] {
    let beside = |predicted: Option<f64>, measured: f64, show: &dyn Fn(f64) -> String| match predicted {
        Some(predicted) => Compared { predicted, measured }.shown(show),
        None => ["not known".into(), show(measured), "–".into()],
    };
    let (predicted, measured) = s.an_hour();
    [
        ("its first query took", beside(s.first_predicted_s, s.first_s, &seconds)),
        ("a later one", beside(s.later_predicted_s, s.later_s, &seconds)),
        ("queries an hour", beside(predicted, measured, &|v| count(v.round() as u64))),
    ]
}

/// How many queries a mean is of.
pub(in crate::report) fn queries(n: u64) -> String {
    if n == 1 { "one query".into() } else { format!("mean of {n}") }
}

/// One run: totals, then types of operation, then operations.
pub fn measured(m: &Measured) -> String {
    let exact = |v: f64| if v < 0.0 { format!("-{}", count(-v as u64)) } else { count(v as u64) };
    let mut out = format!(
        "{} on {} ({} parties, {}-bit ring, {} weights)\n",
        protocol(&m.protocol),
        m.runtime,
        m.parties,
        m.ring,
        m.weights
    );
    out += &wrap(&format!("trust: {}", m.trust), "  ");
    let mut sum = m.sent;
    sum.add(m.received);
    let mut rows = vec![
        row("bytes sent", "", m.sent, exact),
        row("bytes received", "", m.received, exact),
        row("both", "", sum, exact),
        ["rounds".to_string(), String::new()].into_iter().chain(exchanges(m, rounds)).collect(),
    ];
    rows.extend(m.all_sent.map(|all| row("all parties sent", "", all, exact)));
    if let Some(d) = &m.dealer {
        rows.push(row("requests to a dealer", "in a run with one", d.requests, rounds));
        rows.push(row("bytes from it", "", d.bytes, exact));
    }
    if let Some(l) = &m.later {
        let of = queries(l.queries);
        rows.push(row("a later one sent", &of, l.sent, exact));
        rows.push(row("received", &of, l.received, exact));
    }
    if let Some(s) = &m.service {
        rows.push(row("a service's later query sent", &queries(s.queries), s.sent, exact));
        rows.push(row("received", &queries(s.queries), s.received, exact));
        rows.extend(
            service(s)
                .map(|(what, cells)| [what.to_string(), String::new()].into_iter().chain(cells).collect()),
        );
    }
    out += &table(&["", "", "predicted", "measured", "error"], "llrrr", rows);
    if m.service.is_some() {
        out += &wrap(
            "a service: all parties on this machine, over loopback with TLS; predicted is computing",
            "  ",
        );
    }
    out += &wrap(
        &format!("computing took {}, measured: all parties on one machine, no network", seconds(m.seconds)),
        "  ",
    );
    out += &derived(m);
    let group = |title: &str, parts: &[MeasuredPart], name: fn(&MeasuredPart) -> (String, String)| {
        if parts.is_empty() {
            return String::new();
        }
        let rows = parts
            .iter()
            .map(|p| {
                let (name, of) = name(p);
                row(&name, &of, p.both(), |v| bytes(v.max(0.0) as u64))
            })
            .collect();
        format!("\n{}", table(&[title, "", "predicted", "measured", "error"], "llrrr", rows))
    };
    out += &group("sent + received", &m.ops, |p| (p.op.clone(), format!("× {}", p.count)));
    out += &group("sent + received", &m.layers, |p| (p.name.clone(), p.op.clone()));
    let counted = match m.actions_are_chunks {
        true => "rank 0 sent in so many chunks; how many exchanges they were, the runtime does not count",
        false => "rounds measured are times rank 0 sent",
    };
    out += &wrap(counted, "  ");
    out
}

/// Communication times, none of which was measured.
fn derived(m: &Measured) -> String {
    let Some(first) = m.times.first() else { return String::new() };
    let rows = m.times.iter().map(|t| row(&t.network, "", t.communication_s, seconds)).collect();
    let mut out = format!(
        "\n{}",
        table(
            &["communication only, derived", "", "from predicted", "from measured", "difference"],
            "llrrr",
            rows
        )
    );
    out += &wrap(&format!("from measured: from {}", first.measured_from), "  ");
    out
}
