//! `report.html`: one self-contained page, no network, no script, light and dark.

mod charts;
mod conclusions;
mod cost;
mod evaluations;
mod fixed_point;
mod measured;
mod picture;
pub(super) mod plot;
mod sections;
mod tiles;
mod training;
mod verdict;

use super::headline::headline;
use super::model::Report;
use crate::plain::acts;
use relinc_runtime::data::short;

const CSS: &str = include_str!("page.css");
const PAGE: &str = include_str!("page.html");
const FOOTER: &str = "from <code>report.json</code>. Bytes are those one party (rank 0) sends for one image; costs are predicted, \
                      each time says whether computing is in it.";

/// Writes a section of the page.
type Section = fn(&Report) -> String;

/// The report as a page.
pub fn render(r: &Report) -> String {
    let body: [(bool, Section); 13] = [
        (true, tiles::tiles),
        (true, conclusions::section),
        (r.accuracy.is_some(), sections::accuracy),
        (!r.cost.is_empty(), cost::section),
        (!r.fixed_points.is_empty(), fixed_point::fixed_points),
        (!r.measured.is_empty(), measured::section),
        (!r.layers.is_empty(), charts::layers),
        (!r.evaluations.is_empty(), evaluations::table),
        (r.training.is_some(), training::curves),
        (!r.masks.is_empty(), picture::gallery),
        (!r.passes.is_empty(), sections::passes),
        (true, sections::about),
        (!r.notes.is_empty(), sections::notes),
    ];
    let body: String = body.into_iter().filter(|(some, _)| *some).map(|(_, section)| section(r)).collect();
    let name = r.model.path.rsplit('/').next().unwrap_or(&r.model.path);
    page(name, "Private inference report", &verdict::above(r), &headline(r), FOOTER, &r.relinc, &body)
}

/// A page around a body; everything but the body and what stands above the headline is text.
pub(super) fn page(
    title: &str,
    kind: &str,
    above: &str,
    headline: &str,
    footer: &str,
    version: &str,
    body: &str,
) -> String {
    // The page first, what came from outside last, so that nothing in it is taken for a place to fill.
    PAGE.replace("{{css}}", CSS)
        .replace("{{kind}}", kind)
        .replace("{{footer}}", footer)
        .replace("{{version}}", &esc(version))
        .replace("{{body}}", "\u{0}body")
        .replace("{{above}}", "\u{0}above")
        .replace("{{title}}", &esc(title))
        .replace("{{headline}}", &esc(headline))
        .replacen("\u{0}body", body, 1)
        .replacen("\u{0}above", above, 1)
}

/// What was asked for, as (label, value).
pub(super) fn settings(r: &Report) -> Vec<(&'static str, String)> {
    let s = &r.settings;
    let mut out = vec![];
    let mut push = |k, v: Option<String>| out.extend(v.map(|v| (k, v)));
    push("targets", (!s.targets.is_empty()).then(|| s.targets.join(", ")));
    push("opset", s.opset.map(|v| v.to_string()));
    push("weights", s.weights.map(|w| w.name().to_string()));
    push("batch norm", s.bn.clone());
    push("budget", s.budget.clone());
    push("method", s.method.clone());
    push("data", s.data.clone());
    push("classes", (!s.classes.is_empty()).then(|| short(&s.classes)));
    push("seed", s.seed.map(|v| v.to_string()));
    push("max drop", s.max_drop.map(|v| format!("{v} points")));
    out
}

/// Text made safe for element content and quoted attributes.
pub(super) fn esc(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            c if acts(c) && !c.is_whitespace() => out.push('\u{fffd}'),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => {}
            c => out.push(c),
        }
    }
    out
}

/// A section with a heading.
pub(super) fn section(id: &str, title: &str, lead: &str, body: &str) -> String {
    let lead = if lead.is_empty() { String::new() } else { format!("<p class=\"lead\">{lead}</p>") };
    format!("<section id=\"{id}\"><h2>{title}</h2>{lead}{body}</section>\n")
}

/// A table of rows; `align` says `l` or, of numbers, `r` for each column.
pub(super) fn table(class: &str, names: &[&str], align: &str, rows: &str) -> String {
    let head = |(name, a)| match a {
        'r' => format!("<th scope=\"col\" class=\"n\">{name}</th>"),
        _ => format!("<th scope=\"col\">{name}</th>"),
    };
    let heads: String = names.iter().zip(align.chars()).map(head).collect();
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<table{class}><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
}

/// A row of a table: its head and its cells, aligned as in [`table`].
pub(super) fn row(head: &str, align: &str, cells: &[impl AsRef<str>]) -> String {
    let one = |(cell, a): (_, char)| match a {
        'r' => format!("<td class=\"n\">{cell}</td>"),
        _ => format!("<td>{cell}</td>"),
    };
    let cells: String = cells.iter().map(AsRef::as_ref).zip(align.chars()).map(one).collect();
    format!("<tr><th scope=\"row\">{head}</th>{cells}</tr>")
}
