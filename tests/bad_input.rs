//! Bad input: exit code 2, one clear message, nothing half-written.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, files, relinc, run};
use relinc::passes::choice::Choice;
use relinc::passes::masks::{LayerMask, Masks};
use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Command;

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
    use relinc_passes::proto::*;
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
    let values = vec![9; 16 * 32 * 32];
    let layer =
        safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![16, 32, 32], &values).unwrap();
    let info = Some([("relinc_masks".to_string(), "1".to_string())].into());
    safetensors::serialize_to_file([("relu00", layer)], info, &path).unwrap();
    refuses(
        dir.path(),
        Path::new(QUICK),
        &["--masks", &path.display().to_string()],
        &["relu00", "9", "allowed"],
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
    emit(&relinc::passes::driver::valid::check(&g).unwrap(), &path, &options).unwrap();
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

/// Folders of images that are none: whoever opens one says so.
fn unreadable_images(dir: &Path, classes: usize) -> String {
    for i in 0..classes {
        let folder = dir.join("images").join(format!("c{i}"));
        fs::create_dir_all(&folder).unwrap();
        (0..10).for_each(|k| drop(fs::write(folder.join(format!("{k}.png")), b"not opened")));
    }
    format!("images:{}", dir.join("images").display())
}

/// A command that must end with exit code 2, say every word, once, and leave nothing, before an image is opened.
fn refuses_before_images(args: &[&str], out: &Path, says: &[&str]) {
    let r = run(args);
    let err = String::from_utf8_lossy(&r.stderr);
    assert_eq!(r.status.code(), Some(2), "{args:?}: {err}");
    assert_eq!(err.matches("error:").count(), 1, "{args:?}: {err}");
    assert!(!err.contains(".png") && !err.contains("panicked"), "{args:?}: {err}");
    says.iter().for_each(|w| assert!(err.contains(w), "{args:?}: '{w}' is missing in: {err}"));
    assert!(!out.join("model.onnx").exists() && r.stdout.is_empty());
}

#[test]
fn what_the_network_alone_decides_waits_for_no_image() {
    let dir = tempfile::tempdir().unwrap();
    let (out, data) = (dir.path().join("o"), unreadable_images(dir.path(), 10));
    let o = out.display().to_string();
    for (args, says) in [
        (&["--budget", "1m"][..], &["1000000", "only"][..]),
        (&["--budget", "101%"], &["only"]),
        (&["--budget", "0.000001%"], &["0 of the graph's", "write 0"]),
        (&["--budget", "50%%"], &["50%%"]),
        (&["--budget", "nan"], &["nan"]),
        (&["--budget", "latency=1s@nobody/lan"], &["nobody"]),
        (&["--budget", "latency=1s@semi2k/moon"], &["moon"]),
        (&["--budget", "10%", "--layers", "99"], &["layers: 99 of 7", "1 to 7"]),
        (&["--budget", "10%", "--layers", "0"], &["layers: 0"]),
        (&["--budget", "10%", "--vanish", "relu77"], &["relu77"]),
        (&["--budget", "10%", "--quadratic", "relu00"], &["add quadratic to choices"]),
        (
            &["--budget", "10%", "--choices", "identity,quadratic", "--quadratic", "relu0"],
            &["quadratic: there is no ReLU layer 'relu0'", "relu00"],
        ),
        (&["--budget", "10%", "--identity", "relu01"], &["name it in vanish"]),
        (
            &[
                "--budget",
                "10%",
                "--choices",
                "identity,quadratic",
                "--quadratic",
                "relu00",
                "--identity",
                "relu00",
            ],
            &["relu00 is named in quadratic and in identity"],
        ),
        (
            &["--budget", "10%", "--vanish", "relu00,relu01,relu02,relu03,relu04,relu05,relu06"],
            &["at least one"],
        ),
        (
            &["--budget", "10%", "--eta", "1,2", "--allocation", "senet"],
            &["2 sensitivities", "7 ReLU layers"],
        ),
    ] {
        for command in ["compile", "search"] {
            let all = [&[command, QUICK, "-o", &o, "--data", &data], args].concat();
            refuses_before_images(&all, &out, says);
        }
    }
    let masks = mask_file(dir.path(), "relu99", [16, 32, 32]);
    for args in [&["compile", QUICK, "--masks", &masks][..], &["tune", QUICK, "--masks", &masks]] {
        refuses_before_images(&[args, &["-o", &o, "--data", &data]].concat(), &out, &["relu99"]);
    }
    for (args, says) in [
        (&["--epochs", "0"][..], "epochs: 0 is not at least 1"),
        (&["--batch", "0"], "batch: 0"),
        (&["--calibration", "0"], "calibration: 0"),
        (&["--refreshes", "0"], "refreshes: 0"),
        (&["--val-images", "0"], "val_images: 0"),
        (&["--rate=-1"], "rate: -1 is not above 0"),
        (&["--rate", "0"], "rate: 0"),
        (&["--rate", "nan"], "rate: NaN"),
        (&["--momentum", "1"], "momentum: 1"),
        (&["--smoothing", "2"], "smoothing: 2"),
        (&["--ramp", "1.5"], "ramp: 1.5"),
        (&["--temperature", "0"], "temperature: 0"),
        (&["--ce", "0", "--kl", "0"], "nothing to learn"),
        (&["--train-attack", "pgd:eps=8"], "write 8/255"),
        (&["--train-attack", "pgd:eps=8/255,step=1"], "more than twice"),
        (&["--counts", "1,2"], "2 layer counts"),
        (&["--method", "senet", "--counts", "1,2,3,4,5,6,7"], "counts sum to 28"),
        (
            &["--method", "senet", "--pram-at", "relu70"],
            "there is no ReLU layer 'relu70'; they are relu00 to relu06",
        ),
        (&["--teacher", "/no/such/teacher.onnx"], "/no/such/teacher.onnx"),
        (&["--replay", "/no/such/folder"], "/no/such/folder"),
        (&["--train-attack", "nfgsm:steps=2"], "no option of nfgsm"),
        (&["--train-attack", "auto"], "'auto'"),
        (&["--attack", "pgd:eps=2"], "write 2/255"),
        (&["--attack", "auto:eps=2"], "write 2/255"),
        (&["--attack", "nfgsm"], "leave the ball"),
    ] {
        let all = [&["search", QUICK, "-o", &o, "--data", &data, "--budget", "10%"], args].concat();
        refuses_before_images(&all, &out, &[says]);
    }
    let teacher = ["--budget", "50%"];
    refuses_before_images(
        &[&["train", QUICK, "-o", &o, "--data", &data][..], &teacher].concat(),
        &out,
        &["--budget"],
    );
}

#[test]
fn sizes_of_pixels_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = unreadable_images(dir.path(), 10);
    for (options, attack, says) in [
        ("normalize=mean=123.7,116.3,103.5", "pgd", "scale=255"),
        ("normalize=mean=.5;std=58", "pgd", "scale=255"),
        ("normalize=mean=.5;std=0", "pgd", "above zero"),
        ("normalize=mean=.5;std=-.5", "pgd", "above zero"),
        ("scale=0", "pgd", "above zero"),
        ("train=0", "pgd", "above zero"),
        ("size=0", "pgd", "from 1 to"),
        ("classes=", "pgd", "separated by commas"),
        ("classes=a,a", "pgd", "a is there twice"),
        ("val=5", "pgd:eps=8", "8/255"),
        ("val=5", "pgd:eps=2/255,step=5/255", "more than twice"),
        ("val=5", "pgd:steps=0", "above 0"),
        ("val=5", "pgd:eps=-1/255", "eps=-1/255"),
        ("val=5", "auto:eps=8", "8/255"),
        ("val=5", "auto:queries=0", "above 0"),
    ] {
        let data = format!("{data}?{options}");
        refuses_before_images(&["eval", QUICK, "--data", &data, "--attack", attack], dir.path(), &[says]);
    }
    refuses_before_images(&["eval", QUICK, "--data", &data, "--limit", "0"], dir.path(), &["--limit 0"]);
}

