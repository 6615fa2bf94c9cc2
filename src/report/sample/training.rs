//! A made-up training run of three stages.

use super::super::model::{Evaluation, ImageCounts, Scores, Training, TrainingCounts};
use relinc_runtime::exec::{Branch, Precision};
use relinc_runtime::train::Record;

/// Smooth, with a little unrest.
fn wave(i: usize) -> f64 {
    ((i * 7919) % 97) as f64 / 97.0 - 0.5
}

fn stage(name: &str, method: Option<&str>, epochs: usize, planned: usize, from: f64, to: f64) -> Vec<Record> {
    (1..=epochs)
        .map(|epoch| {
            let t = epoch as f64 / planned as f64;
            let learned = 1.0 - (-5.0 * t).exp();
            let accuracy = from + (to - from) * learned + 2.0 * wave(epoch) * (1.0 - t);
            Record {
                stage: name.into(),
                method: method.map(Into::into),
                epoch,
                epochs: planned,
                loss: 2.3 * (-4.0 * t).exp() + 0.01 + 0.004 * (wave(epoch) + 0.5),
                ce: 0.3,
                kl: 0.2,
                attention: 0.0,
                tails: 0.0,
                largest: None,
                skipped: 0,
                train_accuracy: (accuracy + 4.0).min(100.0),
                val_clean: Some(accuracy),
                val_adversarial: Some(accuracy * 0.58 + 3.0 * wave(epoch * 3)),
                rate: 0.05,
                kept: match name {
                    "teacher" => 188_416,
                    "search" => 18_842 + (169_574.0 * (1.0 - (t * 1.4).min(1.0)).powi(3)) as usize,
                    _ => 18_842,
                },
                hamming: if method.is_some() { 0.12 * (-5.0 * t).exp() } else { 0.0 },
                kernels: None,
                gradient: 1.0,
                images_per_second: 310.0 + 20.0 * wave(epoch),
                precision: Precision::F32,
                data_wait: 0.021,
                seconds: 161.0 * epoch as f64,
            }
        })
        .collect()
}

/// The run.
pub fn training() -> Training {
    Training {
        records: [
            stage("teacher", None, 120, 120, 30.0, 91.5),
            stage("search", Some("gradual"), 30, 30, 60.0, 82.0),
            stage("tune", None, 77, 80, 80.0, 87.1),
        ]
        .concat(),
        data: Some("cifar10:../data".into()),
        n: TrainingCounts { train: Some(45_000), validation: Some(2_000), attacked: Some(256) },
        dual_bn: Some(true),
        attack: Some("PGD-10, ε = 8/255, step 2/255".into()),
        notes: vec!["Line 228 of log.jsonl starts with half a record, as a crash leaves it; ignored.".into()],
    }
}

/// The accuracies of its networks.
pub fn evaluations() -> Vec<Evaluation> {
    let one = |what: &str, branch, clean, corrupted, adversarial, adversarial_clean_bn| Evaluation {
        what: what.into(),
        branch,
        scores: Scores { clean, corrupted, adversarial, adversarial_clean_bn, ..Scores::default() },
        attack: Some("PGD-20, ε = 8/255, step 2/255".into()),
        n: ImageCounts {
            clean: Some(10_000),
            corrupted: Some(10_000),
            adversarial: Some(1_000),
            certified: None,
        },
        radius: None,
    };
    vec![
        one("teacher", None, Some(91.7), Some(82.4), Some(51.2), Some(3.9)),
        one("tuned", None, Some(87.3), Some(77.6), Some(46.1), Some(2.5)),
        one("emitted", Some(Branch::Clean), Some(87.3), None, Some(2.5), None),
    ]
}
