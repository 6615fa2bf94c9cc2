//! The rows of the tables, the same for text and for the page.

use super::conclusions::saved_with_bytes;
use super::figures::{self, Change, Group, bytes, count, rounds, seconds, signed};
use super::model::{Contribution, Cost, Dealer, LatencyIs, Metric, Report, Spent};
use super::shape::Shape;
use relinc_runtime::cost::Totals;

/// Reads one kind of bytes.
type BytesOf = fn(&Spent) -> u64;

/// How the emitted graph's figure compares.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Moved {
    /// There is nothing to compare it with.
    Alone,
    /// Both are lower bounds, which have no ratio.
    Unknown,
    /// It changed like this.
    By(Change),
    /// It changed like this, and more is better.
    Rising(Change),
}

/// One row: a name, a detail, a cell a column, and the change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub what: String,
    pub detail: String,
    pub cells: Vec<String>,
    pub moved: Moved,
    /// The sum of those above it.
    pub sum: bool,
}

/// The counts of the graphs.
pub(super) fn totals(r: &Report) -> Vec<Row> {
    let shape = Shape::of(r);
    let (all, base) = (shape.totals(r), shape.baseline_totals(r));
    let row = |what: &str, get: fn(&Totals) -> u64| Row {
        what: what.into(),
        detail: String::new(),
        cells: all.iter().map(|t| count(get(t))).collect(),
        moved: match base.filter(|_| shape != Shape::Old) {
            Some(b) => Moved::By(Change::of(get(b) as f64, get(&r.totals) as f64)),
            None => Moved::Alone,
        },
        sum: false,
    };
    vec![
        row("ReLUs", |t| t.relus),
        row("secure comparisons", |t| t.comparisons),
        row("nonlinear layers", |t| t.nonlinear_layers),
        row("multiply-accumulates", |t| t.macs),
        row("parameters", |t| t.parameters),
    ]
}

/// Bytes, exchanges and times of one cost model, all its networks.
pub(super) fn cost(shape: Shape, g: &Group<'_>) -> Vec<Row> {
    let whole = figures::missing(g.first).is_none();
    let least = if whole { "" } else { "≥ " };
    let c = g.first;
    let size = |v: f64| bytes(v as u64);
    let row = |what: String,
               of: &Cost,
               bound: bool,
               get: &dyn Fn(&Spent) -> Option<f64>,
               show: fn(f64) -> String| {
        let least = if bound { least } else { "" };
        let cell = |s: &Spent| get(s).map_or("not known".into(), |v| format!("{least}{}", show(v)));
        let moved = match shape.baseline(of).filter(|_| shape != Shape::Old) {
            None => Moved::Alone,
            Some(_) if bound && !whole => Moved::Unknown,
            Some(b) => match (get(b), get(&of.after)) {
                (Some(b), Some(a)) => Moved::By(Change::of(b, a)),
                _ => Moved::Unknown,
            },
        };
        let cells = shape.spent(of).into_iter().map(cell).collect();
        Row { what, detail: String::new(), cells, moved, sum: false }
    };
    let mut out = vec![];
    let parts: [(&str, BytesOf); 3] = [
        ("ReLU bytes", |s| s.relu_bytes),
        ("linear bytes", |s| s.linear_bytes),
        ("other bytes", figures::other_bytes),
    ];
    for (i, (what, get)) in parts.into_iter().enumerate() {
        if i == 0 || shape.spent(c).into_iter().any(|s| get(s) > 0) {
            out.push(row(what.into(), c, false, &|s| Some(get(s) as f64), size));
        }
    }
    let total = row("total bytes".into(), c, true, &|s| Some(s.online_bytes as f64), size);
    let exchanges = row("rounds".into(), c, true, &|s| Some(s.rounds), rounds);
    out.extend([Row { sum: true, ..total }, Row { detail: "one-way exchanges".into(), ..exchanges }]);
    let pays_less = shape.spent(c).into_iter().any(|s| s.later_bytes() < s.online_bytes);
    if pays_less {
        let later = row("bytes of a later query".into(), c, true, &|s| Some(s.later_bytes() as f64), size);
        out.push(Row { detail: "of the same session".into(), ..later });
    }
    if shape.spent(c).into_iter().any(|s| s.dealer.is_some()) {
        let of = |get: fn(Dealer) -> f64| move |s: &Spent| s.dealer.map(get);
        let with = |detail: &str, r: Row| Row { detail: detail.into(), ..r };
        let asked = row("requests to a dealer".into(), c, true, &of(|d| d.requests), rounds);
        let answered = row("bytes from the dealer".into(), c, true, &of(|d| d.bytes as f64), size);
        let time = row("time of a dealer beside the server".into(), c, true, &of(|d| d.seconds), seconds);
        let link = relinc_runtime::cost::Network::to_dealer().describe();
        out.extend([with("where relinc dealer deals", asked), with("on top", answered), with(&link, time)]);
    }
    for e in &g.entries {
        let on = figures::network(&e.network);
        for (kind, name) in
            [(LatencyIs::Query, "time of a query"), (LatencyIs::Communication, "communication only")]
        {
            if !shape.spent(e).iter().any(|s| s.latency_is == kind) {
                continue;
            }
            let time = row(format!("{name}, {on}"), e, true, &|s| s.seconds(kind), seconds);
            out.push(Row { detail: link(e), ..time });
            if kind == LatencyIs::Query {
                out.push(row("of it computing".into(), e, true, &|s| s.compute_s, seconds));
            }
        }
        if pays_less {
            let what = format!("communication of a later query, {on}");
            out.push(row(what, e, true, &Spent::later_communication, seconds));
        }
        if shape.spent(e).iter().any(|s| s.later_seconds().is_some()) {
            if pays_less {
                out.push(row(
                    format!("time of a later query, {on}"),
                    e,
                    true,
                    &Spent::later_seconds,
                    seconds,
                ));
                let once = |s: &Spent| Some(s.seconds(LatencyIs::Query)? - s.later_seconds()?);
                out.push(row(format!("once a session, {on}"), e, true, &once, seconds));
            }
            let hour = |s: &Spent| s.later_seconds().filter(|s| *s > 0.0).map(|s| 3600.0 / s);
            let queries =
                row(format!("later queries an hour, {on}"), e, false, &hour, |v| count(v.round() as u64));
            let moved = match queries.moved {
                Moved::By(change) => Moved::Rising(change),
                other => other,
            };
            out.push(Row { moved, ..queries });
        }
    }
    out
}

