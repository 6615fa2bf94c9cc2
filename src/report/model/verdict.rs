//! What there is to say about a result before any figure.

use serde::{Deserialize, Serialize};

/// How a result is to be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing stands against it.
    #[default]
    Ok,
    /// Something is not as it should be, or not known.
    Warning,
    /// It is not to be used as it is.
    Alarm,
}

/// What there is to say about a result, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// That of the gravest sentence.
    pub level: Level,
    /// The gravest first.
    pub sentences: Vec<String>,
    /// Commands that mend it, in the order they are to be run.
    #[serde(default)]
    pub next: Vec<String>,
}

impl Verdict {
    /// Adds a sentence: before those said so far where it is graver than all of them.
    pub fn say(&mut self, level: Level, sentence: impl Into<String>) {
        let at = if level > self.level { 0 } else { self.sentences.len() };
        self.sentences.insert(at, sentence.into());
        self.level = self.level.max(level);
    }
}
