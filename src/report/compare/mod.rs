//! Several runs side by side: accuracy against the ReLUs that are left, and against what a query costs.

mod kinds;
mod page;
mod pareto;
mod plot;
mod text;

#[cfg(test)]
mod tests;

pub use kinds::{Kinds, kinds, kinds_table};
pub use page::render;
pub use pareto::{Graph, Point, Tradeoff, tradeoff_plot, tradeoffs};
pub use plot::{BudgetPoint, budget_plot};
pub use text::{cost_table, table};

use super::model::{
    Contribution, Cost, Evaluation, ImageCounts, Level, Metric, Report, Seen, Spent, Verdict, folded,
};
use super::read;
use crate::error::Result;
use relinc_runtime::cost::Weights;
use relinc_runtime::eval::interval::of_percent;
use relinc_runtime::exec::Branch;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// What is compared of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its folder, as given.
    pub dir: String,
    /// How the masks were found.
    pub method: Option<String>,
    /// The budget as given.
    pub budget: Option<String>,
    /// Where its accuracies come from.
    pub data: Option<String>,
    /// ReLUs of the emitted graph.
    pub relus: u64,
    /// ReLUs of the original.
    pub relus_before: Option<u64>,
    /// ReLUs of the graph compiled with all of them.
    pub relus_lossless: Option<u64>,
    /// What the graphs cost.
    pub costs: Vec<RunCost>,
    /// The accuracies that were measured.
    pub scores: Vec<Score>,
    /// What the run's own report says of its result.
    pub verdict: Option<Verdict>,
    /// What training had to do with the images of its accuracies.
    pub seen: Option<Seen>,
}

/// What a run's graphs cost under one protocol on one network. Everything is predicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunCost {
    /// The cost model.
    pub protocol: String,
    /// Who must be trusted with what.
    pub trust: String,
    /// The network.
    pub network: String,
    /// Who knows the weights.
    pub weights: Weights,
    /// The emitted graph.
    #[serde(flatten)]
    pub after: Spent,
    /// Compiled with all its ReLUs.
    pub lossless: Option<Spent>,
    /// The original.
    pub before: Option<Spent>,
    /// What each kind of choice saves of a later query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributions: Vec<Contribution>,
}

impl RunCost {
    fn of(c: &Cost) -> RunCost {
        let Cost { protocol, trust, network, weights, after, lossless, before, contributions, .. } =
            c.clone();
        RunCost { protocol, trust, network, weights, after, lossless, before, contributions }
    }
}

/// One accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// What is measured.
    pub metric: Metric,
    /// Of the original, and so of what compiling makes of it with all its ReLUs.
    pub before: bool,
    /// In percent.
    pub accuracy: f64,
    /// Its 95 % interval, where the number of images is known.
    pub interval: Option<[f64; 2]>,
    /// The batch normalisation it holds for, where there are two.
    pub branch: Option<Branch>,
    /// Images.
    pub n: Option<u64>,
}

/// Reads `report.json` of each folder.
pub fn runs(dirs: &[impl AsRef<Path>]) -> Result<Vec<Run>> {
    dirs.iter().map(|d| Ok(Run::new(&d.as_ref().display().to_string(), &read(d.as_ref())?))).collect()
}

