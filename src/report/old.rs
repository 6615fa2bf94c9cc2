//! Reports of relinc 0.1.0, which carry no number of their form.

use serde_json::{Value, json};

/// Is this a report of relinc 0.1.0?
pub(super) fn is_old(v: &Value) -> bool {
    v.get("relinc_report").is_none() && v["relinc"].as_str().is_some_and(|s| s.starts_with("0.1."))
}

/// Gives it the fields that are read today and follow from what it says. The lossless column does not.
pub(super) fn upgrade(v: &mut Value) {
    v["relinc_report"] = json!(1);
    for c in v.get_mut("cost").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(before) = c.get_mut("before").filter(|b| b.is_object()) {
            name_time(before);
        }
        name_time(c);
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
