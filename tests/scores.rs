//! Class scores: which output they are, their logits without what makes probabilities of them, and images of integers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{emit, files, json, run};
use relinc::passes::front::onnx::{ImportOptions, import};
use relinc::passes::interp::Interp;
use relinc::passes::ir::{Graph, Tensor};
use relinc::passes::masks::Masks;
use std::fs;
use std::path::{Path, PathBuf};

const DATA: &str = "shapes?train=192&val=64";

/// A small network on the images of `shapes`, to its logits `%l` and with whatever follows.
fn network(end: &str) -> String {
    format!(
        "graph net {{
           %x = input f32[N,3,32,32]
           %w = const f32[6,3,3,3] rand(seed=1, scale=0.3)
           %c = conv(%x, %w) {{strides=[4,4], pads=[1,1,1,1]}}
           %r = relu(%c)
           %w2 = const f32[8,6,3,3] rand(seed=2, scale=0.3)
           %c2 = conv(%r, %w2) {{strides=[2,2], pads=[1,1,1,1]}}
           %r2 = relu(%c2)
           %m = global_mean(%r2) {{keep=false}}
           %w3 = const f32[10,8] rand(seed=3)
           %l = linear(%m, %w3)
           {end}
         }}"
    )
}

fn write(dir: &Path, name: &str, end: &str) -> String {
    emit(dir, name, &network(end)).display().to_string()
}

fn plain(dir: &Path) -> String {
    write(dir, "plain.onnx", "output \"y\" = %l")
}

/// Ends in what makes probabilities of the logits, with the name of their file.
const HEADS: [(&str, &str); 4] = [
    ("softmax", "%y = softmax(%l) {axis=1} output \"y\" = %y"),
    ("log_softmax", "%y = log_softmax(%l) {axis=1} output \"y\" = %y"),
    ("sigmoid", "%y = sigmoid(%l) output \"y\" = %y"),
    (
        "mapped",
        "%a = reshape(%l) {dims=[N,10,1,1]} %s = softmax(%a) {axis=1} %y = reshape(%s) {dims=[N,10]} output \"y\" = %y",
    ),
];

fn graph(file: &Path) -> Graph {
    graph_with(file, false)
}

fn graph_with(file: &Path, keep_batch: bool) -> Graph {
    import(file, &ImportOptions { keep_batch, ..Default::default() }).unwrap().graph
}

fn outputs(file: &Path, x: &Tensor) -> Vec<f32> {
    run_graph(&graph(file), x)
}

fn run_graph(g: &Graph, x: &Tensor) -> Vec<f32> {
    let out = Interp::new(g).unwrap().run(vec![x.clone()]).unwrap();
    assert_eq!(out.len(), 1);
    out[0].as_f32().unwrap().to_vec()
}

/// Three images of numbers between −1 and 1.
fn images(shape: [usize; 4]) -> Tensor {
    relinc::random::uniform(&shape, 7)
}

/// The exit code is 2 and the message says all of this; nothing is left in `out`.
fn refused(args: &[&str], out: &Path, says: &[&str]) {
    let found = run(args);
    let err = String::from_utf8_lossy(&found.stderr);
    assert_eq!(found.status.code(), Some(2), "{args:?}: {err}");
    assert_eq!(err.matches("error:").count(), 1, "{args:?}: {err}");
    for word in says {
        assert!(err.contains(word), "{args:?}: '{word}' is missing in: {err}");
    }
    assert!(found.stdout.is_empty());
    assert!(!out.exists(), "{args:?} left {:?}", files(out));
}

/// Losses of every epoch, and the ReLUs it kept.
fn losses(out: &Path) -> Vec<(f64, f64, u64)> {
    let text = fs::read_to_string(out.join("log.jsonl")).unwrap();
    let line = |l: &str| {
        let v: serde_json::Value = serde_json::from_str(l).unwrap();
        (v["loss"].as_f64().unwrap(), v["val_clean"].as_f64().unwrap(), v["kept"].as_u64().unwrap())
    };
    text.lines().map(line).collect()
}

