//! Budgets in seconds and sweeps, on the quickstart's model, without training.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, compiling, json, run};
use std::path::Path;

fn compile(out: &Path, budget: &str) -> serde_json::Value {
    json(&compiling(&out.display().to_string(), ["200", "64"], budget, &[]))
}

/// The price of the emitted graph where the budget holds: of a later query where the first one pays more.
fn seconds(v: &serde_json::Value, protocol: &str, network: &str) -> f64 {
    let all = v["cost"].as_array().unwrap();
    let it = all.iter().find(|c| c["protocol"] == protocol && c["network"] == network).unwrap();
    assert_eq!(it["complete"], true);
    match &it["later"] {
        serde_json::Value::Null => it["latency_s"].as_f64().unwrap(),
        later => later["communication_s"].as_f64().unwrap() + later["compute_s"].as_f64().unwrap_or(0.0),
    }
}

#[test]
fn the_emitted_graph_keeps_within_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let full = seconds(&compile(&dir.path().join("full"), "100%"), "spu-semi2k", "wan");
    let none = seconds(&compile(&dir.path().join("none"), "0"), "spu-semi2k", "wan");
    assert!(none < full);
    for share in [0.3, 0.7] {
        let limit = none + share * (full - none);
        let v = compile(&dir.path().join("out"), &format!("latency={limit:.4}s@semi2k/wan"));
        let predicted = seconds(&v, "spu-semi2k", "wan");
        let limit: f64 = format!("{limit:.4}").parse().unwrap();
        // The search leaves a margin for what predictions miss.
        let aim = (limit * (1.0 - relinc::latency::MARGIN)).max(none);
        assert!(predicted <= aim + 1e-9, "{predicted} over {aim}");
        let relus = v["totals"]["relus"].as_u64().unwrap();
        assert!(relus > 0 && relus < v["before"]["relus"].as_u64().unwrap());
        let notes = v["notes"].to_string();
        let said = format!("{relus} of {} ReLUs fit", v["before"]["relus"]);
        assert!(notes.contains(&said), "{said}: {notes}");
    }
    // Where the protocol is not among the priced ones, it is added.
    let v = compile(&dir.path().join("cheetah"), "latency=100s@cheetah/rtt=10ms;bandwidth=100Mbit");
    assert!(seconds(&v, "spu-cheetah", "rtt=10ms;bandwidth=100Mbit") < 100.0);
    assert_eq!(v["totals"]["relus"], v["before"]["relus"]);
}

#[test]
fn a_time_that_cannot_be_met_is_answered_with_the_floor() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let o = run(&[
        "compile",
        QUICK,
        "-o",
        &out.display().to_string(),
        "--data",
        "shapes",
        "--calibration",
        "16",
        "--budget",
        "latency=1ms@semi2k/wan",
    ]);
    let err = String::from_utf8_lossy(&o.stderr);
    assert_eq!(o.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot be met") && err.contains("too long"), "{err}");
    assert!(!out.exists());
}

#[test]
fn a_sweep_draws_its_front_and_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = dir.path().join("sweep.yaml");
    let text = format!(
        "model: {QUICK}\ndata: shapes\nstages:\n  - {{stage: search, budget: 50%, calibration: 64}}\naccuracy: {{limit: 200}}\n"
    );
    std::fs::write(&yaml, text).unwrap();
    let (yaml, out) = (yaml.display().to_string(), dir.path().join("out"));
    let args = ["sweep", &yaml, "--budgets", "80%,40%", "-o", &out.display().to_string()];
    let v = json(&args);
    assert_eq!(v["runs"].as_array().unwrap().len(), 2);
    let tradeoffs = v["tradeoffs"].as_array().unwrap();
    // Bytes and two networks for each of three protocols, and later queries on both where they are cheaper: CHEETAH and SEMI2K.
    assert_eq!(tradeoffs.len(), 13);
    assert!(tradeoffs.iter().all(|t| t["points"].as_array().unwrap().iter().any(|p| p["front"] == true)));
    for file in ["sweep.html", "sweep.json", "80pct/model.onnx", "40pct/report.json"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let written = |f: &str| std::fs::metadata(out.join(f)).unwrap().modified().unwrap();
    let before = written("80pct/report.json");
    let v = json(&[&args[..2], &["--budgets", "80%,40%,10%", "--resume", "-o", args[5]]].concat());
    assert_eq!(v["runs"].as_array().unwrap().len(), 3);
    assert_eq!(before, written("80pct/report.json"));

    let o = run(&["sweep", &yaml, "--budgets", "latency=1ms@semi2k/wan", "-o", args[5]]);
    assert_eq!(o.status.code(), Some(1));
    let o = run(&["sweep", &yaml, "--budgets", "5%,5%", "-o", args[5]]);
    assert_eq!(o.status.code(), Some(2));
}
