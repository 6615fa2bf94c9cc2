#![allow(clippy::unwrap_used)]

use super::headline;
use crate::report::model::*;
use crate::report::sample;

/// ResNet-20 at half of its ReLUs: seconds and megabytes of the three columns.
fn report(original: (f64, f64), lossless: (f64, f64), masked: (f64, f64)) -> Report {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-semi2k" && c.network == "wan");
    let c = &mut r.cost[0];
    let all = [
        (c.before.as_mut().unwrap(), original),
        (c.lossless.as_mut().unwrap(), lossless),
        (&mut c.after, masked),
    ];
    for (spent, (seconds, mb)) in all {
        (spent.latency_s, spent.online_bytes) = (seconds, (mb * 1e6) as u64);
        (spent.latency_is, spent.compute_s) = (LatencyIs::Query, Some(0.3));
    }
    let a = r.accuracy.as_mut().unwrap();
    a.n = 2_000;
    change(a, 91.7, 83.1, [-10.0, -7.2]);
    r
}

fn usual() -> Report {
    report((6.9, 28.6), (5.1, 18.0), (3.4, 11.2))
}

/// The same, when nothing is removed.
fn unmasked() -> Report {
    let mut r = report((6.9, 28.6), (5.1, 18.0), (5.1, 18.0));
    r.totals = r.lossless.unwrap();
    r.layers.iter_mut().for_each(|l| l.relus = l.relus_before);
    r.accuracy.as_mut().unwrap().change =
        Some(ScoreChange { points: 0.0, interval: [-0.1, 0.1], lost: 0, won: 0 });
    r
}

fn change(a: &mut Accuracy, before: f64, after: f64, interval: [f64; 2]) {
    let of =
        |v: f64| Some(Scores { clean: Some(v), interval: Some([v - 1.5, v + 1.5]), ..Scores::default() });
    (a.before, a.after) = (of(before), of(after));
    let points = after - before;
    a.change = Some(ScoreChange { points, interval, lost: 200, won: 20 });
}

#[test]
fn a_gain() {
    assert_eq!(
        headline(&usual()),
        "A private query takes 3.40 s instead of 5.10 s over a WAN (1.5× less) and sends 11.2 MB instead of 18.0 MB (1.6× less), \
         compared with the same network compiled with all its ReLUs (predicted, SPU SEMI2K); accuracy 91.7 → 83.1 % on 2,000 images, \
         8.6 points lost."
    );
}

#[test]
fn no_gain() {
    let h = headline(&report((6.9, 28.6), (5.1, 18.0), (5.1, 18.0)));
    assert!(
        h.starts_with("A private query still takes 5.10 s over a WAN and still sends 18.0 MB, compared"),
        "{h}"
    );
    assert!(!h.contains('×'), "{h}");
}

#[test]
fn worse() {
    let h = headline(&report((6.9, 28.6), (5.1, 18.0), (5.3, 40.0)));
    assert!(h.contains("takes 5.30 s instead of 5.10 s over a WAN (4 % more) and sends 40.0 MB instead of 18.0 MB (2.2× more)"), "{h}");
}

#[test]
fn worse_than_the_original_is_no_gain_over_it() {
    // More than the lossless column, less than the original: that the masks saved something would be a lie.
    let h = headline(&report((6.9, 28.6), (5.1, 18.0), (6.0, 20.0)));
    assert!(!h.contains("less") && h.contains("more"), "{h}");
}

#[test]
fn incomplete() {
    let mut r = usual();
    let c = &mut r.cost[0];
    for s in [Some(&mut c.after), c.before.as_mut(), c.lossless.as_mut()].into_iter().flatten() {
        (s.complete, s.not_modelled) = (false, vec!["conv".into(), "linear".into()]);
    }
    c.lossless.as_mut().unwrap().relu_bytes = 12_000_000;
    c.after.relu_bytes = 1_200_000;
    let h = headline(&r);
    let start = "What a private query costs is not known, for the cost model has no law for conv, linear; for its ReLUs alone it sends \
                 1.20 MB instead of 12.0 MB (10× less), compared with the same network";
    assert!(h.starts_with(start), "{h}");
    assert!(!h.contains("takes"), "{h}");
}