/// Probabilities are put out by both files of a run, of logits that are those of the run without them.
fn is_back(name: &str, with: &Path, without: &Path) {
    let x = images([3, 3, 32, 32]);
    for file in ["model.onnx", "trained.onnx"] {
        if !with.join(file).exists() {
            continue;
        }
        let (got, logits) = (outputs(&with.join(file), &x), outputs(&without.join(file), &x));
        for (p, z) in got.chunks(10).zip(logits.chunks(10)) {
            let sum: f32 = z.iter().map(|v| v.exp()).sum();
            for (p, z) in p.iter().zip(z) {
                let want = match name {
                    "log_softmax" => z - sum.ln(),
                    "sigmoid" => 1.0 / (1.0 + (-z).exp()),
                    _ => z.exp() / sum,
                };
                assert!((p - want).abs() < 1e-5, "{name}, {file}: {p} instead of {want}");
            }
        }
    }
}

#[test]
fn training_takes_the_logits_and_writes_the_probabilities() {
    let dir = tempfile::tempdir().unwrap();
    let train = |model: &str, out: &Path| {
        let out = out.display().to_string();
        let args = ["--data", DATA, "--epochs", "2", "--batch", "32", "--limit", "100"];
        json(&[&["train", model, "-o", &out], &args[..]].concat());
    };
    let without = dir.path().join("plain");
    train(&plain(dir.path()), &without);
    for (name, end) in HEADS {
        let with = dir.path().join(name);
        train(&write(dir.path(), &format!("{name}.onnx"), end), &with);
        assert_eq!(losses(&with), losses(&without), "{name}");
        is_back(name, &with, &without);
    }
}

#[test]
fn distillation_and_searches_take_the_logits() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = [plain(dir.path()), write(dir.path(), "softmax.onnx", HEADS[0].1)];
    for method in ["gradual", "senet", "snl"] {
        let search = |model: &str, teacher: &str, out: &Path| {
            let out = out.display().to_string();
            let args =
                ["--data", DATA, "--epochs", "1", "--batch", "32", "--limit", "100", "--budget", "30%"];
            let own = ["search", model, "--teacher", teacher, "--method", method, "-o", &out];
            json(&[&own, &args[..]].concat());
        };
        let [without, with] = ["without", "with"].map(|n| dir.path().join(format!("{method}-{n}")));
        search(&a, &a, &without);
        search(&b, &b, &with);
        assert_eq!(losses(&with), losses(&without), "{method}");
        let masks = |d: &Path| Masks::read(&d.join("masks.safetensors")).unwrap().layers;
        assert_eq!(masks(&with), masks(&without), "{method}");
        is_back("softmax", &with, &without);
    }
}

#[test]
fn calibration_and_attacks_take_the_logits() {
    let dir = tempfile::tempdir().unwrap();
    let found = |model: &str, name: &str| {
        let out = dir.path().join(name);
        let o = out.display().to_string();
        let args = ["--data", DATA, "--limit", "100", "--calibration", "64"];
        json(&[&["compile", model, "-o", &o, "--budget", "40%", "--verify-each"], &args[..]].concat());
        let attack = ["--attack", "pgd:steps=3,eps=8/255,step=2/255"];
        let v = json(&[&["eval", model, "--data", DATA, "--limit", "60"], &attack[..]].concat());
        let masks = Masks::read(&out.join("masks.safetensors")).unwrap().layers;
        (out, masks, v["clean"].clone(), v["adversarial"].clone())
    };
    let without = found(&plain(dir.path()), "plain");
    for (name, end) in HEADS {
        let with = found(&write(dir.path(), &format!("{name}.onnx"), end), name);
        assert_eq!((&with.1, &with.2, &with.3), (&without.1, &without.2, &without.3), "{name}");
        is_back(name, &with.0, &without.0);
    }
}

