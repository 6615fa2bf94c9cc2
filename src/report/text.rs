//! `report.txt`: for a terminal, at most 100 columns.

mod fixed_point;
mod measured;
mod training;

pub use measured::measured;

use super::figures::{self, Change, bytes, count, percent, rounds, seconds};
use super::headline::{headline, points};
use super::model::{Report, Spent, branch_name, folded};

const WIDTH: usize = 100;

/// Reads one kind of bytes.
type BytesOf = fn(&Spent) -> u64;

/// The report as text.
pub fn render(r: &Report) -> String {
    let mut out = String::new();
    out += &wrap(&headline(r), "");
    let m = &r.model;
    out += &wrap(
        &format!("{} · sha256 {} · relinc {}", m.path, m.sha256.get(..12).unwrap_or(&m.sha256), r.relinc),
        "",
    );
    totals(r, &mut out);
    accuracy(r, &mut out);
    training::evaluations(r, &mut out);
    training::training(r, &mut out);
    cost(r, &mut out);
    fixed_point::fixed_points(r, &mut out);
    measured::section(r, &mut out);
    layers(r, &mut out);
    passes(r, &mut out);
    settings(r, &mut out);
    if !r.artefacts.is_empty() {
        section(&mut out, "Files");
        let rows = r.artefacts.iter().map(|a| vec![a.path.clone(), bytes(a.bytes)]).collect();
        out += &table(&["", ""], "lr", rows);
    }
    if !r.notes.is_empty() {
        section(&mut out, "Notes");
        for n in &r.notes {
            out += &wrap(n, "- ");
        }
    }
    out
}

fn section(out: &mut String, title: &str) {
    *out += &format!("\n{title}\n{}\n", "─".repeat(title.chars().count()));
}

fn totals(r: &Report, out: &mut String) {
    section(out, "The graph");
    let t = &r.totals;
    let b = r.before.as_ref();
    let row = |what: &str, after: u64, before: Option<u64>| {
        let change = before.map(|b| Change::of(b as f64, after as f64).short()).unwrap_or_default();
        vec![what.to_string(), before.map(count).unwrap_or_default(), count(after), change]
    };
    let rows = vec![
        row("ReLUs", t.relus, b.map(|b| b.relus)),
        row("secure comparisons", t.comparisons, b.map(|b| b.comparisons)),
        row("nonlinear layers", t.nonlinear_layers, b.map(|b| b.nonlinear_layers)),
        row("multiply-accumulates", t.macs, b.map(|b| b.macs)),
        row("parameters", t.parameters, b.map(|b| b.parameters)),
    ];
    if b.is_some() {
        *out += &table(&["", "before", "after", ""], "lrrl", rows);
    } else {
        let rows = rows.into_iter().map(|r| vec![r[0].clone(), r[2].clone()]).collect();
        *out += &table(&["", ""], "lr", rows);
    }
}

fn accuracy(r: &Report, out: &mut String) {
    let Some(a) = &r.accuracy else { return };
    section(out, "Accuracy");
    let folded = folded(r).map(|b| format!(", folded with {}", branch_name(b))).unwrap_or_default();
    *out += &wrap(&format!("{}, {} split, {} images{folded}", a.data, a.split, count(a.n)), "");
    let (b, x) = (a.before.unwrap_or_default(), a.after.unwrap_or_default());
    let cell = |v: Option<f64>| v.map_or("–".into(), |v| format!("{v:.1} %"));
    let rows = super::html::SCORES
        .iter()
        .map(|(what, get)| (*what, get(&b), get(&x)))
        .filter(|(_, b, x)| b.is_some() || x.is_some())
        .map(|(what, b, x)| {
            let d = b.zip(x).map(|(b, x)| points(b, x)).unwrap_or_default();
            vec![what.to_string(), cell(b), cell(x), d]
        })
        .collect();
    *out += &table(&["", "before", "after", "points"], "lrrr", rows);
}

