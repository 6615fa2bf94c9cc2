//! The tiles, the accuracy, the passes, the settings and the notes.

use super::super::figures::{self, Change, bytes, count, seconds};
use super::super::headline::{best, points};
use super::super::model::{Report, branch_name, folded};
use super::{SCORES, esc, section, settings};

/// The key figures in a row.
pub(super) fn tiles(r: &Report) -> String {
    let mut tiles = vec![];
    let mut tile = |what: &str, big: String, was: Option<(String, Change)>, tone: &str| {
        let line = |tone: &str, s: &str| format!("<dd class=\"was {tone}\">{}</dd>", esc(s));
        let was =
            was.map(|(b, c)| line("", &format!("was {b}")) + &line(c.tone(), &c.short())).unwrap_or_default();
        let (what, big) = (esc(what), esc(&big));
        tiles.push(format!(
            "<div class=\"tile\"><dt>{what}</dt><dd class=\"big {tone}\">{big}</dd>{was}</div>"
        ));
    };
    let was = |b: Option<String>, c: &Change| b.map(|b| (b, c.clone()));
    let before = r.before.as_ref();
    let change = before.map_or(Change::Same, |b| Change::of(b.relus as f64, r.totals.relus as f64));
    tile("ReLUs", count(r.totals.relus), was(before.map(|b| count(b.relus)), &change), "");
    if let Some(c) = best(&r.cost) {
        let (a, b, p) = (&c.after, c.before.as_ref(), figures::cost_model(c));
        let on = figures::network(&c.network);
        let change = |get: &dyn Fn(&super::super::model::Spent) -> f64| {
            b.map_or(Change::Same, |b| Change::of(get(b), get(a)))
        };
        let relu = was(b.map(|b| bytes(b.relu_bytes)), &change(&|s| s.relu_bytes as f64));
        tile(&format!("ReLU traffic, {p}"), bytes(a.relu_bytes), relu, "");
        if figures::missing(c).is_none() {
            let total = was(b.map(|b| bytes(b.online_bytes)), &change(&|s| s.online_bytes as f64));
            tile(&format!("All traffic, {p}"), bytes(a.online_bytes), total, "");
            let time = was(b.map(|b| seconds(b.latency_s)), &change(&|s| s.latency_s));
            let what = if a.compute_s.is_some() { "Time" } else { "Communication" };
            tile(&format!("{what} on {on}"), seconds(a.latency_s), time, "");
        }
    }
    match r.accuracy.as_ref().and_then(|a| Some((a.before.and_then(|s| s.clean), a.after?.clean?))) {
        Some((b, a)) => {
            let was = b.map(|b| (format!("{b:.1} %"), Change::Points(points(b, a), a >= b)));
            tile("Accuracy, clean images", format!("{a:.1} %"), was, "");
        }
        None if r.before.is_some() => tile("Accuracy", "not measured".into(), None, "same"),
        None => {}
    }
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.concat())
}