#[test]
fn drop_softmax_leaves_the_logits() {
    let dir = tempfile::tempdir().unwrap();
    let x = images([3, 3, 32, 32]);
    let plain = plain(dir.path());
    for (name, end) in HEADS {
        let model = write(dir.path(), &format!("{name}.onnx"), end);
        let out = dir.path().join(name);
        let v = json(&["compile", &model, "-o", &out.display().to_string(), "--drop-softmax"]);
        let (got, want) = (outputs(&out.join("model.onnx"), &x), outputs(Path::new(&plain), &x));
        assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
        let passes = v["passes"].as_array().unwrap().iter();
        let dropped = passes.filter(|p| p["name"] == "drop-softmax").map(|p| p["applied"].as_u64().unwrap());
        assert_eq!(dropped.sum::<u64>(), 1, "{name}");
    }
}

#[test]
fn saved_outputs_are_those_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(dir.path(), "softmax.onnx", HEADS[0].1);
    let npy = dir.path().join("y.npy");
    let v = json(&["eval", &model, "--data", DATA, "--limit", "5", "--save-outputs", npy.to_str().unwrap()]);
    assert!(v["notes"][0].as_str().unwrap().contains("ends with a softmax"), "{v}");
    let bytes = fs::read(&npy).unwrap();
    let numbers: Vec<f32> = bytes[bytes.len() - 4 * 50..]
        .chunks(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    assert!(numbers.chunks(10).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5), "{numbers:?}");
}

const FEATURES: &str = "output \"features\" = %m output \"map\" = %r2 output \"y\" = %l";

#[test]
fn scores_are_taken_from_among_features() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(dir.path(), "features.onnx", FEATURES);
    let of = |model: &str| json(&["eval", model, "--data", DATA, "--limit", "100"]);
    let (v, plain) = (of(&model), of(&plain(dir.path())));
    assert_eq!(v["clean"], plain["clean"]);
    let said = v["notes"][0].as_str().unwrap();
    assert!(said.contains("output 'y' f32[N,10]") && said.contains("'features', 'map'"), "{said}");
    let out = dir.path().join("out");
    let args = ["--data", DATA, "--limit", "50", "--calibration", "32", "--budget", "50%"];
    let v = json(
        &[
            &["compile", &model, "-o", out.to_str().unwrap(), "--target", "onnx", "--target", "spu"],
            &args[..],
        ]
        .concat(),
    );
    assert!(v["notes"][0].as_str().unwrap().contains("left out"), "{v}");
    let names: Vec<String> =
        graph(&out.join("model.onnx")).outputs().iter().map(|o| o.name.clone()).collect();
    assert_eq!(names, ["y"]);
}

#[test]
fn an_open_choice_of_outputs_is_refused_before_any_work() {
    let dir = tempfile::tempdir().unwrap();
    let two =
        "%w4 = const f32[10,8] rand(seed=4) %aux = linear(%m, %w4) output \"y\" = %l output \"aux\" = %aux";
    let model = write(dir.path(), "two.onnx", two);
    let out = dir.path().join("out");
    let o = out.display().to_string();
    // The folder of images is missing: nobody gets as far as that.
    let data = "cifar10:/no/such/folder";
    let says = ["two.onnx", "'y' f32[N,10]", "'aux' f32[N,10]", "--output NAME"];
    let masks = dir.path().join("m.safetensors");
    Masks::default().write(&masks).unwrap();
    let m = masks.display().to_string();
    for args in [
        &["eval", &model, "--data", data][..],
        &["compile", &model, "-o", &o],
        &["compile", &model, "-o", &o, "--data", data, "--budget", "50%"],
        &["search", &model, "-o", &o, "--data", data, "--budget", "50%"],
        &["tune", &model, "-o", &o, "--data", data, "--masks", &m],
        &["train", &model, "-o", &o, "--data", data],
        &["verify", &model, &model],
        &["verify", &model, &model, "--data", data],
    ] {
        refused(args, &out, &says);
    }
    let pipeline = |more: &str| {
        let p = dir.path().join("p.yaml");
        let stage = "stages:\n  - {stage: search, budget: 50%}\n";
        fs::write(&p, format!("model: two.onnx\ndata: \"{DATA}\"\n{stage}accuracy: {{limit: 50}}\n{more}"))
            .unwrap();
        p.display().to_string()
    };
    let in_keys = [&says[..3], &["output: NAME"]].concat();
    refused(&["run", &pipeline(""), "-o", &o], &out, &in_keys);
    refused(&["run", &pipeline("output: z\n"), "-o", &o], &out, &["no output 'z'", "'aux' f32[N,10]"]);
    json(&["run", &pipeline("output: aux\n"), "-o", &o]);
    assert_eq!(graph(&out.join("model.onnx")).outputs()[0].name, "aux");
    let one = json(&["eval", &model, "--output", "y", "--data", DATA, "--limit", "100"]);
    let plain = json(&["eval", &plain(dir.path()), "--data", DATA, "--limit", "100"]);
    assert_eq!(one["clean"], plain["clean"]);
    let shown = json(&["inspect", &model]);
    assert_eq!(shown["outputs"].as_array().unwrap().len(), 2);
    assert!(shown["notices"][0].as_str().unwrap().contains("--output NAME"), "{shown}");
}

