//! ReLUs that do nothing while others keep theirs: masks mean what they say, and nothing is spent on what does nothing.
#![allow(clippy::unwrap_used)]

mod common;

use common::{emit, json};
use relinc::passes::choice::Choice::{self, Identity, Relu, Zero};
use relinc::passes::choice::NO_CAP;
use relinc::passes::front::onnx::{ImportOptions, import};
use relinc::passes::interp::Interp;
use relinc::passes::ir::text::parse;
use relinc::passes::ir::{Graph, Op, Tensor};
use relinc::passes::masks::{LayerMask, Masks};
use std::collections::BTreeMap;
use std::path::Path;

/// relu00 is `%r`, relu01 `%r3`; relu02 is `%r2`, which reads `%r`.
const NET: &str = "graph twice {
  %x = input f32[N,3,32,32]
  %w = const f32[4,3,3,3] rand(seed=1, scale=0.5)
  %c = conv(%x, %w) {strides=[4,4], pads=[1,1,1,1]}
  %r = relu(%c)
  %r2 = relu(%r)
  %w2 = const f32[4,4,3,3] rand(seed=2, scale=0.5)
  %c2 = conv(%r2, %w2) {pads=[1,1,1,1]}
  %r3 = relu(%c2)
  %m = global_mean(%r3) {keep=false}
  %w3 = const f32[10,4] rand(seed=3)
  %y = linear(%m, %w3)
  output \"y\" = %y
}";
const SHAPE: [usize; 3] = [4, 8, 8];
const DATA: &str = "shapes?train=192&val=64";

fn run(g: &Graph) -> Vec<f32> {
    let x = relinc::random::uniform(&[5, 3, 32, 32], 3);
    let out = Interp::new(g).unwrap().run(vec![x]).unwrap();
    out[0].as_f32().unwrap().to_vec()
}

/// The network with its ReLUs replaced as masks say, element by element and without any pass.
fn by_hand(masks: &Masks) -> Vec<f32> {
    let mut g = parse(NET).unwrap();
    for (layer, name) in [("relu00", "r"), ("relu01", "r3"), ("relu02", "r2")] {
        let Some(m) = masks.layers.get(layer) else { continue };
        let node = g.by_name(name).unwrap();
        let x = g.operand(node, 0).unwrap();
        let mask = g
            .constant(format!("{name}.mask"), Tensor::u8(SHAPE, m.values.iter().map(|c| c.code()).collect()));
        g.set_op(node, Op::MaskedRelu { cap: NO_CAP, given: vec![] });
        g.set_operands(node, &[x, mask]);
    }
    run(&g)
}

fn of(layers: &[(&str, Vec<Choice>)]) -> Masks {
    let of = |(name, values): &(&str, Vec<Choice>)| (name.to_string(), LayerMask::new(SHAPE, values.clone()));
    Masks { layers: layers.iter().map(of).collect(), ..Masks::default() }
}

/// Values that change with every element.
fn mixed(seed: usize) -> Vec<Choice> {
    (0..256).map(|i| [Identity, Relu, Zero, Identity, Relu][(i * 7 + i / 5 + seed) % 5]).collect()
}

/// Compiles under masks and checks the function; what is kept by layer.
fn compiled(dir: &Path, masks: &Masks) -> BTreeMap<String, usize> {
    let (model, file, out) = (emit(dir, "net.onnx", NET), dir.join("in.safetensors"), dir.join("out"));
    let _ = std::fs::remove_dir_all(&out);
    masks.write(&file).unwrap();
    let [model, file, o] = [&model, &file, &out].map(|p| p.display().to_string());
    let v = json(&["compile", &model, "--masks", &file, "-o", &o, "--verify-each"]);
    let got = run(&import(&out.join("model.onnx"), &ImportOptions::default()).unwrap().graph);
    let written = Masks::read(&out.join("masks.safetensors")).unwrap();
    for (want, what) in [(by_hand(masks), "the masks given"), (by_hand(&written), "the masks written")] {
        let far = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "{what}: {far}");
    }
    assert_eq!(v["totals"]["relus"].as_u64().unwrap() as usize, written.kept());
    written.layers.into_iter().map(|(name, m)| (name, m.kept())).collect()
}

#[test]
fn a_relu_stays_that_others_no_longer_make_idle() {
    let dir = tempfile::tempdir().unwrap();
    let kept = compiled(dir.path(), &of(&[("relu00", vec![Identity; 256]), ("relu01", vec![Relu; 256])]));
    assert_eq!(kept.into_values().collect::<Vec<_>>(), [0, 256, 256]);
}

#[test]
fn it_works_where_the_one_before_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let m = mixed(0);
    let identities = m.iter().filter(|&&v| v == Identity).count();
    let kept = compiled(dir.path(), &of(&[("relu00", m)]));
    assert_eq!(kept["relu02"], identities);
}

