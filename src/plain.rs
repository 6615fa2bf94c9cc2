//! Text for a terminal: names in a file may hold what moves its cursor, and then they are shown as `\x1b`.

use std::borrow::Cow;
use std::fmt::Write;

/// Does a character do something instead of showing something?
pub fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with every character that acts written out, but for ends of lines and tabs.
pub fn plain(text: &str) -> Cow<'_, str> {
    written(
        text,
        |c| acts(c) && c != '\n' && c != '\t',
        |c| match u32::from(c) {
            n @ ..=0xff => format!("\\x{n:02x}"),
            n => format!("\\u{{{n:x}}}"),
        },
    )
}

/// A JSON document with them as JSON writes them.
pub fn plain_json(text: &str) -> Cow<'_, str> {
    written(text, |c| acts(c) && c != '\n', |c| format!("\\u{:04x}", u32::from(c)))
}

fn written(text: &str, which: impl Fn(char) -> bool, how: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&which) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match which(c) {
            true => drop(out.write_str(&how(c))),
            false => out.push(c),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(plain("a\n\tb é"), "a\n\tb é");
        assert_eq!(plain("\u{1b}[31m\r\u{7f}\u{9b}\u{202e}"), "\\x1b[31m\\x0d\\x7f\\x9b\\u{202e}");
    }

    #[test]
    fn json_stays_the_same_document() {
        let text = serde_json::json!({"name": "\u{1b}\u{9b}\u{202e}"});
        let shown = plain_json(&text.to_string()).into_owned();
        assert!(!shown.contains(acts));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).ok(), Some(text));
    }
}
