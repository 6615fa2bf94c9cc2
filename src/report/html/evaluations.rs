//! The networks of a run and their accuracies.

use super::super::figures::n;
use super::super::model::{Evaluation, Metric, Report, branch_name};
use super::super::rows::score;
use super::{esc, row, section};

/// The section.
pub(super) fn table(r: &Report) -> String {
    let kinds: Vec<Metric> =
        Metric::ALL.into_iter().filter(|m| r.evaluations.iter().any(|e| m.of(&e.scores).is_some())).collect();
    let names: Vec<&str> = ["network"].into_iter().chain(kinds.iter().map(|m| m.heading())).collect();
    let rows: String = r.evaluations.iter().map(|e| line(e, &kinds)).collect();
    let small = match r.evaluations.iter().any(Evaluation::chosen_by_kind) {
        true => {
            "<p class=\"small\">BN_c and BN_a are the batch normalisations for clean and for adversarial images. Taking the one that \
             fits the images presumes to know which are attacked; the adversarial accuracy through BN_c is what one folded model \
             has. </p>"
        }
        false => "",
    };
    let table = super::table("", &names, "lrrrr", &rows);
    let body = format!("<div class=\"card\"><div class=\"scroll\">{table}</div>{small}</div>");
    section("evaluations", "Accuracy of each network", "", &body)
}

fn line(e: &Evaluation, kinds: &[Metric]) -> String {
    let cell = |&m: &Metric| {
        let Some(v) = m.of(&e.scores) else { return "–".to_string() };
        let shown = score(Some(v), m.interval(&e.scores));
        let within = e.radius.as_ref().filter(|_| m == Metric::Certified);
        let within = within.map(|r| format!("within {}, ", esc(r))).unwrap_or_default();
        format!("{shown}<br><span class=\"small\">{within}{}</span>", esc(&basis(e, m)))
    };
    let cells: Vec<String> = kinds.iter().map(cell).collect();
    let attack =
        e.attack.as_ref().map(|a| format!("<br><span class=\"small\">{}</span>", esc(a))).unwrap_or_default();
    row(&format!("{}{attack}", esc(&e.what)), "rrrr", &cells)
}

/// What a figure rests on: `BN_c, n = 10,000`.
fn basis(e: &Evaluation, m: Metric) -> String {
    let n = n(m.n(&e.n));
    e.through(m).map_or(n.clone(), |b| format!("{}, {n}", branch_name(b)))
}
