//! Bad input: exit code 2, one clear message, nothing half-written.
#![allow(clippy::unwrap_used)]

mod common;

use common::{files, relinc, run};
use relinc::passes::choice::Choice;
use relinc::passes::masks::{LayerMask, Masks};
use std::fs;
use std::path::{Path, PathBuf};

const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");

/// Compiles `model` with further arguments, which must fail with exit code 2, say every word of `says`, once, and leave
/// no output folder.
fn refuses(dir: &Path, model: &Path, args: &[&str], says: &[&str]) -> String {
    let out_dir = dir.join("out");
    let out =
        relinc().args(["--quiet", "compile"]).arg(model).arg("-o").arg(&out_dir).args(args).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert_eq!(err.matches("error:").count(), 1, "{err}");
    assert!(!err.contains("panicked"), "{err}");
    for word in says {
        assert!(err.contains(word), "'{word}' is missing in: {err}");
    }
    assert!(!out_dir.exists(), "left behind: {:?}", files(&out_dir));
    assert!(out.stdout.is_empty());
    err
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let p = dir.join(name);
    fs::write(&p, bytes).unwrap();
    p
}

#[test]
fn truncated_model() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = fs::read(QUICK).unwrap();
    for share in [1, 10, 50, 99] {
        let cut = write(dir.path(), "cut.onnx", &bytes[..bytes.len() * share / 100]);
        refuses(dir.path(), &cut, &[], &["cut.onnx"]);
    }
}

#[test]
fn png_named_onnx() {
    let dir = tempfile::tempdir().unwrap();
    let png = write(dir.path(), "cat.onnx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    refuses(dir.path(), &png, &[], &["cat.onnx", "PNG"]);
}

#[test]
fn empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let empty = write(dir.path(), "empty.onnx", b"");
    refuses(dir.path(), &empty, &[], &["empty.onnx", "empty"]);
}

#[test]
fn missing_file() {
    let dir = tempfile::tempdir().unwrap();
    refuses(dir.path(), &dir.path().join("none.onnx"), &[], &["none.onnx"]);
}

/// A model that sends its input, of these sizes, through nodes without weights.
fn chain(input: &[i64], ops: &[&str], output: &[i64]) -> Vec<u8> {
    use prost::Message;
    use tract_onnx::pb::*;
    let node = |op: &str, i: &str, o: &str| NodeProto {
        op_type: op.into(),
        name: format!("node_{o}"),
        input: vec![i.into()],
        output: vec![o.into()],
        ..Default::default()
    };
    let value = |i: usize| match i {
        0 => "x".to_string(),
        i if i == ops.len() => "y".to_string(),
        i => format!("v{i}"),
    };
    let dim = |n| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(n)),
        ..Default::default()
    };
    let info = |name: &str, sizes: &[i64]| ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: 1,
                shape: Some(TensorShapeProto { dim: sizes.iter().map(|n| dim(*n)).collect() }),
            })),
            ..Default::default()
        }),
        ..Default::default()
    };
    let graph = GraphProto {
        name: "g".into(),
        node: ops.iter().enumerate().map(|(i, op)| node(op, &value(i), &value(i + 1))).collect(),
        input: vec![info("x", input)],
        output: vec![info("y", output)],
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        ..Default::default()
    }
    .encode_to_vec()
}

#[test]
fn unknown_operations_are_all_listed() {
    let dir = tempfile::tempdir().unwrap();
    let image = [1, 3, 8, 8];
    let m = write(dir.path(), "odd.onnx", &chain(&image, &["Sorcery", "Relu", "Alchemy"], &image));
    refuses(dir.path(), &m, &[], &["odd.onnx", "Sorcery", "Alchemy", "node_v1", "node_y"]);
}

fn mask_file(dir: &Path, layer: &str, shape: [usize; 3]) -> String {
    let path = dir.join("masks.safetensors");
    let mut m = Masks::default();
    m.layers.insert(layer.into(), LayerMask::uniform(shape, Choice::Identity));
    m.write(&path).unwrap();
    path.display().to_string()
}

#[test]
fn mask_of_the_wrong_shape() {
    let dir = tempfile::tempdir().unwrap();
    let f = mask_file(dir.path(), "relu00", [1, 2, 3]);
    refuses(dir.path(), Path::new(QUICK), &["--masks", &f], &["relu00", "1×2×3", "masks.safetensors"]);
}

#[test]
fn mask_for_a_layer_that_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let f = mask_file(dir.path(), "relu99", [16, 32, 32]);
    refuses(dir.path(), Path::new(QUICK), &["--masks", &f], &["relu99", "does not exist", "relu06"]);
}

#[test]
fn mask_file_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let f = write(dir.path(), "masks.safetensors", b"not safetensors");
    refuses(dir.path(), Path::new(QUICK), &["--masks", &f.display().to_string()], &["masks.safetensors"]);
}