#[test]
fn pipelines_are_checked_whole_before_an_image_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let data = unreadable_images(dir.path(), 10);
    let out = dir.path().join("o");
    let search = "{stage: search, method: gradual, budget: 10%, epochs: 1}";
    for (rest, says) in [
        (
            "stages:\n- stage: search\n  budget: 10%\n  epochs: many\n",
            &["epochs in stage 1 (search), line 6", "whole number", "many"][..],
        ),
        (
            "stages: [{stage: tune, rate: fast}]\naccuracy: {limit: few}\n",
            &["rate in stage 1 (tune), line 3", "limit in accuracy, line 4"],
        ),
        ("accuracy: {limit: 0}\n", &["limit in accuracy", "at least 1"]),
        ("accuracy: {attacks: ['pgd:eps=8']}\n", &["write 8/255"]),
        ("accuracy: {split: tets}\n", &["tets", "train, val or test"]),
        ("stages: [{stage: search, budget: 10%, calibration: 0}]\n", &["stage search", "calibration: 0"]),
        ("stages: [{stage: search, budget: 10%, rounds: 0}]\n", &["rounds: 0"]),
        ("stages: [{stage: search, budget: 10%, layers: 99}]\n", &["layers: 99 of 7"]),
        ("stages: [{stage: search, budget: .nan}]\n", &["budget"]),
        ("stages: [{stage: search, budget: true}]\n", &["budget in stage 1 (search), line 3", "18%"]),
        (
            "stages: [SEARCH, {stage: tune, epochs: 1, rate: -1, batch: 0}]\n",
            &["stage tune", "rate: -1", "batch: 0"],
        ),
        (
            "stages: [SEARCH, {stage: tune, epochs: 1, train_attack: 'pgd:eps=3'}]\n",
            &["stage tune", "write 3/255"],
        ),
        (
            "stages: [SEARCH, {stage: search, method: gradual, budget: 200%, epochs: 1}]\n",
            &["stage search2", "200%"],
        ),
        (
            "stages: [SEARCH, {stage: search, method: gradual, budget: 20%, epochs: 1}]\n",
            &["stage search2", "a search only removes"],
        ),
        (
            "stages: [SEARCH, {stage: search, method: gradual, budget: 'latency=1s@nobody/lan', epochs: 1}]\n",
            &["nobody"],
        ),
        (
            "stages: [SEARCH, {stage: tune, epochs: 1, method: senet, pram_at: [relu9]}]\n",
            &["stage tune", "relu9"],
        ),
        ("stages: [SEARCH, {stage: tune, epochs: 1, schedule: linear}]\n", &["stage tune", "linear"]),
        (
            "stages: [SEARCH, {stage: tune, epochs: 1, method: oneshot}]\n",
            &["stage tune", "oneshot trains nothing"],
        ),
        (
            "stages: [{stage: search, method: senet, budget: 10%, epochs: 1, sensitivity: resnet18}]\n",
            &["sensitivities are given for 7 ReLU layers"],
        ),
        ("dims: [batch=1, batch=2]\n", &["dims: batch=2: the dimension is given as 1 before"]),
    ] {
        let text = format!("model: {QUICK}\ndata: {data}\n{}", rest.replace("SEARCH", search));
        let p = write(dir.path(), "p.yaml", text.as_bytes()).display().to_string();
        let says = [&["p.yaml"], says].concat();
        refuses_before_images(&["run", &p, "-o", &out.display().to_string()], &out, &says);
    }
    let text = format!("model: {QUICK}\ndata: {data}\nstages: [{search}]\n");
    let p = write(dir.path(), "p.yaml", text.as_bytes()).display().to_string();
    for (budgets, says) in [
        ("10%,300%", "300%"),
        ("10%,latency=1s@nobody/lan", "nobody"),
        ("10%,0.000001%", "0 of the graph's"),
        ("10%,ten", "ten"),
    ] {
        let args = ["sweep", &p, "--budgets", budgets, "-o", &out.display().to_string()];
        refuses_before_images(&args, &out, &[says]);
    }
}

