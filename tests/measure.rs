//! `relinc measure` and `relinc calibrate-runtime`: runtimes that are missing, crash or hang, and one that runs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, python, run};
use std::path::Path;
use std::time::{Duration, Instant};

fn compiled(dir: &Path, protocol: &str) -> String {
    let out = dir.join("o").display().to_string();
    json(&[
        "compile",
        QUICK,
        "-o",
        &out,
        "--budget",
        "50%",
        "--data",
        "shapes",
        "--rounds",
        "1",
        "--limit",
        "20",
        "--target",
        "spu",
        "--protocol",
        protocol,
    ]);
    out
}

/// A program in the place of Python.
#[cfg(unix)]
fn fake(dir: &Path, body: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("python");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn fails(args: &[&str], code: i32, says: &[&str]) {
    let out = run(args);
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {err}");
    says.iter().for_each(|s| assert!(err.contains(s), "{args:?}: {err}"));
}

#[test]
#[cfg(unix)]
fn missing_crashing_and_talking_runtimes_leave_the_output_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let out = compiled(dir.path(), "semi2k");
    let before = std::fs::read(Path::new(&out).join("report.json")).unwrap();
    fails(&["measure", &out, "--python", "/no/such/python"], 2, &["/no/such/python", "RELINC_PYTHON"]);
    for (body, code, says) in [
        ("echo 'run.py: cannot import spu' >&2; exit 2", 2, "cannot import spu"),
        ("echo 'Segmentation fault' >&2; exit 1", 1, "Segmentation fault"),
        ("kill -9 $$", 1, "signal"),
        ("echo nonsense", 2, "printed no figures"),
    ] {
        fails(&["measure", &out, "--python", &fake(dir.path(), body)], code, &[says]);
    }
    assert_eq!(std::fs::read(Path::new(&out).join("report.json")).unwrap(), before);
}

#[test]
#[cfg(unix)]
fn a_hanging_runtime_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let out = compiled(dir.path(), "semi2k");
    let begun = Instant::now();
    let py = fake(dir.path(), "exec sleep 1000");
    fails(&["measure", &out, "--python", &py, "--timeout", "1"], 1, &["still running", "unchanged"]);
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn what_cannot_be_measured_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let out = compiled(dir.path(), "semi2k");
    fails(&["measure", "/no/such/folder"], 2, &["/no/such/folder: there is no such folder"]);
    fails(
        &["measure", &out, "--protocol", "cheetah"],
        2,
        &["no prediction for spu-cheetah", "compile again"],
    );
    fails(&["measure", &out, "--protocol", "delphi"], 2, &["no protocol 'delphi'"]);
    fails(&["measure", &out, "--target", "onnx"], 2, &["--target onnx"]);
    fails(&["calibrate-runtime", "--protocol", "semi2k", "-o", "x.txt"], 2, &["x.txt", ".yaml"]);
    fails(
        &["calibrate-runtime", "--protocol", "semi2k", "-o", "x.yaml", "--python", "/no/such/python"],
        2,
        &["/no/such/python"],
    );
    assert!(!Path::new("x.yaml").exists());
}

/// The small network on SEMI2K: every operation as predicted, to the byte.
#[test]
fn semi2k_is_met_operation_by_operation() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = compiled(dir.path(), "semi2k");
    let m = json(&["measure", &out, "--python", &py, "--timeout", "300", "--network", "wan"]);
    assert_eq!(m["sent"]["predicted"], m["sent"]["measured"]);
    assert_eq!(m["rounds"]["predicted"], m["rounds"]["measured"]);
    // A dealer is asked once an exchange. Answers to comparisons are rounded up to 16 bytes.
    let dealer = &m["dealer"];
    assert_eq!(dealer["requests"]["predicted"], dealer["requests"]["measured"], "{dealer}");
    let more = dealer["bytes"]["measured"].as_f64().unwrap() - dealer["bytes"]["predicted"].as_f64().unwrap();
    assert!((0.0..15.0 * m["rounds"]["predicted"].as_f64().unwrap()).contains(&more), "{dealer}");
    let layers = m["layers"].as_array().unwrap();
    assert!(layers.iter().any(|l| l["op"] == "relu") && layers.iter().any(|l| l["op"] == "conv_taps"));
    for part in layers.iter().chain(m["ops"].as_array().unwrap()) {
        assert_eq!(part["sent"]["predicted"], part["sent"]["measured"], "{part}");
    }
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(Path::new(&out).join("report.json")).unwrap()).unwrap();
    assert_eq!(report["measured"][0]["sent"], m["sent"]);
    let html = std::fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    assert!(html.contains("Predicted against measured"));
    // A second run takes the place of the first.
    json(&["measure", &out, "--python", &py, "--timeout", "300", "--totals"]);
    assert!(run(&["report", &out]).status.success());
}

/// Each party's part of ABY3's traffic is drawn at random, what all three send is not.
#[test]
fn all_parties_of_aby3_send_what_is_predicted() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = compiled(dir.path(), "aby3");
    let m = json(&[
        "measure",
        &out,
        "--protocol",
        "aby3",
        "--python",
        &py,
        "--timeout",
        "300",
        "--totals",
        "--images",
        "1",
    ]);
    let all = &m["all_sent"];
    assert!(all["measured"].as_f64().unwrap() > 0.0);
    assert_eq!(all["predicted"], all["measured"]);
}

/// A ReLU on SEMI2K has eight exchanges at any size, by the clock as by the runtime's own counter.
#[test]
fn exchanges_are_counted_through_the_proxy() {
    let Some(py) = python() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpc/rounds.py");
    let asked = ["--protocol", "semi2k", "--only", "relu of 64", "--calls", "2", "--timeout", "100"];
    let out = std::process::Command::new(py).arg(script).args(asked).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let v: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let rounds = v["rounds"].as_f64().unwrap();
    // Other jobs of a test machine take time as well.
    assert!((7.5..12.0).contains(&rounds), "{said}");
}

/// The proxy that latencies are measured through delays and caps as it says.
#[test]
fn the_proxy_delays_and_caps() {
    let Some(py) = python() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpc/proxy.py");
    let out = std::process::Command::new(py).args([script, "--self-test"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
}
