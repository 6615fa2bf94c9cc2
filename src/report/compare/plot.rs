//! Accuracy against ReLUs, as a picture.

use super::super::figures::{count, cut};
use super::super::html::esc;
use super::super::html::plot::{Frame, Scale, colour_class, marker, short};
use super::super::model::branch_name;
use super::{ALL, accuracy, distinct};
use relinc_runtime::exec::Branch;
use serde::Serialize;

/// One network: its ReLUs and its accuracy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetPoint {
    /// The series it belongs to.
    pub series: String,
    /// The batch normalisation its accuracy holds for, where there are two.
    pub branch: Option<Branch>,
    /// ReLUs that are left.
    pub relus: u64,
    /// In percent.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Images it was measured on.
    pub n: Option<u64>,
    /// Drawn hollow and joined to nothing: what the series is held against.
    pub reference: bool,
    /// What the point is, shown on hovering.
    pub label: String,
}

const WIDTH: f64 = 640.0;
const LEFT: f64 = 80.0;
/// Room for networks without any ReLU, which a log axis has no place for.
const NOTHING: f64 = 46.0;
const ROW: f64 = 24.0;

/// The name of a point's series in the legend.
fn name(p: &BudgetPoint) -> String {
    let branch = p.branch.map(|b| format!(", {}", branch_name(b))).unwrap_or_default();
    format!("{}{branch}{}", p.series, if p.reference && p.series != ALL { ", all ReLUs" } else { "" })
}

/// An SVG of accuracy over ReLUs, ReLUs on a log axis, with 95 % intervals, one line a series. Points whose accuracy is no number are
/// left out.
pub fn budget_plot(points: &[BudgetPoint]) -> String {
    let points: Vec<&BudgetPoint> = points.iter().filter(|p| p.accuracy.is_finite()).collect();
    let mut names = distinct(points.iter().map(|p| name(p)));
    names.sort_by_key(|n| points.iter().any(|p| p.reference && name(p) == *n));
    // A reference has the colour of what it is held against.
    let key = |p: &&BudgetPoint| (p.series.clone(), p.branch);
    let (held, others): (Vec<&BudgetPoint>, Vec<_>) = points.iter().copied().partition(|p| p.reference);
    let colours = distinct(others.iter().chain(&held).map(key));
    let colour = |p: &BudgetPoint| colours.iter().position(|c| *c == key(&p)).unwrap_or(0);
    let columns = if names.iter().any(|n| n.chars().count() > 26) { 1 } else { 2 };
    let top = 14.0 + ROW * names.len().div_ceil(columns) as f64;
    let frame = Frame { left: LEFT, top, right: WIDTH - 16.0, bottom: top + 300.0 };
    let height = frame.bottom + 78.0;
    let some = |p: &&&BudgetPoint| p.relus > 0;
    let (low, high) = points
        .iter()
        .filter(some)
        .map(|p| p.relus as f64)
        .fold((f64::INFINITY, 0f64), |(l, h), v| (l.min(v), h.max(v)));
    let x = if high > 0.0 { Scale::log(low, high) } else { Scale::Log(1.0, 10.0) };
    let ends = |p: &&BudgetPoint| p.interval.into_iter().flatten().chain([p.accuracy]).collect::<Vec<_>>();
    let y = Scale::percent(points.iter().flat_map(ends));
    let nothing = points.iter().any(|p| p.relus == 0);
    let shift = if nothing { NOTHING / (frame.right - frame.left) } else { 0.0 };
    let at = |p: &BudgetPoint| {
        let u = if p.relus == 0 {
            Some(shift / 2.0)
        } else {
            x.at(p.relus as f64).map(|u| shift + (1.0 - shift) * u)
        };
        Some((u?, y.at(p.accuracy)?))
    };
    let mut svg = frame.y_axis(y, " %") + &frame.x_line();
    if nothing {
        svg += &frame.x_tick(shift / 2.0, "0");
        svg += &format!("<path class=\"stage\" d=\"M{:.1} {top:.1}V{:.1}\"/>", frame.x(shift), frame.bottom);
    }
    if high > 0.0 {
        for (v, u) in x.ticks(6).into_iter().filter_map(|v| Some((v, x.at(v)?))) {
            svg += &frame.x_tick(shift + (1.0 - shift) * u, &short(v));
        }
    }
    for (shape, n) in names.iter().enumerate() {
        let mut own: Vec<&BudgetPoint> = points.iter().copied().filter(|p| name(p) == *n).collect();
        own.sort_by_key(|p| p.relus);
        let Some(first) = own.first() else { continue };
        let (c, hollow) = (colour(first), first.reference);
        let joined: Vec<(f64, f64)> = own.iter().filter(some).filter_map(|p| at(p)).collect();
        if !hollow && joined.len() > 1 {
            svg += &frame.line(c, &joined);
        }
        for p in &own {
            if let Some((u, v)) = at(p) {
                svg += &p.interval.map(|ends| frame.interval(c, u, y, ends)).unwrap_or_default();
                svg += &marker(c, c, frame.x(u), frame.y(v), hollow, &title(p));
            }
        }
        let (lx, ly) = (LEFT + (shape % columns) as f64 * 280.0, 12.0 + (shape / columns) as f64 * ROW);
        if !hollow {
            svg += &format!("<path class=\"line {}\" d=\"M{lx:.1} {ly:.1}h28\"/>", colour_class(c));
        }
        svg += &marker(c, c, lx + 14.0, ly, hollow, "");
        svg += &format!(
            "<text class=\"legend\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            lx + 36.0,
            ly + 5.0,
            esc(&cut(n, 50))
        );
    }
    svg += &format!(
        "<text class=\"mid\" x=\"{0:.1}\" y=\"{1:.1}\">ReLUs left, log scale</text>\
         <text class=\"mid\" x=\"{0:.1}\" y=\"{2:.1}\">{3}</text>",
        WIDTH / 2.0,
        frame.bottom + 44.0,
        frame.bottom + 70.0,
        images(&points)
    );
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\">{svg}</svg>",
        esc(&format!(
            "accuracy by ReLUs left: {}",
            points.iter().map(|p| title(p)).collect::<Vec<_>>().join("; ")
        ))
    )
}

fn title(p: &BudgetPoint) -> String {
    let n = p.n.map(|n| format!(", n = {}", count(n))).unwrap_or_default();
    let label = if p.label.is_empty() { String::new() } else { format!("{}: ", p.label) };
    format!("{label}{}, {} ReLUs, {}{n}", name(p), count(p.relus), accuracy(p.accuracy, p.interval))
}

/// How many images the points rest on.
fn images(points: &[&BudgetPoint]) -> String {
    let known: Vec<u64> = points.iter().filter_map(|p| p.n).collect();
    let all = if known.len() == points.len() { "" } else { ", not recorded for all points" };
    match (known.iter().min(), known.iter().max()) {
        (Some(a), Some(b)) if a == b => format!("each point: n = {} images{all}; bars: 95 %", count(*a)),
        (Some(a), Some(b)) => format!("n = {} to {} images a point{all}; bars: 95 %", count(*a), count(*b)),
        _ if points.is_empty() => "no accuracy was measured".into(),
        _ => "n not recorded".into(),
    }
}
