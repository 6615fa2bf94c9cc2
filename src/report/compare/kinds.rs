//! What each kind of choice saves, run by run.

use super::super::figures::seconds;
use super::super::model::{Action, Contribution, Spent};
use super::super::text::{table, wrap};
use super::{Run, distinct};
use serde::Serialize;

/// What stands above the tables.
pub const LEAD: &str = "Seconds of communication that a later query saves against the network compiled with all its ReLUs, predicted: each kind of \
                        choice is priced after those to its left.";

/// The savings of the runs under one protocol on one network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kinds {
    /// Cost model, network and weight setting.
    pub title: String,
    /// One a run whose masks were priced.
    pub rows: Vec<Row>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The run's folder.
    pub dir: String,
    /// Seconds of a later query's communication with all ReLUs.
    pub lossless_s: f64,
    /// Seconds saved by quadratic, linearized and compacted layers, 0 where there are none.
    pub saved_s: [f64; 3],
    /// The layers of each.
    pub layers: [u64; 3],
    /// What is left.
    pub after_s: f64,
}

impl Row {
    /// What stands in a table, but for the folder.
    pub fn cells(&self) -> Vec<String> {
        let saved = |k: usize| match (self.layers[k], self.saved_s[k]) {
            (0, _) => "–".to_string(),
            (n, s) if s < 0.0 => format!("+{} ({n})", seconds(-s)),
            (n, s) => format!("−{} ({n})", seconds(s)),
        };
        let all = [seconds(self.lossless_s)].into_iter().chain((0..Contribution::ORDER.len()).map(saved));
        all.chain([seconds(self.after_s)]).collect()
    }
}

/// What stands above the cells, but for the folder.
pub const HEADS: [&str; 5] = ["all ReLUs", "quadratic (layers)", "linearized", "compacted", "left"];

/// One a protocol, weight setting and network that some run has masks for.
pub fn kinds(runs: &[Run]) -> Vec<Kinds> {
    let title = |c: &super::RunCost| format!("{}, {}, {} weights", c.protocol, c.network, c.weights);
    let of = |wanted: String| {
        let row = |r: &Run| {
            let c = r.costs.iter().find(|c| title(c) == wanted && !c.contributions.is_empty())?;
            let entry = |a: Action| c.contributions.iter().find(|k| k.action == a);
            Some(Row {
                dir: r.dir.clone(),
                lossless_s: c.lossless.as_ref().and_then(Spent::later_communication)?,
                saved_s: Contribution::ORDER.map(|a| entry(a).map_or(0.0, |k| k.saved.seconds)),
                layers: Contribution::ORDER.map(|a| entry(a).map_or(0, |k| k.layers)),
                after_s: c.after.later_communication()?,
            })
        };
        let mut rows: Vec<Row> = runs.iter().filter_map(row).collect();
        rows.sort_by(|a, b| a.after_s.total_cmp(&b.after_s));
        Kinds { title: wanted, rows }
    };
    let all = distinct(runs.iter().flat_map(|r| &r.costs).map(title)).into_iter().map(of);
    all.filter(|k| !k.rows.is_empty()).collect()
}

/// The tables for a terminal.
pub fn kinds_table(runs: &[Run]) -> String {
    let mut out = String::new();
    for k in kinds(runs) {
        if out.is_empty() {
            out += &format!("\n{}", wrap(LEAD, ""));
        }
        out += &format!("\n{}\n", k.title);
        let header: Vec<&str> = HEADS.into_iter().chain([""]).collect();
        let line = |r: &Row| r.cells().into_iter().chain([r.dir.clone()]).collect();
        out += &table(&header, "rrrrrl", k.rows.iter().map(line).collect());
    }
    out
}
