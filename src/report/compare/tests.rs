#![allow(clippy::unwrap_used)]

use super::*;
use crate::report::model::{Action, LatencyIs, Later, Saved};
use crate::report::{sample, write};

fn point(series: &str, relus: u64, accuracy: f64) -> BudgetPoint {
    let (series, label) = (series.to_string(), String::new());
    BudgetPoint {
        series,
        branch: None,
        relus,
        accuracy,
        interval: Some([accuracy - 2.0, accuracy + 1.5]),
        n: Some(500),
        reference: false,
        label,
    }
}

fn drawn(points: &[BudgetPoint]) -> String {
    let svg = budget_plot(points);
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    svg
}

#[test]
fn a_budget_plot_has_a_line_a_series_and_no_nan() {
    let a = [point("gradual", 10_000, 80.0), point("gradual", 50_000, 90.0), point("snl", 25_000, 85.0)];
    let svg = drawn(&a);
    assert_eq!(svg.matches("class=\"dot").count(), 3 + 2);
    assert!(svg.contains(">50k<") && svg.contains("each point: n = 500 images"));
    assert!(drawn(&[]).contains("no accuracy was measured"));
    for odd in [
        vec![point("a", 0, 10.0)],
        vec![point("a", 0, 10.0), point("a", 5, 10.0)],
        vec![point("a", 7, 100.0)],
        vec![point("a", 7, f64::NAN), point("a", 9, f64::INFINITY)],
        vec![point("a", 1, 0.0), point("a", u64::MAX, 100.0)],
        vec![point("a", 5, -3.0)],
    ] {
        drawn(&odd);
    }
    let evil = "<b>\"'&";
    assert!(!drawn(&[BudgetPoint { label: evil.into(), ..point(evil, 3, 4.0) }]).contains("<b>"));
}

#[test]
fn a_network_without_relus_has_its_place() {
    let svg = drawn(&[point("a", 0, 40.0), point("a", 100, 80.0), point("a", 1_000, 90.0)]);
    assert!(svg.contains(">0</text>"));
}

/// Three made-up runs of one model; the last by another method where asked.
fn three(two_methods: bool) -> Vec<Run> {
    let run = |i: usize| {
        let mut r = sample::report();
        r.totals.relus = [9_400, 18_842, 94_208][i];
        let less = [9.0, 4.4, 0.6][i];
        let a = r.accuracy.as_mut().unwrap();
        let s = a.after.as_mut().unwrap();
        (s.clean, s.corrupted) = (Some(91.7 - less), Some(72.4 - 1.2 * less));
        let e = &mut r.evaluations[1].scores;
        e.adversarial = Some(50.5 - 1.1 * less);
        if two_methods && i == 2 {
            r.settings.method = Some("oneshot".into());
        }
        Run::new(&format!("out/run{i}"), &r)
    };
    (0..3).map(run).collect()
}

#[test]
fn emitted_accuracies_come_before_evaluations() {
    let r = &three(false)[0];
    let clean = r.after(Metric::Clean).unwrap();
    assert_eq!((clean.accuracy, clean.n, clean.branch), (82.7, Some(10_000), Some(Branch::Clean)));
    let attacked = r.after(Metric::Adversarial).unwrap();
    assert_eq!((attacked.n, attacked.branch), (Some(1_000), Some(Branch::Adversarial)));
    let folded = r.after(Metric::AdversarialCleanBn).unwrap();
    assert_eq!((folded.accuracy, folded.branch), (2.5, Some(Branch::Clean)), "of the emitted network");
}

#[test]
fn one_method_is_one_plot_and_several_are_one_a_metric() {
    let one = figures(&three(false));
    assert_eq!(one.len(), 1);
    let references = one[0].points.iter().filter(|p| p.reference).count();
    assert_eq!(references, 2, "what was before is drawn once");
    let several = figures(&three(true));
    assert_eq!(several.len(), 4);
    assert_eq!(several[0].points.iter().filter(|p| p.series == "all ReLUs").count(), 1);
    assert!(several[0].points.iter().any(|p| p.series == "oneshot"));
    assert_eq!(several[3].title, "Accuracy on adversarial images, through BN_c");
}

