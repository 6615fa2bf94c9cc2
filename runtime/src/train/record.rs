//! What a stage tells while it runs: log lines, progress, how it ended.

use crate::exec::{Kernels, Precision};

/// A line of `log.jsonl`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// The stage's name.
    pub stage: String,
    /// Mask method, in a search.
    pub method: Option<String>,
    /// Epoch, from 1.
    pub epoch: usize,
    /// Of so many.
    pub epochs: usize,
    /// Mean loss.
    pub loss: f64,
    /// Mean cross-entropy.
    pub ce: f64,
    /// Mean divergence from the teacher.
    pub kl: f64,
    /// Mean attention transfer.
    pub attention: f64,
    /// Mean penalty on what is far out in quadratic layers.
    #[serde(default)]
    pub tails: f64,
    /// The largest magnitude that goes into a quadratic layer on validation images; none without such layers.
    #[serde(default)]
    pub largest: Option<f64>,
    /// Steps left out because their gradient was no number.
    #[serde(default)]
    pub skipped: usize,
    /// Accuracy on the clean training views, in percent.
    pub train_accuracy: f64,
    /// Clean validation accuracy in percent.
    pub val_clean: Option<f64>,
    /// Accuracy on attacked validation images through the adversarial branch, in percent.
    pub val_adversarial: Option<f64>,
    /// Learning rate at the epoch's end.
    pub rate: f64,
    /// ReLUs the masks keep.
    pub kept: usize,
    /// Normalised Hamming distance of the masks to those of the epoch before.
    pub hamming: f64,
    /// Largest gradient norm before clipping.
    pub gradient: f64,
    /// What activations were computed in.
    #[serde(default)]
    pub precision: Precision,
    /// The CPU's kernels, in the first line of a stage and where it goes on by others; none on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Kernels>,
    /// Training images a second, without validation.
    pub images_per_second: f64,
    /// Share of the epoch's time spent waiting for data.
    pub data_wait: f64,
    /// Wall-clock seconds of the stage so far.
    pub seconds: f64,
}

/// Hears how a stage goes.
pub trait Watcher {
    /// After each step: (stage, epoch from 1, epochs, step from 1, steps, mean loss so far, images a second).
    fn step(&mut self, _now: &Now<'_>) {}
    /// Before each round of a method without steps, from 1.
    fn round(&mut self, _round: usize, _rounds: usize) {}
    /// Something that the user should know.
    fn note(&mut self, _said: &str) {}
    /// After each epoch.
    fn epoch(&mut self, _record: &Record) -> Result<(), String> {
        Ok(())
    }
}

/// Where a stage is, for a progress line.
#[derive(Debug)]
pub struct Now<'a> {
    /// Stage name.
    pub stage: &'a str,
    /// Epoch, from 1.
    pub epoch: usize,
    /// Of so many.
    pub epochs: usize,
    /// Steps done in it.
    pub step: usize,
    /// Of so many.
    pub steps: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Training accuracy so far, percent.
    pub accuracy: f64,
    /// Images a second.
    pub images_per_second: f64,
    /// ReLUs kept.
    pub kept: usize,
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// All epochs are done.
    Finished,
    /// The user stopped it; the checkpoint says where.
    Stopped,
}

/// Why a stage failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StageError {
    /// The loss or a parameter is no number any more.
    #[error(
        "the loss is not a number any more in epoch {epoch}, step {step}; {kept}; \
         lower the learning rate ('rate') or the gradient limit ('clip') and go on with --resume"
    )]
    NotFinite {
        /// From 1.
        epoch: usize,
        /// From 1.
        step: usize,
        /// Where the last good state is.
        kept: String,
    },
    /// A network with quadratic layers has forgotten what it had learned, or does not show it on its running statistics.
    #[error(
        "the network collapsed in epoch {epoch}: {what}; {kept}; lower the learning rate ('rate') or raise the penalty on what is far out \
         ('tails') and go on with --resume, or let more layers keep their ReLUs and begin anew"
    )]
    Collapsed {
        /// From 1.
        epoch: usize,
        /// What was seen, in words.
        what: String,
        /// Where the last good state is.
        kept: String,
    },
    /// What the stage keeps in files, a checkpoint or the log, cannot be read or written; the message names the file.
    #[error("{0}")]
    Kept(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<String> for StageError {
    fn from(s: String) -> StageError {
        StageError::Other(s)
    }
}
