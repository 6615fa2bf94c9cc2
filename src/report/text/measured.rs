//! Predicted against measured, for a terminal.

use super::super::figures::{bytes, count, protocol, rounds, seconds};
use super::super::model::{Compared, Measured, MeasuredPart, Report};
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

/// A prediction's error: `+1.2 %`.
fn error(c: Compared) -> String {
    c.error().map_or("–".into(), |e| format!("{e:+.2} %"))
}

fn row(name: &str, of: &str, c: Compared, show: impl Fn(f64) -> String) -> Vec<String> {
    vec![name.into(), of.into(), show(c.predicted), show(c.measured), error(c)]
}

fn both(p: &MeasuredPart) -> Compared {
    let mut sum = p.sent;
    sum.add(p.received);
    sum
}

/// One run: totals, then types of operation, then operations.
pub fn measured(m: &Measured) -> String {
    let exact = |v: f64| if v < 0.0 { format!("-{}", count(-v as u64)) } else { count(v as u64) };
    let mut out = format!(
        "{} on {} ({} parties, {}-bit ring, {} weights), computing took {}\n",
        protocol(&m.protocol),
        m.runtime,
        m.parties,
        m.ring,
        m.weights,
        seconds(m.seconds)
    );
    let mut sum = m.sent;
    sum.add(m.received);
    let mut rows = vec![
        row("bytes sent", "", m.sent, exact),
        row("bytes received", "", m.received, exact),
        row("both", "", sum, exact),
        row("rounds", "", m.rounds, rounds),
    ];
    rows.extend(m.all_sent.map(|all| row("all parties sent", "", all, exact)));
    for t in &m.times {
        rows.push(row(&format!("communication, {}", t.network), "", t.communication_s, seconds));
    }
    out += &table(&["", "", "predicted", "measured", "error"], "llrrr", rows);
    let group = |title: &str, parts: &[MeasuredPart], name: fn(&MeasuredPart) -> (String, String)| {
        if parts.is_empty() {
            return String::new();
        }
        let rows = parts
            .iter()
            .map(|p| {
                let (name, of) = name(p);
                row(&name, &of, both(p), |v| bytes(v.max(0.0) as u64))
            })
            .collect();
        format!("\n{}", table(&[title, "", "predicted", "measured", "error"], "llrrr", rows))
    };
    out += &group("sent + received", &m.ops, |p| (p.op.clone(), format!("× {}", p.count)));
    out += &group("sent + received", &m.layers, |p| (p.name.clone(), p.op.clone()));
    out += &wrap(
        "rounds measured are times rank 0 sent; a protocol that sends in chunks has fewer rounds",
        "  ",
    );
    out
}
