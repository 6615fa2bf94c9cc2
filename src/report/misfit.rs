//! Where in a document the value is that does not fit.

use serde::de::DeserializeOwned;
use serde_json::{Error, Value};

/// Reads a document as a `T`, whose reading must find its errors where they are: an enum that is told apart by what is in it, or a value
/// that is converted once it is read, finds them behind it.
///
/// # Errors
/// What does not fit and its path, `costs[0].protocol`, in words.
pub fn read<T: DeserializeOwned>(v: &Value) -> Result<T, String> {
    let text = serde_json::to_string_pretty(v).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| {
        let message = e.to_string();
        let (mut message, mut at) =
            (message.strip_suffix(&place(&e)).unwrap_or(&message), path(&text, e.line()));
        // What follows the last element that a list has room for.
        if message == "trailing characters" {
            message = "too many elements";
            at.truncate(at.rfind('[').unwrap_or(0));
        }
        if at.is_empty() { message.to_owned() } else { format!("{message} at '{at}'") }
    })
}

/// What an error ends with.
fn place(e: &Error) -> String {
    format!(" at line {} column {}", e.line(), e.column())
}

/// A list or an object that the line is in.
struct Open {
    /// The path up to it.
    path: String,
    /// The number of the next element, of a list.
    next: Option<usize>,
}

/// The path of the value on a line of a text with a line for each, or of what ends there.
fn path(text: &str, line: usize) -> String {
    let mut open: Vec<Open> = vec![];
    let mut at = String::new();
    for text in text.lines().take(line).map(str::trim_start) {
        if text.starts_with(['}', ']']) {
            at = open.pop().map(|o| o.path).unwrap_or_default();
            continue;
        }
        at = match open.last_mut() {
            None => String::new(),
            Some(Open { path, next: Some(n) }) => {
                *n += 1;
                format!("{path}[{}]", *n - 1)
            }
            Some(Open { path, next: None }) => {
                let key = serde_json::Deserializer::from_str(text).into_iter::<String>().next();
                let key = key.and_then(Result::ok).unwrap_or_default();
                if path.is_empty() { key } else { format!("{path}.{key}") }
            }
        };
        if text.ends_with(['{', '[']) {
            open.push(Open { path: at.clone(), next: text.ends_with('[').then_some(0) });
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(serde::Deserialize, Debug)]
    struct Outer {
        #[allow(dead_code, reason = "read")]
        a: Vec<Inner>,
    }
    #[derive(serde::Deserialize, Debug)]
    struct Inner {
        #[allow(dead_code, reason = "read")]
        b: u8,
        #[allow(dead_code, reason = "read")]
        c: Option<Vec<(u8, String)>>,
        #[allow(dead_code, reason = "read")]
        d: Option<[u8; 2]>,
    }

    fn said(v: Value) -> String {
        read::<Outer>(&v).err().unwrap_or_default()
    }

    #[test]
    fn names_the_value_that_does_not_fit() {
        let inner = |c: Value| json!({"a": [{"b": 1, "odd \" {": {"x": []}}, {"b": 2, "c": c}]});
        assert_eq!(
            said(inner(json!([[1, "one"], [300, "two"]]))),
            "invalid value: integer `300`, expected u8 at 'a[1].c[1][0]'"
        );
        assert_eq!(
            said(inner(json!([[1, "{"], [1, 2]]))),
            "invalid type: integer `2`, expected a string at 'a[1].c[1][1]'"
        );
        assert_eq!(said(inner(json!(null))), "");
        let d = |d: Value| json!({"a": [{"b": 1, "d": d}]});
        assert_eq!(said(d(json!([1, 2, 3]))), "too many elements at 'a[0].d'");
        assert_eq!(said(d(json!([1]))), "invalid length 1, expected an array of length 2 at 'a[0].d'");
        assert_eq!(said(json!({"a": [{"b": 1}, {"c": null}]})), "missing field `b` at 'a[1]'");
        assert_eq!(said(json!({"a": {}})), "invalid type: map, expected a sequence at 'a'");
        assert_eq!(said(json!({})), "missing field `a`");
    }
}