impl Run {
    /// What is compared of a report. Accuracies of the emitted graph come first; what was not measured on it, with the
    /// batch normalisation that fits the images, is taken from the last evaluation that has it.
    pub fn new(dir: &str, r: &Report) -> Run {
        let mut all: Vec<Score> = vec![];
        if let Some(a) = &r.accuracy {
            // The accuracies of a report are those of one folded graph.
            let counts = ImageCounts {
                clean: Some(a.n),
                corrupted: Some(a.n),
                adversarial: Some(a.n),
                certified: None,
            };
            // Accuracies of a network that had lost ReLUs before are not the original's.
            let original = a.before.filter(|_| a.before_is_original);
            for (before, scores) in [(true, original), (false, a.after)] {
                let scores = scores.unwrap_or_default();
                let e = Evaluation { branch: folded(r), scores, n: counts, ..Evaluation::default() };
                all.extend(of(&e, before));
            }
        }
        all.extend(r.evaluations.iter().rev().flat_map(|e| of(e, false)));
        let mut scores: Vec<Score> = vec![];
        for metric in Metric::ALL {
            for before in [true, false] {
                let own = || all.iter().filter(|s| s.metric == metric && s.before == before);
                // Images that are not attacked belong through BN_c.
                let fits =
                    |s: &&Score| metric == Metric::Adversarial || s.branch != Some(Branch::Adversarial);
                scores.extend(own().find(fits).or_else(|| own().next()));
            }
        }
        let measured = r.accuracy.as_ref().map(|a| format!("{}, {} split", a.data, a.split));
        Run {
            dir: dir.into(),
            method: r.settings.method.clone(),
            budget: r.settings.budget.clone(),
            data: measured.or_else(|| r.settings.data.clone()),
            relus: r.totals.relus,
            relus_before: r.before.as_ref().map(|b| b.relus),
            relus_lossless: r.lossless.as_ref().map(|l| l.relus),
            costs: r.cost.iter().map(RunCost::of).collect(),
            scores,
            verdict: r.verdict.clone(),
            seen: r.accuracy.as_ref().and_then(|a| a.seen),
        }
    }
    /// The run's accuracy after compilation.
    pub fn after(&self, m: Metric) -> Option<&Score> {
        self.scores.iter().find(|s| s.metric == m && !s.before)
    }
    /// The original's accuracy.
    pub fn original(&self, m: Metric) -> Option<&Score> {
        self.scores.iter().find(|s| s.metric == m && s.before)
    }
    /// ReLUs when none is removed.
    pub fn all_relus(&self) -> Option<u64> {
        self.relus_lossless.or(self.relus_before)
    }
    /// What makes the run's result one not to be used.
    pub fn alarm(&self) -> Option<&Verdict> {
        self.verdict.as_ref().filter(|v| v.level == Level::Alarm)
    }
}

/// The accuracies of one network. What is under attack and went through BN_c counts as that, however it was measured.
fn of(e: &Evaluation, before: bool) -> Vec<Score> {
    let one = |metric: Metric| {
        let (accuracy, branch, n) = (metric.of(&e.scores)?, e.through(metric), metric.n(&e.n));
        // Stored where it was measured; of evaluations in a log it follows from the number of images.
        let stored = metric.interval(&e.scores);
        let interval = stored.or_else(|| n.map(|n| of_percent(accuracy, n as usize)));
        let attacked = metric == Metric::Adversarial && branch == Some(Branch::Clean);
        let metric = if attacked { Metric::AdversarialCleanBn } else { metric };
        Some(Score { metric, before, accuracy, interval, branch, n })
    };
    Metric::ALL.into_iter().filter_map(one).collect()
}

/// One plot: its title and its points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What is on the y axis.
    pub title: String,
    /// The points.
    pub points: Vec<BudgetPoint>,
}

/// The series of networks with all their ReLUs, where methods are the series.
const ALL: &str = "all ReLUs";

/// What a network with all its ReLUs is: the original, and what compiling makes of it where that has as many.
fn with_all(r: &Run) -> Vec<(u64, &'static str)> {
    match (r.relus_before, r.relus_lossless) {
        (Some(b), Some(l)) if b == l => vec![(b, "original, and compiled with all ReLUs")],
        (b, l) => {
            let original = b.map(|n| (n, "original"));
            original.into_iter().chain(l.map(|n| (n, "compiled, all ReLUs"))).collect()
        }
    }
}