fn link(c: &Cost) -> String {
    let (rtt_s, bandwidth_bit_s) = (c.link.rtt_s, c.link.bandwidth_bit_s);
    relinc_runtime::cost::Network { name: String::new(), rtt_s, bandwidth_bit_s, compute: 1.0 }.describe()
}

/// What the times of a group are, in a sentence that fits its rows.
pub(super) fn times(shape: Shape, g: &Group<'_>) -> String {
    let unknown =
        g.entries.iter().flat_map(|e| shape.spent(e)).any(|s| s.latency_is == LatencyIs::Communication);
    let mut out = match (&g.first.computing, g.first.after.latency_is) {
        (Some(whose), _) => format!("Times of a query are predicted with computing: seconds of {whose}."),
        (None, LatencyIs::Query) => "Times of a query are predicted with computing.".into(),
        (None, LatencyIs::Communication) => {
            return "Times are predicted for communication only: the cost model does not know how long computing takes, which comes on \
                    top."
                .into();
        }
    };
    if unknown {
        out += " Where it is not known how long computing takes, times compare by communication only.";
    }
    out
}

/// What each kind of choice saves, in a sentence of the group's first network; nothing without masks.
pub(super) fn contributions(g: &Group<'_>) -> String {
    let c = g.first;
    if c.contributions.is_empty() {
        return String::new();
    }
    let one = |k: &Contribution| {
        let s = if k.layers == 1 { "" } else { "s" };
        format!("{} {} layer{s} {}", k.layers, k.action, saved_with_bytes(&k.saved))
    };
    let parts: Vec<String> = c.contributions.iter().map(one).collect();
    format!(
        "A later query's communication, {}, against all ReLUs, each kind priced after those before it: {}.",
        figures::network(&c.network),
        parts.join("; ")
    )
}

/// One kind of accuracy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoreRow {
    pub what: &'static str,
    /// In percent, where measured.
    pub values: [Option<f64>; 2],
    /// With their intervals.
    pub cells: [String; 2],
    pub change: String,
    /// `good`, `bad` or `same`; a change that may be chance is no change.
    pub tone: &'static str,
}

/// `91.7 % (90.4 to 92.8)`.
pub(super) fn score(v: Option<f64>, interval: Option<[f64; 2]>) -> String {
    match (v, interval) {
        (None, _) => "–".into(),
        (Some(v), None) => format!("{v:.1} %"),
        (Some(v), Some([low, high])) => format!("{v:.1} % ({low:.1} to {high:.1})"),
    }
}

/// The accuracies that were measured, before and after.
pub(super) fn scores(r: &Report) -> Vec<ScoreRow> {
    let Some(a) = &r.accuracy else { return vec![] };
    let (b, x) = (a.before.unwrap_or_default(), a.after.unwrap_or_default());
    let row = |m: Metric| {
        let what = if m == Metric::AdversarialCleanBn { "adversarial, clean BN" } else { m.images() };
        let values = [m.of(&b), m.of(&x)];
        let cells = [score(values[0], m.interval(&b)), score(values[1], m.interval(&x))];
        let (change, tone) = match (a.change.as_ref().filter(|_| m == Metric::Clean), values) {
            _ if !a.before_is_original => ("not against the original".into(), "same"),
            (Some(c), _) if c.lost == 0 && c.won == 0 => ("none".into(), "same"),
            (Some(c), _) => {
                let [low, high] = c.interval.map(signed);
                let said = format!("{} ({low} to {high})", signed(c.points));
                match (c.within_chance(), c.points < 0.0) {
                    (true, _) => (format!("{said}, within chance"), "same"),
                    (false, true) => (said, "bad"),
                    (false, false) => (said, "good"),
                }
            }
            // Without the images themselves nobody knows what chance does.
            (None, [Some(b), Some(x)]) => (signed(x - b), "same"),
            _ => ("–".into(), "same"),
        };
        ScoreRow { what, values, cells, change, tone }
    };
    Metric::ALL.into_iter().map(row).filter(|r| r.values.iter().any(Option::is_some)).collect()
}

/// What an accuracy was measured on and against, in sentences.
pub(super) fn accuracy_lead(r: &Report) -> String {
    let Some(a) = &r.accuracy else { return String::new() };
    let folded = super::model::folded(r)
        .map(|b| format!(", folded with {}", super::model::branch_name(b)))
        .unwrap_or_default();
    let mut out = format!("{}, {} split, {}{folded}.", a.data, a.split, super::headline::images(a));
    if let Some(is) = &a.before_is {
        out += &format!(" Before is {is}, with all its ReLUs.");
    }
    if a.change.is_some() {
        out += " In brackets are 95 % intervals; that of the change is of the images which only one of the two networks gets right.";
    } else if a.after.and_then(|s| s.interval).is_some() {
        out += " In brackets are 95 % intervals.";
    }
    if let Some(s) = a.seen {
        out += &format!(" {}", s.sentence());
    }
    out
}
