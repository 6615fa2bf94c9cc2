//! Accuracy against what a query costs, and what nothing beats in both.

use super::super::figures::{count, digits};
use super::super::html::esc;
use super::super::html::plot::{Frame, Scale, marker, short};
use super::super::model::{LatencyIs, Metric, Spent};
use super::{Run, RunCost, accuracy, distinct};
use relinc_runtime::cost::Weights;
use serde::Serialize;

/// Which graph a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Graph {
    /// The file as a runtime would run it.
    Original,
    /// Compiled with all its ReLUs.
    Lossless,
    /// Compiled with a run's masks.
    Masks,
}

impl Graph {
    /// What a point is called; that of a run by its folder.
    pub fn label(self, dir: &str) -> &str {
        match self {
            Graph::Original => "original",
            Graph::Lossless => "compiled, all ReLUs",
            Graph::Masks => dir,
        }
    }
}

/// One graph under one cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The run's folder; of the original and the lossless graph one of those it is shared by.
    pub dir: String,
    /// Which of the run's graphs.
    pub graph: Graph,
    /// MB or seconds, predicted.
    pub cost: f64,
    /// How many times as much the run's network costs compiled with all its ReLUs.
    pub times: Option<f64>,
    /// Clean accuracy in percent.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Images.
    pub n: Option<u64>,
    /// No other point is at least as accurate at no more cost.
    pub front: bool,
}

/// Accuracy against one cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tradeoff {
    /// Cost model, weight setting and, for a time, network.
    pub title: String,
    /// What is on the x axis, with its unit.
    pub axis: String,
    /// Who must be trusted with what.
    pub trust: String,
    /// By rising cost.
    pub points: Vec<Point>,
}

/// What is on the x axis of one plot. Times that are of different things, a whole query and communication only, never share one.
#[derive(Debug, Clone, PartialEq)]
enum Axis {
    Bytes,
    /// On a network.
    Time(String, LatencyIs),
    /// The communication of a query that is not the first of its session, on a network.
    Later(String),
}

/// What one plot is of.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    protocol: String,
    weights: Weights,
    axis: Axis,
}

impl Key {
    /// The plots that a cost belongs to: bytes, the time on its network, and that of a later query where one is cheaper.
    fn of(c: &RunCost) -> Vec<Key> {
        let later = c.after.later.map(|_| Axis::Later(c.network.clone()));
        let axes = [Axis::Bytes, Axis::Time(c.network.clone(), c.after.latency_is)].into_iter().chain(later);
        axes.map(|axis| Key { protocol: c.protocol.clone(), weights: c.weights, axis }).collect()
    }
    fn has(&self, c: &RunCost) -> bool {
        let on = match &self.axis {
            Axis::Bytes => true,
            Axis::Time(n, is) => *n == c.network && *is == c.after.latency_is,
            Axis::Later(n) => *n == c.network,
        };
        on && self.protocol == c.protocol && self.weights == c.weights
    }
    /// A graph's MB or seconds, where it is priced whole and has seconds of this kind.
    fn cost(&self, s: &Spent) -> Option<f64> {
        match &self.axis {
            _ if !s.complete => None,
            Axis::Bytes => Some(s.online_bytes as f64 / 1e6),
            Axis::Time(_, is) => s.seconds(*is),
            Axis::Later(_) => s.later_communication(),
        }
    }
    fn title(&self) -> String {
        let network = match &self.axis {
            Axis::Bytes => String::new(),
            Axis::Time(n, _) | Axis::Later(n) => format!(", {n}"),
        };
        format!("{}{network}, {} weights", self.protocol, self.weights)
    }
    fn name(&self) -> &'static str {
        match &self.axis {
            Axis::Bytes => "MB sent a query, predicted",
            Axis::Time(_, LatencyIs::Query) => "seconds of a query, predicted",
            Axis::Time(_, LatencyIs::Communication) => "seconds of communication only, predicted",
            Axis::Later(_) => "seconds of communication of a later query, predicted",
        }
    }
}

