//! ReLUs with a cap: a layer like others, with two comparisons an element, from the file to the artefact.
#![allow(clippy::unwrap_used)]

mod common;

use common::{emit, json, python, run, script};
use relinc::passes::choice::Choice::{self, Identity, Relu, Uncapped, Zero};
use relinc::passes::front::onnx::{ImportOptions, import};
use relinc::passes::interp::Interp;
use relinc::passes::ir::{Graph, Op, Tensor};
use relinc::passes::masks::{LayerMask, Masks};
use std::path::Path;

const DATA: &str = "shapes?train=192&val=64";
/// Comparisons of [`network`]: 6·8·8 elements with a cap, 12·8·8 twice, and 8·4·4 ReLUs.
const ALL: usize = 2 * (384 + 2 * 768) + 128;

/// An inverted residual block, as MobileNetV2 has, whose activations have a cap that some of their operands pass.
fn network() -> String {
    "graph net {
       %x = input f32[N,3,32,32]
       %w1 = const f32[6,3,3,3] rand(seed=1, scale=0.5)
       %g = const f32[6] splat(1.5)
       %z = const f32[6] splat(0.1)
       %v = const f32[6] splat(1)
       %c1 = conv(%x, %w1) {strides=[4,4], pads=[1,1,1,1]}
       %n1 = batch_norm(%c1, %g, %z, %z, %v)
       %r1 = clip(%n1) {min=0, max=0.5}
       %w2 = const f32[12,6,1,1] rand(seed=2, scale=0.8)
       %c2 = conv(%r1, %w2)
       %half = const f32[] [0.5]
       %p2 = relu(%c2)
       %r2 = min(%p2, %half)
       %w3 = const f32[12,1,3,3] rand(seed=3, scale=0.5)
       %c3 = conv(%r2, %w3) {pads=[1,1,1,1], group=12}
       %r3 = clip(%c3) {min=0, max=0.4}
       %w4 = const f32[6,12,1,1] rand(seed=4, scale=0.5)
       %c4 = conv(%r3, %w4)
       %s = add(%c4, %n1)
       %w5 = const f32[8,6,3,3] rand(seed=5, scale=0.3)
       %c5 = conv(%s, %w5) {strides=[2,2], pads=[1,1,1,1]}
       %r5 = relu(%c5)
       %m = global_mean(%r5) {keep=false}
       %w6 = const f32[10,8] rand(seed=6)
       %y = linear(%m, %w6)
       output \"y\" = %y
     }"
    .into()
}

fn write(dir: &Path) -> String {
    emit(dir, "net.onnx", &network()).display().to_string()
}

fn graph(file: &str) -> Graph {
    import(Path::new(file), &ImportOptions::default()).unwrap().graph
}

fn outputs(g: &Graph, x: &Tensor) -> Vec<f32> {
    Interp::new(g).unwrap().run(vec![x.clone()]).unwrap()[0].as_f32().unwrap().to_vec()
}

fn images() -> Tensor {
    relinc::random::uniform(&[3, 3, 32, 32], 7)
}

fn close(a: &[f32], b: &[f32]) {
    let top = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * top), "{a:?}\n{b:?}");
}

/// The network with its activations replaced as masks say, element by element and without any pass.
fn by_hand(file: &str, masks: &Masks) -> Graph {
    let mut g = graph(file);
    for (layer, node, cap) in [("relu00", "r1", 0.5), ("relu01", "r2", 0.5), ("relu02", "r3", 0.4)] {
        let Some(m) = masks.layers.get(layer) else { continue };
        let node = g.by_name(node).unwrap();
        let [c, h, w] = m.shape;
        let codes = m.values.iter().map(|v| v.code()).collect();
        let mask = g.constant(format!("{layer}.mask"), Tensor::u8([c, h, w], codes));
        let x = g.operand(node, 0).unwrap();
        // min(relu(x), c) reads a ReLU.
        let x = if *g.op(x) == Op::Relu { g.operand(x, 0).unwrap() } else { x };
        g.set_op(node, Op::MaskedRelu { cap, given: vec![] });
        g.set_operands(node, &[x, mask]);
    }
    g
}

fn masks(out: &Path) -> Masks {
    Masks::read(&out.join("masks.safetensors")).unwrap()
}

#[test]
fn every_spelling_is_a_layer_of_two_comparisons() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let v = json(&["inspect", &file]);
    let layers: Vec<_> = v["layers"].as_array().unwrap().iter().collect();
    let of = |key: &str| layers.iter().map(|l| l[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("name"), ["relu00", "relu01", "relu02", "relu03"]);
    assert_eq!(of("relus"), [768, 1536, 1536, 128]);
    let caps: Vec<_> = layers.iter().map(|l| l["cap"].as_f64().map(|c| c as f32)).collect();
    assert_eq!(caps, [Some(0.5), Some(0.5), Some(0.4), None]);
    assert_eq!((&v["totals"]["relus"], &v["totals"]["comparisons"]), (&ALL.into(), &ALL.into()));
    let text = String::from_utf8(run(&["inspect", &file]).stdout).unwrap();
    assert!(text.contains("3 of 4 ReLU layers have a cap (0.4, 0.5; relu00 … relu02)"), "{text}");
}

