//! The key figures in a row: seconds, bytes, accuracy, ReLUs.

use super::super::figures::{self, Change, bytes, count, seconds};
use super::super::headline::best;
use super::super::model::{LatencyIs, Report, Spent};
use super::super::rows;
use super::super::shape::Shape;
use super::esc;

fn tile(what: &str, big: &str, lines: &[(String, &str)]) -> String {
    let lines: String =
        lines.iter().map(|(s, tone)| format!("<dd class=\"was {tone}\">{}</dd>", esc(s))).collect();
    format!("<div class=\"tile\"><dt>{}</dt><dd class=\"big\">{}</dd>{lines}</div>", esc(what), esc(big))
}

/// What a figure was in the other columns, and how it changed against the one that it is held against.
fn beside(
    shape: Shape,
    columns: &[Option<f64>],
    base: Option<f64>,
    show: &dyn Fn(f64) -> String,
) -> Vec<(String, &'static str)> {
    let (Some((&Some(now), others)), Some(base)) = (columns.split_last(), base) else { return vec![] };
    let heads: &[&str] = match shape {
        Shape::Masked => &["original", "all ReLUs"],
        _ => &["original"],
    };
    let mut out: Vec<_> = heads
        .iter()
        .zip(others)
        .map(|(h, v)| (format!("{h}: {}", v.map_or("not known".into(), show)), ""))
        .collect();
    if shape != Shape::Old {
        let change = Change::of(base, now);
        let against = if shape == Shape::Masked { " than with all" } else { "" };
        let against = if matches!(change, Change::Less(_) | Change::More(_)) { against } else { "" };
        out.push((format!("{}{against}", change.short()), change.tone()));
    }
    out
}

/// The tiles.
pub(super) fn tiles(r: &Report) -> String {
    let shape = Shape::of(r);
    let mut tiles = vec![];
    if let Some(c) = best(&r.cost) {
        let of = |get: &dyn Fn(&Spent) -> Option<f64>, show: &dyn Fn(f64) -> String| {
            let columns: Vec<Option<f64>> = shape.spent(c).into_iter().map(get).collect();
            let big = get(&c.after).map_or("not known".into(), show);
            (big, beside(shape, &columns, shape.baseline(c).and_then(get), show))
        };
        let size = |v: f64| bytes(v as u64);
        let (p, on) = (figures::cost_model(c), figures::network(&c.network));
        if figures::missing(c).is_none() {
            let (big, lines) = of(&|s| s.seconds(shape.time(c)), &seconds);
            let what = match shape.time(c) {
                LatencyIs::Query => format!("Time of a query, {on}, predicted"),
                LatencyIs::Communication => format!("Communication only, {on}, predicted"),
            };
            tiles.push(tile(&what, &big, &lines));
            let (big, lines) = of(&|s| Some(s.online_bytes as f64), &size);
            tiles.push(tile(&format!("Sent a query, {p}, predicted"), &big, &lines));
        } else {
            let (big, lines) = of(&|s| Some(s.relu_bytes as f64), &size);
            tiles.push(tile(&format!("ReLU traffic alone, {p}, predicted"), &big, &lines));
        }
    }
    match (&r.accuracy, rows::scores(r).into_iter().find(|s| s.what == "clean")) {
        (Some(a), Some(s)) => {
            let mut lines = vec![];
            if s.values[0].is_some() {
                let before = if a.before_is_original { "before" } else { "as given" };
                lines.push((format!("{before}: {}", rows::score(s.values[0], None)), ""));
            }
            if let Some([low, high]) = a.after.and_then(|x| x.interval) {
                lines.push((format!("{low:.1} to {high:.1} %, n = {}", count(a.n)), ""));
            }
            if a.change.is_some() {
                lines.push((format!("{} points", s.change), s.tone));
            }
            let kind = if a.seen.is_some() { "Accuracy, images it knows" } else { "Accuracy" };
            tiles.push(tile(kind, &rows::score(s.values[1], None), &lines));
        }
        _ if shape != Shape::Bare => tiles.push(tile("Accuracy", "not measured", &[])),
        _ => {}
    }
    let columns: Vec<Option<f64>> = shape.totals(r).iter().map(|t| Some(t.relus as f64)).collect();
    let base = shape.baseline_totals(r).map(|b| b.relus as f64);
    tiles.push(tile("ReLUs", &count(r.totals.relus), &beside(shape, &columns, base, &|v| count(v as u64))));
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.concat())
}
