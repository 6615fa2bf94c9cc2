//! Reports of relinc 0.1.0, which carry no number of their form.

use super::model::unstated_trust;
use relinc_runtime::cost::protocols;
use serde_json::{Value, json};

/// Is this a report of relinc 0.1.0?
pub(super) fn is_old(v: &Value) -> bool {
    v.get("relinc_report").is_none() && v["relinc"].as_str().is_some_and(|s| s.starts_with("0.1."))
}

/// Gives it the fields that are read today and follow from what it says. The lossless column does not.
pub(super) fn upgrade(v: &mut Value) {
    v["relinc_report"] = json!(1);
    for key in ["cost", "measured"] {
        for entry in v.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            name_trust(entry);
        }
    }
    for c in v.get_mut("cost").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(before) = c.get_mut("before").filter(|b| b.is_object()) {
            name_time(before);
        }
        name_time(c);
    }
}

/// Whom a protocol trusts did not change since; that of a file of the user's is not known.
fn name_trust(entry: &mut Value) {
    let built_in = protocols().iter().find(|p| entry["protocol"] == p.name.as_str());
    let trust = built_in.map_or_else(unstated_trust, |p| p.trust().into());
    if let Some(o) = entry.as_object_mut() {
        o.insert("trust".into(), json!(trust));
    }
}

fn name_time(spent: &mut Value) {
    let computed = spent.get("compute_s").is_some_and(Value::is_number);
    if let Some(o) = spent.as_object_mut() {
        o.insert("latency_is".into(), json!(if computed { "query" } else { "communication" }));
    }
}

#[cfg(test)]
mod tests;