/// Accuracy before and after.
pub(super) fn accuracy(r: &Report) -> String {
    let Some(a) = &r.accuracy else { return String::new() };
    let (b, x) = (a.before.unwrap_or_default(), a.after.unwrap_or_default());
    let cell = |v: Option<f64>| v.map_or("–".to_string(), |v| format!("{v:.1} %"));
    let mut rows = String::new();
    for (what, get) in SCORES {
        let (b, x) = (get(&b), get(&x));
        if b.is_none() && x.is_none() {
            continue;
        }
        let (d, tone) = match (b, x) {
            (Some(b), Some(x)) if (x - b).abs() < 0.05 => (points(b, x), "same"),
            (Some(b), Some(x)) => (points(b, x), if x < b { "bad" } else { "good" }),
            _ => ("–".into(), "same"),
        };
        let width = |v: Option<f64>| v.unwrap_or(0.0).clamp(0.0, 100.0);
        rows += &format!(
            "<tr><th scope=\"row\">{what}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n {tone}\">{d}</td><td class=\"scale\" style=\"width:40%\"><svg width=\"100%\" height=\"14\" \
             viewBox=\"0 0 100 14\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"f-before\" width=\"{:.2}\" height=\"6\"/>\
             <rect class=\"f-relu\" y=\"7\" width=\"{:.2}\" height=\"6\"/></svg></td></tr>",
            cell(b),
            cell(x),
            width(b),
            width(x)
        );
    }
    let folded = folded(r).map(|b| format!(" Folded with {}.", branch_name(b))).unwrap_or_default();
    let lead = format!("{}, {} split, {} images.{folded}", esc(&a.data), esc(&a.split), count(a.n));
    let body = format!(
        "<div class=\"card scroll\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\" class=\"n\">before</th>\
         <th scope=\"col\" class=\"n\">after</th><th scope=\"col\" class=\"n\">points</th>\
         <th scope=\"col\" class=\"scale\">0 to 100 %, before above after</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
    section("accuracy", "What it does to accuracy", &lead, &body)
}

/// The passes and what they refused.
pub(super) fn passes(r: &Report) -> String {
    if r.passes.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    let mut refused = String::new();
    let mut weighed = String::new();
    for p in &r.passes {
        let d = p.max_abs_difference.map_or("not checked".to_string(), figures::difference);
        rows += &format!(
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{d}</td></tr>",
            esc(&p.name),
            esc(&p.guarantee),
            count(p.applied),
            count(p.refused.len() as u64),
        );
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
    let mut body = format!(
        "<div class=\"card scroll\"><table><thead><tr><th scope=\"col\">pass</th><th scope=\"col\">guarantee</th>\
         <th scope=\"col\" class=\"n\">applied</th><th scope=\"col\" class=\"n\">refused</th>\
         <th scope=\"col\" class=\"n\">largest difference</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
    if !weighed.is_empty() {
        body +=
            &format!("<div class=\"card\"><h3>What was weighed</h3><ul class=\"plain\">{weighed}</ul></div>");
    }
    if !refused.is_empty() {
        body += &format!(
            "<div class=\"card\"><h3>What was not done, and why</h3><ul class=\"plain\">{refused}</ul></div>"
        );
    }
    section(
        "passes",
        "How the graph was rewritten",
        "The guarantee says what a pass may change; the largest difference is what it did change on the check inputs.",
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
    let t = &r.totals;
    let both = |get: fn(&relinc_runtime::cost::Totals) -> u64| match &r.before {
        Some(b) if get(b) != get(t) => format!("{} → {}", count(get(b)), count(get(t))),
        _ => count(get(t)),
    };
    model.push(("secure comparisons", both(|t| t.comparisons)));
    model.push(("nonlinear layers", both(|t| t.nonlinear_layers)));
    model.push(("multiply-accumulates", both(|t| t.macs)));
    model.push(("parameters", both(|t| t.parameters)));
    let mut cards = format!("<div class=\"card\"><h3>Model</h3>{}</div>", facts(&model));
    let asked = settings(r);
    if !asked.is_empty() {
        cards += &format!("<div class=\"card\"><h3>Settings</h3>{}</div>", facts(&asked));
    }
    if !r.artefacts.is_empty() {
        let rows: String = r
            .artefacts
            .iter()
            .map(|a| {
                format!(
                    "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td></tr>",
                    esc(&a.path),
                    bytes(a.bytes)
                )
            })
            .collect();
        cards += &format!(
            "<div class=\"card scroll\"><h3>Files</h3><table><thead><tr><th scope=\"col\">file</th>\
             <th scope=\"col\" class=\"n\">size</th></tr></thead><tbody>{rows}</tbody></table></div>"
        );
    }
    section("about", "Model, settings and files", "", &format!("<div class=\"two\">{cards}</div>"))
}

/// The notes.
pub(super) fn notes(r: &Report) -> String {
    if r.notes.is_empty() {
        return String::new();
    }
    let items: String = r.notes.iter().map(|n| format!("<li>{}</li>", esc(n))).collect();
    section("notes", "Read this before quoting the figures", "", &format!("<ul class=\"plain\">{items}</ul>"))
}