/// One a protocol and weight setting for bytes, one or two a network besides for times. Graphs without a clean accuracy, or whose cost is
/// not known whole, are left out. What compiling computes with all ReLUs is what the original computes, so it has that accuracy.
pub fn tradeoffs(runs: &[Run]) -> Vec<Tradeoff> {
    let keys = distinct(runs.iter().flat_map(|r| &r.costs).flat_map(Key::of));
    let one = |key: &Key| {
        let mut points: Vec<Point> = vec![];
        let mut trust = String::new();
        for r in runs {
            let Some(c) = r.costs.iter().find(|c| key.has(c)) else { continue };
            trust.clone_from(&c.trust);
            let lossless = c.lossless.as_ref().and_then(|s| key.cost(s));
            let graphs = [
                (Graph::Original, c.before.as_ref().and_then(|s| key.cost(s)), r.original(Metric::Clean)),
                (Graph::Lossless, lossless, r.original(Metric::Clean)),
                (Graph::Masks, key.cost(&c.after), r.after(Metric::Clean)),
            ];
            for (graph, cost, score) in graphs {
                let (Some(cost), Some(s)) = (cost, score) else { continue };
                let times = lossless.map(|l| l / cost).filter(|t| t.is_finite());
                let (accuracy, interval, n) = (s.accuracy, s.interval, s.n);
                let point =
                    Point { dir: r.dir.clone(), graph, cost, times, accuracy, interval, n, front: false };
                if graph == Graph::Masks || !points.iter().any(|p| p.is_again(&point)) {
                    points.push(point);
                }
            }
        }
        points.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.accuracy.total_cmp(&a.accuracy)));
        mark_front(&mut points);
        Tradeoff { title: key.title(), axis: key.name().into(), trust, points }
    };
    // A plot of what all runs share compares nothing.
    let some = |t: &Tradeoff| t.points.iter().any(|p| p.graph == Graph::Masks);
    keys.iter().map(one).filter(some).collect()
}

impl Point {
    /// Runs of one model share what they started from.
    fn is_again(&self, other: &Point) -> bool {
        let key = |p: &Point| (p.graph, p.cost, p.accuracy, p.n);
        key(self) == key(other)
    }
    /// What it is, in a few words.
    pub fn label(&self) -> &str {
        self.graph.label(&self.dir)
    }
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

/// An SVG of accuracy over cost, cost on a log axis where it spans two decades, with 95 % intervals, the front joined by a line. The
/// original and the graph with all its ReLUs are named and have shapes of their own.
pub fn tradeoff_plot(t: &Tradeoff) -> String {
    let points: Vec<&Point> =
        t.points.iter().filter(|p| p.cost.is_finite() && p.accuracy.is_finite()).collect();
    let frame = Frame { left: 80.0, top: 34.0, right: WIDTH - 16.0, bottom: 318.0 };
    let x = Scale::auto(points.iter().map(|p| p.cost));
    let ends = |p: &&Point| p.interval.into_iter().flatten().chain([p.accuracy]).collect::<Vec<_>>();
    let y = Scale::percent(points.iter().flat_map(ends));
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
        let Some((u, v)) = at(p) else { continue };
        if let Some(ends) = p.interval {
            svg += &frame.interval(0, u, y, ends);
        }
        let (shape, colour) = match p.graph {
            Graph::Original => (2, 5),
            Graph::Lossless => (1, 1),
            Graph::Masks => (0, 0),
        };
        svg += &marker(shape, colour, frame.x(u), frame.y(v), !p.front, &hover(p, &t.axis));
        // The two are as accurate as each other: a label above and one below do not meet.
        let above = match p.graph {
            Graph::Masks => continue,
            Graph::Original => 22.0,
            Graph::Lossless => -12.0,
        };
        let side = if u > 0.5 { "end" } else { "start" };
        svg += &format!(
            "<text class=\"legend {side}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            frame.x(u),
            frame.y(v) + above,
            p.label()
        );
    }
    svg += &format!(
        "<text class=\"mid\" x=\"{0:.1}\" y=\"{1:.1}\">{2}</text>\
         <text class=\"mid\" x=\"{0:.1}\" y=\"{3:.1}\">filled: the Pareto front of {4} points; bars: 95 %</text>",
        WIDTH / 2.0,
        frame.bottom + 44.0,
        esc(&t.axis),
        frame.bottom + 68.0,
        count(points.len() as u64)
    );
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"{}\">{svg}</svg>",
        frame.bottom + 80.0,
        esc(&format!("accuracy by {}, {}", t.axis, t.title))
    )
}