#[test]
fn nothing_to_train() {
    let dir = tempfile::tempdir().unwrap();
    for (class, colour) in [("a", [255, 0, 0]), ("b", [0, 255, 0]), ("c", [0, 0, 255])] {
        let folder = dir.path().join("images").join(class);
        fs::create_dir_all(&folder).unwrap();
        for i in 0..20 {
            let mut e = png::Encoder::new(fs::File::create(folder.join(format!("{i}.png"))).unwrap(), 1, 1);
            e.set_color(png::ColorType::Rgb);
            e.write_header().unwrap().write_image_data(&colour).unwrap();
        }
    }
    write(dir.path(), "bare.onnx", &chain(&[1, 3, 1, 1], &["Relu", "Flatten"], &[1, 3]));
    let text = "model: bare.onnx\ndata: images:images\ndevice: cpu\nstages:\n  - {stage: tune, epochs: 1}\n";
    let p = write(dir.path(), "p.yaml", text.as_bytes());
    let out = run(&["run", &p.display().to_string(), "-o", &dir.path().join("o").display().to_string()]);
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("no weights to train") && err.contains("bare.onnx"), "{err}");
}

/// Ends within a few seconds with exit code 2 and these words.
#[cfg(unix)]
fn ends_at_once(args: &[&str], says: &[&str]) {
    let began = std::time::Instant::now();
    let out = Command::new("timeout").args(["20", env!("CARGO_BIN_EXE_relinc")]).args(args).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
    says.iter().for_each(|w| assert!(err.contains(w), "{args:?}: '{w}' is missing in: {err}"));
    assert!(began.elapsed().as_secs() < 10, "{args:?} took {:?}", began.elapsed());
}

