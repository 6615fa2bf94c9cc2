//! Predicted against measured, one card a run.

use super::super::figures::{bytes, count, protocol, rounds, seconds};
use super::super::model::{Compared, Measured, MeasuredPart, Report};
use super::super::text::{exchanges, queries, service};
use super::{esc, row, table};

/// The section.
pub(super) fn section(r: &Report) -> String {
    let lead = "The emitted artefact was run on the installed runtime. Operations were run once more one by one, after all \
                set-up was paid; what remains of the total is set-up.";
    super::section(
        "measured",
        "Predicted against measured",
        lead,
        &r.measured.iter().map(card).collect::<String>(),
    )
}

fn line(name: &str, kind: &str, c: Compared, show: impl Fn(f64) -> String) -> String {
    cells(name, kind, c.shown(show))
}

fn cells(name: &str, kind: &str, [predicted, measured, error]: [String; 3]) -> String {
    row(&esc(name), "lrrr", &[kind, &predicted, &measured, &error].map(esc))
}

fn grid(rows: &str) -> String {
    titled(["", "", "predicted", "measured", "error"], rows)
}

fn titled(names: [&str; 5], rows: &str) -> String {
    format!("<div class=\"scroll\">{}</div>", table("", &names, "llrrr", rows))
}

/// Communication times, none of which was measured.
fn derived(m: &Measured) -> String {
    let Some(first) = m.times.first() else { return String::new() };
    let rows: String = m.times.iter().map(|t| line(&t.network, "", t.communication_s, seconds)).collect();
    let head = ["communication only, derived", "", "from predicted", "from measured", "difference"];
    format!(
        "{}<p class=\"small\">From measured: from {}.</p>",
        titled(head, &rows),
        esc(&first.measured_from)
    )
}

fn parts(list: &[MeasuredPart], kind: fn(&MeasuredPart) -> String) -> String {
    let show = |v: f64| bytes(v.max(0.0) as u64);
    list.iter().map(|p| line(&p.name, &kind(p), p.both(), show)).collect()
}

fn card(m: &Measured) -> String {
    let exact = |v: f64| count(v.max(0.0) as u64);
    let mut rows = line("bytes sent", "", m.sent, exact) + &line("bytes received", "", m.received, exact);
    rows += &m.all_sent.map(|all| line("bytes all parties sent", "", all, exact)).unwrap_or_default();
    rows += &cells("rounds", "", exchanges(m, rounds));
    if let Some(d) = &m.dealer {
        rows += &line("requests to a dealer", "in a run with one", d.requests, rounds);
        rows += &line("bytes from it", "", d.bytes, exact);
    }
    if let Some(l) = &m.later {
        let of = queries(l.queries);
        rows += &(line("a later one sent", &of, l.sent, exact) + &line("received", &of, l.received, exact));
    }
    if let Some(s) = &m.service {
        let of = queries(s.queries);
        rows += &line("a service's later query sent", &of, s.sent, exact);
        rows += &line("received", &of, s.received, exact);
        rows += &service(s).map(|(what, of)| cells(what, "", of)).concat();
    }
    rows += &parts(&m.ops, |p| format!("{} × {}", p.count, p.op));
    let every = match m.layers.len() {
        0 => String::new(),
        n => format!(
            "<details><summary>Every operation that communicates ({n}), sent + received</summary>{}</details>",
            grid(&parts(&m.layers, |p| p.op.clone()))
        ),
    };
    format!(
        "<div class=\"card\"><h3>{} <span class=\"chip\">{}-bit ring</span> <span class=\"chip\">{} weights</span></h3>\
         <p class=\"trust\">{}</p>{}<p class=\"small\">Types of operation: sent + received. Rounds measured are times rank 0 sent. \
         Computing took {}, measured with all {} parties on one machine and no network.</p>{}{every}</div>",
        esc(&protocol(&m.protocol)),
        m.ring,
        m.weights,
        esc(&m.trust),
        grid(&rows),
        seconds(m.seconds),
        m.parties,
        derived(m)
    )
}
