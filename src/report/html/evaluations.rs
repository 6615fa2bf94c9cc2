//! The networks of a run and their accuracies.

use super::super::figures::count;
use super::super::model::{Evaluation, Metric, Report, branch_name};
use super::super::rows::score;
use super::{esc, section};

/// The section.
pub(super) fn table(r: &Report) -> String {
    if r.evaluations.is_empty() {
        return String::new();
    }
    let kinds: Vec<Metric> =
        Metric::ALL.into_iter().filter(|m| r.evaluations.iter().any(|e| m.of(&e.scores).is_some())).collect();
    let head: String =
        kinds.iter().map(|m| format!("<th scope=\"col\" class=\"n\">{}</th>", m.heading())).collect();
    let rows: String = r.evaluations.iter().map(|e| row(e, &kinds)).collect();
    let mut small = String::new();
    if r.evaluations.iter().any(Evaluation::chosen_by_kind) {
        small += "BN_c and BN_a are the batch normalisations for clean and for adversarial images. Taking the one that \
                  fits the images presumes to know which are attacked; the adversarial accuracy through BN_c is what one \
                  folded model has. ";
    }
    let small = if small.is_empty() { small } else { format!("<p class=\"small\">{small}</p>") };
    let body = format!(
        "<div class=\"card\"><div class=\"scroll\"><table><thead><tr><th scope=\"col\">network</th>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>{small}</div>"
    );
    section("evaluations", "Accuracy of each network", "", &body)
}

fn row(e: &Evaluation, kinds: &[Metric]) -> String {
    let cells: String = kinds
        .iter()
        .map(|&m| {
            let Some(v) = m.of(&e.scores) else { return "<td class=\"n\">–</td>".to_string() };
            let shown = score(Some(v), m.interval(&e.scores));
            format!("<td class=\"n\">{shown}<br><span class=\"small\">{}</span></td>", esc(&basis(e, m)))
        })
        .collect();
    let attack =
        e.attack.as_ref().map(|a| format!("<br><span class=\"small\">{}</span>", esc(a))).unwrap_or_default();
    format!("<tr><th scope=\"row\">{}{attack}</th>{cells}</tr>", esc(&e.what))
}

/// What a figure rests on: `BN_c, n = 10,000`.
fn basis(e: &Evaluation, m: Metric) -> String {
    let n = m.n(&e.n).map_or("n not recorded".into(), |n| format!("n = {}", count(n)));
    e.through(m).map_or(n.clone(), |b| format!("{}, {n}", branch_name(b)))
}
