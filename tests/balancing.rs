//! What `compile` does around ReLU layers: scales that go into weights, ReLUs that data shows to be without effect.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, python, run, script};
use std::path::Path;

fn pass<'a>(report: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    report["passes"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap()
}

#[test]
fn a_wide_resnet_is_emitted_without_products_of_elements() {
    let dir = tempfile::tempdir().unwrap();
    let (m, out) = (dir.path().join("wrn.onnx").display().to_string(), dir.path().join("out"));
    json(&["architecture", "--kind", "wide-resnet", "--depth", "16", "--width", "4", "-o", &m]);
    let o = out.display().to_string();
    let report = json(&[
        "compile",
        &m,
        "-o",
        &o,
        "--target",
        "onnx",
        "--target",
        "spu",
        "--conv-form",
        "direct",
        "--verify-each",
    ]);
    // The normalisations before the second to sixth block, the one after the last, and the mean; the first folds into the stem.
    assert_eq!(pass(&report, "push-scale")["applied"], 7);
    assert_eq!(pass(&report, "push-scale")["refused"].as_array().unwrap().len(), 0);
    let text = std::fs::read_to_string(out.join("spu/model.mlir")).unwrap();
    assert!(text.contains("stablehlo.convolution") && !text.contains("stablehlo.multiply"));
    let v = json(&["verify", &m, &format!("{o}/model.onnx"), "--random", "4", "--tolerance", "1e-4"]);
    assert_eq!(v["equivalent"], true, "{v}");
    let Some(py) = python() else { return };
    script(&py, "check_spu.py", &[&o, "semi2k", "1"]);
}

#[test]
fn stable_signs_go_and_the_report_says_what_changes() {
    let dir = tempfile::tempdir().unwrap();
    let o = dir.path().join("out").display().to_string();
    let args = ["compile", QUICK, "-o", &o, "--data", "shapes", "--limit", "100", "--stable-sign", "64"];
    let report = json(&args);
    let p = pass(&report, "stable-sign");
    assert_eq!(p["guarantee"], "on-data");
    assert!(p["applied"].as_u64().unwrap() > 0);
    assert!(p["max_abs_difference"].as_f64().is_some());
    let removed = report["before"]["relus"].as_u64().unwrap() - report["totals"]["relus"].as_u64().unwrap();
    assert!(removed > 0);
    let notes = report["notes"].to_string();
    assert!(notes.contains("64 training images") && notes.contains("held-out images"), "{notes}");
    // On the images that were measured it is the same function.
    let v = json(&[
        "verify",
        QUICK,
        &format!("{o}/model.onnx"),
        "--data",
        "shapes",
        "--split",
        "train",
        "--limit",
        "64",
        "--tolerance",
        "1e-4",
    ]);
    assert_eq!(v["equivalent"], true, "{v}");
    // The written masks say the same.
    let again = dir.path().join("again").display().to_string();
    let masks = format!("{o}/masks.safetensors");
    let second = json(&["compile", QUICK, "-o", &again, "--masks", &masks]);
    assert_eq!(second["totals"]["relus"], report["totals"]["relus"]);
}

#[test]
fn stable_signs_need_images() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let failed = run(&["compile", QUICK, "-o", &out.display().to_string(), "--stable-sign", "64"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("--data"));
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_declared_range_that_the_data_leaves_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let o = dir.path().join("out").display().to_string();
    let compile = |range: &str| {
        run(&["compile", QUICK, "-o", &o, "--data", "shapes", "--limit", "50", "--input-range", range])
    };
    let failed = compile("0,0.001");
    assert_eq!(failed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("the data has the value"));
    assert_eq!(compile("1,0").status.code(), Some(2));
    assert_eq!(compile("-1000,1000").status.code(), Some(0));
}