#[test]
fn an_output_that_is_no_class_scores_is_refused_with_images() {
    let dir = tempfile::tempdir().unwrap();
    let model = write(dir.path(), "map.onnx", "output \"map\" = %r2");
    let out = dir.path().join("out");
    let o = out.display().to_string();
    let says = ["map.onnx", "'map' is f32[N,8,4,4]", "no class scores"];
    refused(&["eval", &model, "--data", "cifar10:/no/such/folder"], &out, &says);
    refused(&["train", &model, "-o", &o, "--data", "cifar10:/no/such/folder"], &out, &says);
    json(&["compile", &model, "-o", &o]);
}

#[test]
fn a_teacher_of_several_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let [model, teacher] = [plain(dir.path()), write(dir.path(), "features.onnx", FEATURES)];
    let args = ["--data", DATA, "--epochs", "1", "--batch", "32", "--limit", "50", "--budget", "40%"];
    let of = |teacher: &str, name: &str| {
        let out = dir.path().join(name);
        json(&[&["search", &model, "--teacher", teacher, "-o", out.to_str().unwrap()], &args[..]].concat());
        losses(&out)
    };
    assert_eq!(of(&teacher, "several"), of(&model, "one"));
}

#[test]
fn a_squeezed_output() {
    let dir = tempfile::tempdir().unwrap();
    let text = network("%y = reshape(%l) {dims=[10]} output \"y\" = %y").replace("f32[N,3", "f32[1,3");
    let model = emit(dir.path(), "squeezed.onnx", &text).display().to_string();
    let v = json(&["verify", &model, &model, "--keep-batch", "--random", "4"]);
    assert_eq!((&v["equivalent"], v["n"].as_u64()), (&true.into(), Some(4)));
    let clean = |args: &[&str]| {
        json(&[&["eval"], args, &["--data", DATA, "--limit", "60"]].concat())["clean"].clone()
    };
    assert_eq!(clean(&[&model, "--keep-batch"]), clean(&[&plain(dir.path())]));
    let out = dir.path().join("out");
    let o = out.display().to_string();
    json(&[
        "compile",
        &model,
        "--keep-batch",
        "-o",
        &o,
        "--data",
        DATA,
        "--limit",
        "50",
        "--budget",
        "50%",
        "--calibration",
        "32",
    ]);
    let compiled = graph_with(&out.join("model.onnx"), true);
    assert_eq!(run_graph(&compiled, &images([1, 3, 32, 32])).len(), 10);
    let trained = dir.path().join("trained");
    let t = trained.display().to_string();
    json(&[
        "train",
        &model,
        "--keep-batch",
        "-o",
        &t,
        "--data",
        DATA,
        "--epochs",
        "1",
        "--batch",
        "32",
        "--limit",
        "50",
    ]);
    assert_eq!(outputs(&trained.join("trained.onnx"), &images([3, 3, 32, 32])).len(), 30);
}