#[cfg(unix)]
#[test]
fn files_without_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.yaml").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let endless = dir.path().join("zero.yaml").display().to_string();
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let out = dir.path().join("out").display().to_string();
    for file in [&pipe, &endless] {
        ends_at_once(&["inspect", file], &[file, "no regular file"]);
        ends_at_once(&["inspect", QUICK, "--protocol", file], &[file, "no regular file"]);
        ends_at_once(&["compile", QUICK, "--masks", file, "-o", &out], &[file, "no regular file"]);
        ends_at_once(&["run", file, "-o", &out], &[file, "no regular file"]);
    }
}

#[cfg(unix)]
#[test]
fn yaml_that_nests_without_end() {
    let dir = tempfile::tempdir().unwrap();
    for (i, deep) in ["[".repeat(50_000), "- ".repeat(50_000)].iter().enumerate() {
        let file = write(dir.path(), &format!("deep{i}.yaml"), format!("name: x\na: {deep}").as_bytes());
        let (file, out) = (file.display().to_string(), dir.path().join("out").display().to_string());
        ends_at_once(&["inspect", QUICK, "--protocol", &file], &["line 2", "deep"]);
        ends_at_once(&["run", &file, "-o", &out], &["line 2", "deep"]);
    }
}

#[test]
fn names_that_move_the_cursor_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let net = "graph net {\n  %x = input f32[N,3]\n  %\"\u{1b}[31mred\" = relu(%x)\n  output \"\u{1b}[2J\" = %\"\u{1b}[31mred\"\n}";
    let Ok(g) = relinc::passes::ir::text::parse(net) else { return };
    let file = dir.path().join("m.onnx");
    let v = relinc::passes::driver::valid::check(&g).unwrap();
    relinc::passes::back::onnx::emit(&v, &file, &Default::default()).unwrap();
    let out = relinc().arg("inspect").arg(&file).output().unwrap();
    for b in [&out.stdout, &out.stderr] {
        assert!(!b.contains(&0x1b), "{}", String::from_utf8_lossy(b));
    }
}

#[test]
fn a_network_without_a_layer_to_mask() {
    let dir = tempfile::tempdir().unwrap();
    let net = "graph net {\n  %x = input f32[N,3,32,32]\n  %p = max_pool(%x) {kernel=[8,8], strides=[8,8]}\n  \
               %g = global_mean(%p) {keep=false}\n  %w = const f32[10,3] rand(seed=1)\n  %y = linear(%g, %w)\n  output \"y\" = %y\n}";
    let file = common::emit(dir.path(), "none.onnx", net);
    let says = ["none.onnx", "no ReLU layer", "max_pool"];
    refuses(dir.path(), &file, &["--data", "shapes", "--budget", "50%"], &says[1..]);
    let out = dir.path().join("out").display().to_string();
    let search = relinc()
        .args([
            "--quiet",
            "search",
            &file.display().to_string(),
            "--data",
            "shapes",
            "--budget",
            "50%",
            "-o",
            &out,
        ])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&search.stderr);
    assert_eq!(search.status.code(), Some(2), "{err}");
    says.iter().for_each(|w| assert!(err.contains(w), "'{w}' is missing in: {err}"));
}

#[test]
fn what_a_target_cannot_express_waits_for_no_image() {
    let dir = tempfile::tempdir().unwrap();
    let net = "graph net {\n  %x = input f32[N,3,32,32]\n  %r = relu(%x)\n  %e = erf(%r)\n  %g = global_mean(%e) {keep=false}\n  \
               %w = const f32[10,3] rand(seed=1)\n  %y = linear(%g, %w)\n  output \"y\" = %y\n}";
    let file = common::emit(dir.path(), "erf.onnx", net).display().to_string();
    let out = dir.path().join("out");
    // Images that cannot be read: whoever opens one fails otherwise.
    let data = unreadable_images(dir.path(), 10);
    let targets = ["--target", "spu", "--target", "mp-spdz"];
    for command in ["compile", "search"] {
        let args = [
            &[command, &file, "--data", &data, "--budget", "50%", "-o"][..],
            &[&out.display().to_string()],
            &targets,
        ];
        let o = relinc().arg("--quiet").args(args.concat()).output().unwrap();
        let err = String::from_utf8_lossy(&o.stderr);
        assert_eq!(o.status.code(), Some(2), "{err}");
        for word in ["erf.onnx", "spu", "mp-spdz", "erf 'e'"] {
            assert!(err.contains(word), "{command}: '{word}' is missing in: {err}");
        }
    }
}
