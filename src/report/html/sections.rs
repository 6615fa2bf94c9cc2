//! The accuracy, the passes, the settings and the notes.

use super::super::figures::{self, bytes, count};
use super::super::model::{Artefact, Report};
use super::super::rows;
use super::super::shape::Shape;
use super::{esc, row, section, settings, table};

/// Accuracy before and after.
pub(super) fn accuracy(r: &Report) -> String {
    let mut body = String::new();
    for s in rows::scores(r) {
        let [before, after] = s.values.map(|v| v.unwrap_or(0.0).clamp(0.0, 100.0));
        body += &format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n {}\">{}</td><td class=\"scale\"><svg width=\"100%\" height=\"14\" \
             viewBox=\"0 0 100 14\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"f-before\" width=\"{before:.2}\" height=\"6\"/>\
             <rect class=\"f-relu\" y=\"7\" width=\"{after:.2}\" height=\"6\"/></svg></td></tr>",
            s.what, s.cells[0], s.cells[1], s.tone, s.change
        );
    }
    let body = format!(
        "<div class=\"card scroll\"><table class=\"columns\"><thead><tr><th scope=\"col\"></th><th scope=\"col\" class=\"n\">before</th>\
         <th scope=\"col\" class=\"n\">after</th><th scope=\"col\" class=\"n\">points</th>\
         <th scope=\"col\" class=\"scale\">0 to 100 %, before above after</th></tr></thead><tbody>{body}</tbody></table></div>"
    );
    section("accuracy", "What it does to accuracy", &esc(&rows::accuracy_lead(r)), &body)
}

/// The passes and what they refused.
pub(super) fn passes(r: &Report) -> String {
    let checked = r.passes.iter().any(|p| p.max_abs_difference.is_some());
    let (mut rows, mut idle) = (String::new(), vec![]);
    let mut refused = String::new();
    let mut weighed = String::new();
    for p in &r.passes {
        if p.applied == 0 && p.refused.is_empty() {
            idle.push(format!("<code>{}</code>", esc(&p.name)));
        } else {
            let d = p.max_abs_difference.map_or("not checked".to_string(), figures::difference);
            let cells = [esc(&p.guarantee), count(p.applied), count(p.refused.len() as u64), d];
            let shown = if checked { 4 } else { 3 };
            rows += &row(&format!("<code>{}</code>", esc(&p.name)), "lrrr", &cells[..shown]);
        }
        for c in &p.candidates {
            weighed += &format!(
                "<li>{} <code>{}</code> at <code>{}</code>: {}</li>",
                if c.taken { "Made:" } else { "Left:" },
                esc(&p.name),
                esc(&c.node),
                esc(&c.why)
            );
        }
        for f in &p.refused {
            refused += &format!(
                "<li><code>{}</code> at <code>{}</code>: {}</li>",
                esc(&p.name),
                esc(&f.node),
                esc(&f.why)
            );
        }
    }
    let names = ["pass", "guarantee", "applied", "refused", "largest difference"];
    let names = if checked { &names[..] } else { &names[..4] };
    let idle = match idle.is_empty() {
        true => String::new(),
        false => format!("<p class=\"small\">Nothing to do: {}.</p>", idle.join(", ")),
    };
    let mut body = format!("<div class=\"card scroll\">{}{idle}</div>", table("", names, "llrrr", &rows));
    for (title, list) in [("What was weighed", weighed), ("What was not done, and why", refused)] {
        if !list.is_empty() {
            body += &format!("<div class=\"card\"><h3>{title}</h3><ul class=\"plain\">{list}</ul></div>");
        }
    }
    section(
        "passes",
        "How the graph was rewritten",
        match checked {
            true => {
                "The guarantee says what a pass may change; the largest difference is what it did change on the check inputs."
            }
            false => "The guarantee says what a pass may change; --verify-each measures what it did change.",
        },
        &body,
    )
}

/// Model, settings and files.
pub(super) fn about(r: &Report) -> String {
    let facts = |rows: &[(&str, String)]| {
        let rows: String =
            rows.iter().map(|(k, v)| format!("<dt>{}</dt><dd>{}</dd>", esc(k), esc(v))).collect();
        format!("<dl class=\"facts\">{rows}</dl>")
    };
    let m = &r.model;
    let mut model = vec![("file", m.path.clone()), ("sha256", m.sha256.clone())];
    model.extend(m.opset.map(|o| ("opset", o.to_string())));
    model.extend(m.producer.clone().map(|p| ("producer", p)));
    let mut cards = format!("<div class=\"card\"><h3>Model</h3>{}</div>", facts(&model));
    let asked = settings(r);
    if !asked.is_empty() {
        cards += &format!("<div class=\"card\"><h3>Settings</h3>{}</div>", facts(&asked));
    }
    if !r.artefacts.is_empty() {
        let file = |a: &Artefact| row(&format!("<code>{}</code>", esc(&a.path)), "r", &[bytes(a.bytes)]);
        let rows: String = r.artefacts.iter().map(file).collect();
        let files = table("", &["file", "size"], "lr", &rows);
        cards += &format!("<div class=\"card scroll\"><h3>Files</h3>{files}</div>");
    }
    let graph = super::cost::grid(Shape::of(r), &rows::totals(r));
    let body = format!("<div class=\"card\"><h3>The graph</h3>{graph}</div><div class=\"two\">{cards}</div>");
    section("about", "Model, settings and files", "", &body)
}

/// The notes.
pub(super) fn notes(r: &Report) -> String {
    let items: String = r.notes.iter().map(|n| format!("<li>{}</li>", esc(n))).collect();
    section("notes", "Read this before quoting the figures", "", &format!("<ul class=\"plain\">{items}</ul>"))
}
