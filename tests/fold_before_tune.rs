//! Folding before fine-tuning, through the binary, on the committed network and drawn images.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, run};
use serde_json::Value;
use std::path::Path;

/// 12 % of the committed network's ReLUs.
const KEPT: u64 = 8_110;
const NETWORK: &str = "20ms,100mbit";

/// The ReLU inside each block.
const INSIDE: &str = "budget: 12%, vanish: [relu01, relu03, relu05]";

/// Searches as `asked`, and tunes.
fn pipeline(dir: &Path, name: &str, asked: &str, more: &str) -> Value {
    let yaml = dir.join(format!("{name}.yaml"));
    let stages = format!(
        "stages:\n  - {{stage: search, method: gradual, {asked}, epochs: 1, batch: 64}}\n  - {{stage: tune, epochs: 1, batch: 64}}\n"
    );
    let report = format!("report: {{protocols: [spu-semi2k], networks: [\"{NETWORK}\"]}}\n");
    let text = format!(
        "model: {QUICK}\ndata: shapes?train=512&val=128\n{stages}targets: [onnx, spu]\n{report}accuracy: {{limit: 300}}\n{more}"
    );
    std::fs::write(&yaml, text).unwrap();
    json(&["run", yaml.to_str().unwrap(), "-o", dir.join(name).to_str().unwrap()])
}

fn rounds(report: &Value) -> f64 {
    report["cost"][0]["rounds"].as_f64().unwrap()
}

fn clean(report: &Value) -> f64 {
    report["accuracy"]["after"]["clean"].as_f64().unwrap()
}

/// Compiles what was trained under the masks that lie beside it, and compares it with what lies there compiled.
fn compiles_again(dir: &Path) -> Value {
    let again = dir.join("again");
    let file = |name: &str| dir.join(name).display().to_string();
    let report = json(&[
        "compile",
        &file("trained.onnx"),
        "--masks",
        &file("masks.safetensors"),
        "-o",
        again.to_str().unwrap(),
        "--data",
        "shapes",
        "--limit",
        "300",
        "--protocol",
        "semi2k",
        "--network",
        NETWORK,
        "--target",
        "onnx",
        "--target",
        "spu",
    ]);
    let r =
        run(&["verify", &file("model.onnx"), &file("again/model.onnx"), "--data", "shapes", "--limit", "32"]);
    assert!(r.status.success(), "{}", String::from_utf8_lossy(&r.stderr));
    report
}

#[test]
fn a_folded_network_is_tuned_and_emitted() {
    let dir = tempfile::tempdir().unwrap();
    let folded = pipeline(dir.path(), "folded", INSIDE, "fold: before-tune\n");
    let notes = folded["notes"].to_string();
    assert!(
        notes.contains("Folded before tuning: 3 ReLU layers vanished (relu01, relu03, relu05)"),
        "{notes}"
    );
    assert_eq!(folded["totals"]["relus"].as_u64(), Some(KEPT));
    assert_eq!(folded["before"]["relus"].as_u64(), Some(67_584), "the network before is the unfolded one");
    assert_eq!(folded["layers"].as_array().unwrap().len(), 4);
    let again = compiles_again(&dir.path().join("folded"));
    assert_eq!(clean(&again), clean(&folded));
    assert_eq!(rounds(&again), rounds(&folded));
    let trained = folded["evaluations"].as_array().unwrap().iter().find(|e| e["what"] == "masked").unwrap();
    assert!((trained["clean"].as_f64().unwrap() - clean(&folded)).abs() < 0.7, "{trained}");

    // Killed after the search: the same network is folded again.
    let trained = dir.path().join("folded/trained.onnx");
    let before = std::fs::read(&trained).unwrap();
    std::fs::remove_file(dir.path().join("folded/checkpoints/tune.safetensors")).unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    json(&["run", &file("folded.yaml"), "-o", &file("folded"), "--resume"]);
    assert!(std::fs::read(&trained).unwrap() == before, "another network after --resume");

    let unfolded = pipeline(dir.path(), "unfolded", INSIDE, "fold: never\n");
    assert_eq!(unfolded["layers"].as_array().unwrap().len(), 7);
    assert!(rounds(&folded) < rounds(&unfolded), "{} and {}", rounds(&folded), rounds(&unfolded));
    let bytes = |r: &Value| r["cost"][0]["online_bytes"].as_f64().unwrap();
    assert!(bytes(&folded) <= bytes(&unfolded) * 1.01, "{} and {}", bytes(&folded), bytes(&unfolded));
    // Folded as it is, borders corrected: the same network with fewer exchanges.
    let exact = compiles_again(&dir.path().join("unfolded"));
    assert_eq!(clean(&exact), clean(&unfolded));
    assert!(rounds(&exact) < rounds(&unfolded), "{} and {}", rounds(&exact), rounds(&unfolded));
}

#[test]
fn both_branches_of_a_folded_dual_network_hold() {
    let dir = tempfile::tempdir().unwrap();
    let more = "fold: before-tune\nbatch_norm: dual\nbranch: both\n";
    pipeline(dir.path(), "dual", INSIDE, more);
    let both = [dir.path().join("dual"), dir.path().join("dual/adversarial")];
    both.iter().for_each(|d| drop(compiles_again(d)));
    let [a, b] = both.map(|d| d.join("model.onnx").display().to_string());
    let r = run(&["verify", &a, &b, "--data", "shapes", "--limit", "32"]);
    assert_eq!(r.status.code(), Some(1), "the two branches are two networks");
}

#[test]
fn a_budget_in_seconds_knows_what_folds() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 0.85;
    let budget = format!("budget: \"latency={limit}s@semi2k/{NETWORK}\"");
    let kept = |fold: &str| {
        let r = pipeline(dir.path(), fold, &budget, &format!("fold: {fold}\n"));
        // A budget is for later queries.
        let later = &r["cost"][0]["later"];
        let seconds = later["communication_s"].as_f64().unwrap() + later["compute_s"].as_f64().unwrap();
        assert!(seconds <= limit * (1.0 - relinc::latency::MARGIN) + 1e-9, "{fold}: {seconds}");
        r["totals"]["relus"].as_u64().unwrap()
    };
    let (folded, never) = (kept("before-tune"), kept("never"));
    assert!(folded > never, "{folded} and {never} ReLUs fit");
}

#[test]
fn folding_before_tuning_wants_something_to_tune() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    let yaml = dir.path().join("p.yaml");
    let search = "{stage: search, method: gradual, budget: 12%, epochs: 1, vanish: [relu1]}";
    std::fs::write(
        &yaml,
        format!("model: {QUICK}\ndata: shapes?train=64&val=32\nstages:\n  - {search}\nfold: before-tune\n"),
    )
    .unwrap();
    let search =
        ["search", QUICK, "--data", "shapes?train=64&val=32", "--budget", "12%", "--epochs", "1", "-o", &out];
    let asked = |more: &[&'static str]| [&search[..], more].concat();
    for (args, says) in [
        (vec!["run", yaml.to_str().unwrap(), "-o", &out], "wants a stage tune"),
        (vec!["compile", QUICK, "-o", &out, "--fold", "before-tune"], "wants a stage tune"),
        (asked(&["--vanish", "relu1"]), "did you mean 'relu01'"),
        (asked(&["--vanish", "relu01", "--layers", "2"]), "exclude each other"),
        (asked(&["--fold", "sometimes"]), "before-tune"),
    ] {
        let r = run(&args);
        let err = String::from_utf8_lossy(&r.stderr);
        assert_eq!(r.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
        assert!(!dir.path().join("o/model.onnx").exists());
    }
}