#[test]
fn a_comparison_warns_of_what_does_not_compare() {
    let mut runs = three(false);
    assert!(warnings(&runs).is_empty());
    runs[0].data = Some("cifar100".into());
    runs[1].relus_lossless = Some(5);
    runs[2].scores.retain(|s| s.before);
    let w = warnings(&runs).join(" ");
    for part in
        ["different data: cifar100; cifar10", "different networks", "No accuracy was measured in out/run2"]
    {
        assert!(w.contains(part), "{w}");
    }
    let page = render(&runs);
    assert!(page.contains("class=\"flag\"") && !page.contains("NaN"));
    assert!(table(&runs).contains("not measured"));
}

/// The original and what compiling gives for nothing stand beside the budgets, once, and factors compare with the latter.
#[test]
fn the_original_and_the_lossless_graph_are_points() {
    let runs = three(false);
    let all = tradeoffs(&runs);
    for t in &all {
        let of = |g| t.points.iter().filter(|p| p.graph == g).count();
        assert_eq!((of(Graph::Original), of(Graph::Lossless), of(Graph::Masks)), (1, 1, 3), "{}", t.title);
        for p in &t.points {
            let run = runs.iter().find(|r| r.dir == p.dir).unwrap();
            assert!(p.interval.is_some() && p.n == Some(10_000), "{p:?}");
            assert_eq!(p.graph == Graph::Masks, p.accuracy == run.after(Metric::Clean).unwrap().accuracy);
            assert_eq!(p.graph == Graph::Lossless, p.times == Some(1.0));
        }
    }
    let semi2k = &all[0];
    let figures = |g| semi2k.points.iter().find(|p| p.graph == g).unwrap();
    let (lossless, masks) = (figures(Graph::Lossless), figures(Graph::Masks));
    assert!((masks.times.unwrap() - lossless.cost / masks.cost).abs() < 1e-9);
    let text = cost_table(&runs);
    assert!(text.contains("× less than with all ReLUs") && text.contains("  trust: Party 0"), "{text}");
    let wide = text.lines().find(|l| l.chars().count() > 100);
    assert_eq!(wide, None);
}

/// The savings of the kinds stand in the order in which they are priced, and lead from all ReLUs to what is left.
#[test]
fn what_each_kind_of_choice_saves_has_a_table() {
    let mut runs = three(false);
    assert!(
        kinds(&runs).is_empty() && kinds_table(&runs).is_empty() && !render(&runs).contains("id=\"kinds\"")
    );
    let saved = |seconds| Saved { rounds: 4.0, online_bytes: 1_000, seconds };
    let all = [(Action::Quadratic, 9, -0.25), (Action::Linearized, 6, 1.5)];
    runs[1].costs[0].contributions =
        all.map(|(action, layers, s)| Contribution { action, layers, saved: saved(s) }).to_vec();
    let found = kinds(&runs);
    let ([k], [row]) = (&found[..], &found[0].rows[..]) else { panic!("{found:?}") };
    assert!(k.title.starts_with(&runs[1].costs[0].protocol), "{}", k.title);
    assert_eq!((row.saved_s, row.layers, row.dir.as_str()), ([-0.25, 1.5, 0.0], [9, 6, 0], "out/run1"));
    let cells = row.cells();
    assert_eq!(&cells[1..4], ["+250 ms (9)", "−1.50 s (6)", "–"]);
    assert!(kinds_table(&runs).contains("−1.50 s (6)") && render(&runs).contains("−1.50 s (6)"));
}

/// A later query has a plot of its own where it is cheaper than the first.
#[test]
fn later_queries_have_plots_of_their_own() {
    let mut runs = three(false);
    assert!(tradeoffs(&runs).iter().all(|t| !t.axis.contains("later")));
    for c in runs.iter_mut().flat_map(|r| &mut r.costs) {
        let s = &c.after;
        let (online_bytes, received_bytes, rounds) = (s.online_bytes / 2, s.received_bytes / 2, s.rounds);
        c.after.later =
            Some(Later { online_bytes, received_bytes, rounds, communication_s: 0.125, compute_s: None });
    }
    let all = tradeoffs(&runs);
    let later: Vec<&Tradeoff> = all.iter().filter(|t| t.axis.contains("later")).collect();
    assert!(!later.is_empty());
    for t in later {
        assert!(t.points.iter().all(|p| (p.graph == Graph::Masks) == (p.cost == 0.125)), "{t:?}");
    }
}