/// The same network on images of `u8`, through a Cast and a division by 255.
fn of_bytes(dir: &Path, before_the_cast: Option<&str>) -> PathBuf {
    use prost::Message;
    use relinc_passes::proto::{AttributeProto, ModelProto, NodeProto, TensorProto, type_proto};
    let file = plain(dir);
    let mut m = ModelProto::decode(&fs::read(file).unwrap()[..]).unwrap();
    let g = m.graph.as_mut().unwrap();
    let node = |op: &str, i: &[&str], o: &str, attribute: Vec<AttributeProto>| NodeProto {
        op_type: op.into(),
        input: i.iter().map(|s| s.to_string()).collect(),
        output: vec![o.into()],
        attribute,
        ..Default::default()
    };
    let to = AttributeProto { name: "to".into(), i: 1, r#type: 2, ..Default::default() };
    if let Some(type_proto::Value::TensorType(t)) = g.input[0].r#type.as_mut().and_then(|t| t.value.as_mut())
    {
        t.elem_type = 2;
    }
    g.input[0].name = "bytes".into();
    g.initializer.push(TensorProto {
        name: "k".into(),
        data_type: 1,
        float_data: vec![1.0 / 255.0],
        ..Default::default()
    });
    let from = before_the_cast.map_or("bytes", |_| "odd");
    let mut nodes: Vec<NodeProto> =
        before_the_cast.map(|op| node(op, &["bytes", "bytes"], "odd", vec![])).into_iter().collect();
    nodes.push(node("Cast", &[from], "floats", vec![to]));
    nodes.push(node("Mul", &["floats", "k"], "x", vec![]));
    g.node.splice(0..0, nodes);
    let file = dir.join(if before_the_cast.is_some() { "odd.onnx" } else { "bytes.onnx" });
    fs::write(&file, m.encode_to_vec()).unwrap();
    file
}

#[test]
fn images_of_bytes_are_floats_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let model = of_bytes(dir.path(), None).display().to_string();
    let raw = format!("{DATA}&scale=255");
    let v = json(&["inspect", &model]);
    assert_eq!(v["inputs"][0]["type"], "f32[N,3,32,32]");
    assert!(v["notices"][0].as_str().unwrap().contains("scale=255"), "{v}");
    let clean =
        |model: &str, data: &str| json(&["eval", model, "--data", data, "--limit", "100"])["clean"].clone();
    assert_eq!(clean(&model, &raw), clean(&plain(dir.path()), DATA));
    let [compiled, searched] = ["compiled", "searched"].map(|n| dir.path().join(n));
    let o = compiled.display().to_string();
    json(&[
        "compile",
        &model,
        "-o",
        &o,
        "--data",
        &raw,
        "--limit",
        "50",
        "--budget",
        "50%",
        "--calibration",
        "32",
    ]);
    let o = searched.display().to_string();
    json(&[
        "search", &model, "-o", &o, "--data", &raw, "--limit", "50", "--budget", "50%", "--epochs", "1",
        "--batch", "32",
    ]);
    let bytes: Vec<f32> = (0..3 * 3072).map(|i| (i * 37 % 256) as f32).collect();
    let shares = bytes.iter().map(|b| b / 255.0).collect();
    let shape = [3, 3, 32, 32];
    let out = dir.path().join("whole");
    json(&["compile", &model, "-o", &out.display().to_string()]);
    let got = outputs(&out.join("model.onnx"), &Tensor::f32(shape, bytes));
    let want = outputs(Path::new(&plain(dir.path())), &Tensor::f32(shape, shares));
    assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-4), "{got:?} {want:?}");
}

#[test]
fn arithmetic_on_bytes_is_refused_by_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let model = of_bytes(dir.path(), Some("Div")).display().to_string();
    let out = dir.path().join("out");
    let o = out.display().to_string();
    for args in [
        &["inspect", &model][..],
        &["eval", &model, "--data", DATA],
        &["compile", &model, "-o", &o],
        &["search", &model, "-o", &o, "--data", DATA, "--budget", "50%"],
    ] {
        refused(args, &out, &["odd.onnx", "Div 'odd'", "uint8", "cast the input to float first"]);
    }
}
