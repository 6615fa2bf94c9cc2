#![allow(clippy::unwrap_used)]

use super::model::*;
use super::*;
use relinc_passes::choice::Choice;
use relinc_passes::masks::LayerMask;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

fn bare() -> Report {
    let mut r = sample::report();
    (r.lossless, r.verdict) = (None, None);
    (r.before, r.accuracy, r.cost, r.masks, r.passes) = (None, None, vec![], vec![], vec![]);
    (r.training, r.evaluations, r.conclusions) = (None, vec![], vec![]);
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

/// What must be trusted is the first thing said of a protocol, in text and on the page.
#[test]
fn costs_and_measurements_begin_with_who_must_be_trusted() {
    let r = sample::report();
    let (text, page) = (text::render(&r), html::render(&r));
    for c in &r.cost {
        let head =
            format!("{} ({}-bit ring, {} weights)\n  trust: ", figures::cost_model(c), c.ring, c.weights);
        assert!(text.contains(&head), "{head}");
        assert!(page.contains(&format!("<p class=\"trust\">{}</p>", html::esc(&c.trust))));
    }
    let measured = text.split_once("Predicted against measured").unwrap().1;
    let second = measured.lines().nth(4).unwrap();
    assert!(second.starts_with("  trust: Party 0"), "{measured}");
}

/// Communication times follow from bytes; no word says that they were measured.
#[test]
fn derived_times_are_not_called_measured() {
    let r = sample::report();
    for out in [text::render(&r), html::render(&r)] {
        assert!(out.contains("communication only, derived"), "{out}");
        assert!(
            out.contains("from predicted") && out.contains("rom measured: from measured bytes and exchanges")
        );
    }
    let chunks = Measured { actions_are_chunks: true, ..r.measured[0].clone() };
    let said = text::measured(&chunks);
    assert!(said.contains("41 chunks") && said.contains("does not count"), "{said}");
}

#[test]
fn conclusions_stand_before_the_figures() {
    let mut r = sample::report();
    let text = text::render(&r);
    let line = "- drop relu00: −8 exchanges, −164 ms, 42 ReLUs\n- drop relu07: −8 exchanges, −161 ms, 9 ReLUs\n\
                - all of them: −16 exchanges, −325 ms, 51 ReLUs\n  $ relinc compile";
    assert!(text.contains(line), "{text}");
    assert!(text.find("drop relu00") < text.find("Accuracy\n"));
    let page = html::render(&r);
    assert!(page.find("<li>drop relu00: −8 exchanges") < page.find("id=\"cost\""));
    r.conclusions[0].together.online_bytes = -2_000_000;
    r.conclusions[0].latency_is = LatencyIs::Communication;
    let text = text::render(&r);
    assert!(text.contains("−325 ms, +2.00 MB, 51 ReLUs"), "{text}");
    assert!(text.replace('\n', " ").contains("computing not known, without them"), "{text}");
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
    broken("/accuracy/after/interval", json!([90.0]));
    broken("/accuracy/change/points", json!(null));
    broken("/relinc_report", json!(3));
    broken("/verdict/level", json!("fine"));
    broken("/cost/0/latency_is", json!("time"));
    broken("/cost/0/lossless/online_bytes", json!(-1));
    broken("/cost/0/before_is", json!("another"));
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
    r["accuracy"]["seen"] = json!("once");
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
fn an_incomplete_model_claims_no_total() {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-cheetah");
    let page = html::render(&r);
    assert!(page.contains("Incomplete – a lower bound") && page.contains("two lower bounds have no ratio"));
    let text = text::render(&r);
    assert!(text.contains("INCOMPLETE") && text.contains("≥ "));
}

#[test]
fn three_columns_stand_in_text_and_page() {
    let r = sample::report();
    for out in [text::render(&r), html::render(&r)] {
        for head in ["original", "compiled, all ReLUs", "compiled, with masks", "against all ReLUs"] {
            assert!(out.contains(head), "{head}");
        }
    }
    let json = serde_json::to_value(&r).unwrap();
    for c in json["cost"].as_array().unwrap() {
        for spent in [c, &c["before"], &c["lossless"]] {
            assert!(spent["online_bytes"].is_u64() && spent["latency_is"].is_string());
        }
    }
    for t in ["before", "lossless", "totals"] {
        assert!(json[t]["relus"].is_u64());
    }
}

#[test]
fn changes_are_held_against_the_middle_column() {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-semi2k");
    for c in &mut r.cost {
        c.before.as_mut().unwrap().online_bytes = 28_600_000;
        c.lossless.as_mut().unwrap().online_bytes = 18_000_000;
        c.after.online_bytes = 11_200_000;
    }
    for out in [text::render(&r), html::render(&r)] {
        assert!(out.contains("1.61× less") && !out.contains("2.55×"), "{out}");
    }
    assert!(headline(&r).contains("1.6× less") && !headline(&r).contains("2.6×"));
}

#[test]
fn a_time_says_whether_computing_is_in_it() {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-semi2k");
    r.measured.clear();
    let without = text::render(&r);
    assert!(
        without.contains("communication only, WAN") && without.contains("communication only: the cost model")
    );
    assert!(!without.contains("time of a query"));
    for c in &mut r.cost {
        c.computing = Some("this machine".into());
        for s in [Some(&mut c.after), c.before.as_mut(), c.lossless.as_mut()].into_iter().flatten() {
            (s.latency_is, s.compute_s) = (LatencyIs::Query, Some(0.5));
        }
    }
    for out in [text::render(&r), html::render(&r)] {
        assert!(out.contains("time of a query, WAN") && out.contains("of it computing"));
        assert!(!out.contains("communication only") && !out.contains("comes on top"));
    }
}

#[test]
fn an_original_that_nobody_timed_compares_by_communication() {
    let mut r = sample::report();
    r.cost.retain(|c| c.protocol == "spu-semi2k" && c.network == "wan");
    let c = &mut r.cost[0];
    for s in [Some(&mut c.after), c.lossless.as_mut()].into_iter().flatten() {
        (s.latency_is, s.compute_s) = (LatencyIs::Query, Some(0.5));
        s.latency_s += 0.5;
    }
    let out = text::render(&r);
    let line = |start: &str| out.lines().find(|l| l.trim_start().starts_with(start)).unwrap().to_string();
    assert!(line("time of a query, WAN").contains("not known"), "{out}");
    assert!(!line("communication only, WAN").contains("not known"));
    assert!(
        headline(&r).starts_with("A private query takes"),
        "the two that are compared have their computing"
    );
    r.totals = r.lossless.unwrap();
    r.layers.iter_mut().for_each(|l| l.relus = l.relus_before);
    assert!(headline(&r).contains("The communication of a private query"), "{}", headline(&r));
    assert!(html::render(&r).contains("Communication only, WAN"));
}

#[test]
fn a_change_within_chance_has_no_colour() {
    let mut r = sample::report();
    let row = |r: &Report| rows::scores(r).into_iter().find(|s| s.what == "clean").unwrap();
    assert_eq!(row(&r).tone, "bad");
    let change = |points, interval| Some(ScoreChange { points, interval, lost: 5, won: 4 });
    r.accuracy.as_mut().unwrap().change = change(-0.4, [-1.5, 0.7]);
    let s = row(&r);
    assert_eq!(s.tone, "same");
    assert!(s.change.ends_with("(−1.5 to +0.7), within chance"), "{}", s.change);
    r.accuracy.as_mut().unwrap().change = change(1.2, [0.3, 2.1]);
    assert_eq!(row(&r).tone, "good");
    r.accuracy.as_mut().unwrap().before_is_original = false;
    assert_eq!(row(&r).tone, "same", "what is not the original shows no gain");
}

#[test]
fn the_accuracy_of_known_images_says_so() {
    let mut r = sample::report();
    for (seen, words) in [(Seen::Trained, "learned by heart"), (Seen::Chose, "choose the epoch")] {
        r.accuracy.as_mut().unwrap().seen = Some(seen);
        for out in [text::render(&r).replace('\n', " "), html::render(&r)] {
            assert!(out.contains(words), "{words}");
        }
    }
    let out = text::render(&r);
    assert!(out.contains("training*") && out.contains("clean†"));
}

#[test]
fn commands_stand_as_they_are_typed() {
    let mut r = sample::report();
    let long = format!("relinc search {} --budget 10%", "x/".repeat(80));
    r.verdict.as_mut().unwrap().next = vec![long.clone()];
    let out = text::render(&r);
    assert!(out.starts_with("ALARM: ") && out.contains(&long), "{out}");
    let page = html::render(&r);
    assert!(page.contains("class=\"verdict alarm\"") && page.contains(&long));
    assert!(page.find("verdict alarm") < page.find("<h1>"));
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
    let v = r.verdict.as_mut().unwrap();
    (v.sentences, v.next) = (vec![evil.into()], vec![evil.into()]);
    r.accuracy.as_mut().unwrap().before_is = Some(evil.into());
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
    assert_eq!(
        (gone.online_bytes, gone.lossless_bytes, gone.before_bytes),
        (0, Some(72 * 16_384), Some(72 * 16_384))
    );
    assert!(gone.lossless_rounds > Some(0.0) && gone.rounds == 0.0);
}

/// `RELINC_SAMPLE_REPORT=DIR cargo test --release -- --ignored sample_to_disk` writes the sample to look at.
#[test]
#[ignore = "writes files to look at"]
fn sample_to_disk() {
    let dir = std::env::var("RELINC_SAMPLE_REPORT").unwrap();
    write(Path::new(&dir), &sample::report()).unwrap();
    write(&Path::new(&dir).join("bare"), &bare()).unwrap();
}
