//! Quadratic layers from a mask file to the artefacts: squares in every runtime, at the predicted price, and tails that are told.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, crypten_python, emit, json, model, python, run, script, shared};
use relinc::passes::choice::Choice;
use relinc::passes::masks::{LayerMask, Masks};
use serde_json::Value;
use std::path::Path;

/// A residual network with a projection: relu00 is the stem, relu01 and relu03 are inside blocks, relu02 and relu04 after additions.
fn network() -> String {
    "graph net {
       %x = input f32[N,3,12,12]
       %w0 = const f32[6,3,3,3] rand(seed=1, scale=0.4)
       %b0 = const f32[6] rand(seed=2, scale=0.2)
       %c0 = conv(%x, %w0, %b0) {pads=[1,1,1,1]}
       %r0 = relu(%c0)
       %w1 = const f32[6,6,3,3] rand(seed=3, scale=0.3)
       %c1 = conv(%r0, %w1) {pads=[1,1,1,1]}
       %r1 = relu(%c1)
       %w2 = const f32[6,6,3,3] rand(seed=4, scale=0.3)
       %b2 = const f32[6] rand(seed=5, scale=0.2)
       %c2 = conv(%r1, %w2, %b2) {pads=[1,1,1,1]}
       %s2 = add(%c2, %r0)
       %r2 = relu(%s2)
       %w3 = const f32[8,6,3,3] rand(seed=6, scale=0.3)
       %c3 = conv(%r2, %w3) {strides=[2,2], pads=[1,1,1,1]}
       %r3 = relu(%c3)
       %w4 = const f32[8,8,3,3] rand(seed=7, scale=0.3)
       %c4 = conv(%r3, %w4) {pads=[1,1,1,1]}
       %p = const f32[8,6,1,1] rand(seed=8, scale=0.4)
       %q = conv(%r2, %p) {strides=[2,2]}
       %s4 = add(%c4, %q)
       %r4 = relu(%s4)
       %m = global_mean(%r4) {keep=false}
       %v = const f32[10,8] rand(seed=9)
       %y = linear(%m, %v)
       output \"y\" = %y
     }"
    .into()
}

/// Masks by layer: quadratic in all elements, or two elements of three with the others ReLUs; coefficients near the fit of a ReLU.
fn masks(file: &str, quadratic: &[&str], mixed: &[&str], coefficients: [f32; 3], to: &Path) -> String {
    let v = json(&["inspect", file]);
    let mut all = Masks::default();
    for l in v["layers"].as_array().unwrap() {
        let name = l["name"].as_str().unwrap();
        let shape = l["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize);
        let shape: [usize; 3] = shape.collect::<Vec<_>>().try_into().unwrap();
        let [a, b, c] = coefficients;
        let row = |k: usize| [a * (1.0 + 0.1 * (k % 4) as f32), b, c - 0.01 * (k % 4) as f32];
        let values = match (quadratic.contains(&name), mixed.contains(&name)) {
            (true, _) => vec![Choice::Quadratic; shape.iter().product()],
            (_, true) => (0..shape.iter().product())
                .map(|i: usize| if i.is_multiple_of(3) { Choice::Relu } else { Choice::Quadratic })
                .collect(),
            _ => continue,
        };
        let m = LayerMask::new(shape, values).with_quadratics((0..shape[0]).flat_map(row).collect());
        all.layers.insert(name.into(), m);
    }
    let path = to.join("masks.safetensors");
    all.write(&path).unwrap();
    path.display().to_string()
}

fn applied(report: &Value, pass: &str) -> u64 {
    report["passes"].as_array().unwrap().iter().find(|p| p["name"] == pass).unwrap()["applied"]
        .as_u64()
        .unwrap()
}

/// What was compiled computes what the masks say, on so many inputs.
fn means_what_masks_say(file: &str, out: &str, masks: &str, inputs: &str) {
    let compiled = format!("{out}/model.onnx");
    let asked = ["--masks", masks, "--random", inputs, "--tolerance", "1e-5"];
    let v = json(&[&["verify", file, &compiled], &asked[..]].concat());
    assert_eq!(v["equivalent"], true, "{v}");
}

const FIT: [f32; 3] = [0.25, 0.5, 0.15];

#[test]
fn a_quadratic_layer_is_one_product_in_every_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let file = emit(dir.path(), "net.onnx", &network()).display().to_string();
    let masks = masks(&file, &["relu01", "relu03"], &[], FIT, dir.path());
    let o = dir.path().join("out").display().to_string();
    let args = ["compile", &file, "--masks", &masks, "-o", &o, "--verify-each"];
    let targets = ["--target", "onnx", "--target", "spu", "--target", "crypten", "--target", "mp-spdz"];
    let protocols = ["spu-semi2k", "spu-aby3", "spu-cheetah", "crypten-2pc"].map(|p| ["--protocol", p]);
    let report = json(&[&args[..], &targets[..], protocols.as_flattened()].concat());
    assert_eq!((applied(&report, "complete-square"), applied(&report, "push-constant")), (2, 2));
    assert_eq!(report["layers"][1]["action"], "quadratic");
    assert_eq!(report["masks"][1]["quadratic"], report["layers"][1]["relus_before"]);
    let text = std::fs::read_to_string(format!("{o}/spu/model.mlir")).unwrap();
    // Truncations are products, too, by an argument.
    let square = |l: &&str| {
        let operands = l.split_once("stablehlo.multiply ").and_then(|(_, o)| o.split_once(" : "));
        operands.and_then(|(o, _)| o.split_once(", ")).is_some_and(|(a, b)| a == b)
    };
    assert_eq!(text.lines().filter(square).filter(|l| l.contains("x6x12x12x")).count(), 1);
    means_what_masks_say(&file, &o, &masks, "8");
    if let Some(py) = python() {
        for protocol in ["semi2k", "aby3"] {
            script(&py, "check_spu.py", &[&o, protocol, "4"]);
        }
        script(&py, "check_mp_spdz.py", &[&o]);
        if let Some(crypten) = crypten_python() {
            let v = script(&py, "check_crypten.py", &[&o, "2", "2", &crypten]);
            assert_eq!(v["sent_measured"], v["sent_predicted"], "{v}");
        }
    }
}

