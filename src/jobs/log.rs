//! `log.jsonl`: one line an epoch.

use crate::error::{Result, input};
use crate::folder;
use relinc_runtime::train::Record;
use std::path::Path;

/// What a log holds.
#[derive(Debug, Default)]
pub struct Log {
    /// Its lines as they stand, without their ends, and what they say.
    pub lines: Vec<(String, Record)>,
    /// What the user should know: the last line was left out, since a job was killed while it wrote it.
    pub notice: Option<String>,
}

impl Log {
    /// Reads a log; there is none before the first epoch.
    ///
    /// # Errors
    /// It cannot be read, or a line before the last is damaged.
    pub fn read(path: &Path) -> Result<Log> {
        let shown = path.display();
        let Some(text) = folder::read(path)? else { return Ok(Log::default()) };
        let mut log = Log::default();
        let mut lines =
            text.strip_suffix(b"\n").unwrap_or(&text).split(|&b| b == b'\n').enumerate().peekable();
        while let Some((i, line)) = lines.next().filter(|_| !text.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(record) => log.lines.push((String::from_utf8_lossy(line).into_owned(), record)),
                Err(_) if lines.peek().is_none() => {
                    log.notice = Some(format!("{shown}: the last line is not whole; it is left out"));
                }
                Err(e) => {
                    return Err(input(format!(
                        "{shown}: line {} is damaged: {e}; remove that line, and the report's curves lack its epoch",
                        i + 1
                    )));
                }
            }
        }
        Ok(log)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"stage":"tune","method":null,"epoch":1,"epochs":2,"loss":0.5,"ce":0.5,"kl":0.0,"attention":0.0,"train_accuracy":50.0,"val_clean":null,"val_adversarial":null,"rate":0.1,"kept":9,"hamming":0.0,"gradient":1.0,"images_per_second":1.0,"data_wait":0.0,"seconds":1.0}"#;

    fn read(text: &[u8]) -> Result<Log> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        std::fs::write(&path, text).unwrap();
        Log::read(&path)
    }

    #[test]
    fn whole_lines_stay_as_they_are() {
        for text in [format!("{LINE}\n{LINE}\n"), format!("{LINE}\n{LINE}")] {
            let log = read(text.as_bytes()).unwrap();
            assert!(log.lines.iter().all(|(l, _)| l == LINE) && log.lines.len() == 2 && log.notice.is_none());
        }
        let none = read(b"").unwrap();
        assert!(none.lines.is_empty() && none.notice.is_none());
        assert!(Log::read(Path::new("there/is/none")).unwrap().lines.is_empty());
    }

    #[test]
    fn half_a_last_line_is_left_out_and_said() {
        for end in [&LINE.as_bytes()[..40], b"\0\0\0", b"\xff\n"] {
            let log = read(&[LINE.as_bytes(), b"\n", end].concat()).unwrap();
            assert_eq!(log.lines.len(), 1);
            assert!(log.notice.unwrap().contains("log.jsonl: the last line"));
        }
    }

    #[test]
    fn a_damaged_line_before_the_last_is_named() {
        let text = format!("{LINE}\n{}\n{LINE}\n", LINE.replace("epochs", "epoohs"));
        let e = read(text.as_bytes()).unwrap_err().to_string();
        assert!(e.contains("log.jsonl: line 2 is damaged"), "{e}");
    }
}
