#![allow(clippy::unwrap_used)]

use super::model::*;
use super::*;
use relinc_passes::choice::Choice;
use relinc_passes::masks::LayerMask;
use relinc_runtime::cost::Totals;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

fn bare() -> Report {
    let mut r = sample::report();
    (r.before, r.accuracy, r.cost, r.masks, r.passes) = (None, None, vec![], vec![], vec![]);
    (r.training, r.evaluations) = (None, vec![]);
    (r.layers, r.notes, r.artefacts, r.settings) = (vec![], vec![], vec![], Settings::default());
    r
}

#[test]
fn the_sample_and_a_bare_report_follow_the_schema() {
    for r in [sample::report(), bare()] {
        let v = serde_json::to_value(&r).unwrap();
        let errors: Vec<String> =
            schema().iter_errors(&v).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert_eq!(serde_json::from_value::<Report>(v).unwrap(), r);
    }
}

#[test]
fn the_schema_refuses_broken_reports() {
    let good = serde_json::to_value(sample::report()).unwrap();
    let broken = |at: &str, v: Value| {
        let mut r = good.clone();
        *r.pointer_mut(at).unwrap() = v;
        assert!(!schema().is_valid(&r), "{at}");
    };
    broken("/totals/relus", json!(-1));
    broken("/totals", json!(null));
    broken("/layers/0/action", json!("melted"));
    broken("/cost/0/weights", json!("hidden"));
    broken("/cost/0/complete", json!("yes"));
    broken("/masks/0/share/0/0", json!(1.5));
    broken("/masks/0/shape", json!([16, 32]));
    broken("/accuracy/after/clean", json!(120));
    broken("/training/records/0/loss", json!(null));
    broken("/training/records/0/val_clean", json!(101));
    broken("/training/records/0/epoch", json!(0));
    broken("/training/n/attacked", json!(-1));
    broken("/evaluations/0/branch", json!("both"));
    broken("/evaluations/0/what", json!(null));
    broken("/passes/0", json!({"name": "x"}));
    let mut r = good.clone();
    r.as_object_mut().unwrap().remove("model");
    assert!(!schema().is_valid(&r));
    let mut r = good.clone();
    r["surprise"] = json!(1);
    assert!(!schema().is_valid(&r));
}

#[test]
fn three_files_are_written_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new");
    let r = sample::report();
    write(&out, &r).unwrap();
    assert_eq!(read(&out).unwrap(), r);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 3);
    std::fs::remove_file(out.join("report.html")).unwrap();
    render(&out, &read(&out).unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(out.join("report.html")).unwrap(), html::render(&r));
    let e = read(dir.path()).unwrap_err().to_string();
    assert!(e.contains("report.json"), "{e}");
}

#[test]
fn the_headline_says_what_changed() {
    let r = sample::report();
    let h = headline(&r);
    for part in ["fewer ReLUs", "less ReLU traffic", "less total traffic", "faster on WAN with SPU SEMI2K"] {
        assert!(h.contains(part), "{h}");
    }
    assert!(h.ends_with("; accuracy 91.7 → 82.9 %."), "{h}");
}

#[test]
fn the_headline_is_honest() {
    let mut r = sample::report();
    r.accuracy = None;
    assert!(headline(&r).ends_with("; accuracy was not measured."));
    let before = r.before.unwrap();
    r.totals = before;
    for c in &mut r.cost {
        c.after = c.before.clone().unwrap();
    }
    let h = headline(&r);
    assert!(h.starts_with("No ReLU was removed (188,416 before and after), the same ReLU traffic"), "{h}");
    assert!(h.contains("no faster on WAN"), "{h}");
    for c in &mut r.cost {
        c.after.latency_s *= 2.0;
        c.after.online_bytes *= 3;
    }
    let h = headline(&r);
    assert!(h.contains("3.00× more total traffic and 2.00× slower on WAN"), "{h}");
    r.totals = Totals { relus: 0, ..before };
    assert!(headline(&r).starts_with("All 188,416 ReLUs removed"));
    r.totals = Totals { relus: 200_000, ..before };
    assert!(headline(&r).starts_with("More ReLUs than before (188,416 → 200,000)"));
    assert_eq!(headline(&bare()).chars().last(), Some('.'));
    assert!(!headline(&bare()).contains("accuracy"));
}

