//! The emitted artefacts in the runtimes they are for: onnxruntime and SPU.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cifar, json, model, python, script, shared};
use relinc_passes::back::owners::Pictures;
use relinc_passes::back::spu::{SpuOptions, Variant, emit, siblings, taps_of};
use relinc_passes::driver::valid;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::driver::{self, Options};
use relinc_passes::interp::Interp;
use relinc_passes::ir::Tensor;
use relinc_passes::ir::text::parse;
use relinc_passes::passes::find;
use std::collections::HashSet;
use std::path::Path;

const RESNET20: &str = "resnet20_torch-legacy_bnfold_op13";

/// ResNet-20 at half and at a tenth of its ReLUs: onnxruntime against the interpreter on 256 images, SPU SEMI2K and ABY3
/// against onnxruntime on 20, bytes against the report.
/// Secret weights, one image a query.
fn secret(sample: Tensor, variants: Vec<Variant>) -> SpuOptions {
    SpuOptions {
        weights: "secret".into(),
        sample,
        variants,
        format: None,
        alone: None,
        images: 1,
        pictures: Pictures::default(),
    }
}

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
#[cfg(feature = "tract")]
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

/// Kernels, strides, paddings and dilations of several kinds, biases, a filter a channel, and two groups of three channels.
const CONVOLUTIONS: &str = "graph convolutions {
  %x = input f32[N,3,11,10]
  %w0 = const f32[4,3,3,3] rand(seed=1)
  %b0 = const f32[4] rand(seed=2)
  %c0 = conv(%x, %w0, %b0) {pads=[1, 1, 1, 1]}
  %w1 = const f32[6,4,2,3] rand(seed=3)
  %c1 = conv(%c0, %w1) {strides=[1, 2], pads=[0, 2, 1, 0]}
  %w2 = const f32[6,1,3,3] rand(seed=4)
  %c2 = conv(%c1, %w2) {pads=[1, 1, 1, 1], group=6}
  %w3 = const f32[5,6,1,1] rand(seed=5)
  %b3 = const f32[5] rand(seed=6)
  %wg = const f32[6,3,3,3] rand(seed=8)
  %bg = const f32[6] rand(seed=9)
  %cg = conv(%c2, %wg, %bg) {pads=[1, 1, 1, 1], group=2}
  %c3 = conv(%cg, %w3, %b3) {strides=[2, 2], pads=[0, 0, 0, 0]}
  %w4 = const f32[3,5,3,2] rand(seed=7)
  %c4 = conv(%c3, %w4) {pads=[2, 1, 2, 1], dilations=[2, 1], strides=[2, 1]}
  output \"y\" = %c4
}
";

/// The two forms of a convolution give the interpreter's numbers, on every ring and under every weight setting.
#[test]
fn convolutions_in_both_forms_on_spu() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let g = parse(CONVOLUTIONS).unwrap();
    let v = valid::check(&g).unwrap();
    let x = Tensor::f32([1, 3, 11, 10], (0..330).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect());
    let want = Interp::new(&g).unwrap().run(vec![x.clone()]).unwrap();
    let want = want[0].as_f32().unwrap();
    let all = g.ids().filter(|&id| taps_of(&g, v.facts(), id).is_some()).collect();
    let variant = |protocol: &str, taps| Variant {
        protocol: protocol.into(),
        taps,
        dense: Default::default(),
        siblings: vec![],
    };
    let mut aby3 = variant("aby3", Default::default());
    aby3.dense = g.by_name("cg").into_iter().collect();
    let variants = vec![variant("semi2k", all), aby3];
    emit(&v, dir.path(), &secret(x, variants)).unwrap();
    let run = |args: &[&str]| -> serde_json::Value {
        let out = std::process::Command::new(&py)
            .arg(dir.path().join("run.py"))
            .args(["--json", "--timeout", "120"])
            .args(args)
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    for (args, file, taps, tolerance) in [
        (&[][..], "model.mlir", 4, 1e-3),
        (&["--weights", "public"], "model.mlir", 4, 1e-3),
        (&["--fraction", "12"], "model.mlir", 4, 5e-2),
        (&["--field", "128"], "model.mlir", 4, 1e-5),
        (&["--protocol", "aby3"], "model.aby3.mlir", 0, 1e-3),
    ] {
        let got = run(args);
        assert_eq!((&got["program"], &got["convolutions"]["taps"]), (&file.into(), &taps.into()), "{args:?}");
        let range = want.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        for (y, w) in got["outputs"][0].as_array().unwrap().iter().zip(want) {
            let off = (y.as_f64().unwrap() as f32 - w).abs();
            assert!(off <= tolerance * range, "{args:?}: {y}, not {w}");
        }
    }
}