#[test]
fn an_original_that_cannot_be_priced_is_incomplete() {
    let mut r = usual();
    let b = r.cost[0].before.as_mut().unwrap();
    (b.complete, b.not_modelled) = (false, vec!["erf".into()]);
    assert!(headline(&r).contains("no law for erf"));
}

#[test]
fn unverified() {
    let mut r = usual();
    r.cost[0].verified = false;
    assert!(headline(&r).contains("(predicted, SPU SEMI2K (literature model, unverified))"));
}

#[test]
fn communication_only() {
    let mut r = usual();
    let c = &mut r.cost[0];
    for s in [Some(&mut c.after), c.before.as_mut(), c.lossless.as_mut()].into_iter().flatten() {
        (s.latency_is, s.compute_s) = (LatencyIs::Communication, None);
    }
    let h = headline(&r);
    assert!(
        h.starts_with("The communication of a private query, without its computing, takes 3.40 s instead of"),
        "{h}"
    );
}

#[test]
fn no_data() {
    let mut r = usual();
    r.accuracy = None;
    assert!(headline(&r).ends_with("; accuracy was not measured."));
}

#[test]
fn near_chance() {
    let mut r = usual();
    change(r.accuracy.as_mut().unwrap(), 91.7, 12.0, [-82.0, -77.0]);
    let h = headline(&r);
    assert!(h.ends_with("79.7 points lost. That is near chance (10.0 % with 10 classes)."), "{h}");
}

#[test]
fn within_chance() {
    let mut r = usual();
    change(r.accuracy.as_mut().unwrap(), 91.7, 91.4, [-0.9, 0.3]);
    let h = headline(&r);
    assert!(
        h.ends_with("accuracy 91.7 → 91.4 % on 2,000 images, a change within chance (−0.9 to +0.3 points)."),
        "{h}"
    );
}

#[test]
fn a_rise() {
    let mut r = usual();
    change(r.accuracy.as_mut().unwrap(), 63.0, 66.0, [2.0, 4.0]);
    assert!(headline(&r).ends_with("3.0 points won."));
}

#[test]
fn what_is_not_the_original_is_no_before() {
    let mut r = usual();
    let a = r.accuracy.as_mut().unwrap();
    change(a, 63.0, 66.0, [2.0, 4.0]);
    a.before_is_original = false;
    let h = headline(&r);
    assert!(
        h.ends_with(
            "accuracy 66.0 % on 2,000 images: what the original has was not measured (as given: 63.0 %)."
        ),
        "{h}"
    );
}

#[test]
fn images_that_training_knew_are_called_so() {
    let mut r = usual();
    r.accuracy.as_mut().unwrap().seen = Some(Seen::Trained);
    assert!(headline(&r).contains("on 2,000 training images"));
}

#[test]
fn nothing_removed() {
    let h = headline(&unmasked());
    assert_eq!(
        h,
        "Nothing was removed: all 188,416 ReLUs are kept. A private query takes 5.10 s instead of 6.90 s over a WAN (1.4× less) and sends \
         18.0 MB instead of 28.6 MB (1.6× less), compared with the original file (predicted, SPU SEMI2K); accuracy 83.1 % on 2,000 images, \
         none lost."
    );
    let mut r = unmasked();
    r.cost[0].before_is = BeforeIs::Canonical;
    assert!(headline(&r).contains("compared with the original (predicted"));
}

#[test]
fn without_prices_relus_are_counted() {
    let mut r = usual();
    r.cost.clear();
    let h = headline(&r);
    assert!(h.contains(" of 188,416 ReLUs are kept; accuracy"), "{h}");
}

#[test]
fn of_version_0_1_no_factor() {
    let mut r = usual();
    r.lossless = None;
    r.cost[0].lossless = None;
    let h = headline(&r);
    assert!(h.contains("sends 11.2 MB instead of 28.6 MB, compared with the original (predicted"), "{h}");
    assert!(!h.contains('×'), "{h}");
}