/// The plots of a comparison: all accuracies in one, or one for each kind when several methods are compared.
pub fn figures(runs: &[Run]) -> Vec<Figure> {
    let one_method = runs.iter().map(|r| &r.method).collect::<BTreeSet<_>>().len() <= 1;
    let mut figures: Vec<Figure> = vec![];
    for m in Metric::ALL {
        let mut points: Vec<BudgetPoint> = vec![];
        for r in runs {
            for s in r.scores.iter().filter(|s| s.metric == m) {
                let method = r.method.as_deref().unwrap_or("method not recorded");
                let series = match (one_method, s.before) {
                    (true, _) => m.images(),
                    // Methods share what they started from.
                    (false, true) => ALL,
                    (false, false) => method,
                };
                let places = if s.before { with_all(r) } else { vec![(r.relus, r.dir.as_str())] };
                for (relus, label) in places {
                    let p = BudgetPoint {
                        series: series.to_string(),
                        branch: s.branch,
                        relus,
                        accuracy: s.accuracy,
                        interval: s.interval,
                        n: s.n,
                        reference: s.before,
                        label: label.into(),
                    };
                    // Runs from one model share what they started from.
                    if !points.contains(&p) {
                        points.push(p);
                    }
                }
            }
        }
        if points.is_empty() {
            continue;
        }
        match figures.first_mut().filter(|_| one_method) {
            Some(f) => f.points.extend(points),
            None if one_method => figures.push(Figure { title: "Accuracy".into(), points }),
            None => {
                let title = match m {
                    Metric::Clean | Metric::Corrupted | Metric::Adversarial => {
                        format!("Accuracy on {} images", m.images())
                    }
                    Metric::AdversarialCleanBn => "Accuracy on adversarial images, through BN_c".into(),
                    Metric::Certified => "Certified accuracy".into(),
                };
                figures.push(Figure { title, points });
            }
        }
    }
    figures
}

/// Why the runs may not be comparable, in sentences.
pub fn warnings(runs: &[Run]) -> Vec<String> {
    let mut out = vec![];
    let data: BTreeSet<&str> = runs.iter().filter_map(|r| r.data.as_deref()).collect();
    if data.len() > 1 {
        let data: Vec<&str> = data.into_iter().collect();
        out.push(format!("The runs were measured on different data: {}.", data.join("; ")));
    }
    if runs.iter().filter_map(Run::all_relus).collect::<BTreeSet<_>>().len() > 1 {
        out.push("The runs are of different networks: their numbers of all ReLUs differ.".into());
    }
    for r in runs {
        out.extend(r.seen.map(|s| format!("{}: {}", r.dir, s.sentence())));
    }
    let old: Vec<&str> = runs
        .iter()
        .filter(|r| r.relus_before.is_some() && r.relus_lossless.is_none())
        .map(|r| r.dir.as_str())
        .collect();
    if !old.is_empty() {
        out.push(format!(
            "No figures with all ReLUs in {}, which relinc 0.1.0 wrote: factors are missing there, and originals are with normalisations \
             folded.",
            old.join(", ")
        ));
    }
    let silent: Vec<&str> =
        runs.iter().filter(|r| r.scores.iter().all(|s| s.before)).map(|r| r.dir.as_str()).collect();
    if !silent.is_empty() {
        out.push(format!("No accuracy was measured in {}.", silent.join(", ")));
    }
    out
}

/// Runs whose own report says that they are not to be used as they are, in sentences.
pub fn alarms(runs: &[Run]) -> Vec<String> {
    runs.iter().filter_map(|r| Some(format!("{}: {}", r.dir, r.alarm()?.sentences.join(" ")))).collect()
}

/// `89.50 % (88.10 to 90.80)`.
pub(super) fn accuracy(accuracy: f64, interval: Option<[f64; 2]>) -> String {
    let known = interval.filter(|ends| ends.iter().all(|v| v.is_finite()));
    let interval = known.map(|[low, high]| format!(" ({low:.2} to {high:.2})")).unwrap_or_default();
    format!("{accuracy:.2} %{interval}")
}

/// What there is, once, in order of appearance.
pub(super) fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(vec![], |mut out, x| {
        if !out.contains(&x) {
            out.push(x);
        }
        out
    })
}