#[test]
fn an_incomplete_model_claims_no_total() {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-cheetah");
    let h = headline(&r);
    assert!(h.contains("less ReLU traffic with SPU CHEETAH") && !h.contains("total"), "{h}");
    let page = html::render(&r);
    assert!(page.contains("Incomplete – a lower bound") && page.contains("two lower bounds have no ratio"));
    let text = text::render(&r);
    assert!(text.contains("INCOMPLETE") && text.contains("≥ "));
}

#[test]
fn a_literature_model_is_marked_wherever_it_speaks() {
    let mut r = sample::report();
    r.cost.iter_mut().for_each(|c| c.verified = false);
    let words = relinc_runtime::cost::UNVERIFIED;
    for (what, said) in [("headline", headline(&r)), ("page", html::render(&r)), ("text", text::render(&r))] {
        assert!(said.contains(words), "{what}: {said}");
    }
}

#[test]
fn foreign_text_is_escaped_everywhere() {
    let evil = "<script>alert('x')</script>\"&{{body}}";
    let mut r = sample::report();
    r.model.path = evil.into();
    r.model.producer = Some(evil.into());
    r.layers[0].why = evil.into();
    r.layers[0].source = Some(evil.into());
    r.layers[0].name = evil.into();
    r.masks[0].layer = evil.into();
    r.passes[3].refused[0].node = evil.into();
    r.passes[0].name = evil.into();
    r.cost[0].protocol = evil.into();
    r.cost[0].network = evil.into();
    r.cost[0].per_layer[0].name = evil.into();
    r.cost[0].after.not_modelled = vec![evil.into()];
    r.notes.push(evil.into());
    r.settings.method = Some(evil.into());
    r.artefacts[0].path = evil.into();
    r.accuracy.as_mut().unwrap().data = evil.into();
    r.evaluations[0].what = evil.into();
    r.evaluations[0].attack = Some(evil.into());
    let t = r.training.as_mut().unwrap();
    t.records.iter_mut().take(120).for_each(|x| (x.stage, x.method) = (evil.into(), Some(evil.into())));
    (t.data, t.attack) = (Some(evil.into()), Some(evil.into()));
    t.notes.push(evil.into());
    let page = html::render(&r);
    assert!(!page.contains("<script"));
    assert_eq!(page.matches("<main>").count(), 1);
    assert!(!page.contains("http:") && !page.contains("https:"), "the page must not reach for the network");
}

#[test]
fn text_fits_a_terminal() {
    let mut r = sample::report();
    r.layers[0].why = "word ".repeat(60);
    r.evaluations[0].attack = Some("x".repeat(90));
    r.training.as_mut().unwrap().records[0].stage = "a stage of a very long name".into();
    r.notes.push("x".repeat(300));
    for r in [r, bare()] {
        let t = text::render(&r);
        let widest = t.lines().map(|l| l.chars().count()).max().unwrap();
        assert!(widest <= 100, "{widest}");
        assert!(t.lines().all(|l| l == l.trim_end()));
    }
}

#[test]
fn a_mask_of_points_is_a_strip() {
    let mut r = sample::report();
    r.masks = vec![Mask::new(
        "relu00",
        &LayerMask::new([8, 1, 1], Choice::of_codes(&[1, 0, 1, 2, 0, 0, 1, 1]).unwrap()),
    )];
    let m = &r.masks[0];
    assert_eq!((m.kept, m.identity, m.zero), (4, 3, 1));
    assert_eq!(m.channels, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    assert!(html::render(&r).contains("class=\"strip tall\""));
}

#[test]
fn removed_layers_keep_their_line() {
    let r = sample::report();
    let gone = r.cost[0].per_layer.iter().find(|l| l.name == "relu02").unwrap();
    assert_eq!((gone.online_bytes, gone.before_bytes), (0, Some(72 * 16_384)));
}

/// `RELINC_SAMPLE_REPORT=DIR cargo test --release -- --ignored sample_to_disk` writes the sample to look at.
#[test]
#[ignore = "writes files to look at"]
fn sample_to_disk() {
    let dir = std::env::var("RELINC_SAMPLE_REPORT").unwrap();
    write(Path::new(&dir), &sample::report()).unwrap();
    write(&Path::new(&dir).join("bare"), &bare()).unwrap();
}