#[test]
fn mixed_layers_and_layers_after_additions_mean_what_masks_say() {
    let dir = tempfile::tempdir().unwrap();
    let file = emit(dir.path(), "net.onnx", &network()).display().to_string();
    let masks = masks(&file, &["relu02", "relu04"], &["relu01", "relu03"], [-0.2, 0.6, 0.1], dir.path());
    let o = dir.path().join("out").display().to_string();
    json(&[
        "compile",
        &file,
        "--masks",
        &masks,
        "-o",
        &o,
        "--target",
        "onnx",
        "--target",
        "spu",
        "--verify-each",
    ]);
    means_what_masks_say(&file, &o, &masks, "8");
    let Some(py) = python() else { return };
    script(&py, "check_spu.py", &[&o, "semi2k", "1"]);
}

/// 8 exchanges less and 2 more a layer, of the 192 of a ResNet-20 with all its ReLUs; a mean's is pushed away.
#[test]
fn resnet20_with_squares_inside_its_blocks() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let m = model(&s, "resnet20_torch-legacy_bnfold_op13");
    let inside: Vec<String> = (0..9).map(|k| format!("relu{:02}", 2 * k + 1)).collect();
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    let masks = masks(&m, &inside, &[], FIT, dir.path());
    let o = dir.path().join("out").display().to_string();
    let report = json(&["compile", &m, "--masks", &masks, "-o", &o, "--target", "onnx", "--target", "spu"]);
    assert_eq!((applied(&report, "complete-square"), applied(&report, "push-constant")), (9, 9));
    let semi2k = report["cost"].as_array().unwrap().iter().find(|c| c["protocol"] == "spu-semi2k").unwrap();
    let rounds = |c: &Value| c["rounds"].as_f64().unwrap();
    assert_eq!(rounds(&semi2k["lossless"]) - rounds(semi2k), 9.0 * (8.0 - 2.0), "{}", semi2k["rounds"]);
    means_what_masks_say(&m, &o, &masks, "4");
}

#[test]
fn tails_that_leave_the_ring_end_with_one_unless_they_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let layers = json(&["inspect", QUICK])["layers"].as_array().unwrap().clone();
    let names: Vec<&str> = layers.iter().map(|l| l["name"].as_str().unwrap()).collect();
    let masks = masks(QUICK, &names, &[], [16.0, 0.5, 0.0], dir.path());
    let o = dir.path().join("out").display().to_string();
    let args = [
        "compile",
        QUICK,
        "--masks",
        &masks,
        "-o",
        &o,
        "--data",
        "shapes?train=64&val=16",
        "--limit",
        "32",
        "--target",
        "spu",
    ];
    let out = run(&args);
    let err = String::from_utf8_lossy(&out.stderr).to_string();
    assert_eq!(out.status.code(), Some(1), "{err}");
    assert!(err.contains("Tails of quadratic layers: on ") && err.contains("--allow-tails insists"), "{err}");
    let report: Value = serde_json::from_slice(&std::fs::read(format!("{o}/report.json")).unwrap()).unwrap();
    let tails = report["tails"]["layers"].as_array().unwrap();
    assert_eq!(tails.len(), names.len());
    assert!(
        tails
            .iter()
            .all(|t| t["calibrated"].as_f64().unwrap() > 0.0 && t["elements_beyond"].as_f64().unwrap() < 1.0)
    );
    let report = json(&[&args[..], &["--allow-tails"]].concat());
    assert_eq!(report["settings"]["allow_tails"], true);
    assert!(!report["tails"]["failures"].as_array().unwrap().is_empty());
    // A network without quadratic layers has none.
    let plain = json(&["compile", QUICK, "-o", &o, "--data", "shapes?train=64&val=16", "--limit", "32"]);
    assert!(plain.get("tails").is_none());
}

#[test]
fn a_file_without_coefficients_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = emit(dir.path(), "net.onnx", &network()).display().to_string();
    let path = dir.path().join("masks.safetensors");
    let mut all = Masks::default();
    all.layers.insert("relu00".into(), LayerMask::uniform([6, 12, 12], Choice::Quadratic));
    all.write(&path).unwrap();
    let o = dir.path().join("out").display().to_string();
    let out = run(&["compile", &file, "--masks", &path.display().to_string(), "-o", &o]);
    let err = String::from_utf8_lossy(&out.stderr).to_string();
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(
        err.contains("layer relu00: 864 elements are quadratic (3), and relu00.quadratic, f32[6,3]"),
        "{err}"
    );
    assert!(!Path::new(&o).exists());
}