/// All four values, from a file: the artefact computes what the masks say of the imported network.
#[test]
fn masks_mean_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let mask = |shape: [usize; 3], shift: usize| {
        let n = shape.iter().product();
        let values = [Identity, Relu, Zero, Uncapped];
        LayerMask::new(shape, (0..n).map(|i| values[(i * 7 + i / 5 + shift) % 4]).collect())
    };
    let layers = [("relu00", mask([6, 8, 8], 0)), ("relu02", mask([12, 8, 8], 1))];
    let given = Masks {
        layers: layers.into_iter().map(|(name, m)| (name.to_string(), m)).collect(),
        ..Masks::default()
    };
    let path = dir.path().join("masks.safetensors");
    given.write(&path).unwrap();
    let out = dir.path().join("out");
    let to = out.display().to_string();
    let report =
        json(&["compile", &file, "--masks", &path.display().to_string(), "-o", &to, "--target", "onnx"]);
    let compiled = graph(&out.join("model.onnx").display().to_string());
    close(&outputs(&compiled, &images()), &outputs(&by_hand(&file, &given), &images()));
    let kept = |m: &LayerMask| 2 * m.count(Relu) + m.count(Uncapped);
    let of = |name: &str| kept(&given.layers[name]);
    assert_eq!(report["totals"]["relus"], of("relu00") + 1536 + of("relu02") + 128);
    let first = &report["layers"][0];
    assert_eq!(
        (first["relus"].as_u64().unwrap() as usize, &first["relus_before"]),
        (of("relu00"), &768.into())
    );
    assert_eq!(report["masks"][0]["uncapped"], given.layers["relu00"].count(Uncapped));
    assert!(report["notes"].to_string().contains("two comparisons with its cap and one without"));
    // What is written is read again.
    let again =
        json(&["compile", &file, "--masks", &path.display().to_string(), "-o", &to, "--target", "onnx"]);
    assert_eq!(again["totals"], report["totals"]);
}

/// A value that means a ReLU without a cap is a ReLU in a layer that has none.
#[test]
fn without_a_cap_there_is_none_to_lose() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let layers = [("relu03".to_string(), LayerMask::uniform([8, 4, 4], Uncapped))].into();
    let path = dir.path().join("masks.safetensors");
    Masks { layers, ..Masks::default() }.write(&path).unwrap();
    let out = dir.path().join("out");
    let to = out.display().to_string();
    let report = json(&["compile", &file, "--masks", &path.display().to_string(), "-o", &to]);
    assert_eq!(report["totals"]["relus"], ALL);
    assert!(masks(&out).layers["relu03"].only(Relu));
}

/// Every method meets a budget of comparisons, and what it writes is what its masks say.
#[test]
fn every_method_meets_a_budget_of_comparisons() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let common =
        ["--data", DATA, "--budget", "50%", "--calibration", "48", "--limit", "40", "--target", "onnx"];
    for method in ["compile", "oneshot", "gradual", "senet", "snl", "rlnet", "bcd"] {
        let out = dir.path().join(method);
        let to = out.display().to_string();
        let own: &[&str] = match method {
            "compile" => &["compile", &file, "-o", &to],
            "oneshot" => &["search", &file, "-o", &to, "--method", method],
            _ => &["search", &file, "-o", &to, "--method", method, "--epochs", "1", "--batch", "48"],
        };
        let report = json(&[own, &common].concat());
        assert_eq!(report["totals"]["relus"], ALL / 2, "{method}");
        let found = masks(&out);
        let lost: usize = found.layers.values().map(|m| m.count(Uncapped)).sum();
        assert!(lost > 0, "{method} took no cap away");
        assert!(found.layers["relu03"].count(Uncapped) == 0, "{method}");
        let notes = report["notes"].to_string();
        assert!(
            notes.contains("Caps: ") && notes.contains("never above it on 48 training images"),
            "{method}: {notes}"
        );
        // Evaluation under the masks is that of the artefact.
        let artefact = out.join("model.onnx").display().to_string();
        let original =
            if method == "compile" { file.clone() } else { out.join("trained.onnx").display().to_string() };
        let file_of_masks = out.join("masks.safetensors").display().to_string();
        let evaluate = |args: &[&str]| json(&[&["eval", "--data", DATA, "--limit", "40"], args].concat());
        let masked = evaluate(&[&original, "--masks", &file_of_masks]);
        let compiled = evaluate(&[&artefact]);
        assert_eq!(masked["accuracy"], compiled["accuracy"], "{method}");
    }
}

