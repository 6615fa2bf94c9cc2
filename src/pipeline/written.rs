//! What is wrong with a pipeline file as it is written: keys that are not known, values of another type. All of it at once.

use super::place::{Step, line};
use super::{Pipeline, Stage};
use crate::options::{CompileOptions, HeldOut, ModelOptions, ReportOptions, keys as keys_of};
use crate::training::evaluate::MeasureOptions;
use crate::training::spec::{MaskOptions, StepOptions};
use relinc_passes::architecture::Architecture;
use relinc_runtime::nearest::nearest;
use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

/// What the word after `stage:` may be.
pub(super) const STAGES: &[&str] = &["teacher", "search", "tune"];

/// Keys with which an architecture is complete, so that one of them can be tried.
const AN_ARCHITECTURE: &str = "{kind: resnet, depth: 18, classes: 10, input: [3, 32, 32]}";

/// Sections of the file, whose keys are checked one by one.
const SECTIONS: [&str; 3] = ["architecture", "report", "accuracy"];

/// A struct that takes its own keys of a section.
struct Reader {
    keys: &'static [&'static str],
    /// Whether it takes this value for one of them.
    check: fn(&str, &Value) -> Result<(), String>,
}

/// Reads whatever has a default.
fn reader<T: DeserializeOwned>() -> Reader {
    Reader { keys: keys_of::<T>(), check: |key, v| type_of::<T>(key, v, "{}") }
}

/// Who reads a section of the file; the file itself has no name.
fn readers(section: &str) -> Vec<Reader> {
    match section {
        "" => vec![reader::<Pipeline>(), reader::<CompileOptions>(), reader::<ModelOptions>()],
        "architecture" => {
            let check = |key: &str, v: &Value| type_of::<Architecture>(key, v, AN_ARCHITECTURE);
            vec![Reader { keys: keys_of::<Architecture>(), check }]
        }
        "report" => vec![reader::<ReportOptions>()],
        "accuracy" => vec![reader::<HeldOut>(), reader::<MeasureOptions>()],
        _stage => {
            let check = |key: &str, v: &Value| match key {
                "stage" if !v.is_string() => {
                    Err(format!("expected teacher, search or tune, found {}", shown(v)))
                }
                _ => type_of::<Stage>(key, v, "{stage: search}"),
            };
            vec![
                Reader { keys: &["stage", "budget"], check },
                reader::<StepOptions>(),
                reader::<MaskOptions>(),
            ]
        }
    }
}

/// Every key of a pipeline, those of its sections and stages included.
pub fn keys() -> Vec<&'static str> {
    let sections = SECTIONS.into_iter().chain(["", "stage"]);
    sections.flat_map(readers).flat_map(|r| r.keys).copied().collect()
}

/// Everything that is wrong with the document `v` of `text`, one sentence each.
pub(super) fn faults(text: &str, v: &Value) -> Vec<String> {
    let mut found = Faults { text, said: vec![] };
    found.section(v, "", &[]);
    for section in SECTIONS {
        let path = [Step::Key(section)];
        if found.is_map(&v[section], section, &path) {
            found.section(&v[section], section, &path);
        }
    }
    if found.said.is_empty() && !v["architecture"].is_null() {
        let whole = serde_yaml::from_value::<Architecture>(v["architecture"].clone());
        found.add(&[Step::Key("architecture")], "architecture", whole.map(drop).map_err(|e| e.to_string()));
    }
    found.stages(&v["stages"]);
    found.said
}

struct Faults<'a> {
    text: &'a str,
    said: Vec<String>,
}

