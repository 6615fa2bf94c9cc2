//! A ReLU layer of a compiled network, from its report.

use super::Explained;
use crate::error::{Result, input};
use crate::report::model::Report;
use crate::report::{bytes, count};
use relinc_runtime::nearest::did_you_mean;
use serde_json::json;
use std::path::Path;

/// What became of a layer and why, what its mask holds, and what it costs.
///
/// # Errors
/// A layer that the report does not have.
pub fn layer(name: &str, r: &Report, folder: &Path) -> Result<Explained> {
    let Some(l) = r.layers.iter().find(|l| l.name == name) else {
        let known: Vec<&str> = r.layers.iter().map(|l| l.name.as_str()).collect();
        let hint = did_you_mean(name, &known);
        let all = match known[..] {
            [] => "it has none".to_string(),
            [one] => format!("it has {one}"),
            [first, .., last] => format!("it has {first} to {last}"),
        };
        return Err(input(format!("{}: there is no ReLU layer '{name}'{hint}; {all}", folder.display())));
    };
    let shape: Vec<String> = l.shape.iter().map(ToString::to_string).collect();
    let mut text = format!("{name}: a ReLU layer of {}, {}\n\n", r.model.path, shape.join("×"));
    if let Some(s) = &l.source {
        text += &format!("exporter's name: {s}\n");
    }
    if let Some(c) = l.cap {
        text += &format!("cap: {c}; an element takes two comparisons with it, one without\n");
    }
    let what = if l.cap.is_some() { "comparisons" } else { "ReLUs" };
    text += &format!("{what}: {} of {} are left\n", count(l.relus), count(l.relus_before));
    text += &format!("what became of it: {}; {}\n", l.action.name(), l.why);
    let mask = r.masks.iter().find(|m| m.layer == name);
    if let Some(m) = mask {
        let parts = [
            (m.kept, "keep their ReLU"),
            (m.identity, "are the identity"),
            (m.zero, "are zero"),
            (m.quadratic, "are quadratic"),
            (m.uncapped, "have lost their cap"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))).collect();
        text += &format!("its mask: {}\n", said.join(", "));
    }
    text += &format!("before it: {} multiply-accumulates\n", count(l.macs));
    let mut costs = vec![];
    for c in &r.cost {
        for p in c.per_layer.iter().filter(|p| p.name == name) {
            // Bytes and exchanges are the same on every network.
            if costs.iter().any(|(protocol, _, _)| *protocol == &c.protocol) {
                continue;
            }
            let was = p
                .lossless_bytes
                .map(|b| format!(" instead of {} with all ReLUs", bytes(b)))
                .unwrap_or_default();
            text += &format!(
                "{}: {}{was}, {} exchanges\n",
                c.protocol,
                bytes(p.online_bytes),
                (p.rounds * 10.0).round() / 10.0
            );
            costs.push((&c.protocol, p.online_bytes, p.rounds));
        }
    }
    for pass in &r.passes {
        for f in pass.refused.iter().filter(|f| f.node == name) {
            text += &format!("{} left it: {}\n", pass.name, f.why);
        }
    }
    for d in r.conclusions.iter().flat_map(|c| &c.drop).filter(|d| d.layer == name) {
        text += &format!(
            "its {} ReLUs cost more than they are worth: without it a query is predicted to save {:.0} exchanges and {:.3} s\n",
            count(d.relus),
            d.saved.rounds,
            d.saved.seconds
        );
    }
    text += &format!("\nreport: {}\n", folder.join("report.html").display());
    let costs: Vec<_> =
        costs.into_iter().map(|(p, b, n)| json!({"protocol": p, "online_bytes": b, "rounds": n})).collect();
    let json = json!({"kind": "layer", "name": name, "layer": l, "mask": mask, "cost": costs});
    Ok(Explained { text, json })
}
