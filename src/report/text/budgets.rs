//! What budgets cost, as text.

use super::super::figures::{self, bytes, count, rounds, seconds};
use super::super::model::{BudgetCost, Cost, LatencyIs, Spent};
use super::{section, table, wrap};

const LEAD: &str = "Accuracy is not in this table: what a budget keeps of it is known once a network was trained for it (relinc run). The \
    masks are those of a search without training; trained ones keep as many ReLUs, which may lie in other layers.";

/// Networks side by side in a table.
const BESIDE: usize = 2;

/// Every budget beside the original and the network compiled with all its ReLUs, which has `all` of what is `counted` in `layers` layers.
pub fn budgets(rows: &[BudgetCost], (all, counted): (u64, &str), layers: usize) -> String {
    let mut out = wrap(LEAD, "");
    section(&mut out, "What is left");
    let names = |n: &[String]| if n.is_empty() { "–".to_string() } else { n.join(" ") };
    let whole = |what: &str| vec![what.to_string(), count(all), layers.to_string(), "–".into(), "–".into()];
    let mut lines = vec![whole("compiled, all ReLUs")];
    for r in rows {
        lines.push(match &r.unmet {
            Some(_) => vec![r.budget.clone(), "not met".into(), "".into(), "".into(), "".into()],
            None => {
                let cells = [count(r.kept), r.layers.len().to_string()];
                let gone = [r.vanished.len(), r.quadratic.len()].map(|n| n.to_string());
                [r.budget.clone()].into_iter().chain(cells).chain(gone).collect()
            }
        });
    }
    let header = ["budget", &capitalised(counted), "layers with some", "layers gone", "quadratic"];
    out += &table(&header, "lrrrr", lines);
    for r in rows.iter().filter(|r| !r.vanished.is_empty()) {
        out += &wrap(&format!("{}: without {}", r.budget, names(&r.vanished)), "- ");
    }
    for r in rows.iter().filter(|r| !r.quadratic.is_empty()) {
        out += &wrap(&format!("{}: quadratic {}", r.budget, names(&r.quadratic)), "- ");
    }
    let met: Vec<&BudgetCost> = rows.iter().filter(|r| r.unmet.is_none()).collect();
    if let Some(first) = met.first() {
        section(&mut out, "Predicted cost, one image, bytes one party sends");
        for g in figures::groups(&first.cost) {
            for entries in g.entries.chunks(BESIDE) {
                let table = costs(entries, &met);
                match table.lines().any(|l| l.ends_with('…')) {
                    false => out += &table,
                    // Side by side they are too wide.
                    true => entries.iter().for_each(|e| out += &costs(&[*e], &met)),
                }
            }
        }
    }
    for why in rows.iter().filter_map(|r| r.unmet.as_ref()) {
        out += &wrap(why, "! ");
    }
    for note in rows.iter().flat_map(|r| &r.notes) {
        out += &wrap(note, "- ");
    }
    out
}

fn capitalised(counted: &str) -> String {
    let mut letters = counted.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The rows of a protocol on some networks: bytes and exchanges of the first query and of a later one, and the seconds of both.
fn costs(entries: &[&Cost], rows: &[&BudgetCost]) -> String {
    let Some(first) = entries.first() else { return String::new() };
    let same = |c: &&Cost, of: &Cost| {
        (&c.protocol, &c.network, c.weights) == (&of.protocol, &of.network, of.weights)
    };
    let of = |r: &BudgetCost| -> Vec<Cost> {
        entries.iter().filter_map(|e| r.cost.iter().find(|c| same(c, e)).cloned()).collect()
    };
    let all: Vec<Vec<Cost>> = rows.iter().map(|r| of(r)).collect();
    let columns: Vec<(&str, Vec<&Spent>)> = [
        ("original", entries.iter().filter_map(|c| c.before.as_ref()).collect()),
        ("compiled, all ReLUs", entries.iter().filter_map(|c| c.lossless.as_ref()).collect()),
    ]
    .into_iter()
    .chain(rows.iter().zip(&all).map(|(r, c)| (&*r.budget, c.iter().map(|c| &c.after).collect())))
    .collect();
    let whole = |s: &&Spent| s.latency_is == LatencyIs::Query;
    let kind = match columns.iter().skip(1).flat_map(|(_, s)| s).all(whole) {
        true => LatencyIs::Query,
        false => LatencyIs::Communication,
    };
    let mut header = vec!["".to_string(), "bytes".into(), "later".into(), "exchanges".into(), "later".into()];
    for e in entries {
        header.extend([figures::network(&e.network), "later".into()]);
    }
    let known = |v: Option<f64>| v.map_or("–".to_string(), seconds);
    let line = |(what, spent): &(&str, Vec<&Spent>)| -> Option<Vec<String>> {
        let s = spent.first()?;
        let least = if s.complete { "" } else { "≥ " };
        let mut cells = vec![what.to_string()];
        cells.extend([s.online_bytes, s.later_bytes()].map(|b| format!("{least}{}", bytes(b))));
        cells.extend([s.rounds, s.later_rounds()].map(|n| format!("{least}{}", rounds(n))));
        for s in spent {
            cells.extend([s.seconds(kind), s.later_of(kind)].map(known));
        }
        Some(cells)
    };
    let align = format!("l{}", "r".repeat(header.len() - 1));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let said = match kind {
        LatencyIs::Query => "seconds of a query, computing included, – where that is not known",
        LatencyIs::Communication => "seconds of communication; how long computing takes is not known",
    };
    let model =
        format!("{} ({}-bit ring, {} weights)", figures::cost_model(first), first.ring, first.weights);
    let mut out = format!("\n{}", wrap(&format!("{model}: {said}"), ""));
    out += &table(&header, &align, columns.iter().filter_map(line).collect());
    if let Some(names) = figures::missing(first) {
        out += &wrap(&format!("INCOMPLETE, a lower bound: no law for {names}"), "! ");
    }
    out
}
