//! What a stage was made for, in a file beside its checkpoint, so that a later job can say what has changed.

use crate::error::{Result, input};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a stage's result depends on: names and values, as a user writes them.
pub type Spec = BTreeMap<String, String>;

/// What a stage was made for, and what it leaves that is no tensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made<T> {
    /// The version that made it.
    pub relinc: String,
    /// What for.
    pub spec: Spec,
    /// What was found.
    pub found: T,
}

impl<T> Made<T> {
    /// By this version.
    pub fn new(spec: Spec, found: T) -> Made<T> {
        Made { relinc: env!("CARGO_PKG_VERSION").into(), spec, found }
    }
}

/// The fields of a value that are given.
pub fn spec_of(value: &impl Serialize) -> Result<Spec> {
    // Through text, so that a number is what a user would write.
    let text = serde_json::to_string(value).map_err(input)?;
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(input)?;
    let given = fields.into_iter().filter(|(_, v)| !v.is_null());
    Ok(given.map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_string))).collect())
}

/// What differs, in words; nothing where nothing does.
pub fn difference(then: &Spec, now: &Spec) -> Option<String> {
    let names: std::collections::BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let value = |s: &Spec, k: &str| s.get(k).cloned().unwrap_or_else(|| "absent".into());
    let said: Vec<String> = names
        .into_iter()
        .filter(|k| then.get(*k) != now.get(*k))
        .map(|k| format!("{k} was {}, is {}", value(then, k), value(now, k)))
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::spec::{StageOptions, StepOptions};

    #[test]
    fn what_differs_is_named() {
        let spec = |epochs, rate: Option<f32>| {
            let steps = StepOptions { epochs, rate: rate.map(f64::from), ..StepOptions::default() };
            spec_of(&StageOptions { steps, ..StageOptions::default() }).unwrap_or_default()
        };
        assert_eq!(difference(&spec(Some(3), None), &spec(Some(3), None)), None);
        let said = difference(&spec(Some(3), None), &spec(Some(5), Some(0.5)));
        assert_eq!(said.as_deref(), Some("epochs was 3, is 5; rate was absent, is 0.5"));
    }
}
