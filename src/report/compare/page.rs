//! `compare.html`.

use super::super::figures::{count, n, percent};
use super::super::html::{esc, page, row, section, table as columns};
use super::super::model::{Metric, branch_name};
use super::kinds::{HEADS, Kinds, LEAD, kinds};
use super::{Run, Score, accuracy, alarms, budget_plot, figures, tradeoff_plot, tradeoffs, warnings};

const FOOTER: &str = "from the <code>report.json</code> of each folder.";

/// The comparison as a page: the plots, and every run in a table.
pub fn render(runs: &[Run]) -> String {
    let mut plots: String =
        warnings(runs).iter().map(|w| format!("<p class=\"flag\">{}</p>", esc(w))).collect();
    for f in figures(runs) {
        plots += &format!(
            "<figure class=\"card plot wide\"><h3>{}</h3>{}</figure>",
            esc(&f.title),
            budget_plot(&f.points)
        );
    }
    let lead = "Each point is one emitted network; what was not measured on it is of the network evaluated last. BN_c and BN_a are the batch normalisations for clean and for \
                adversarial images, named where a network has both.";
    let costs: String = tradeoffs(runs)
        .iter()
        .map(|t| {
            format!(
                "<figure class=\"card plot half\"><h3>{}</h3>{}<p class=\"small\">{}</p></figure>",
                esc(&t.title),
                tradeoff_plot(t),
                esc(&t.trust)
            )
        })
        .collect();
    let costs = format!("<div class=\"two plots\">{costs}</div>");
    let cost_lead = "Predicted for one query. Beside the runs stand the original, as a runtime would run the file, and what compiling makes of \
                     it with all its ReLUs, which is as accurate: only what lies to the left of that is won by removing ReLUs. A time \
                     of a whole query and one of communication only have plots of their own. Graphs whose cost is not modelled whole \
                     are left out.";
    let by_kind: String = kinds(runs).iter().map(kind_table).collect();
    let by_kind = match by_kind.is_empty() {
        true => by_kind,
        false => section("kinds", "What each kind of choice saves", LEAD, &by_kind),
    };
    let body = section("plot", "Accuracy against ReLUs", lead, &plots)
        + &section("cost", "Accuracy against bytes and latency", cost_lead, &costs)
        + &by_kind
        + &section("runs", "The runs", "", &table(runs));
    let title = format!("{} runs", runs.len());
    page(&title, "Comparison", &above(runs), &headline(runs), FOOTER, env!("CARGO_PKG_VERSION"), &body)
}

fn kind_table(k: &Kinds) -> String {
    let names: Vec<&str> = ["folder"].into_iter().chain(HEADS).collect();
    let line = |r: &super::kinds::Row| row(&format!("<code>{}</code>", esc(&r.dir)), "rrrrr", &r.cells());
    let rows: String = k.rows.iter().map(line).collect();
    let grid = columns("", &names, "lrrrrr", &rows);
    format!("<div class=\"card scroll\"><h3>{}</h3>{grid}</div>", esc(&k.title))
}

/// The runs that are not to be used as they are.
fn above(runs: &[Run]) -> String {
    let said: String = alarms(runs).iter().map(|a| format!("<p>{}</p>", esc(a))).collect();
    match said.is_empty() {
        true => said,
        false => format!("<div class=\"verdict alarm\" role=\"note\"><strong>Alarm</strong>{said}</div>"),
    }
}

fn headline(runs: &[Run]) -> String {
    let (fewest, most) = (runs.iter().map(|r| r.relus).min(), runs.iter().map(|r| r.relus).max());
    let range = match (fewest, most) {
        (Some(a), Some(b)) if a == b => format!("{} ReLUs", count(a)),
        (Some(a), Some(b)) => format!("{} to {} ReLUs", count(a), count(b)),
        _ => "no ReLUs".into(),
    };
    let best = runs
        .iter()
        .filter_map(|r| Some((r.after(Metric::Clean)?, r.relus)))
        .filter(|c| c.0.accuracy.is_finite())
        .max_by(|a, b| a.0.accuracy.total_cmp(&b.0.accuracy));
    let best = best.map(|(s, n)| {
        format!("; at best {} of clean images, with {} ReLUs", accuracy(s.accuracy, s.interval), count(n))
    });
    format!("{} runs with {range}{}.", runs.len(), best.unwrap_or_default())
}

fn table(runs: &[Run]) -> String {
    let kinds: Vec<Metric> =
        Metric::ALL.into_iter().filter(|m| runs.iter().any(|r| r.after(*m).is_some())).collect();
    let own = ["folder", "method", "budget", "ReLUs", "kept"];
    let names: Vec<&str> = own.into_iter().chain(kinds.iter().map(|m| m.heading())).collect();
    let mut sorted: Vec<&Run> = runs.iter().collect();
    sorted.sort_by(|a, b| (&a.method, a.relus).cmp(&(&b.method, b.relus)));
    let line = |r: &Run| {
        let share = r.all_relus().map(|all| percent(r.relus, all)).unwrap_or_default();
        let words = [&r.method, &r.budget].map(|w| esc(w.as_deref().unwrap_or("–")));
        let scores = kinds.iter().map(|m| r.after(*m).map_or("–".to_string(), cell));
        let cells: Vec<String> = words.into_iter().chain([count(r.relus), share]).chain(scores).collect();
        row(&format!("<code>{}</code>", esc(&r.dir)), "llrrrrrr", &cells)
    };
    let rows: String = sorted.into_iter().map(line).collect();
    format!("<div class=\"card scroll\">{}</div>", columns("", &names, "lllrrrrrr", &rows))
}

/// An accuracy and what it rests on.
fn cell(s: &Score) -> String {
    let n = n(s.n);
    let n = s.branch.map_or(n.clone(), |b| format!("{}, {n}", branch_name(b)));
    let interval = s.interval.map(|[l, h]| format!("{l:.2} to {h:.2}, ")).unwrap_or_default();
    format!("{:.2} %<br><span class=\"small\">{interval}{n}</span>", s.accuracy)
}