#[test]
fn mask_value_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masks.safetensors");
    let mut m = Masks::default();
    m.layers.insert("relu00".into(), LayerMask::uniform([16, 32, 32], Choice::Relu));
    m.write(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() = 200;
    std::fs::write(&path, bytes).unwrap();
    refuses(
        dir.path(),
        Path::new(QUICK),
        &["--masks", &path.display().to_string()],
        &["relu00", "3", "allowed"],
    );
}

#[test]
fn budget_above_the_total() {
    let dir = tempfile::tempdir().unwrap();
    refuses(dir.path(), Path::new(QUICK), &["--budget", "1m", "--data", "shapes"], &["1000000", "only"]);
}

#[test]
fn budget_without_data() {
    let dir = tempfile::tempdir().unwrap();
    refuses(dir.path(), Path::new(QUICK), &["--budget", "50%"], &["--data"]);
}

#[test]
fn unwritable_folder() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "file", b"");
    for target in [file.join("out"), PathBuf::from("/proc/relinc-out"), file.clone()] {
        let out = run(&["compile", QUICK, "-o", &target.display().to_string()]);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{err}");
        assert!(err.contains(&target.display().to_string()), "{err}");
    }
    assert_eq!(files(dir.path()), ["file"]);
}

#[test]
fn missing_external_data() {
    use relinc::passes::architecture::{Architecture, Kind};
    use relinc::passes::back::onnx::{OnnxOptions, emit};
    let dir = tempfile::tempdir().unwrap();
    let g = Architecture { kind: Kind::Resnet, depth: 20, width: None, classes: 10, input: [3, 32, 32] }
        .build(0)
        .unwrap();
    let path = dir.path().join("m.onnx");
    let options = OnnxOptions { external_over: 1000, ..Default::default() };
    emit(&relinc::passes::valid::check(&g).unwrap(), &path, &options).unwrap();
    let with = run(&["verify", &path.display().to_string(), &path.display().to_string()]);
    assert!(with.status.success(), "{}", String::from_utf8_lossy(&with.stderr));
    fs::remove_file(dir.path().join("m.onnx.data")).unwrap();
    refuses(dir.path(), &path, &[], &["m.onnx", "m.onnx.data"]);
}

#[test]
fn data_that_is_missing_or_misfit() {
    let dir = tempfile::tempdir().unwrap();
    refuses(dir.path(), Path::new(QUICK), &["--data", "cifar10:/no/such/folder"], &["/no/such/folder"]);
}

#[test]
fn devices_that_are_not_there() {
    let out = run(&["inspect", QUICK, "--device", "tpu"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("choose auto, cpu, gpu"));
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("out").display().to_string();
    let out = run(&["search", QUICK, "--data", "shapes", "--budget", "10%", "--device", "gpu:99", "-o", &to]);
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("--device gpu:99: "), "{err}");
}

#[test]
fn a_bench_has_its_options() {
    for (args, says) in [
        (&["bench", "compile", "--profile"][..], "--profile is for train-step"),
        (&["bench", "eval", "--target", "onnx"], "--target is for compile"),
        (&["bench", "growth", "--model", "resnet20"], "--model is for"),
    ] {
        let out = run(args);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

#[test]
fn folding_has_its_answers() {
    let dir = tempfile::tempdir().unwrap();
    refuses(dir.path(), Path::new(QUICK), &["--fold", "maybe"], &["maybe", "auto, always, never"]);
    refuses(dir.path(), Path::new(QUICK), &["--layers", "3"], &["--budget"]);
}

#[test]
fn pipelines_name_the_nearest_key() {
    let dir = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("modle: a.onnx\n", "did you mean 'model'"),
        ("model: a.onnx\nstages:\n  - search: {}\n", "write '- stage: search'"),
        ("model: a.onnx\nstages:\n  - stage: serach\n", "did you mean 'search'"),
        ("model: a.onnx\nreport: {protocol: [x]}\n", "did you mean 'protocols'"),
        ("- 1\n", "no pipeline"),
        ("model: [\n", "not YAML"),
    ] {
        let p = write(dir.path(), "p.yaml", text.as_bytes());
        let out = run(&["run", &p.display().to_string(), "-o", &dir.path().join("o").display().to_string()]);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{err}");
        assert!(err.contains(says) && err.contains("p.yaml"), "{err}");
    }
    assert_eq!(files(dir.path()), ["p.yaml"]);
}

#[test]
fn nothing_to_train() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "bare.onnx", &chain(&[1, 3, 32, 32], &["Relu", "Flatten"], &[1, 3072]));
    let text = "model: bare.onnx\ndata: 'shapes?train=32&val=16'\ndevice: cpu\nstages:\n  - {stage: tune, epochs: 1}\n";
    let p = write(dir.path(), "p.yaml", text.as_bytes());
    let out = run(&["run", &p.display().to_string(), "-o", &dir.path().join("o").display().to_string()]);
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("no weights to train") && err.contains("bare.onnx"), "{err}");
}
