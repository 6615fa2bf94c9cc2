//! Bars: ReLUs by layer, bytes by kind.

use super::super::figures::{self, bytes, count, percent};
use super::super::model::{Cost, Layer, Report, Spent};
use super::super::shape::Shape;
use super::{esc, row, section, table};

/// Where the ReLUs were and are.
pub(super) fn layers(r: &Report) -> String {
    let most = r.layers.iter().map(|l| l.relus.max(l.relus_before)).max().unwrap_or(0).max(1);
    let bars: String = r.layers.iter().map(|l| bar(l, most)).collect();
    let rows: String = r.layers.iter().map(words).collect();
    let names = ["layer", "shape", "MACs before it", "exporter’s name", "what happened, and why"];
    let body = format!(
        "<div class=\"card\"><ul class=\"key\"><li><i class=\"f-relu\"></i>kept</li>\
         <li><i class=\"f-before\"></i>removed</li></ul><ol class=\"bars\">{bars}</ol>\
         <details><summary>Every layer in words</summary><div class=\"scroll\">{}</div></details></div>",
        table("", &names, "llrll", &rows)
    );
    section("layers", "Where the ReLUs were, and are", "", &body)
}

fn bar(l: &Layer, most: u64) -> String {
    let of = |n: u64| 100.0 * n as f64 / most as f64;
    format!(
        "<li><span>{name}</span><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{name}: {kept} of {before} ReLUs kept\"><rect class=\"f-before\" width=\"{:.3}\" height=\"10\"/>\
         <rect class=\"f-relu\" width=\"{:.3}\" height=\"10\"/></svg>\
         <span class=\"v\">{kept}<span class=\"of\"> of {before}</span></span><span class=\"v\">{share}</span>\
         <span class=\"chip {action}\">{action}</span></li>",
        of(l.relus_before),
        of(l.relus),
        name = esc(&l.name),
        kept = count(l.relus),
        before = count(l.relus_before),
        share = percent(l.relus, l.relus_before),
        action = l.action.name(),
    )
}

fn words(l: &Layer) -> String {
    let shape = l.shape.iter().map(|d| d.to_string()).collect::<Vec<_>>().join("×");
    let why = if l.why.is_empty() { String::new() } else { format!(": {}", esc(&l.why)) };
    let source = format!("<code>{}</code>", esc(l.source.as_deref().unwrap_or("–")));
    row(&esc(&l.name), "lrll", &[shape, count(l.macs), source, format!("{}{why}", l.action.name())])
}

/// Bytes of every column as bars on one scale, by what they are spent on.
pub(super) fn stack(shape: Shape, c: &Cost) -> String {
    let all = shape.spent(c);
    let most = all.iter().map(|s| s.online_bytes).max().unwrap_or(0).max(1) as f64;
    let one = |(what, s): (&&str, &&Spent)| {
        let mut x = 0.0;
        let mut rects = String::new();
        for (class, n) in
            [("f-relu", s.relu_bytes), ("f-linear", s.linear_bytes), ("f-other", figures::other_bytes(s))]
        {
            let w = 100.0 * n as f64 / most;
            rects += &format!("<rect class=\"{class}\" x=\"{x:.3}\" width=\"{w:.3}\" height=\"10\"/>");
            x += w;
        }
        format!(
            "<span>{what}</span><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{what}: ReLU {}, linear {}, other {}\">{rects}</svg><span class=\"v\">{}</span>",
            bytes(s.relu_bytes),
            bytes(s.linear_bytes),
            bytes(figures::other_bytes(s)),
            bytes(s.online_bytes),
        )
    };
    let names: &[&str] = match shape {
        Shape::Masked => &["original", "all ReLUs", "masks"],
        Shape::Lossless => &["original", "compiled"],
        Shape::Old => &["before", "after"],
        Shape::Bare => &["bytes"],
    };
    format!("<div class=\"stack\">{}</div>", names.iter().zip(&all).map(one).collect::<String>())
}