/// What hovering over a point shows.
fn hover(p: &Point, axis: &str) -> String {
    let n = p.n.map(|n| format!(", n = {}", count(n))).unwrap_or_default();
    let times = times(p).map(|t| format!(", {t}")).unwrap_or_default();
    format!("{}: {}{n}, {:.3} {axis}{times}", p.label(), accuracy(p.accuracy, p.interval), p.cost)
}

/// `1.60× less than with all ReLUs`; none for that graph itself.
pub(super) fn times(p: &Point) -> Option<String> {
    let t = p.times.filter(|_| p.graph != Graph::Lossless)?;
    Some(match t {
        _ if (t - 1.0).abs() < 0.005 => "as with all ReLUs".into(),
        _ if t > 1.0 => format!("{}× less than with all ReLUs", digits(t)),
        _ => format!("{}× more than with all ReLUs", digits(1.0 / t)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn point(cost: f64, accuracy: f64) -> Point {
        Point {
            dir: "<a>".into(),
            graph: Graph::Masks,
            cost,
            times: None,
            accuracy,
            interval: None,
            n: None,
            front: false,
        }
    }

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        let mut points =
            [(1.0, 70.0), (2.0, 80.0), (2.0, 79.0), (3.0, 80.0), (4.0, 91.0)].map(|(c, a)| point(c, a));
        mark_front(&mut points);
        let front: Vec<f64> = points.iter().filter(|p| p.front).map(|p| p.accuracy).collect();
        assert_eq!(front, [70.0, 80.0, 91.0]);
    }

    fn drawn(points: Vec<Point>) -> String {
        let t = Tradeoff { title: "t".into(), axis: "MB".into(), trust: String::new(), points };
        let svg = tradeoff_plot(&t);
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<a>"), "{svg}");
        svg
    }

    #[test]
    fn odd_values_are_drawn_without_nan() {
        for costs in [vec![], vec![0.0], vec![1.0, f64::NAN], vec![0.0, 1e9, 1e-9]] {
            drawn(costs.into_iter().map(|c| point(c, 50.0)).collect());
        }
        drawn(vec![Point { interval: Some([f64::NAN, 200.0]), ..point(1.0, 50.0) }]);
    }

    #[test]
    fn intervals_are_bars_and_references_are_named() {
        let of = |graph, cost, accuracy| Point {
            graph,
            interval: Some([accuracy - 2.0, accuracy + 1.0]),
            ..point(cost, accuracy)
        };
        let svg = drawn(vec![
            of(Graph::Masks, 11.0, 88.0),
            of(Graph::Lossless, 18.0, 92.0),
            of(Graph::Original, 28.6, 92.0),
        ]);
        assert_eq!(svg.matches("class=\"bar").count(), 3);
        assert!(svg.contains(">original</text>") && svg.contains(">compiled, all ReLUs</text>"), "{svg}");
    }

    #[test]
    fn factors_compare_with_all_relus() {
        let of = |graph, times| super::times(&Point { graph, times: Some(times), ..point(1.0, 50.0) });
        assert_eq!(of(Graph::Masks, 1.6).unwrap(), "1.60× less than with all ReLUs");
        assert_eq!(of(Graph::Original, 0.5).unwrap(), "2.00× more than with all ReLUs");
        assert_eq!(of(Graph::Masks, 1.001).unwrap(), "as with all ReLUs");
        assert_eq!(of(Graph::Lossless, 1.0), None);
    }
}