impl Faults<'_> {
    /// Looks at every key of a map and, where it is known, at the type of its value.
    fn section(&mut self, v: &Value, section: &str, path: &[Step<'_>]) {
        let readers = readers(section);
        let known: Vec<&str> = readers.iter().flat_map(|r| r.keys).copied().collect();
        let at = if section.is_empty() { String::new() } else { format!(" in {section}") };
        for (key, value) in v.as_mapping().into_iter().flatten() {
            let Some(name) = key.as_str() else {
                self.said.push(format!("a key{at} is {}, expected a name", shown(key)));
                continue;
            };
            let here = [path, &[Step::Key(name)]].concat();
            // What is under these is looked at on its own.
            if section.is_empty() && (SECTIONS.contains(&name) || name == "stages") {
                continue;
            }
            if let Some(reader) = readers.iter().find(|r| r.keys.contains(&name)) {
                self.add(&here, &format!("{name}{at}"), (reader.check)(name, value));
                continue;
            }
            let hint = match nearest(name, &known) {
                _ if STAGES.contains(&name) && section.starts_with("stage") => {
                    format!("; write '- stage: {name}'")
                }
                Some(n) => format!("; did you mean '{n}'?"),
                None => String::new(),
            };
            let on = self.on(&here);
            self.said.push(format!("unknown key '{name}'{at}{on}{hint}"));
        }
    }

    fn stages(&mut self, v: &Value) {
        let path = [Step::Key("stages")];
        let list = match v {
            Value::Null => return,
            Value::Sequence(list) => list,
            other => {
                let e = format!(
                    "expected a list, each item begun by '- stage: search' or another stage, found {}",
                    shown(other)
                );
                return self.add(&path, "stages", Err(e));
            }
        };
        for (i, s) in list.iter().enumerate() {
            let path = [Step::Key("stages"), Step::Item(i)];
            let name = match s["stage"].as_str() {
                Some(word) => format!("stage {} ({word})", i + 1),
                None => format!("stage {}", i + 1),
            };
            let tagged = match s {
                Value::Mapping(m) => {
                    m.get("stage").map(drop).ok_or("no key 'stage'; write '- stage: search', teacher or tune")
                }
                _ => Err("expected keys such as 'stage: search'"),
            };
            let misnamed = s.as_mapping().is_some_and(|m| STAGES.iter().any(|k| m.get(*k).is_some()));
            if !misnamed {
                self.add(&path, &name, tagged.map_err(|e| format!("{e}, found {}", shown(s))));
            }
            self.section(s, &name, &path);
        }
    }

    /// Whether a section is a map of keys, or absent.
    fn is_map(&mut self, v: &Value, section: &str, path: &[Step<'_>]) -> bool {
        let is = v.is_mapping() || v.is_null();
        if !is {
            self.add(path, section, Err(format!("expected keys, found {}", shown(v))));
        }
        is
    }

    fn add(&mut self, path: &[Step<'_>], what: &str, checked: Result<(), String>) {
        if let Err(e) = checked {
            let on = self.on(path);
            self.said.push(format!("{what}{on}: {e}"));
        }
    }

    /// `, line 7`.
    fn on(&self, path: &[Step<'_>]) -> String {
        line(self.text, path).map(|n| format!(", line {n}")).unwrap_or_default()
    }
}

/// Whether `T` takes this value for the key, beside `others`; what it expects where not.
fn type_of<T: DeserializeOwned>(key: &str, v: &Value, others: &str) -> Result<(), String> {
    let mut one: Mapping = serde_yaml::from_str(others).unwrap_or_default();
    one.insert(Value::from(key), v.clone());
    match serde_yaml::from_value::<T>(Value::Mapping(one)) {
        Ok(_) => Ok(()),
        Err(e) => {
            let (why, found) = (expected(&e.to_string()), shown(v));
            let tells = why.contains(&format!("'{found}'")) || why.starts_with(&format!("{found} "));
            Err(if tells { why } else { format!("{why}, found {found}") })
        }
    }
}

/// What serde expected, in words.
fn expected(error: &str) -> String {
    let wanted = error.rsplit_once("expected ").map_or(error, |(_, w)| w);
    let wanted = match wanted {
        "usize" | "u64" | "u32" => "a whole number of at least 0",
        "i64" | "i32" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "path string" | "string" => "text",
        "a sequence" => "a list",
        other => other,
    };
    match error.rsplit_once("expected ") {
        Some(_) => format!("expected {wanted}"),
        None => error.to_string(),
    }
}

/// A value in a few characters.
fn shown(v: &Value) -> String {
    const MOST: usize = 40;
    let text = match v {
        Value::Null => "nothing".to_string(),
        v => serde_yaml::to_string(v).unwrap_or_default().trim().replace('\n', ", "),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(text: &str) -> Vec<String> {
        faults(text, &serde_yaml::from_str(text).unwrap())
    }

    #[test]
    fn types_are_told_with_key_and_line() {
        let all = said(
            "model: a.onnx\nseed: x\nstages:\n- stage: search\n  epochs: many\n  budget: [1]\n- {stage: tune, rate: fast, augment: perhaps}\naccuracy: {limit: -3}\nreport: {protocols: semi2k}\n",
        );
        assert_eq!(
            all,
            [
                "seed, line 2: expected a whole number of at least 0, found x",
                "protocols in report, line 9: expected a list, found semi2k",
                "limit in accuracy, line 8: expected a whole number of at least 1, found -3",
                "epochs in stage 1 (search), line 5: expected a whole number of at least 0, found many",
                "budget in stage 1 (search), line 6: expected text or a number, found - 1",
                "rate in stage 2 (tune), line 7: expected a number, found fast",
                "augment in stage 2 (tune), line 7: expected true or false, found perhaps",
            ]
        );
    }

    #[test]
    fn unknown_keys_are_told_with_the_nearest() {
        let all = said("modle: a\nstages:\n- stage: search\n  epoch: 3\nreport: {protocol: [x]}\n");
        assert_eq!(
            all,
            [
                "unknown key 'modle', line 1; did you mean 'model'?",
                "unknown key 'protocol' in report, line 5; did you mean 'protocols'?",
                "unknown key 'epoch' in stage 1 (search), line 4; did you mean 'epochs'?",
            ]
        );
    }

    #[test]
    fn stages_of_another_form() {
        assert!(said("stages: search\n")[0].contains("stages, line 1: expected a list"));
        assert!(said("stages:\n- search\n")[0].contains("stage 1, line 2"));
        assert!(said("stages:\n- epochs: 3\n")[0].contains("no key 'stage'"));
        assert_eq!(said("stages:\n- search: {}\n").len(), 1);
        assert!(said("stages:\n- stage: 3\n")[0].contains("expected teacher, search or tune"));
    }

    #[test]
    fn architectures_name_their_key() {
        let all = said("architecture: {kind: resnt, depth: x, classes: 10, input: [3, 32]}\n");
        assert!(all[0].starts_with("kind in architecture, line 1: "), "{all:?}");
        assert!(all[1].starts_with("depth in architecture, line 1: expected a whole number"), "{all:?}");
        assert!(all[2].starts_with("input in architecture, line 1: "), "{all:?}");
        assert!(said("architecture: {kind: resnet}\n")[0].contains("missing field"));
        assert!(said("architecture: 5\n")[0].contains("expected keys"));
    }

    #[test]
    fn no_fault_in_what_is_documented() {
        let text = include_str!("../../specs/pipelines/training.yaml");
        assert_eq!(said(text), Vec::<String>::new());
        let text = include_str!("../../specs/pipelines/oneshot-resnet20.yaml");
        assert_eq!(said(text), Vec::<String>::new());
    }
}
