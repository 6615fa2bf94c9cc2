#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::{Report, html, sample, text};

/// A log of these lines, as they stand.
fn log(text: &[u8]) -> Result<Training, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    std::fs::write(&path, text).unwrap();
    read(&path)
}

fn record(stage: &str, epoch: usize, loss: f64) -> Record {
    let any = sample::report().training.unwrap().records[0].clone();
    Record { stage: stage.into(), epoch, loss, ..any }
}

fn line(r: &Record) -> String {
    serde_json::to_string(r).unwrap() + "\n"
}

fn seen(t: &Training) -> Vec<(&str, usize, f64)> {
    t.records.iter().map(|r| (r.stage.as_str(), r.epoch, r.loss)).collect()
}

#[test]
fn a_log_is_read_back() {
    let all = sample::report().training.unwrap().records;
    let text: String = all.iter().map(line).collect();
    let t = log(text.as_bytes()).unwrap();
    assert_eq!((&t.records, t.notes.len()), (&all, 0));
    assert!(log(b"").unwrap().records.is_empty());
    let all = log(text.trim_end().as_bytes()).unwrap();
    assert_eq!((all.records.len(), all.notes.len()), (227, 0), "a whole line without its end is whole");
}

#[test]
fn a_torn_last_line_is_ignored_with_a_note() {
    let whole = line(&record("teacher", 1, 2.0));
    let torn = line(&record("teacher", 2, 1.0));
    let torn = torn.trim_end();
    for cut in 1..torn.len() {
        let t = log(format!("{whole}{}", &torn[..cut]).as_bytes()).unwrap();
        assert_eq!(seen(&t), [("teacher", 1, 2.0)], "cut at {cut}");
        assert_eq!(
            t.notes,
            ["Line 2 of log.jsonl starts with half a record, as a crash leaves it; ignored."]
        );
    }
    let mut zeros = whole.into_bytes();
    zeros.extend([0, 0, 0xff]);
    assert_eq!(log(&zeros).unwrap().notes.len(), 1);
}

#[test]
fn what_was_appended_to_a_torn_line_counts() {
    let half = &line(&record("search", 2, 1.5))[..40];
    let text = line(&record("search", 1, 2.0)) + half + &line(&record("search", 2, 1.0));
    let t = log(text.as_bytes()).unwrap();
    assert_eq!((seen(&t).len(), seen(&t)[1], t.notes.len()), (2, ("search", 2, 1.0), 1));
}

#[test]
fn the_last_line_of_a_repeated_epoch_counts() {
    let lines = [
        record("teacher", 1, 9.0),
        record("search", 1, 3.0),
        record("search", 2, 2.0),
        record("search", 3, 1.0),
        record("search", 2, 2.5),
        record("tune", 1, 0.5),
    ];
    let text: String = lines.iter().map(line).collect();
    let t = log(text.as_bytes()).unwrap();
    assert_eq!(seen(&t), [("teacher", 1, 9.0), ("search", 1, 3.0), ("search", 2, 2.5), ("tune", 1, 0.5)]);
    assert_eq!(t.notes, ["2 lines of log.jsonl are of epochs that were repeated; the last ones count."]);
}

#[test]
fn a_foreign_line_is_an_error_with_its_number() {
    let text = line(&record("tune", 1, 1.0)) + "hello\n" + &line(&record("tune", 2, 1.0));
    let e = log(text.as_bytes()).unwrap_err().to_string();
    assert!(e.contains("log.jsonl, line 2: not a training record"), "{e}");
    let e = read_log(Path::new("nowhere/log.jsonl")).unwrap_err().to_string();
    assert!(e.starts_with("nowhere/log.jsonl: "), "{e}");
}

#[test]
fn a_stage_says_its_best_epoch_and_its_speed() {
    let mut r = [record("tune", 1, 1.0), record("tune", 2, 0.9), record("tune", 3, 0.8)];
    for (r, (clean, attacked, speed, wait)) in
        r.iter_mut().zip([(80.0, 40.0, 100.0, 0.5), (82.0, 45.0, 100.0, 0.5), (84.0, 41.0, 50.0, 0.0)])
    {
        (r.val_clean, r.val_adversarial) = (Some(clean), Some(attacked));
        (r.images_per_second, r.data_wait) = (speed, wait);
    }
    let s = &stages(&r)[0];
    assert_eq!((s.best.unwrap().epoch, s.last.epoch), (2, 3));
    assert_eq!((s.images_per_second, s.data_wait), (Some(75.0), Some(0.25)));
    r.iter_mut().for_each(|r| r.val_clean = None);
    assert!(stages(&r)[0].best.is_none());
}

fn shown(change: impl Fn(&mut Report)) -> String {
    let mut r = sample::report();
    change(&mut r);
    let page = html::render(&r);
    assert!(!page.contains("NaN") && !page.contains("inf ") && !page.contains("infinity"), "no number");
    assert!(text::render(&r).lines().all(|l| l.chars().count() <= 100));
    page
}

#[test]
fn curves_hold_no_nan() {
    let all = |change: fn(&mut Record)| {
        shown(move |r| r.training.as_mut().unwrap().records.iter_mut().for_each(change));
    };
    all(|r| r.loss = f64::NAN);
    all(|r| r.loss = f64::INFINITY);
    all(|r| (r.val_clean, r.val_adversarial) = (None, None));
    all(|r| (r.val_clean, r.train_accuracy) = (Some(f64::NAN), f64::NAN));
    all(|r| (r.kept, r.hamming, r.loss) = (0, 0.0, 0.0));
    all(|r| (r.epoch, r.images_per_second, r.data_wait) = (0, 0.0, f64::NAN));
    shown(|r| r.training.as_mut().unwrap().records.truncate(1));
    shown(|r| {
        let records = &mut r.training.as_mut().unwrap().records;
        for (i, x) in records.iter_mut().enumerate() {
            x.stage = format!("stage {i}");
        }
    });
    let page = shown(|r| r.training.as_mut().unwrap().records.clear());
    assert!(!page.contains("id=\"training\""));
}

#[test]
fn figures_name_their_branch_and_their_images() {
    let page = shown(|_| {});
    for part in [
        "validation, attacked (BN_a)",
        "validation, clean (BN_c)",
        "Attacked validation: n = 256, PGD-10",
        "BN_a, n = 1,000",
        "BN_c, n = 10,000",
        "Log scale",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let page = shown(|r| {
        let t = r.training.as_mut().unwrap();
        (t.dual_bn, t.n) = (None, Default::default());
    });
    assert!(page.contains("adversarial branch") && page.contains("n not recorded"));
}
