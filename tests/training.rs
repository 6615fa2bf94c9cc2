//! Training through the binary, on the committed network and drawn images: no data needed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, files, json, relinc_in_a_terminal, run};
use relinc::passes::choice::Choice;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const DATA: &str = "shapes?train=512&val=128";

fn masks(dir: &Path) -> relinc::passes::masks::Masks {
    relinc::passes::masks::Masks::read(&dir.join("masks.safetensors")).unwrap()
}

#[test]
fn every_method_meets_its_budget() {
    let dir = tempfile::tempdir().unwrap();
    for (method, granularity) in [
        ("gradual", "pixel"),
        ("gradual", "layer"),
        ("senet", "channel"),
        ("snl", "pixel"),
        ("bcd", "pixel"),
        ("rlnet", "pixel"),
    ] {
        let out = dir.path().join(format!("{method}-{granularity}"));
        let v = json(&[
            "search",
            QUICK,
            "-o",
            out.to_str().unwrap(),
            "--data",
            DATA,
            "--method",
            method,
            "--granularity",
            granularity,
            "--budget",
            "12345",
            "--epochs",
            "1",
            "--batch",
            "64",
            "--calibration",
            "64",
            "--limit",
            "100",
            "--val-attacked",
            "32",
        ]);
        assert_eq!(masks(&out).kept(), 12_345, "{method}");
        assert_eq!(v["totals"]["relus"].as_u64(), Some(12_345), "{method}");
        for file in
            ["model.onnx", "trained.onnx", "log.jsonl", "checkpoints/search.safetensors", "report.html"]
        {
            assert!(out.join(file).exists(), "{method}: no {file}");
        }
    }
}

#[test]
fn search_then_tune_one_stage_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let search = [
        "search",
        QUICK,
        "-o",
        a.to_str().unwrap(),
        "--data",
        DATA,
        "--budget",
        "20%",
        "--epochs",
        "2",
        "--batch",
        "64",
        "--limit",
        "500",
    ];
    let before = json(&search)["accuracy"]["after"]["clean"].as_f64().unwrap();
    let trained = a.join("trained.onnx");
    let found = a.join("masks.safetensors");
    let tune = [
        "tune",
        trained.to_str().unwrap(),
        "--masks",
        found.to_str().unwrap(),
        "--teacher",
        QUICK,
        "-o",
        b.to_str().unwrap(),
        "--data",
        DATA,
        "--epochs",
        "3",
        "--batch",
        "64",
        "--limit",
        "500",
    ];
    let after = json(&tune)["accuracy"]["after"]["clean"].as_f64().unwrap();
    assert_eq!(masks(&a).layers, masks(&b).layers);
    assert!(after >= before - 2.0, "{before} → {after}");
}

/// Layers inside blocks become quadratic in a search, by a count and by a time, trained and not, and tuning learns them on.
#[test]
fn quadratic_layers_are_searched_tuned_and_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let choices = ["--choices", "relu,identity,quadratic", "--limit", "500", "--data", DATA];
    let quadratic = |name: &str| -> Vec<String> {
        let masks = masks(&dir.path().join(name)).layers.into_iter();
        let whole = masks.filter(|(_, m)| m.only(Choice::Quadratic));
        whole.map(|(name, _)| name).collect()
    };
    let call = |before: &[&str], more: &[&str]| json(&[before, &choices, more].concat());
    let search = call(
        &["search", QUICK, "-o", &at("a")],
        &[
            "--method", "gradual", "--budget", "50%", "--layers", "3", "--epochs", "3", "--batch", "32",
            "--rate", "0.02",
        ],
    );
    let found = quadratic("a");
    assert!(!found.is_empty());
    let said = search["notes"].to_string();
    assert!(said.contains("that become quadratic") && said.contains(&found[0]), "{said}");
    let accuracy = |v: &serde_json::Value| v["accuracy"]["after"]["clean"].as_f64().unwrap();
    assert!(accuracy(&search) > 25.0, "{}", accuracy(&search));
    let log = std::fs::read_to_string(dir.path().join("a/log.jsonl")).unwrap();
    assert!(log.lines().all(|l| l.contains("\"largest\":") && !l.contains("\"largest\":null")), "{log}");
    // What was trained is what is compiled.
    let trained = at("a/trained.onnx");
    let masks_of_a = at("a/masks.safetensors");
    let compiled = json(&[
        "compile",
        &trained,
        "--masks",
        &masks_of_a,
        "-o",
        &at("b"),
        "--data",
        DATA,
        "--limit",
        "500",
    ]);
    assert_eq!(accuracy(&compiled), accuracy(&search));
    let tuned = json(&[
        "tune",
        &trained,
        "--masks",
        &masks_of_a,
        "--teacher",
        QUICK,
        "-o",
        &at("c"),
        "--data",
        DATA,
        "--epochs",
        "2",
        "--batch",
        "32",
        "--limit",
        "500",
    ]);
    assert_eq!(quadratic("c"), found);
    assert!(accuracy(&tuned) > 25.0);
    // By a time, without training.
    let wan = compiled["cost"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["protocol"] == "spu-semi2k" && c["network"] == "wan")
        .unwrap();
    let seconds = wan["before"]["latency_s"].as_f64().unwrap();
    let place = format!("latency={}s@semi2k/wan", 0.7 * seconds);
    let timed = call(
        &["compile", QUICK, "-o", &at("d")],
        &["--budget", &place, "--protocol", "semi2k", "--network", "wan"],
    );
    assert!(timed["notes"].to_string().contains("Budget latency"), "{}", timed["notes"]);
}

