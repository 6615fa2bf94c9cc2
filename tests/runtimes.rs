//! The emitted artefacts in the runtimes they are for: onnxruntime and SPU.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cifar, json, model, python, script, shared};
use std::path::Path;

const RESNET20: &str = "resnet20_torch-legacy_bnfold_op13";

/// ResNet-20 at half and at a tenth of its ReLUs: onnxruntime against the interpreter on 256 images, SPU SEMI2K and ABY3
/// against onnxruntime on 20, bytes against the report.
#[test]
fn resnet20_at_half_and_a_tenth() {
    let (Some(s), Some(py)) = (shared(), python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let m = model(&s, RESNET20);
    let data = cifar(&s, "normalize=imagenet");
    for (budget, relus, classes) in [("50%", 94_208, 5), ("10%", 18_841, 1)] {
        let out = dir.path().join(budget).display().to_string();
        let report = json(&[
            "compile", &m, "-o", &out, "--budget", budget, "--data", &data, "--target", "onnx", "--target",
            "spu", "--limit", "500",
        ]);
        assert_eq!(report["totals"]["relus"], relus);
        equals_onnxruntime(&py, &m, &out, &data);
        for protocol in ["semi2k", "aby3"] {
            let v = script(&py, "check_spu.py", &[&out, protocol, "20"]);
            assert_eq!(v["n"], 20);
            assert!(v["classes_predicted"].as_u64().unwrap() >= classes, "{v}");
        }
    }
}

/// The dense masks in the interpreter against the emitted, compacted graph in onnxruntime.
fn equals_onnxruntime(py: &str, m: &str, out: &str, data: &str) {
    let (x, y) = (format!("{out}/x.npy"), format!("{out}/y.npy"));
    let masks = format!("{out}/masks.safetensors");
    json(&[
        "eval",
        m,
        "--data",
        data,
        "--limit",
        "256",
        "--masks",
        &masks,
        "--save-inputs",
        &x,
        "--save-outputs",
        &y,
    ]);
    let v = script(py, "check_onnx.py", &[&format!("{out}/model.onnx"), &x, &y]);
    assert_eq!(v["n"], 256);
    let limit = 1e-4 * v["range"].as_f64().unwrap();
    assert!(v["max_abs_difference"].as_f64().unwrap() <= limit, "{v}");
    assert_eq!(v["argmax_agreement"], 1.0);
}

/// The official checker and onnxruntime accept every opset we write, and every shared model's emitted form.
#[test]
fn checker_and_onnxruntime_accept_what_is_emitted() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    let quick = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/quickstart/shapes_resnet.onnx")
        .display()
        .to_string();
    let (x, y) = (format!("{out}/x.npy"), format!("{out}/y.npy"));
    for opset in ["13", "15", "17", "18", "21"] {
        json(&[
            "compile", &quick, "-o", &out, "--budget", "50%", "--data", "shapes", "--rounds", "1", "--limit",
            "50", "--opset", opset,
        ]);
        let e = format!("{out}/model.onnx");
        json(&["eval", &e, "--data", "shapes", "--limit", "50", "--save-inputs", &x, "--save-outputs", &y]);
        let v = script(&py, "check_onnx.py", &[&e, &x, &y]);
        assert_eq!(v["opset"].to_string(), opset);
        assert_eq!(v["argmax_agreement"], 1.0);
    }
    let Some(s) = shared() else { return };
    for (name, options) in [
        ("resnet8_tf2onnx_nhwc_op13", "scale=255"),
        ("marabou_cifar10_large_tf2onnx", "normalize=none"),
        ("sri_resnet_a", "normalize=cifar10"),
        ("resnet20_torch-dynamo_op18", "normalize=imagenet"),
    ] {
        let data = cifar(&s, options);
        json(&["compile", &model(&s, name), "-o", &out]);
        let e = format!("{out}/model.onnx");
        json(&[
            "eval",
            &model(&s, name),
            "--data",
            &data,
            "--split",
            "train",
            "--limit",
            "64",
            "--save-inputs",
            &x,
            "--save-outputs",
            &y,
        ]);
        let v = script(&py, "check_onnx.py", &[&e, &x, &y]);
        assert_eq!(v["argmax_agreement"], 1.0, "{name}");
    }
}

/// A model with its preprocessing inside and an NHWC input: the emitted file in tract against the original here.
#[test]
fn inline_preprocessing_survives() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    let m = model(&s, "cifar100_3class_resnet20_torch1.13_op9_inlinepreproc");
    json(&["compile", &m, "-o", &out, "--target", "onnx", "--target", "spu"]);
    let e = format!("{out}/model.onnx");
    let v =
        json(&["verify", &m, &e, "--oracle", "tract", "--data", &cifar(&s, "scale=255"), "--limit", "64"]);
    assert_eq!(v["argmax_agreement"], 1.0);
}

/// Other networks than ResNet-20 run on SPU, softmax, NHWC input and all.
#[test]
fn other_models_run_on_spu() {
    let (Some(s), Some(py)) = (shared(), python()) else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, options, extra) in [
        ("resnet8_tf2onnx_nhwc_op13", "scale=255", &["--drop-softmax"][..]),
        ("resnet_2b", "normalize=cifar10", &[]),
        ("marabou_cifar10_large_tf2onnx", "normalize=none", &[]),
    ] {
        let out = dir.path().join(name).display().to_string();
        let (m, data) = (model(&s, name), cifar(&s, options));
        let mut args = vec![
            "compile", &m, "-o", &out, "--data", &data, "--budget", "60%", "--limit", "50", "--target",
            "onnx", "--target", "spu",
        ];
        args.extend(extra);
        json(&args);
        script(&py, "check_spu.py", &[&out, "semi2k", "3"]);
    }
}
