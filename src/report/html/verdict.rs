//! What stands above the headline: the verdict, and what to do.

use super::super::model::{Level, Report};
use super::super::shape::{OLD, Shape};
use super::esc;

/// The verdict in a box of its colour; a line on reports of relinc 0.1.0.
pub(super) fn above(r: &Report) -> String {
    let old = match Shape::of(r) {
        Shape::Old => format!("<p class=\"flag\">{}</p>", esc(OLD)),
        _ => String::new(),
    };
    let Some(v) = &r.verdict else { return old };
    let (class, word) = match v.level {
        Level::Ok => ("ok", "OK"),
        Level::Warning => ("warning", "Warning"),
        Level::Alarm => ("alarm", "Alarm"),
    };
    let sentences: String = v.sentences.iter().map(|s| format!("<p>{}</p>", esc(s))).collect();
    let next = match v.next.is_empty() {
        true => String::new(),
        false => format!(
            "<p class=\"small\">What to do:</p>{}",
            v.next.iter().map(|c| format!("<pre><code>{}</code></pre>", esc(c))).collect::<String>()
        ),
    };
    format!(
        "{old}<div class=\"verdict {class}\" role=\"note\"><strong>{word}</strong>{sentences}{next}</div>"
    )
}