/// A search goes on from another's masks, with layers that become quadratic by name, until no ReLU is left.
#[test]
fn a_search_goes_on_from_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let stage = |model: &str, more: &[&str]| {
        let said = ["--method", "gradual", "--choices", "relu,identity,quadratic", "--epochs", "1"];
        let rest = ["--batch", "64", "--rate", "0.02", "--limit", "200", "--data", DATA];
        json(&[&["search", model], more, &said, &rest].concat())
    };
    stage(QUICK, &["-o", &at("a"), "--budget", "100%", "--vanish", "relu01,relu03", "--quadratic", "relu00"]);
    let first = masks(&dir.path().join("a"));
    assert!(first.layers["relu00"].only(Choice::Quadratic));
    let (trained, begun) = (at("a/trained.onnx"), at("a/masks.safetensors"));
    let all = "relu00,relu01,relu02,relu03,relu04,relu05,relu06";
    let on = ["-o", &at("b"), "--masks", &begun, "--teacher", QUICK, "--budget", "0", "--allow-tails"];
    let v = stage(&trained, &[&on[..], &["--vanish", all, "--quadratic", "relu00,relu06"]].concat());
    let last = masks(&dir.path().join("b"));
    assert_eq!((last.kept(), v["totals"]["relus"].as_u64()), (0, Some(0)));
    let quadratic = |name: &str| last.layers[name].only(Choice::Quadratic);
    assert!(quadratic("relu00") && quadratic("relu06") && quadratic("relu01"));
}

#[test]
fn killed_and_stopped_runs_continue_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = dir.path().join("p.yaml");
    std::fs::write(
        &yaml,
        format!(
            "model: {QUICK}\ndata: {DATA}\nstages:\n  - {{stage: search, method: gradual, budget: 15%, layers: 5, epochs: 3, batch: 32, slopes: true}}\n  \
             - {{stage: tune, epochs: 2, batch: 32, average: 0.9}}\naccuracy: {{limit: 64}}\n"
        ),
    )
    .unwrap();
    let yaml = yaml.to_str().unwrap();
    let out = |name: &str| dir.path().join(name).display().to_string();
    json(&["run", yaml, "-o", &out("whole")]);
    let whole = std::fs::read(dir.path().join("whole/trained.onnx")).unwrap();
    let slopes =
        masks(&dir.path().join("whole")).layers.into_values().filter_map(|m| m.slopes().map(<[f32]>::to_vec));
    assert!(slopes.flatten().any(|s| s != 1.0), "no slope was learned");

    for (name, signal, code) in [("killed", "-KILL", None), ("stopped", "-INT", Some(130))] {
        let mut child = relinc_in_a_terminal()
            .args(["--quiet", "run", yaml, "-o", &out(name)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let checkpoint = dir.path().join(name).join("checkpoints/search.safetensors");
        let start = Instant::now();
        while !checkpoint.exists() && start.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(150));
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), code, "{name}");
        assert!(
            !dir.path().join(name).join("model.onnx").exists(),
            "{name}: it was over before it could be stopped"
        );
        json(&["run", yaml, "-o", &out(name), "--resume"]);
        assert!(
            std::fs::read(dir.path().join(name).join("trained.onnx")).unwrap() == whole,
            "{name}: other weights"
        );
        assert_eq!(masks(&dir.path().join("whole")).layers, masks(&dir.path().join(name)).layers);
    }
}