/// Tuning under masks with such values, and images that find idle caps.
#[test]
fn tuned_and_relieved_of_idle_caps() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let out = |name: &str| dir.path().join(name);
    let to = |name: &str| out(name).display().to_string();
    json(&["compile", &file, "-o", &to("first"), "--data", DATA, "--budget", "60%", "--calibration", "48"]);
    let first = out("first").join("masks.safetensors").display().to_string();
    let tuned = json(&[
        "tune",
        &file,
        "-o",
        &to("tuned"),
        "--masks",
        &first,
        "--data",
        DATA,
        "--epochs",
        "1",
        "--batch",
        "48",
    ]);
    assert_eq!(tuned["totals"]["relus"], ALL * 60 / 100);
    let report = json(&["compile", &file, "-o", &to("stable"), "--data", DATA, "--stable-sign", "64"]);
    let found = masks(&out("stable"));
    assert!(found.layers["relu00"].count(Uncapped) > 0);
    assert_eq!(
        report["totals"]["relus"],
        found
            .layers
            .iter()
            .map(|(name, m)| {
                let cap = if name == "relu03" { 1 } else { 2 };
                cap * m.count(Relu) + m.count(Uncapped)
            })
            .sum::<usize>()
    );
    assert!(report["notes"].to_string().contains("others were never above their cap and lost it"));
}

/// Half hard swish: what holds its comparisons is said, with exit code 2 and before an image is read.
#[test]
fn a_network_with_nothing_to_mask_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for (name, activation, says) in [
        (
            "hard_swish",
            "%a = const f32[] [0.16666667] %b = const f32[] [0.5] %p = mul(%c, %a) %q = add(%p, %b)
             %k = clip(%q) {min=0, max=1} %r = mul(%c, %k)",
            "Its 768 secure comparisons are in other operations: hard swish (768)",
        ),
        (
            "silu",
            "%k = sigmoid(%c) %r = mul(%c, %k)",
            "It has no secure comparison at all; its activations without one: 1 SiLU",
        ),
        ("none", "%r = identity(%c)", "It has no secure comparison at all. "),
        ("pooled", "%r = max_pool(%c) {kernel=[2,2], strides=[2,2]}", "max_pool (288)"),
    ] {
        let text = format!(
            "graph {name} {{
               %x = input f32[N,3,32,32]
               %w = const f32[6,3,3,3] rand(seed=1)
               %c = conv(%x, %w) {{strides=[4,4], pads=[1,1,1,1]}}
               {activation}
               %m = global_mean(%r) {{keep=false}}
               %v = const f32[10,6] rand(seed=2)
               %y = linear(%m, %v)
               output \"y\" = %y
             }}"
        );
        let file = emit(dir.path(), "n.onnx", &text).display().to_string();
        let out = dir.path().join("out").display().to_string();
        let asked = ["--data", "cifar10:/nowhere", "--budget", "50%", "-o", &out];
        let budget = [&["compile", &file][..], &asked].concat();
        let mut all = vec![budget];
        for method in ["oneshot", "gradual", "senet", "snl", "rlnet", "bcd"] {
            all.push([&["search", &file, "--method", method][..], &asked].concat());
        }
        for args in all {
            let args: Vec<&str> =
                args.iter().map(|a| if *a == "cifar10:/nowhere" { DATA } else { *a }).collect();
            let found = run(&args);
            let err = String::from_utf8_lossy(&found.stderr);
            assert_eq!(found.status.code(), Some(2), "{args:?}: {err}");
            assert!(err.contains("no ReLU layer") && err.contains(says), "{args:?}: {err}");
            assert!(!err.contains("reading images") && !Path::new(&out).exists(), "{err}");
        }
    }
}

/// In onnxruntime and in SPU the artefact computes what the masks say.
#[test]
fn runtimes_agree() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path());
    let out = dir.path().join("out").display().to_string();
    json(&[
        "compile",
        &file,
        "-o",
        &out,
        "--data",
        DATA,
        "--budget",
        "60%",
        "--calibration",
        "48",
        "--target",
        "onnx",
        "--target",
        "spu",
    ]);
    let (x, y) = (format!("{out}/x.npy"), format!("{out}/y.npy"));
    let found = format!("{out}/masks.safetensors");
    json(&[
        "eval",
        &file,
        "--data",
        DATA,
        "--limit",
        "40",
        "--masks",
        &found,
        "--save-inputs",
        &x,
        "--save-outputs",
        &y,
    ]);
    let v = script(&py, "check_onnx.py", &[&format!("{out}/model.onnx"), &x, &y]);
    assert_eq!(v["argmax_agreement"], 1.0);
    assert!(v["max_abs_difference"].as_f64().unwrap() <= 1e-4 * v["range"].as_f64().unwrap(), "{v}");
    let values = Masks::read(Path::new(&found)).unwrap();
    let has = |c: Choice| values.layers.values().any(|m| m.count(c) > 0);
    assert!([Identity, Zero, Relu, Uncapped].into_iter().filter(|c| has(*c)).count() >= 3);
    let spu = script(&py, "check_spu.py", &[&out, "semi2k", "8"]);
    assert_eq!(spu["n"], 8);
}
