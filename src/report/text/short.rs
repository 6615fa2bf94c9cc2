//! What a compilation prints: at most twelve lines, the last of which is where the report lies.

use super::super::conclusions;
use super::super::figures::{self, bytes, count, rounds, seconds};
use super::super::headline::counted;
use super::super::model::{Cost, LatencyIs, Level, Report, Spent};
use super::super::rows;
use super::super::shape::Shape;
use std::path::Path;

/// Lines at most.
pub const LINES: usize = 12;
/// Of them for commands.
const COMMANDS: usize = 2;

/// The verdict, accuracy, ReLUs, what queries cost, what to do, and the report's path, a line each.
pub fn short(r: &Report, folder: &Path) -> String {
    let mut head = vec![];
    if let Some(v) = &r.verdict {
        let mark = match v.level {
            Level::Ok => "OK",
            Level::Warning => "WARNING",
            Level::Alarm => "ALARM",
        };
        let more = v.sentences.len().saturating_sub(2);
        for (i, s) in v.sentences.iter().take(2).enumerate() {
            let lead = if i == 0 { format!("{mark}: ") } else { "- ".into() };
            let rest =
                if i == 1 && more > 0 { format!(" ({more} more in the report)") } else { String::new() };
            head.push(format!("{lead}{s}{rest}"));
        }
    }
    for s in rows::scores(r).into_iter().take(2) {
        let [before, after] = s.cells;
        let n = r.accuracy.as_ref().map(|a| a.n).map_or(String::new(), |n| format!(", {} images", count(n)));
        head.push(format!("accuracy, {}{n}: {before} → {after}, points {}", s.what, s.change));
    }
    let shape = Shape::of(r);
    let layers = r.layers.iter().filter(|l| l.relus > 0).count();
    let was = shape.baseline_totals(r).map_or(r.totals.relus, |t| t.relus);
    head.push(format!(
        "{}: {} of {} in {layers} of {} layers",
        counted(r),
        count(r.totals.relus),
        count(was),
        r.layers.len()
    ));
    let next: Vec<String> = match &r.verdict {
        Some(v) if !v.next.is_empty() => v.next.iter().take(COMMANDS).map(|c| format!("  $ {c}")).collect(),
        _ => r.conclusions.iter().flat_map(conclusions::lines).take(1).collect(),
    };
    let report = format!("report: {}", folder.join("report.html").display());
    let room = LINES.saturating_sub(head.len() + next.len() + 1);
    let mut costs: Vec<String> = r.cost.iter().map(|c| cost(shape, c)).collect();
    if costs.len() > room {
        let more = costs.len() + 1 - room.max(1);
        costs.truncate(room.saturating_sub(1));
        costs.push(format!("{more} more predictions in the report"));
        costs.truncate(room);
    }
    head.extend(costs);
    head.extend(next);
    head.push(report);
    head.join("\n")
}

/// What a later query costs, and what it is compared with.
fn cost(shape: Shape, c: &Cost) -> String {
    let place = format!("{}, {}", figures::cost_model(c), figures::network(&c.network));
    let least = if figures::missing(c).is_none() { "" } else { "at least " };
    let kind = shape.time(c);
    let what = match kind {
        LatencyIs::Query => "",
        LatencyIs::Communication => " of communication",
    };
    let said = |s: &Spent| {
        let time = s.later_of(kind).map_or("not known".into(), seconds);
        (time, bytes(s.later_bytes()), rounds(s.later_rounds()))
    };
    let (time, size, exchanges) = said(&c.after);
    let against = match shape.baseline(c).map(said) {
        Some((t, b, n)) => format!(" (instead of {t}, {b}, {n})"),
        None => String::new(),
    };
    format!("{place}: a later query {least}{time}{what}, {size}, {exchanges} exchanges{against}")
}
