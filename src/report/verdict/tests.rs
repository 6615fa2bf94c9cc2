#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::sample;

fn with(before: (f64, [f64; 2]), after: (f64, [f64; 2]), change: [f64; 2]) -> Report {
    let mut r = sample::report();
    let of = |(v, i)| Some(Scores { clean: Some(v), interval: Some(i), ..Scores::default() });
    let a = r.accuracy.as_mut().unwrap();
    (a.before, a.after) = (of(before), of(after));
    a.change = Some(ScoreChange { points: after.0 - before.0, interval: change, lost: 300, won: 30 });
    for c in &mut r.cost {
        c.after.latency_s = c.lossless.as_ref().unwrap().latency_s / 2.0;
    }
    r
}

fn good() -> (f64, [f64; 2]) {
    (91.7, [90.4, 92.8])
}

fn found(r: &Report) -> Vec<Finding> {
    let f = findings(r);
    assert!(f.iter().all(|f| f.sentence(r).ends_with('.')));
    f
}

#[test]
fn a_small_loss_is_fine() {
    let r = with(good(), (90.9, [89.6, 92.1]), [-1.5, -0.1]);
    assert_eq!(found(&r), []);
    assert!(fine(&r).contains("0.8 points lost (95 % interval 0.1 to 1.5)"), "{}", fine(&r));
    let r = with(good(), (91.5, [90.2, 92.6]), [-0.7, 0.3]);
    assert!(
        found(&r).is_empty() && fine(&r).starts_with("No loss of accuracy that 10,000 images could show")
    );
}

#[test]
fn more_than_five_points_are_an_alarm() {
    let r = with(good(), (83.1, [81.4, 84.7]), [-10.0, -7.2]);
    assert_eq!(found(&r), [Finding::Lost]);
    assert!(Finding::Lost.sentence(&r).contains("8.6 points lost (95 % interval 7.2 to 10.0)"));
}

#[test]
fn a_loss_that_few_images_cannot_tell_is_a_warning() {
    // 20 images, two of them lost: chance, or ten points.
    let r = with((95.0, [76.4, 99.1]), (85.0, [64.0, 94.8]), [-27.0, 7.0]);
    assert_eq!(found(&r), [Finding::TooFewImages]);
    let r = with((95.0, [76.4, 99.1]), (95.0, [76.4, 99.1]), [-13.0, 13.0]);
    assert_eq!(found(&r), [Finding::TooFewImages]);
    // More images would say no more than a point about this one.
    let r = with(good(), (87.1, [86.4, 87.7]), [-5.2, -4.0]);
    assert_eq!(found(&r), []);
}

#[test]
fn near_chance_is_an_alarm() {
    let r = with(good(), (12.0, [10.6, 13.5]), [-82.0, -77.0]);
    assert_eq!(found(&r), [Finding::NearChance]);
    assert!(Finding::NearChance.sentence(&r).starts_with("Do not use this network"));
    let r = with((10.2, [8.9, 11.6]), (10.0, [8.7, 11.4]), [-1.0, 0.6]);
    assert_eq!(found(&r), [Finding::OriginalNearChance]);
}

#[test]
fn a_file_that_was_trained_under_its_masks_is_no_network_near_chance() {
    let mut r = with((12.8, [10.9, 15.0]), (89.0, [86.9, 90.8]), [73.2, 78.9]);
    r.accuracy.as_mut().unwrap().before_is_original = false;
    assert_eq!(found(&r), [Finding::OriginalUnknown]);
}

#[test]
fn chance_depends_on_the_classes() {
    let mut r = with((80.0, [78.0, 82.0]), (60.0, [57.9, 62.1]), [-22.0, -18.0]);
    let classes = |r: &mut Report, k| r.accuracy.as_mut().unwrap().classes = k;
    classes(&mut r, Some(2));
    assert_eq!(found(&r), [Finding::Lost], "of two classes 57.9 % is more than a guess");
    let mut r = with((80.0, [78.0, 82.0]), (54.0, [51.9, 56.2]), [-28.0, -24.0]);
    classes(&mut r, Some(2));
    assert_eq!(found(&r), [Finding::NearChance]);
    let mut r = with((8.0, [6.9, 9.3]), (7.9, [6.8, 9.2]), [-0.6, 0.4]);
    classes(&mut r, Some(200));
    assert_eq!(found(&r), []);
    classes(&mut r, None);
    assert_eq!(found(&r), [], "without the number of classes nobody knows what chance is");
}

#[test]
fn what_the_user_does_not_allow_is_an_alarm() {
    let mut r = with(good(), (88.7, [87.2, 90.0]), [-3.8, -2.2]);
    assert_eq!((found(&r), fell_too_far(&r)), (vec![], None));
    r.settings.max_drop = Some(2.5);
    assert_eq!(found(&r), [Finding::OverMaxDrop]);
    assert_eq!(
        fell_too_far(&r).unwrap(),
        "3.0 points of accuracy are lost, more than the 2.5 that max-drop allows"
    );
    r.settings.max_drop = Some(3.1);
    assert_eq!(fell_too_far(&r), None);
}

#[test]
fn what_is_not_known_is_a_warning() {
    let mut r = with((63.0, [60.9, 65.1]), (66.0, [63.9, 68.0]), [2.0, 4.0]);
    r.accuracy.as_mut().unwrap().before_is_original = false;
    assert_eq!(found(&r), [Finding::OriginalUnknown]);
    r.accuracy = None;
    assert_eq!(found(&r), [Finding::NotMeasured]);
}

#[test]
fn masks_that_cost_time_are_a_warning() {
    let mut r = with(good(), (91.5, [90.2, 92.6]), [-0.7, 0.3]);
    for c in &mut r.cost {
        c.after.latency_s = c.lossless.as_ref().unwrap().latency_s * 1.1;
    }
    assert_eq!(found(&r), [Finding::Slower, Finding::SlowerElsewhere]);
    for c in r.cost.iter_mut().filter(|c| c.network == "wan") {
        c.after.latency_s = c.lossless.as_ref().unwrap().latency_s / 2.0;
    }
    r.cost.retain(|c| c.protocol == "spu-semi2k" && c.network != "mobile");
    let f = found(&r);
    assert_eq!((f[0], f[0].level()), (Finding::SlowerElsewhere, Level::Ok));
    assert!(f[0].sentence(&r).contains("on SPU SEMI2K, LAN: "), "{}", f[0].sentence(&r));
}

#[test]
fn the_gravest_comes_first() {
    let mut r = with(good(), (83.1, [81.4, 84.7]), [-10.0, -7.2]);
    r.accuracy.as_mut().unwrap().seen = Some(Seen::Chose);
    assert_eq!(found(&r), [Finding::Lost, Finding::Seen]);
}

#[test]
fn nothing_removed_nothing_to_say() {
    let mut r = with(good(), good(), [-0.1, 0.1]);
    r.totals = r.lossless.unwrap();
    r.layers.iter_mut().for_each(|l| l.relus = l.relus_before);
    r.accuracy = None;
    assert_eq!(found(&r), []);
    assert!(fine(&r).starts_with("Nothing was removed"));
    for c in &mut r.cost {
        c.after.latency_s = c.before.as_ref().unwrap().latency_s * 1.1;
    }
    assert_eq!(found(&r), [Finding::Slower, Finding::SlowerElsewhere]);
    assert!(
        Finding::Slower
            .sentence(&r)
            .starts_with("A query is predicted to take longer as compiled than the original")
    );
}