/// A block without ReLUs: merged, with its border corrected and its shortcut in the kernel, it is one product and one
/// truncation on SPU, and computes what the two convolutions did.
#[test]
fn a_corrected_border_is_one_product_on_spu() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (strides, pads, shortcut) in [
        ("[1, 1]", "[1, 1, 1, 1]", true),
        ("[2, 1]", "[1, 1, 1, 1]", false),
        ("[1, 2]", "[1, 2, 0, 1]", false),
    ] {
        let last = if shortcut { "%y = add(%b, %x)" } else { "%y = add(%b, %b2)" };
        let text = format!(
            "graph block {{\n  %x = input f32[1,3,9,8]\n  %w1 = const f32[4,3,3,3] rand(seed=1)\n  %b1 = const f32[4] rand(seed=2)\n  \
             %a = conv(%x, %w1, %b1) {{pads=[1, 1, 1, 1], strides={strides}}}\n  %w2 = const f32[3,4,3,3] rand(seed=3)\n  \
             %b2 = const f32[3,1,1] rand(seed=4)\n  %b = conv(%a, %w2) {{pads={pads}}}\n  {last}\n  output \"y\" = %y\n}}\n"
        );
        let mut g = parse(&text).unwrap();
        let x = Tensor::f32([1, 3, 9, 8], (0..216).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect());
        let want = Interp::new(&g).unwrap().run(vec![x.clone()]).unwrap();
        let options = Options { fold: Fold::Always, ..Options::default() };
        for name in ["merge-conv", "merge-branches", "drop-dead"] {
            driver::run(find(name).unwrap(), &mut g, &options).unwrap();
        }
        let v = valid::check(&g).unwrap();
        let taps = g.ids().filter(|&id| taps_of(&g, v.facts(), id).is_some()).collect::<HashSet<_>>();
        assert!(taps.len() > 2, "no correction: {}", taps.len());
        let variants =
            vec![Variant { protocol: "semi2k".into(), taps, dense: Default::default(), siblings: vec![] }];
        emit(&v, dir.path(), &secret(x, variants)).unwrap();
        let out = std::process::Command::new(&py)
            .arg(dir.path().join("run.py"))
            .args(["--json", "--timeout", "120"])
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let got: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let want = want[0].as_f32().unwrap();
        let range = want.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        let flat = got["outputs"][0].to_string();
        let outputs: Vec<f32> =
            flat.split(['[', ']', ',']).filter(|s| !s.is_empty()).map(|s| s.parse().unwrap()).collect();
        assert_eq!(outputs.len(), want.len());
        for (y, w) in outputs.iter().zip(want) {
            assert!((y - w).abs() <= 1e-3 * range, "{y}, not {w}");
        }
        // The zeros around the result are shared once a program.
        assert_eq!(got["ops"]["pphlo.dot"]["count"], 1, "{}", got["ops"]);
        assert_eq!(got["ops"]["pphlo.multiply"]["count"], 1, "{}", got["ops"]);
    }
}

/// At a tenth of the ReLUs, SEMI2K sends what the laws say and ABY3 keeps its own convolutions.
#[test]
fn forms_are_chosen_by_protocol() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().display().to_string();
    let m = model(&s, RESNET20);
    let cost = |extra: &[&str]| {
        let report = json(
            &[
                &["compile", &m, "-o", &out, "--target", "spu", "--network", "lan"][..],
                &["--protocol", "semi2k", "--protocol", "aby3"][..],
                extra,
            ]
            .concat(),
        );
        let bytes = |i: usize| report["cost"][i]["online_bytes"].as_u64().unwrap();
        (bytes(0), bytes(1))
    };
    let direct = cost(&["--conv-form", "direct"]);
    // 256 bytes below the network as it is: the mean of 64 channels is a sum, without its truncation.
    assert_eq!(direct.0, 28_632_232 - 256);
    assert!(!dir.path().join("spu/model.aby3.mlir").exists());
    let auto = cost(&[]);
    assert_eq!(auto, (4_400_296 - 256 + 72 * 188_416, direct.1));
    assert!(dir.path().join("spu/model.aby3.mlir").exists());
    assert_eq!(
        cost(&["--weights", "public", "--conv-form", "auto"]),
        cost(&["--weights", "public", "--conv-form", "direct"])
    );
}

