#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::{Report, html, sample, text};

fn record(stage: &str, epoch: usize, loss: f64) -> Record {
    let any = sample::report().training.unwrap().records[0].clone();
    Record { stage: stage.into(), epoch, loss, ..any }
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
