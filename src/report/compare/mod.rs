//! Several runs side by side: accuracy against the ReLUs that are left.

mod page;
mod pareto;
mod plot;
mod text;

#[cfg(test)]
mod tests;

pub use page::render;
pub use pareto::{Point, Tradeoff, tradeoff_plot, tradeoffs};
pub use plot::{BudgetPoint, budget_plot};
pub use text::{cost_table, table};

use super::model::{Evaluation, ImageCounts, Metric, Report, folded};
use super::{ReadError, read};
use relinc_runtime::cost::Weights;
use relinc_runtime::exec::Branch;
use serde::Serialize;
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
    /// ReLUs of the graph that was read.
    pub relus_before: Option<u64>,
    /// What the emitted graph costs.
    pub costs: Vec<RunCost>,
    /// The accuracies that were measured.
    pub scores: Vec<Score>,
}

/// What a run's emitted graph costs under one protocol on one network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunCost {
    /// The cost model.
    pub protocol: String,
    /// The network.
    pub network: String,
    /// Who knows the weights.
    pub weights: Weights,
    /// Bytes rank 0 sends a query.
    pub online_bytes: u64,
    /// Exchanges.
    pub rounds: f64,
    /// Predicted seconds.
    pub latency_s: f64,
    /// Every operation is in the figures.
    pub complete: bool,
}

/// One accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// Which.
    pub metric: Metric,
    /// Of the graph that was read.
    pub before: bool,
    /// In percent.
    pub accuracy: f64,
    /// The batch normalisation it holds for, where there are two.
    pub branch: Option<Branch>,
    /// Images.
    pub n: Option<u64>,
}

/// Reads `report.json` of each folder.
pub fn runs(dirs: &[impl AsRef<Path>]) -> Result<Vec<Run>, ReadError> {
    dirs.iter().map(|d| Ok(Run::new(&d.as_ref().display().to_string(), &read(d.as_ref())?))).collect()
}

impl Run {
    /// What is compared of a report. Accuracies of the emitted graph come first; what was not measured on it, with the
    /// batch normalisation that fits the images, is taken from the last evaluation that has it.
    pub fn new(dir: &str, r: &Report) -> Run {
        let mut all: Vec<Score> = vec![];
        if let Some(a) = &r.accuracy {
            // The accuracies of a report are those of one folded graph.
            let counts = ImageCounts { clean: Some(a.n), corrupted: Some(a.n), adversarial: Some(a.n) };
            for (before, scores) in [(true, a.before), (false, a.after)] {
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
            costs: r
                .cost
                .iter()
                .map(|c| RunCost {
                    protocol: c.protocol.clone(),
                    network: c.network.clone(),
                    weights: c.weights,
                    online_bytes: c.after.online_bytes,
                    rounds: c.after.rounds,
                    latency_s: c.after.latency_s,
                    complete: c.after.complete,
                })
                .collect(),
            scores,
        }
    }
    /// The run's accuracy after compilation.
    pub fn after(&self, m: Metric) -> Option<&Score> {
        self.scores.iter().find(|s| s.metric == m && !s.before)
    }
}

/// The accuracies of one network. What is under attack and went through BN_c counts as that, however it was measured.
fn of(e: &Evaluation, before: bool) -> Vec<Score> {
    let one = |metric: Metric| {
        let (accuracy, branch, n) = (metric.of(&e.scores)?, e.through(metric), metric.n(&e.n));
        let attacked = metric == Metric::Adversarial && branch == Some(Branch::Clean);
        let metric = if attacked { Metric::AdversarialCleanBn } else { metric };
        Some(Score { metric, before, accuracy, branch, n })
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

/// The series of networks as they were read.
const BEFORE: &str = "before";

/// The plots of a comparison: all accuracies in one, or one for each kind when several methods are compared.
pub fn figures(runs: &[Run]) -> Vec<Figure> {
    let mut methods: Vec<&Option<String>> = runs.iter().map(|r| &r.method).collect();
    methods.sort();
    methods.dedup();
    let one_method = methods.len() <= 1;
    let mut figures: Vec<Figure> = vec![];
    for m in Metric::ALL {
        let mut points: Vec<BudgetPoint> = vec![];
        for r in runs {
            for s in r.scores.iter().filter(|s| s.metric == m) {
                let relus = if s.before { r.relus_before } else { Some(r.relus) };
                let Some(relus) = relus else { continue };
                let method = r.method.as_deref().unwrap_or("method not recorded");
                let series = match (one_method, s.before) {
                    (true, _) => m.images(),
                    // Methods share what they started from.
                    (false, true) => BEFORE,
                    (false, false) => method,
                };
                let label = if s.before { "before".into() } else { r.dir.clone() };
                let branch = s.branch;
                let series = series.to_string();
                let reference = s.before;
                let p = BudgetPoint { series, branch, relus, accuracy: s.accuracy, n: s.n, reference, label };
                // Runs from one model share what was before.
                if !points.contains(&p) {
                    points.push(p);
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
                let images = m.images();
                let through = if m == Metric::AdversarialCleanBn { ", through BN_c" } else { "" };
                figures.push(Figure { title: format!("Accuracy on {images} images{through}"), points });
            }
        }
    }
    figures
}

/// Why the runs may not be comparable, in sentences.
pub fn warnings(runs: &[Run]) -> Vec<String> {
    let mut out = vec![];
    let mut data: Vec<&str> = runs.iter().filter_map(|r| r.data.as_deref()).collect();
    data.sort_unstable();
    data.dedup();
    if data.len() > 1 {
        out.push(format!("The runs were measured on different data: {}.", data.join("; ")));
    }
    let mut before: Vec<u64> = runs.iter().filter_map(|r| r.relus_before).collect();
    before.sort_unstable();
    before.dedup();
    if before.len() > 1 {
        out.push("The runs are of different networks: their ReLUs before differ.".into());
    }
    let silent: Vec<&str> =
        runs.iter().filter(|r| r.scores.iter().all(|s| s.before)).map(|r| r.dir.as_str()).collect();
    if !silent.is_empty() {
        out.push(format!("No accuracy was measured in {}.", silent.join(", ")));
    }
    out
}
