//! `verify --fixed-point` and `compile --normalise-ranges` on the quickstart model, and the emulator against SPU.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cifar, json, model, python, relinc, run, script, shared};
use std::path::Path;

fn quickstart() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/shapes_resnet.onnx").display().to_string()
}

#[test]
fn the_quickstart_model_survives_the_default_ring() {
    let m = quickstart();
    let v = json(&["verify", &m, "--fixed-point", "64,18", "--data", "shapes", "--limit", "100"]);
    assert_eq!((v["equivalent"].clone(), v["n"].clone()), (true.into(), 100.into()));
    let f = &v["fixed_point"];
    assert_eq!(
        (f["ring"].clone(), f["fraction"].clone(), f["overflows"].clone()),
        (64.into(), 18.into(), 0.into())
    );
    assert!(f["headroom_bits"].as_f64().unwrap() > 8.0);
    assert!(f["proposal"]["fraction"].as_u64().unwrap() >= 18);
    let (float, fixed) = (f["accuracy"]["float"].as_f64().unwrap(), f["accuracy"]["fixed"].as_f64().unwrap());
    assert!(float > 80.0 && (float - fixed).abs() <= 1.0);
    assert!(f["layers"].as_array().unwrap().iter().any(|l| l["op"] == "conv" && l["layer"] == "relu00"));
}

#[test]
fn few_bits_lose_classes_and_many_overflow() {
    let m = quickstart();
    let out = run(&["verify", &m, "--fixed-point", "64,3", "--data", "shapes", "--limit", "50"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("changes the class"));
    let out = run(&["verify", &m, "--fixed-point", "64,31", "--data", "shapes", "--limit", "20"]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr).to_string();
    assert!(said.contains("overflows the ring 64,31") && said.contains("of relu"), "{said}");
    let text = String::from_utf8_lossy(&out.stdout).to_string();
    assert!(text.contains("Overflow in 20 of 20 images") && text.contains("Propose: "), "{text}");
}

#[test]
fn bad_formats_and_lone_models_are_refused() {
    let m = quickstart();
    for (args, word) in [
        (vec!["verify", &m, "--fixed-point", "48,10"], "choose 32, 64 or 128"),
        (vec!["verify", &m, "--fixed-point", "64,32"], "choose 1 to 31"),
        (vec!["verify", &m], "give a second model"),
        (vec!["verify", &m, "--truncation", "local"], "--fixed-point"),
    ] {
        let out = relinc().args(&args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(word), "{args:?}");
    }
}

#[test]
fn compile_rescales_and_reports() {
    let (m, dir) = (quickstart(), tempfile::tempdir().unwrap());
    let (plain, scaled) = (dir.path().join("a"), dir.path().join("b"));
    let (plain, scaled) = (plain.display().to_string(), scaled.display().to_string());
    let common = ["--data", "shapes", "--limit", "64", "--fixed-point", "64,18", "--verify-each"];
    let compile = |extra: &[&str]| json(&[&["compile", &m, "-o"], extra, &common].concat());
    let a = compile(&[&plain]);
    let b = compile(&[&scaled, "--normalise-ranges=2"]);
    let pass = |r: &serde_json::Value| {
        r["passes"].as_array().unwrap().iter().find(|p| p["name"] == "normalise-ranges").cloned()
    };
    assert!(pass(&a).is_none());
    assert_eq!(pass(&b).unwrap()["applied"], 1);
    let largest = |r: &serde_json::Value| -> Vec<f64> {
        let layers = r["fixed_point"]["layers"].as_array().unwrap();
        let convs = layers.iter().filter(|l| l["op"] == "conv");
        convs.map(|l| l["largest_float"].as_f64().unwrap()).collect()
    };
    assert!(largest(&a).iter().any(|&v| v > 4.0), "nothing to rescale: {:?}", largest(&a));
    assert!(largest(&b).iter().all(|&v| v <= 4.0), "{:?}", largest(&b));
    let v =
        json(&["verify", &format!("{plain}/model.onnx"), &format!("{scaled}/model.onnx"), "--random", "8"]);
    assert_eq!(v["max_abs_difference"], 0.0);
}

/// The quickstart model on SPU, at a comfortable and at a tight number of fraction bits.
#[test]
fn the_emulator_agrees_with_spu() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    json(&[
        "compile",
        &quickstart(),
        "-o",
        &out,
        "--data",
        "shapes",
        "--target",
        "onnx",
        "--target",
        "spu",
        "--limit",
        "50",
    ]);
    let relinc = env!("CARGO_BIN_EXE_relinc");
    for (format, protocol) in [("64,18", "semi2k"), ("64,18", "aby3"), ("64,8", "semi2k")] {
        let v = script(
            &py,
            "fixed_point.py",
            &[relinc, &out, "shapes", "10", format, "--protocol", protocol, "--agree", "95", "--points", "5"],
        );
        let (e, s) = (&v["error"]["emulated"], &v["error"]["spu"]);
        let ratio = e["mean"].as_f64().unwrap() / s["mean"].as_f64().unwrap();
        assert!((0.5..2.0).contains(&ratio), "{format} {protocol}: {ratio}");
    }
}

/// ResNet-20 in the default ring, and an overflow on purpose.
#[test]
fn resnet20_in_the_default_ring() {
    let Some(s) = shared() else { return };
    let m = model(&s, "resnet20_torch-legacy_bnfold_op13");
    let data = cifar(&s, "normalize=imagenet");
    let v = json(&["verify", &m, "--fixed-point", "64,18", "--data", &data, "--limit", "100"]);
    assert_eq!(v["equivalent"], true);
    let out = run(&["verify", &m, "--fixed-point", "64,30", "--data", &data, "--limit", "4"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("overflows the ring 64,30: conv"));
}

/// What docs/fixed-point.md says of SPU's truncations.
#[test]
fn spu_truncates_as_documented() {
    let Some(py) = python() else { return };
    let v = script(&py, "truncation.py", &[]);
    assert_eq!(v["truncation"].as_array().unwrap().len(), 10);
}
