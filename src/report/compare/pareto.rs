//! Accuracy against what a query costs, and the runs that no other run beats in both.

use super::super::figures::count;
use super::super::html::esc;
use super::super::html::plot::{Frame, Scale, marker, short};
use super::super::model::Metric;
use super::Run;
use serde::Serialize;

/// One run under one cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The run's folder.
    pub dir: String,
    /// MB or seconds.
    pub cost: f64,
    /// Clean accuracy in percent.
    pub accuracy: f64,
    /// No other run is at least as accurate at no more cost.
    pub front: bool,
}

/// Accuracy against one cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tradeoff {
    /// Cost model, weight setting and, for a time, network.
    pub title: String,
    /// What is on the x axis, with its unit.
    pub axis: String,
    /// By rising cost.
    pub points: Vec<Point>,
}

/// One a protocol for bytes, one a protocol and network for latency. Runs without a clean accuracy, or whose cost is not
/// known whole, are left out.
pub fn tradeoffs(runs: &[Run]) -> Vec<Tradeoff> {
    let mut keys: Vec<(String, Option<String>)> = vec![];
    for c in runs.iter().flat_map(|r| &r.costs) {
        for key in [(c.protocol.clone(), None), (c.protocol.clone(), Some(c.network.clone()))] {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let one = |(protocol, network): &(String, Option<String>)| {
        let mut points: Vec<Point> = vec![];
        let mut weights = None;
        for r in runs {
            let cost = r.costs.iter().find(|c| {
                c.complete && c.protocol == *protocol && network.as_ref().is_none_or(|n| c.network == *n)
            });
            let (Some(c), Some(score)) = (cost, r.after(Metric::Clean)) else { continue };
            weights = Some(c.weights);
            let cost = if network.is_some() { c.latency_s } else { c.online_bytes as f64 / 1e6 };
            points.push(Point { dir: r.dir.clone(), cost, accuracy: score.accuracy, front: false });
        }
        points.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.accuracy.total_cmp(&a.accuracy)));
        mark_front(&mut points);
        let (axis, place) = match network {
            Some(n) => ("predicted seconds a query".to_string(), format!(", {n}")),
            None => ("MB sent a query".to_string(), String::new()),
        };
        let weights = weights.map(|w| format!(", {w} weights")).unwrap_or_default();
        Tradeoff { title: format!("{protocol}{place}{weights}"), axis, points }
    };
    keys.iter().map(one).filter(|t| !t.points.is_empty()).collect()
}

/// Marks the Pareto front of points by rising cost.
fn mark_front(points: &mut [Point]) {
    let mut best = f64::NEG_INFINITY;
    for p in points {
        p.front = p.accuracy > best;
        best = best.max(p.accuracy);
    }
}

const WIDTH: f64 = 640.0;

/// An SVG of accuracy over cost, cost on a log axis where it spans two decades, the front joined by a line.
pub fn tradeoff_plot(t: &Tradeoff) -> String {
    let points: Vec<&Point> =
        t.points.iter().filter(|p| p.cost.is_finite() && p.accuracy.is_finite()).collect();
    let frame = Frame { left: 80.0, top: 16.0, right: WIDTH - 16.0, bottom: 300.0 };
    let x = Scale::auto(points.iter().map(|p| p.cost));
    let y = Scale::percent(points.iter().map(|p| p.accuracy));
    let at = |p: &Point| Some((x.at(p.cost)?, y.at(p.accuracy)?));
    let mut svg = frame.y_axis(y, " %") + &frame.x_line();
    for (v, u) in x.ticks(6).into_iter().filter_map(|v| Some((v, x.at(v)?))) {
        svg += &frame.x_tick(u, &short(v));
    }
    let front: Vec<(f64, f64)> = points.iter().filter(|p| p.front).filter_map(|p| at(p)).collect();
    if front.len() > 1 {
        svg += &frame.line(0, &front);
    }
    for p in &points {
        if let Some((u, v)) = at(p) {
            let title = format!("{}: {:.2} %, {:.3} {}", p.dir, p.accuracy, p.cost, t.axis);
            svg += &marker(0, 0, frame.x(u), frame.y(v), !p.front, &title);
        }
    }
    svg += &format!(
        "<text class=\"mid\" x=\"{:.1}\" y=\"{:.1}\">{}; filled: the Pareto front of {} runs</text>",
        WIDTH / 2.0,
        frame.bottom + 44.0,
        esc(&t.axis),
        count(points.len() as u64)
    );
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"{}\">{svg}</svg>",
        frame.bottom + 56.0,
        esc(&format!("accuracy by {}, {}", t.axis, t.title))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        let p = |cost: f64, accuracy: f64| Point { dir: String::new(), cost, accuracy, front: false };
        let mut points = vec![p(1.0, 70.0), p(2.0, 80.0), p(2.0, 79.0), p(3.0, 80.0), p(4.0, 91.0)];
        mark_front(&mut points);
        let front: Vec<f64> = points.iter().filter(|p| p.front).map(|p| p.accuracy).collect();
        assert_eq!(front, [70.0, 80.0, 91.0]);
    }

    #[test]
    fn odd_values_are_drawn_without_nan() {
        for costs in [vec![], vec![0.0], vec![1.0, f64::NAN], vec![0.0, 1e9, 1e-9]] {
            let point = |cost| Point { dir: "<a>".into(), cost, accuracy: 50.0, front: true };
            let t = Tradeoff {
                title: "t".into(),
                axis: "MB".into(),
                points: costs.into_iter().map(point).collect(),
            };
            let svg = tradeoff_plot(&t);
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<a>"), "{svg}");
        }
    }
}