fn cost(r: &Report, out: &mut String) {
    if r.cost.is_empty() {
        return;
    }
    section(out, "Predicted cost, one image, bytes one party sends");
    for g in figures::groups(&r.cost) {
        let c = g.first;
        *out += &format!("\n{} ({}-bit ring, {} weights)\n", figures::cost_model(c), c.ring, c.weights);
        let incomplete = figures::missing(c);
        if let Some(names) = &incomplete {
            *out += &wrap(&format!("INCOMPLETE, a lower bound: no law for {names}"), "! ");
        }
        let b = c.before.as_ref();
        let mut rows = vec![];
        let mut row = |what: &str, before: Option<String>, after: String, change: Option<Change>| {
            let change = change.map(|c| c.short()).unwrap_or_default();
            rows.push(vec![what.to_string(), before.unwrap_or_default(), after, change]);
        };
        let parts: [(&str, BytesOf); 3] = [
            ("ReLU bytes", |s| s.relu_bytes),
            ("linear bytes", |s| s.linear_bytes),
            ("other bytes", figures::other_bytes),
        ];
        for (i, (what, get)) in parts.into_iter().enumerate() {
            let (x, b) = (get(&c.after), b.map(get));
            if i == 0 || x > 0 || b.is_some_and(|b| b > 0) {
                row(what, b.map(bytes), bytes(x), b.map(|b| Change::of(b as f64, x as f64)));
            }
        }
        // A ratio of two lower bounds says nothing.
        let change = |b: f64, a: f64| incomplete.is_none().then(|| Change::of(b, a));
        let least = if incomplete.is_some() { "≥ " } else { "" };
        let mut bound = |what: &str, b: Option<f64>, a: f64, show: &dyn Fn(f64) -> String| {
            let show = |v| format!("{least}{}", show(v));
            row(what, b.map(show), show(a), b.and_then(|b| change(b, a)));
        };
        let total = |s: &Spent| s.online_bytes as f64;
        bound("total bytes", b.map(total), total(&c.after), &|v| bytes(v as u64));
        bound("rounds", b.map(|b| b.rounds), c.after.rounds, &rounds);
        for e in &g.entries {
            let what = format!("time on {}", figures::network(&e.network));
            bound(&what, e.before.as_ref().map(|b| b.latency_s), e.after.latency_s, &seconds);
            if let Some(after) = e.after.compute_s {
                bound("  of it computing", e.before.as_ref().and_then(|b| b.compute_s), after, &seconds);
            }
        }
        *out += &table(&["", "before", "after", ""], "lrrl", rows);
        *out += &wrap(&format!("counted: {}", c.counts), "  ");
        if let Some(whose) = &c.computing {
            *out += &wrap(&format!("computing: seconds of {whose}"), "  ");
        }
    }
}

fn layers(r: &Report, out: &mut String) {
    if r.layers.is_empty() {
        return;
    }
    section(out, "ReLU layers");
    let most = r.layers.iter().map(|l| l.relus_before.max(l.relus)).max().unwrap_or(0).max(1);
    let rows = r
        .layers
        .iter()
        .map(|l| {
            let cells = |n: u64| (n * 20).div_ceil(most) as usize;
            let (kept, before) = (cells(l.relus), cells(l.relus_before));
            vec![
                l.name.clone(),
                l.shape.iter().map(|d| d.to_string()).collect::<Vec<_>>().join("×"),
                count(l.relus_before),
                count(l.relus),
                percent(l.relus, l.relus_before),
                format!("{}{}", "█".repeat(kept), "░".repeat(before.saturating_sub(kept))),
                l.action.name().into(),
            ]
        })
        .collect();
    *out += &table(&["layer", "shape", "before", "after", "kept", "", ""], "llrrrll", rows);
    // Layers with the same story share a line.
    let mut told: Vec<&str> = vec![];
    for l in &r.layers {
        if l.why.is_empty() || told.contains(&l.why.as_str()) {
            continue;
        }
        told.push(&l.why);
        let names: Vec<&str> = r.layers.iter().filter(|o| o.why == l.why).map(|o| o.name.as_str()).collect();
        *out += &wrap(&format!("{}: {}", names.join(", "), l.why), "- ");
    }
}

fn passes(r: &Report, out: &mut String) {
    if r.passes.is_empty() {
        return;
    }
    section(out, "Passes");
    let rows = r
        .passes
        .iter()
        .map(|p| {
            let d = p.max_abs_difference.map_or("–".into(), figures::difference);
            vec![p.name.clone(), p.guarantee.clone(), count(p.applied), count(p.refused.len() as u64), d]
        })
        .collect();
    *out += &table(&["pass", "guarantee", "applied", "refused", "max difference"], "llrrr", rows);
    for p in &r.passes {
        for c in &p.candidates {
            let what = if c.taken { "made" } else { "left" };
            *out += &wrap(&format!("{}, {}, {what}: {}", p.name, c.node, c.why), "- ");
        }
        for f in &p.refused {
            *out += &wrap(&format!("{}, {}: {}", p.name, f.node, f.why), "- ");
        }
    }
}

fn settings(r: &Report, out: &mut String) {
    let rows: Vec<_> = super::html::settings(r).into_iter().map(|(k, v)| vec![k.to_string(), v]).collect();
    if !rows.is_empty() {
        section(out, "Settings");
        *out += &table(&["", ""], "ll", rows);
    }
}

/// Columns aligned `l` or `r`; the header is left out when it is empty. Lines are cut at [`WIDTH`].
pub(super) fn table(header: &[&str], align: &str, rows: Vec<Vec<String>>) -> String {
    let mut all = vec![];
    if header.iter().any(|h| !h.is_empty()) {
        all.push(header.iter().map(|h| h.to_string()).collect());
    }
    all.extend(rows);
    let width = |i: usize| all.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for row in &all {
        let mut line = String::new();
        for ((cell, &w), a) in row.iter().zip(&widths).zip(align.chars()) {
            let fill = " ".repeat(w - cell.chars().count().min(w));
            line += &if a == 'r' { format!("  {fill}{cell}") } else { format!("  {cell}{fill}") };
        }
        out += &cut(line.trim_end());
        out.push('\n');
    }
    out
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_string();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}

/// Breaks at spaces; `lead` starts the first line and its width indents the others.
pub(super) fn wrap(text: &str, lead: &str) -> String {
    let indent = " ".repeat(lead.chars().count());
    let mut out = String::new();
    let mut line = lead.to_string();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += &line;
            out.push('\n');
            line = indent.clone();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += &cut(word);
        empty = false;
    }
    out + &cut(&line) + "\n"
}
