//! JSON that a run keeps for itself: sealed, with the number of its format.

use super::{Broken, OPEN, check, close};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The format that is written and read.
pub const SCHEMA: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<T> {
    schema: u32,
    /// [`super::KEY`].
    relinc_sha256: String,
    content: T,
}

/// The text of a file.
///
/// # Errors
/// The value is none that JSON has.
pub fn text(content: &impl Serialize) -> Result<String, String> {
    let sealed = Sealed { schema: SCHEMA, relinc_sha256: OPEN.into(), content };
    let mut text = serde_json::to_vec_pretty(&sealed).map_err(|e| e.to_string())?;
    text.push(b'\n');
    close(&mut text, &[]).map_err(|b| b.to_string())?;
    String::from_utf8(text).map_err(|e| e.to_string())
}

/// What a file holds.
///
/// # Errors
/// Why it cannot be read, as the end of a sentence that begins with the file's name.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    match check(text, &[]) {
        Ok(()) => {}
        Err(Broken::Missing) => return Err("is damaged, or of relinc 0.1: it has no checksum".into()),
        Err(b @ Broken::Differs) => return Err(format!("is damaged: {b}")),
    }
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
    }
    let head: Head = serde_json::from_slice(text).map_err(|e| format!("cannot be read: {e}"))?;
    if head.schema != SCHEMA {
        return Err(format!("is of format {}, this relinc reads format {SCHEMA}", head.schema));
    }
    let sealed: Sealed<T> = serde_json::from_slice(text).map_err(|e| format!("cannot be read: {e}"))?;
    Ok(sealed.content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{KEY, flipped};
    use super::*;
    use std::collections::BTreeMap;

    fn value() -> BTreeMap<String, Option<f64>> {
        [("a \"b\"\n".to_string(), Some(1.0 / 3.0)), ("none".to_string(), None)].into()
    }

    #[test]
    fn round_trip() {
        let text = text(&value()).unwrap();
        assert!(text.contains(KEY) && !text.contains(OPEN));
        assert_eq!(parse::<BTreeMap<String, Option<f64>>>(text.as_bytes()).unwrap(), value());
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let text = text(&value()).unwrap();
        for (bit, other) in flipped(text.as_bytes(), 1) {
            assert!(parse::<BTreeMap<String, Option<f64>>>(&other).is_err(), "bit {bit}: {text}");
        }
    }

    #[test]
    fn what_has_no_seal_is_refused() {
        let e = parse::<Vec<f64>>(b"[1.0, 2.0]").unwrap_err();
        assert!(e.contains("no checksum"), "{e}");
    }

    #[test]
    fn another_format_is_named() {
        let sealed = Sealed { schema: 7, relinc_sha256: OPEN.into(), content: 1 };
        let mut text = serde_json::to_vec(&sealed).unwrap();
        close(&mut text, &[]).unwrap();
        assert_eq!(parse::<i32>(&text).unwrap_err(), "is of format 7, this relinc reads format 2");
    }
}
