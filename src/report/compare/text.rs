//! The comparison for a terminal.

use super::super::figures::{count, percent};
use super::super::model::{Metric, branch_name};
use super::super::text::{table as columns, wrap};
use super::pareto::times;
use super::{Run, accuracy, alarms, tradeoffs, warnings};

/// What stands against the runs, then one line a run and kind of accuracy.
pub fn table(runs: &[Run]) -> String {
    let mut rows = vec![];
    for r in runs {
        let share = r.all_relus().map(|all| percent(r.relus, all)).unwrap_or_default();
        let mut lead = vec![r.dir.clone(), r.method.clone().unwrap_or("–".into()), count(r.relus), share];
        let none = Metric::ALL.iter().all(|m| r.after(*m).is_none());
        for s in Metric::ALL.iter().filter_map(|m| r.after(*m)) {
            let mut row = std::mem::replace(&mut lead, vec![String::new(); 4]);
            let through = s.branch.map(|b| format!(", {}", branch_name(b))).unwrap_or_default();
            row.extend([
                format!("{}{through}", s.metric.images()),
                accuracy(s.accuracy, s.interval),
                s.n.map_or("?".into(), count),
            ]);
            rows.push(row);
        }
        if none {
            lead.push("not measured".into());
            rows.push(lead);
        }
    }
    let header = ["folder", "method", "ReLUs", "kept", "images", "accuracy (95 %)", "n"];
    let mut out: String = alarms(runs).iter().map(|a| wrap(a, "! ")).collect();
    out += &columns(&header, "llrrlrr", rows);
    for w in warnings(runs) {
        out += &wrap(&w, "! ");
    }
    out
}

/// What each graph costs, protocol by protocol; the Pareto front is marked.
pub fn cost_table(runs: &[Run]) -> String {
    let mut out = String::new();
    let mut trusted: Option<String> = None;
    for t in tradeoffs(runs) {
        out += &format!("\n{}: {}\n", t.title, t.axis);
        if trusted.as_ref() != Some(&t.trust) {
            out += &wrap(&format!("trust: {}", t.trust), "  ");
            trusted = Some(t.trust.clone());
        }
        let rows = t.points.iter().map(|p| {
            vec![
                format!("{:.3}", p.cost),
                times(p).unwrap_or_default(),
                accuracy(p.accuracy, p.interval),
                p.n.map_or("?".into(), count),
                if p.front { "front" } else { "" }.to_string(),
                p.label().to_string(),
            ]
        });
        out += &columns(&["cost", "", "accuracy (95 %)", "n", "", ""], "rlrrll", rows.collect());
    }
    out
}