/// Measuring may take much longer than training did.
#[test]
fn a_run_that_measures_is_stopped_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = dir.path().join("p.yaml");
    let accuracy = "accuracy: {limit: 64, attacked: 100000, attacks: ['pgd:steps=1000']}";
    let stages = "stages:\n  - {stage: search, method: gradual, budget: 50%, epochs: 1, batch: 32}";
    std::fs::write(&yaml, format!("model: {QUICK}\ndata: {DATA}\n{stages}\n{accuracy}\n")).unwrap();
    let out = dir.path().join("out");
    let args = ["run", yaml.to_str().unwrap(), "-o", out.to_str().unwrap()];
    let mut child =
        relinc_in_a_terminal().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains(", clean ")), "it never measured");
    std::thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(said.any(|line| line.contains("--resume")));
    assert!(!out.join("model.onnx").exists() && out.join("checkpoints/search.safetensors").exists());
}

#[test]
fn a_search_without_a_method_is_one_shot_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (tune, stages) in [("", 1), ("  - {stage: tune, epochs: 1, batch: 64}\n", 2)] {
        let (yaml, out) = (dir.path().join("p.yaml"), dir.path().join(format!("out{stages}")));
        let search = "{stage: search, budget: 50%, epochs: 3, calibration: 32, rounds: 2}";
        let text =
            format!("model: {QUICK}\ndata: {DATA}\nstages:\n  - {search}\n{tune}accuracy: {{limit: 64}}\n");
        std::fs::write(&yaml, text).unwrap();
        let v = json(&["run", yaml.to_str().unwrap(), "-o", out.to_str().unwrap()]);
        let notes = v["notes"].to_string();
        assert!(notes.contains("names no method") && notes.contains("3 epochs are not run"), "{notes}");
        assert_eq!(v["totals"]["relus"].as_u64(), Some(v["before"]["relus"].as_u64().unwrap() / 2));
        let log = std::fs::read_to_string(out.join("log.jsonl")).unwrap_or_default();
        assert_eq!(log.lines().count(), stages - 1, "it trained");
    }
}

#[test]
fn one_shot_takes_granularity_counts_and_slopes() {
    let dir = tempfile::tempdir().unwrap();
    let compile = |name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        let search =
            ["compile", QUICK, "--budget", "20000", "--calibration", "32", "--rounds", "2", "--data", DATA];
        json(&[&search[..], &["--limit", "32", "-o", out.to_str().unwrap()], more].concat());
        masks(&out)
    };
    let layers = compile("layer", &["--granularity", "layer"]);
    let whole = layers.layers.values().filter(|m| m.kept() > 0 && m.kept() < m.values.len()).count();
    assert!(layers.kept() == 20_000 && whole <= 1, "{whole} layers keep a part");
    let counts = [2000, 2000, 2000, 4000, 4000, 3000, 3000].map(|n: usize| n.to_string()).join(",");
    let given = compile("counts", &["--counts", &counts]);
    assert_eq!(given.layers["relu06"].kept(), 3000);
    let sloped = compile("slopes", &["--slopes"]);
    let slopes = sloped.layers.values().filter_map(|m| m.slopes()).flatten().filter(|s| **s != 1.0).count();
    assert!(sloped.kept() == 20_000 && slopes > 0);
}

#[test]
fn bad_options_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    for (args, says) in [
        (&["--method", "gradul"][..], "did you mean \"gradual\""),
        (&["--budget", "101%"], "only"),
        (&["--rate=-1"], "rate"),
        (&["--schedule", "linear"], "one-cycle"),
        (&["--epochs", "0"], "at least 1"),
        (&["--train-attack", "pgd:eps=x"], "eps=x"),
        (&["--eta", "1,2"], "2 sensitivities are given for"),
        (&["--method", "snl", "--slopes"], "leave it out"),
        (&["--bn", "twice"], "choose auto, none, single or dual"),
    ] {
        let mut all = vec!["search", QUICK, "-o", &out, "--data", DATA];
        if !args.contains(&"--budget") {
            all.extend(["--budget", "10%"]);
        }
        all.extend(args);
        let r = run(&all);
        let err = String::from_utf8_lossy(&r.stderr);
        assert_eq!(r.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
        assert!(!dir.path().join("o/model.onnx").exists());
    }
    let _ = files(dir.path());
}
