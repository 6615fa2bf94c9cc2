//! Which columns a report has, and which two of them a change is between.

use super::model::{Action, Cost, LatencyIs, Report, Spent};
use relinc_runtime::cost::Totals;

/// What a report compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// ReLUs were removed: what the masks save is held against the model compiled with all its ReLUs.
    Masked,
    /// Nothing was removed: what compiling saves is held against the original.
    Lossless,
    /// Of relinc 0.1.0: the emitted graph against the canonical form of the original, what compiling saved included.
    Old,
    /// Nothing was compiled.
    Bare,
}

impl Shape {
    /// That of a report.
    pub fn of(r: &Report) -> Shape {
        let (Some(_), Some(lossless)) = (&r.before, &r.lossless) else {
            return if r.before.is_some() { Shape::Old } else { Shape::Bare };
        };
        let kept = r.layers.iter().all(|l| l.relus >= l.relus_before || l.action == Action::Redundant);
        if kept && lossless.relus <= r.totals.relus { Shape::Lossless } else { Shape::Masked }
    }

    /// Heads of the columns, in order.
    pub(super) fn heads(self) -> &'static [&'static str] {
        match self {
            Shape::Masked => &["original", "compiled, all ReLUs", "compiled, with masks"],
            Shape::Lossless => &["original", "compiled, all ReLUs"],
            Shape::Old => &["before", "after"],
            Shape::Bare => &["this model"],
        }
    }

    /// What a change is against; none where there is nothing to compare.
    pub(super) fn against(self) -> Option<&'static str> {
        match self {
            Shape::Masked => Some("against all ReLUs"),
            Shape::Lossless => Some("against the original"),
            Shape::Old => Some("change"),
            Shape::Bare => None,
        }
    }

    /// What is said of the graphs, in the order of the columns.
    fn columns<'a, T>(self, before: &'a Option<T>, lossless: &'a Option<T>, after: &'a T) -> Vec<&'a T> {
        let lossless = lossless.as_ref().filter(|_| self == Shape::Masked);
        let before = before.as_ref().filter(|_| self != Shape::Bare);
        before.into_iter().chain(lossless).chain([after]).collect()
    }

    /// What is said of the graph that the emitted one is compared with.
    fn base<'a, T>(self, before: &'a Option<T>, lossless: &'a Option<T>) -> Option<&'a T> {
        match self {
            Shape::Masked => lossless.as_ref(),
            Shape::Lossless | Shape::Old => before.as_ref(),
            Shape::Bare => None,
        }
    }

    /// The figures of an entry in the order of the columns.
    pub(super) fn spent(self, c: &Cost) -> Vec<&Spent> {
        self.columns(&c.before, &c.lossless, &c.after)
    }

    /// The counts of a report in the order of the columns.
    pub(super) fn totals(self, r: &Report) -> Vec<&Totals> {
        self.columns(&r.before, &r.lossless, &r.totals)
    }

    /// What the emitted graph is compared with.
    pub(super) fn baseline(self, c: &Cost) -> Option<&Spent> {
        self.base(&c.before, &c.lossless)
    }

    /// The counts that those of the emitted graph are compared with.
    pub(super) fn baseline_totals(self, r: &Report) -> Option<&Totals> {
        self.base(&r.before, &r.lossless)
    }

    /// What the times of an entry are compared as: with computing where both of the two columns have it.
    pub(super) fn time(self, c: &Cost) -> LatencyIs {
        let both = [Some(&c.after), self.baseline(c)];
        match both.into_iter().flatten().all(|s| s.latency_is == LatencyIs::Query) {
            true => LatencyIs::Query,
            false => LatencyIs::Communication,
        }
    }
}

/// What a reader of an old report has to know, in a sentence.
pub(super) const OLD: &str = "This report was made by relinc 0.1.0. It compares the compiled network with the original, so what it calls \
    a saving is partly what compiling gives without removing a single ReLU, and the column that would tell the two apart is missing. \
    Compile again for it.";