#[test]
fn it_can_be_masked_itself() {
    let dir = tempfile::tempdir().unwrap();
    compiled(dir.path(), &of(&[("relu00", mixed(0)), ("relu02", mixed(3))]));
    compiled(dir.path(), &of(&[("relu00", mixed(1)), ("relu01", mixed(2)), ("relu02", mixed(4))]));
    let kept = compiled(dir.path(), &of(&[("relu02", mixed(3))]));
    assert_eq!((kept["relu00"], kept["relu02"]), (256, 0));
}

#[test]
fn it_goes_while_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let kept = compiled(dir.path(), &Masks::default());
    assert_eq!(kept.into_values().collect::<Vec<_>>(), [256, 256, 0]);
    let v = json(&["inspect", &dir.path().join("net.onnx").display().to_string()]);
    assert_eq!(v["totals"]["relus"], 512);
    let last = &v["layers"][2];
    assert_eq!(
        (&last["name"], &last["relus"], &last["relus_before"]),
        (&"relu02".into(), &0.into(), &256.into())
    );
    assert_eq!(last["source"], "r2");
    let text = std::fs::read_to_string(dir.path().join("out/report.txt")).unwrap();
    assert!(text.contains("redundant") && !text.contains("ReLUs were removed"), "{text}");
}

#[test]
fn a_search_spends_nothing_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let model = emit(dir.path(), "net.onnx", NET).display().to_string();
    let args = ["--data", DATA, "--budget", "50%", "--calibration", "32", "--limit", "50"];
    let mut found = vec![];
    for how in [
        &["compile"][..],
        &["search", "--method", "gradual", "--epochs", "1", "--batch", "32"],
        &["search", "--method", "bcd", "--epochs", "1", "--batch", "32", "--bn", "none"],
    ] {
        let out = dir.path().join(format!("out{}", found.len()));
        let o = out.display().to_string();
        let v = json(&[how, &[&model, "-o", &o], &args].concat());
        assert_eq!(v["totals"]["relus"], 256, "{how:?}");
        let masks = Masks::read(&out.join("masks.safetensors")).unwrap();
        assert_eq!(masks.layers["relu02"], LayerMask::uniform(SHAPE, Identity), "{how:?}");
        found.push(out);
    }
    // What is written means the network that was found.
    for (from, out) in
        [(&found[0], model.clone()), (&found[1], found[1].join("trained.onnx").display().to_string())]
    {
        let again = dir.path().join("again").display().to_string();
        let masks = from.join("masks.safetensors").display().to_string();
        json(&["compile", &out, "--masks", &masks, "-o", &again]);
        let same =
            json(&["verify", &from.join("model.onnx").display().to_string(), &format!("{again}/model.onnx")]);
        assert_eq!(same["equivalent"], true);
        std::fs::remove_dir_all(&again).unwrap();
    }
}

#[test]
fn tuning_keeps_what_the_masks_need() {
    let dir = tempfile::tempdir().unwrap();
    let (model, file, out) =
        (emit(dir.path(), "net.onnx", NET), dir.path().join("m.safetensors"), dir.path().join("out"));
    of(&[("relu00", vec![Identity; 256])]).write(&file).unwrap();
    let [model, file, o] = [&model, &file, &out].map(|p| p.display().to_string());
    let args = ["--data", DATA, "--epochs", "1", "--batch", "32", "--limit", "50"];
    let v = json(&[&["tune", &model, "--masks", &file, "-o", &o], &args[..]].concat());
    let kept: Vec<u64> =
        v["layers"].as_array().unwrap().iter().map(|l| l["relus"].as_u64().unwrap()).collect();
    assert_eq!(kept, [0, 256, 256]);
}

#[test]
fn a_declared_range_changes_no_name() {
    let dir = tempfile::tempdir().unwrap();
    // Weights and inputs are not negative, so neither is what the first ReLU reads.
    let text = NET.replace("rand(seed=1, scale=0.5)", "splat(0.1)");
    let model = emit(dir.path(), "net.onnx", &text).display().to_string();
    let out = dir.path().join("out");
    let o = out.display().to_string();
    let file = dir.path().join("m.safetensors");
    of(&[("relu01", mixed(2))]).write(&file).unwrap();
    let m = file.display().to_string();
    let v = json(&[
        "compile",
        &model,
        "--masks",
        &m,
        "-o",
        &o,
        "--input-range",
        "0,1",
        "--data",
        "shapes",
        "--limit",
        "50",
    ]);
    let names: Vec<&str> =
        v["layers"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["relu00", "relu01", "relu02"]);
    let kept = mixed(2).iter().filter(|&&v| v == Relu).count();
    assert_eq!(v["totals"]["relus"].as_u64(), Some(kept as u64));
}
