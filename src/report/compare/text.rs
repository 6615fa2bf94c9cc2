//! The comparison for a terminal.

use super::super::figures::{count, percent};
use super::super::model::{Metric, branch_name};
use super::super::text::{table as columns, wrap};
use super::{Run, tradeoffs, warnings};

/// One line a run and kind of accuracy.
pub fn table(runs: &[Run]) -> String {
    let mut rows = vec![];
    for r in runs {
        let mut lead = vec![
            r.dir.clone(),
            r.method.clone().unwrap_or("–".into()),
            count(r.relus),
            r.relus_before.map(|b| percent(r.relus, b)).unwrap_or_default(),
        ];
        let none = Metric::ALL.iter().all(|m| r.after(*m).is_none());
        for s in Metric::ALL.iter().filter_map(|m| r.after(*m)) {
            let mut row = std::mem::replace(&mut lead, vec![String::new(); 4]);
            row.extend([
                s.metric.images().to_string(),
                format!("{:.2} %", s.accuracy),
                s.branch.map(branch_name).unwrap_or_default().to_string(),
                s.n.map_or("?".into(), count),
            ]);
            rows.push(row);
        }
        if none {
            lead.push("not measured".into());
            rows.push(lead);
        }
    }
    let header = ["folder", "method", "ReLUs", "kept", "images", "accuracy", "through", "n"];
    let mut out = columns(&header, "llrrlrlr", rows);
    for w in warnings(runs) {
        out += &wrap(&w, "! ");
    }
    out
}

/// What each run costs, protocol by protocol; the Pareto front is marked.
pub fn cost_table(runs: &[Run]) -> String {
    let mut rows = vec![];
    for t in tradeoffs(runs) {
        let mut lead = t.title.clone();
        for p in &t.points {
            let mark = if p.front { "front" } else { "" };
            let cost = format!("{:.3}", p.cost);
            rows.push(vec![
                std::mem::take(&mut lead),
                cost,
                t.axis.clone(),
                format!("{:.2} %", p.accuracy),
                mark.to_string(),
                p.dir.clone(),
            ]);
        }
    }
    if rows.is_empty() {
        String::new()
    } else {
        columns(&["under", "cost", "", "accuracy", "", "folder"], "lrlrll", rows)
    }
}