/// A convolution and a projection that read one value, with gathered elements between, for several images at once.
const BLOCK: &str = "graph block {
  %x = input f32[N,3,9,8]
  %w1 = const f32[4,3,3,3] rand(seed=1)
  %b1 = const f32[4] rand(seed=2)
  %a = conv(%x, %w1, %b1) {strides=[2, 2], pads=[1, 1, 1, 1]}
  %f = reshape(%a) {dims=[N, 80]}
  %i = const i64[5] [3, 17, 20, 41, 79]
  %k = gather(%f, %i) {axis=1}
  %r = relu(%k)
  %j = const i64[80] splat(2)
  %p = gather(%r, %j) {axis=1}
  %q = add(%f, %p)
  %h = reshape(%q) {dims=[N, 4, 5, 4]}
  %w2 = const f32[4,4,3,3] rand(seed=3)
  %b = conv(%h, %w2) {pads=[1, 1, 1, 1]}
  %w3 = const f32[4,3,1,1] rand(seed=4)
  %b3 = const f32[4] rand(seed=5)
  %s = conv(%x, %w3, %b3) {strides=[2, 2], pads=[0, 0, 0, 0]}
  %y = add(%b, %s)
  %m = global_mean(%y) {keep=false}
  output \"m\" = %m
}
";

/// Queries of three images, the last one not full, with a product that two convolutions share: the interpreter's numbers, and node
/// by node what a whole query sends.
#[test]
fn queries_of_several_images_on_spu() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let g = parse(BLOCK).unwrap();
    let v = valid::check(&g).unwrap();
    let x = Tensor::f32([4, 3, 9, 8], (0..864).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect());
    let want = Interp::new(&g).unwrap().run(vec![x.clone()]).unwrap();
    let want = want[0].as_f32().unwrap();
    let taps: HashSet<_> = g.ids().filter(|&id| taps_of(&g, v.facts(), id).is_some()).collect();
    let shared = siblings(&g, v.facts(), &taps);
    assert_eq!((taps.len(), shared.len()), (3, 1));
    let variant = |protocol: &str| Variant {
        protocol: protocol.into(),
        taps: taps.clone(),
        dense: HashSet::new(),
        siblings: shared.clone(),
    };
    let variants = vec![variant("semi2k"), variant("aby3")];
    let o = SpuOptions {
        weights: "secret".into(),
        sample: x,
        variants,
        format: None,
        alone: None,
        images: 3,
        pictures: Pictures::default(),
    };
    emit(&v, dir.path(), &o).unwrap();
    for args in [&["--layers"][..], &["--truncation", "bounded", "--fraction", "12"], &["--protocol", "aby3"]]
    {
        let out = std::process::Command::new(&py)
            .arg(dir.path().join("run.py"))
            .args(["--json", "--timeout", "120", "--n", "4"])
            .args(args)
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let got: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((&got["query_batch"], got["per_image"].as_array().unwrap().len()), (&3.into(), 2));
        let outputs: Vec<f64> = got["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|o| o.as_array().unwrap())
            .map(|y| y.as_f64().unwrap())
            .collect();
        assert_eq!(outputs.len(), want.len());
        for (y, w) in outputs.iter().zip(want) {
            assert!((y - f64::from(*w)).abs() < 2e-2, "{args:?}: {y}, not {w}");
        }
        if args[0] == "--layers" {
            let sent = |of: &serde_json::Value| of["sent_bytes"].as_f64().unwrap();
            let sum: f64 = got["layers"].as_array().unwrap().iter().map(sent).sum();
            assert_eq!(sum, sent(&got["later"]));
        }
    }
}
