//! `report.html`: one self-contained page, no network, no script, light and dark.

mod charts;
mod cost;
mod evaluations;
mod fixed_point;
mod measured;
mod picture;
pub(super) mod plot;
mod sections;
mod training;

use super::headline::headline;
use super::model::{Report, Scores};

const CSS: &str = include_str!("page.css");
const PAGE: &str = include_str!("page.html");
const FOOTER: &str = "from <code>report.json</code>. Bytes are those one party (rank 0) sends for one image; times are \
                      predicted communication, computation apart.";

/// One kind of accuracy: its label and how to read it.
pub(super) type Score = (&'static str, fn(&Scores) -> Option<f64>);

/// The accuracies in the order they are shown.
pub(super) const SCORES: [Score; 4] = [
    ("clean", |s| s.clean),
    ("corrupted", |s| s.corrupted),
    ("adversarial", |s| s.adversarial),
    ("adversarial, clean BN", |s| s.adversarial_clean_bn),
];

/// The report as a page.
pub fn render(r: &Report) -> String {
    let body = [
        sections::tiles(r),
        sections::accuracy(r),
        evaluations::table(r),
        training::curves(r),
        charts::layers(r),
        cost::section(r),
        fixed_point::fixed_points(r),
        measured::section(r),
        picture::gallery(r),
        sections::passes(r),
        sections::about(r),
        sections::notes(r),
    ]
    .concat();
    let name = r.model.path.rsplit('/').next().unwrap_or(&r.model.path);
    page(name, "Private inference report", &headline(r), FOOTER, &r.relinc, &body)
}

/// A page around a body; everything but the body is text.
pub(super) fn page(
    title: &str,
    kind: &str,
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
        .replace("{{title}}", &esc(title))
        .replace("{{headline}}", &esc(headline))
        .replacen("\u{0}body", body, 1)
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
    push("seed", s.seed.map(|v| v.to_string()));
    out
}

/// Text made safe for element content and quoted attributes.
pub(super) fn esc(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
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
