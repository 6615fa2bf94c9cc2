//! `report.txt`: for a terminal, at most 100 columns.

mod budgets;
mod conclusions;
mod cost;
mod fixed_point;
mod measured;
mod short;
mod training;

pub use budgets::budgets;
pub use cost::costs;
pub use measured::measured;
pub(super) use measured::{exchanges, queries, service};
pub use short::{LINES, short};

use super::figures::{self, bytes, count, cut, percent};
use super::headline::headline;
use super::model::{Level, Report};
use super::rows;
use super::shape::{OLD, Shape};

const WIDTH: usize = 100;

/// The report as text.
pub fn render(r: &Report) -> String {
    let mut out = String::new();
    if Shape::of(r) == Shape::Old {
        out += &wrap(OLD, "! ");
        out.push('\n');
    }
    verdict(r, &mut out);
    out += &wrap(&headline(r), "");
    let m = &r.model;
    out += &wrap(
        &format!("{} · sha256 {} · relinc {}", m.path, m.sha256.get(..12).unwrap_or(&m.sha256), r.relinc),
        "",
    );
    conclusions::section(r, &mut out);
    accuracy(r, &mut out);
    cost::cost(r, &mut out);
    cost::totals(r, &mut out);
    training::evaluations(r, &mut out);
    training::training(r, &mut out);
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

/// What there is to say before any figure; commands stand as they are typed, however long.
fn verdict(r: &Report, out: &mut String) {
    let Some(v) = &r.verdict else { return };
    let mark = match v.level {
        Level::Ok => "OK: ",
        Level::Warning => "WARNING: ",
        Level::Alarm => "ALARM: ",
    };
    for (i, s) in v.sentences.iter().enumerate() {
        *out += &wrap(s, if i == 0 { mark } else { "- " });
    }
    for c in &v.next {
        *out += &format!("  $ {c}\n");
    }
    out.push('\n');
}

fn accuracy(r: &Report, out: &mut String) {
    if r.accuracy.is_none() {
        return;
    }
    section(out, "Accuracy");
    *out += &wrap(&rows::accuracy_lead(r), "");
    let line = |s: rows::ScoreRow| {
        let [before, after] = s.cells;
        vec![s.what.to_string(), before, after, s.change]
    };
    let rows = rows::scores(r).into_iter().map(line).collect();
    *out += &table(&["", "before", "after", "points"], "lrrl", rows);
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
    *out += &table(&["layer", "shape", "all", "kept", "share", "", ""], "llrrrll", rows);
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
        out += &cut(line.trim_end(), WIDTH);
        out.push('\n');
    }
    out
}

/// Breaks at spaces; `lead` starts the first line and its width indents the others.
pub(crate) fn wrap(text: &str, lead: &str) -> String {
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
        line += &cut(word, WIDTH);
        empty = false;
    }
    out + &cut(&line, WIDTH) + "\n"
}
