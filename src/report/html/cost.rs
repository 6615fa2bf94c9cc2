//! What the graph costs, one card a protocol.

use super::super::figures::{self, Change, Group, bytes, rounds, seconds};
use super::super::model::{Cost, Report, Spent};
use super::{charts, esc};

/// The section.
pub(super) fn section(r: &Report) -> String {
    if r.cost.is_empty() {
        return String::new();
    }
    let lead = "Predicted from measured laws for the graph that is emitted: bytes one party sends and exchanges for \
                one image, and the time they take. Computation comes on top.";
    let key = "<ul class=\"key\"><li><i class=\"f-relu\"></i>ReLU</li><li><i class=\"f-linear\"></i>convolutions and \
               matrix products</li><li><i class=\"f-other\"></i>everything else</li></ul>";
    super::section(
        "cost",
        "What it costs",
        lead,
        &format!("{key}{}", figures::groups(&r.cost).iter().map(card).collect::<String>()),
    )
}

/// One row; `change` is absent without a "before", and holds nothing where a ratio would mislead.
fn line(
    what: &str,
    before: Option<String>,
    after: String,
    change: Option<Option<Change>>,
    sum: bool,
) -> String {
    let row = if sum { "<tr class=\"sum\">" } else { "<tr>" };
    let before = before.map(|b| format!("<td class=\"n\">{b}</td>")).unwrap_or_default();
    let change = match change {
        None => String::new(),
        Some(None) => {
            "<td class=\"n same\"><span title=\"two lower bounds have no ratio\">–</span></td>".to_string()
        }
        Some(Some(c)) => format!("<td class=\"n {}\">{}</td>", c.tone(), esc(&c.short())),
    };
    let (name, detail) = what.split_once(" (").map_or((what, String::new()), |(name, rest)| {
        (name, format!("<span class=\"detail\"> ({}</span>", esc(rest)))
    });
    let name = esc(name);
    format!("{row}<th scope=\"row\">{name}{detail}</th>{before}<td class=\"n\">{after}</td>{change}</tr>")
}

fn card(g: &Group<'_>) -> String {
    let c = g.first;
    let (a, b) = (&c.after, c.before.as_ref());
    let incomplete = figures::missing(c);
    let flag = incomplete
        .as_ref()
        .map(|names| {
            format!(
                "<p class=\"flag\"><strong>Incomplete – a lower bound.</strong> This cost model has no law for: {}. \
                 The totals are of the rest only.</p>",
                esc(names)
            )
        })
        .unwrap_or_default();
    let whole = incomplete.is_none();
    let least = if whole { "" } else { "≥ " };
    // A ratio of two lower bounds says nothing.
    let change = |b: f64, a: f64| if whole { Some(Change::of(b, a)) } else { None };
    let traffic = |what: &str, get: &dyn Fn(&Spent) -> u64| {
        line(
            what,
            b.map(|b| bytes(get(b))),
            bytes(get(a)),
            b.map(|b| Some(Change::of(get(b) as f64, get(a) as f64))),
            false,
        )
    };
    let present = |get: &dyn Fn(&Spent) -> u64| get(a) > 0 || b.is_some_and(|b| get(b) > 0);
    let mut rows = traffic("ReLU bytes", &|s| s.relu_bytes);
    for (what, get) in
        [("linear bytes", (|s| s.linear_bytes) as fn(&Spent) -> u64), ("other bytes", figures::other_bytes)]
    {
        if present(&get) {
            rows += &traffic(what, &get);
        }
    }
    let show = |v| format!("{least}{}", bytes(v));
    let moved = b.map(|b| change(b.online_bytes as f64, a.online_bytes as f64));
    rows += &line("total bytes", b.map(|b| show(b.online_bytes)), show(a.online_bytes), moved, true);
    let show = |v| format!("{least}{}", rounds(v));
    let moved = b.map(|b| change(b.rounds, a.rounds));
    rows += &line("rounds (one-way exchanges)", b.map(|b| show(b.rounds)), show(a.rounds), moved, false);
    for e in &g.entries {
        let show = |v| format!("{least}{}", seconds(v));
        let what = format!("time on {} ({})", figures::network(&e.network), link(e));
        let was = e.before.as_ref().map(|b| b.latency_s);
        let moved = was.map(|b| change(b, e.after.latency_s));
        rows += &line(&what, was.map(show), show(e.after.latency_s), moved, false);
        if let Some(a) = e.after.compute_s {
            let was = e.before.as_ref().and_then(|b| b.compute_s);
            rows += &line("of it computing", was.map(show), show(a), was.map(|b| change(b, a)), false);
        }
    }
    let head = if b.is_some() {
        "<th scope=\"col\" class=\"n\">before</th><th scope=\"col\" class=\"n\">after</th>\
         <th scope=\"col\" class=\"n\">change</th>"
    } else {
        "<th scope=\"col\" class=\"n\">this model</th>"
    };
    let offline = c.offline.as_ref().map(|o| format!(" Offline: {}.", esc(o))).unwrap_or_default();
    let computing =
        c.computing.as_ref().map(|w| format!(" Computing: seconds of {}.", esc(w))).unwrap_or_default();
    format!(
        "<div class=\"card\"><h3>{} <span class=\"chip\">{}-bit ring</span> <span class=\"chip\">{} weights</span></h3>\
         {flag}{}<div class=\"scroll\"><table><thead><tr><th scope=\"col\"></th>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div><p class=\"small\">Counted: {}.{offline}{computing} Source: {}.</p>{}</div>",
        esc(&figures::cost_model(c)),
        c.ring,
        c.weights,
        charts::stack(b, a),
        esc(&c.counts),
        esc(&c.source),
        per_layer(c)
    )
}

fn link(c: &Cost) -> String {
    let n = relinc_runtime::cost::Network {
        name: String::new(),
        rtt_s: c.link.rtt_s,
        bandwidth_bit_s: c.link.bandwidth_bit_s,
        compute: 1.0,
    };
    n.describe()
}

fn per_layer(c: &Cost) -> String {
    if c.per_layer.is_empty() {
        return String::new();
    }
    let both = c.before.is_some();
    let rows: String = c
        .per_layer
        .iter()
        .map(|l| {
            let was = l.before_bytes.map_or("–".to_string(), bytes);
            let was = if both { format!("<td class=\"n\">{was}</td>") } else { String::new() };
            let missing = if l.not_modelled.is_empty() {
                String::new()
            } else {
                format!("not modelled: {}", esc(&l.not_modelled.join(", ")))
            };
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td>{was}<td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td>{missing}</td></tr>",
                esc(&l.name),
                esc(&l.op),
                bytes(l.online_bytes),
                rounds(l.rounds)
            )
        })
        .collect();
    let was = if both { "<th scope=\"col\" class=\"n\">before</th>" } else { "" };
    format!(
        "<details><summary>Every operation that communicates ({})</summary><div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">operation</th><th scope=\"col\">kind</th>{was}<th scope=\"col\" class=\"n\">bytes</th>\
         <th scope=\"col\" class=\"n\">rounds</th><th scope=\"col\"></th></tr></thead><tbody>{rows}</tbody></table>\
         </div></details>",
        c.per_layer.len()
    )
}
