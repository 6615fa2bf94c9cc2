//! The real models: counts, the independent oracle, accuracy, and the three exports of one ResNet-20.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{cifar, json, model, shared};

const RESNET20: [&str; 3] =
    ["resnet20_torch-legacy_bnfold_op13", "resnet20_torch-legacy_keepbn_op17", "resnet20_torch-dynamo_op18"];

/// File, top-1 on the 10,000 test images, the data options that fit its normalisation.
const FIGURES: [(&str, f64, &str); 10] = [
    ("resnet20_torch-legacy_bnfold_op13", 91.73, "normalize=imagenet"),
    ("resnet20_torch-legacy_keepbn_op17", 91.73, "normalize=imagenet"),
    ("resnet20_torch-dynamo_op18", 91.73, "normalize=imagenet"),
    ("resnet56_torch-legacy_bnfold_op13", 93.39, "normalize=imagenet"),
    ("resnet8_tf2onnx_nhwc_op13", 87.19, "scale=255"),
    ("resnet8_tf2onnx_nchw_op15", 87.19, "scale=255"),
    ("resnet_2b", 69.24, "normalize=cifar10"),
    ("sri_resnet_a", 79.89, "normalize=cifar10"),
    ("marabou_cifar10_large_tf2onnx", 74.16, "normalize=none"),
    ("cifar_deep_kw", 55.31, "normalize=mean=.485,.456,.406;std=.225"),
];

#[test]
fn counts() {
    let Some(s) = shared() else { return };
    for (name, relus, layers) in [(RESNET20[0], 188_416, 19), ("resnet_2b", 6_244, 6)] {
        let v = json(&["inspect", &model(&s, name)]);
        assert_eq!(v["totals"]["relus"], relus);
        assert_eq!(v["layers"].as_array().unwrap().len(), layers);
    }
}

#[test]
fn three_exports_are_one_network() {
    let Some(s) = shared() else { return };
    let all: Vec<_> = RESNET20.iter().map(|m| json(&["inspect", &model(&s, m)])).collect();
    let names = |v: &serde_json::Value| -> Vec<(String, String)> {
        let l = v["layers"].as_array().unwrap().iter();
        l.map(|l| (l["name"].to_string(), l["shape"].to_string())).collect()
    };
    for v in &all[1..] {
        assert_eq!(v["totals"], all[0]["totals"]);
        assert_eq!(names(v), names(&all[0]));
        assert_eq!(v["operations"], all[0]["operations"]);
    }
}

#[test]
fn one_mask_file_fits_the_three_exports() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = |i: usize| dir.path().join(format!("o{i}")).display().to_string();
    let data = cifar(&s, "normalize=imagenet");
    json(&[
        "compile",
        &model(&s, RESNET20[0]),
        "-o",
        &out(0),
        "--budget",
        "30%",
        "--data",
        &data,
        "--limit",
        "200",
        "--rounds",
        "2",
    ]);
    let masks = format!("{}/masks.safetensors", out(0));
    for (i, name) in RESNET20.iter().enumerate().skip(1) {
        json(&["compile", &model(&s, name), "-o", &out(i), "--masks", &masks]);
        let a = format!("{}/model.onnx", out(0));
        let b = format!("{}/model.onnx", out(i));
        let v = json(&["verify", &a, &b, "--data", &data, "--limit", "256", "--tolerance", "1e-4"]);
        assert_eq!(v["argmax_agreement"], 1.0, "{v}");
    }
}

/// Only in builds with tract: `cargo test --release --features tract --test models`.
#[cfg(feature = "tract")]
#[test]
fn every_model_equals_tract_on_real_images() {
    let Some(s) = shared() else { return };
    let others = [("cifar100_3class_resnet20_torch1.13_op9_inlinepreproc", 0.0, "scale=255")];
    for (name, _, options) in FIGURES.iter().chain(&others) {
        let m = model(&s, name);
        for form in [&["--as-imported"][..], &[]] {
            let data = cifar(&s, options);
            let mut args = vec![
                "verify",
                &m,
                &m,
                "--oracle",
                "tract",
                "--data",
                &data,
                "--limit",
                "64",
                "--tolerance",
                "1e-4",
            ];
            args.extend(form);
            let v = json(&args);
            assert_eq!(v["argmax_agreement"], 1.0, "{name}: {v}");
            assert_eq!(v["n"], 64);
            assert!(v["max_abs_difference"].as_f64().unwrap() < 1e-4, "{name}: {v}");
        }
    }
}

#[test]
fn accuracy_is_the_published_one() {
    let Some(s) = shared() else { return };
    for (name, top1, options) in FIGURES {
        let v = json(&["eval", &model(&s, name), "--data", &cifar(&s, options)]);
        let got = v["clean"].as_f64().unwrap();
        println!("{name}: {got} % of {}", v["n"]);
        assert_eq!(v["n"], 10_000);
        assert!((got - top1).abs() <= 0.05, "{name}: {got} against {top1}");
    }
}

#[test]
fn every_pass_keeps_every_model() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    for (name, _, options) in FIGURES {
        let v = json(&[
            "compile",
            &model(&s, name),
            "-o",
            &out,
            "--verify-each",
            "--data",
            &cifar(&s, options),
            "--limit",
            "20",
            "--target",
            "onnx",
            "--target",
            "spu",
        ]);
        for p in v["passes"].as_array().unwrap() {
            assert!(p["max_abs_difference"].is_number(), "{name}: {p}");
        }
        let emitted = format!("{out}/model.onnx");
        json(&["verify", &model(&s, name), &emitted, "--data", &cifar(&s, options), "--limit", "64"]);
    }
}