/// A time without computing and one with it are of different things.
#[test]
fn communication_only_never_shares_a_plot_with_a_whole_query() {
    let mut runs = three(false);
    for (run, is) in [(0, LatencyIs::Query), (1, LatencyIs::Communication), (2, LatencyIs::Query)] {
        for s in runs[run].costs.iter_mut().flat_map(|c| [Some(&mut c.after), c.lossless.as_mut()]).flatten()
        {
            (s.latency_is, s.compute_s) = (is, (is == LatencyIs::Query).then_some(s.latency_s / 2.0));
        }
        // The seconds of the original's computing are not known.
        for s in runs[run].costs.iter_mut().filter_map(|c| c.before.as_mut()) {
            (s.latency_is, s.compute_s) = (LatencyIs::Communication, None);
        }
    }
    for t in tradeoffs(&runs) {
        let own = |is: LatencyIs| {
            runs.iter().filter(move |r| r.costs[0].after.latency_is == is).map(|r| r.dir.clone())
        };
        let dirs: Vec<String> = t.points.iter().map(|p| p.dir.clone()).collect();
        let only = |is| own(is).all(|d| !dirs.contains(&d));
        assert!(
            t.axis.starts_with("MB") || only(LatencyIs::Query) || only(LatencyIs::Communication),
            "{t:?}"
        );
        assert!(t.axis.contains("predicted"));
        let original = t.points.iter().any(|p| p.graph == Graph::Original);
        assert_eq!(original, !t.axis.contains("of a query"), "{t:?}");
    }
}

#[test]
fn different_weight_settings_have_plots_of_their_own() {
    let mut runs = three(false);
    runs[2].costs.iter_mut().for_each(|c| c.weights = Weights::Public);
    for t in tradeoffs(&runs) {
        let public = t.points.iter().any(|p| p.dir == "out/run2");
        assert_eq!(t.title.contains("public"), public, "{t:?}");
    }
}

#[test]
fn alarms_of_single_runs_are_repeated() {
    let mut runs = three(false);
    assert_eq!(alarms(&runs).len(), 3, "the sample's own");
    runs[0].verdict = None;
    runs[1].verdict.as_mut().unwrap().level = Level::Warning;
    let said = alarms(&runs);
    assert!(said.len() == 1 && said[0].starts_with("out/run2: Accuracy fell"), "{said:?}");
    let page = render(&runs);
    assert!(page.contains("verdict alarm") && page.contains(&said[0]));
    assert!(table(&runs).starts_with("! out/run2: Accuracy fell"));
}

/// What was masked before is no original: its accuracy is not that of all ReLUs.
#[test]
fn a_masked_network_before_is_no_reference() {
    let mut r = sample::report();
    r.accuracy.as_mut().unwrap().before_is_original = false;
    let run = Run::new("out/a", &r);
    assert_eq!(run.original(Metric::Clean), None);
    assert!(tradeoffs(&[run]).iter().all(|t| t.points.iter().all(|p| p.graph == Graph::Masks)));
}

#[test]
fn folders_are_read() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a"), &sample::report()).unwrap();
    assert_eq!(runs(&[dir.path().join("a")]).unwrap().len(), 1);
    let e = runs(&[dir.path().join("a"), dir.path().join("b")]).unwrap_err().to_string();
    assert!(e.contains("b/report.json"), "{e}");
}

/// `RELINC_SAMPLE_REPORT=DIR cargo test --release -- --ignored comparison_to_disk` writes samples to look at.
#[test]
#[ignore = "writes files to look at"]
fn comparison_to_disk() {
    let dir = std::env::var("RELINC_SAMPLE_REPORT").unwrap();
    for (name, two) in [("compare.html", false), ("compare_methods.html", true)] {
        std::fs::write(Path::new(&dir).join(name), render(&three(two))).unwrap();
    }
}
