//! Data sets through the binary: labels, splits, normalisation, one channel. Everything is made here.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, relinc, run};
use relinc::passes::back::onnx::{OnnxOptions, emit};
use relinc::passes::driver::valid;
use relinc::passes::ir::text::parse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Writes a graph as ONNX.
fn onnx(dir: &Path, name: &str, text: &str) -> String {
    let g = parse(text).unwrap();
    let path = dir.join(name);
    emit(&valid::check(&g).unwrap(), &path, &OnnxOptions::default()).unwrap();
    path.display().to_string()
}

/// Tells `classes` classes of flat 8×8 images of `channels` channels apart by their mean: class i is nearest to the grey level
/// (2i + 1)/(2·classes) of `full`, by -(mean - level)² without the square of the mean.
fn by_grey(dir: &Path, name: &str, channels: usize, classes: usize, full: f32) -> String {
    let area = channels * 64;
    let level = |i: usize| full * (2 * i + 1) as f32 / (2 * classes) as f32;
    let join = |v: Vec<f32>| v.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", ");
    let weights: Vec<f32> = (0..classes).flat_map(|i| vec![2.0 * level(i) / area as f32; area]).collect();
    let bias: Vec<f32> = (0..classes).map(|i| -level(i) * level(i)).collect();
    let text = format!(
        "graph g {{
           %x = input f32[N,{channels},8,8]
           %r = relu(%x)
           %f = reshape(%r) {{dims=[N,{area}]}}
           %w = const f32[{classes},{area}] [{}]
           %b = const f32[{classes}] [{}]
           %y = linear(%f, %w, %b)
           output \"y\" = %y
         }}",
        join(weights),
        join(bias)
    );
    onnx(dir, name, &text)
}

/// A flat grey PNG of 8×8 pixels.
fn flat(path: &Path, level: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut e = png::Encoder::new(fs::File::create(path).unwrap(), 8, 8);
    e.set_color(png::ColorType::Grayscale);
    e.write_header().unwrap().write_image_data(&[level; 64]).unwrap();
}

/// Folders of these names, label by label: `each` images of class i are about as grey as class i of [`by_grey`] wants.
fn folders(root: &Path, names: &[&str], each: u8) {
    for (i, name) in names.iter().enumerate() {
        let middle = 255 * (2 * i + 1) / (2 * names.len());
        (0..each).for_each(|k| {
            flat(&root.join(name).join(format!("{k}.png")), (middle as u8).saturating_add(k % 5))
        });
    }
}

const PLANES: [&str; 10] = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

struct Made {
    dir: tempfile::TempDir,
    model: String,
}

impl Made {
    /// Folders that are called otherwise than CIFAR-10's classes, and a network that numbers them as CIFAR-10 does.
    fn planes() -> Made {
        let dir = tempfile::tempdir().unwrap();
        folders(&dir.path().join("d/test"), &PLANES, 4);
        let model = by_grey(dir.path(), "m.onnx", 3, 10, 1.0);
        Made { dir, model }
    }

    fn data(&self, options: &str) -> String {
        format!("images:{}?{options}", self.dir.path().join("d").display())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join("d").join(name)
    }
}

fn err(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Every command that compares labels with outputs, on images of `data`. None leaves anything in `out`.
fn commands<'a>(model: &'a str, data: &'a str, out: &'a str) -> Vec<Vec<&'a str>> {
    let to = ["--data", data, "-o", out];
    vec![
        vec!["eval", model, "--data", data],
        vec!["verify", model, "--data", data, "--fixed-point", "64,18"],
        [&["compile", model][..], &to].concat(),
        [&["compile", model, "--budget", "50%"][..], &to].concat(),
        [&["search", model, "--budget", "50%", "--epochs", "1"][..], &to].concat(),
        [&["train", model, "--epochs", "1"][..], &to].concat(),
    ]
}

#[test]
fn another_number_of_classes_is_an_error_everywhere() {
    let made = Made::planes();
    fs::remove_dir_all(made.folder("test/frog")).unwrap();
    let more = by_grey(made.dir.path(), "eight.onnx", 3, 8, 1.0);
    let out = made.dir.path().join("out");
    let data = made.data("");
    for (model, says) in [
        (&made.model, ["9 classes", "10 outputs", "classes=cifar10"]),
        (&more, ["9 classes", "8 outputs", "left out"]),
    ] {
        for args in commands(model, &data, out.to_str().unwrap()) {
            let r = run(&args);
            assert_eq!(r.status.code(), Some(2), "{args:?}: {}", err(&r));
            says.iter()
                .for_each(|s| assert!(err(&r).contains(s), "{args:?}: '{s}' is missing in {}", err(&r)));
            assert!(!out.join("model.onnx").exists());
        }
    }
    // Nobody compares labels here.
    assert!(run(&["verify", &made.model, &made.model, "--data", &data, "--limit", "8"]).status.success());
}

#[test]
fn numbered_classes_that_differ_are_an_error_before_a_file_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let pools = "graph g {
       %x = input f32[N,3,32,32]
       %r = relu(%x)
       %m = global_mean(%r) {keep=false}
       %w = const f32[3,3] rand(seed=1)
       %y = linear(%m, %w)
       output \"y\" = %y
     }";
    let three = onnx(dir.path(), "three.onnx", pools);
    let r = run(&["eval", &three, "--data", "shapes"]);
    assert_eq!(r.status.code(), Some(2));
    assert!(err(&r).contains("10 classes") && err(&r).contains("3 outputs"), "{}", err(&r));
    let yaml = dir.path().join("p.yaml");
    fs::write(
        &yaml,
        "model: three.onnx\ndata: cifar100:/no/such/folder\nstages:\n  - {stage: tune, epochs: 1}\n",
    )
    .unwrap();
    let out = dir.path().join("o");
    for command in [
        vec!["run", yaml.to_str().unwrap(), "-o"],
        vec!["sweep", yaml.to_str().unwrap(), "--budgets", "50%", "-o"],
    ] {
        if command[0] == "sweep" {
            fs::write(&yaml, "model: three.onnx\ndata: cifar100:/no/such/folder\nstages:\n  - {stage: search, budget: 50%}\n").unwrap();
        }
        let r = run(&[&command[..], &[out.to_str().unwrap()]].concat());
        assert_eq!(r.status.code(), Some(2));
        assert!(err(&r).contains("100 classes"), "{command:?}: {}", err(&r));
    }
}

#[test]
fn nine_folders_of_ten_classes_are_evaluated_when_listed() {
    let made = Made::planes();
    fs::remove_dir_all(made.folder("test/frog")).unwrap();
    let v = json(&["eval", &made.model, "--data", &made.data("classes=cifar10")]);
    assert_eq!((&v["clean"], &v["n"]), (&100.0.into(), &36.into()));
    assert_eq!(v["classes"].as_array().unwrap().len(), 10);
    assert!(v["notes"][0].as_str().unwrap().contains("frog"), "{v}");
    let file = made.dir.path().join("names.txt");
    fs::write(&file, PLANES.join("\n")).unwrap();
    let from_file = made.data(&format!("classes={}", file.display()));
    assert_eq!(json(&["eval", &made.model, "--data", &from_file])["clean"], 100.0);
}

#[test]
fn names_of_a_well_known_set_in_other_spellings_have_its_labels() {
    let made = Made::planes();
    let out = relinc().args(["eval", &made.model, "--json", "--data", &made.data("")]).output().unwrap();
    let v: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(v["clean"], 100.0);
    assert_eq!(v["classes"], serde_json::json!(PLANES));
    for text in [&err(&out), v["notes"][0].as_str().unwrap()] {
        assert!(text.contains("cifar10") && text.contains("classes=sorted"), "{text}");
    }
    assert!(err(&out).contains("classes: 0 plane, 1 car, 2 bird, …, 9 truck"), "{}", err(&out));
    let sorted = json(&["eval", &made.model, "--data", &made.data("classes=sorted")]);
    assert!(sorted["clean"].as_f64().unwrap() < 60.0);
    // The other order is proposed, with the text to write.
    assert!(sorted["notes"].to_string().contains("?classes=cifar10 100.0 %"), "{sorted}");
}

#[test]
fn a_report_has_the_labels_and_what_was_assumed() {
    let made = Made::planes();
    let out = made.dir.path().join("o");
    let v = json(&["compile", &made.model, "--data", &made.data(""), "-o", out.to_str().unwrap()]);
    assert_eq!(v["settings"]["classes"], serde_json::json!(PLANES));
    assert!(v["notes"].to_string().contains("cifar10"), "{}", v["notes"]);
    let text = fs::read_to_string(out.join("report.txt")).unwrap();
    assert!(text.contains("0 plane, 1 car"), "{text}");
}

#[test]
fn a_wrong_normalisation_is_found() {
    let dir = tempfile::tempdir().unwrap();
    folders(&dir.path().join("d/test"), &["a", "b", "c", "d"], 10);
    let raw = by_grey(dir.path(), "raw.onnx", 3, 4, 255.0);
    let data = format!("images:{}?val=0", dir.path().join("d").display());
    let v = json(&["eval", &raw, "--data", &data]);
    assert_eq!(v["clean"], 25.0);
    let note = v["notes"][0].as_str().unwrap();
    assert!(note.contains("?scale=255 100.0 %") && note.contains("?scale=255&val=0"), "{note}");
    let out = dir.path().join("o");
    let report = json(&["compile", &raw, "--data", &data, "-o", out.to_str().unwrap()]);
    assert!(report["notes"].to_string().contains("?scale=255"), "{}", report["notes"]);
    let right =
        json(&["eval", &raw, "--data", &format!("images:{}?scale=255", dir.path().join("d").display())]);
    assert_eq!((&right["clean"], right["notes"].as_array().unwrap().len()), (&100.0.into(), 0));
}

#[test]
fn training_says_where_its_images_come_from_and_that_they_are_normalised_wrongly() {
    let dir = tempfile::tempdir().unwrap();
    folders(&dir.path().join("d/train"), &["a", "b", "c", "d"], 40);
    folders(&dir.path().join("d/val"), &["a", "b", "c", "d"], 5);
    let raw = by_grey(dir.path(), "raw.onnx", 3, 4, 255.0);
    let (data, out) = (format!("images:{}", dir.path().join("d").display()), dir.path().join("o"));
    let r = relinc()
        .args([
            "search",
            &raw,
            "--budget",
            "50%",
            "--epochs",
            "1",
            "--batch",
            "16",
            "--bn",
            "none",
            "--augment",
            "false",
        ])
        .args(["--data", &data, "--device", "cpu", "--json", "-o", out.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(r.status.success(), "{}", err(&r));
    let v: serde_json::Value = serde_json::from_slice(&r.stdout).unwrap();
    for text in [err(&r), v["notes"].to_string()] {
        assert!(text.contains("32 images carved from the training images"), "{text}");
        assert!(text.contains("Test: the images of val"), "{text}");
        assert!(text.contains("?scale=255 100.0 %"), "{text}");
    }
}

#[test]
fn splits_that_cannot_be_told_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model = by_grey(dir.path(), "m.onnx", 3, 2, 1.0);
    let root = dir.path().join("d");
    folders(&root.join("train"), &["a", "b"], 5);
    folders(&root.join("valid"), &["a", "b"], 5);
    let data = format!("images:{}", root.display());
    let refused = |says: &[&str]| {
        let r = run(&["eval", &model, "--data", &data]);
        assert_eq!(r.status.code(), Some(2), "{}", err(&r));
        says.iter().for_each(|s| assert!(err(&r).contains(s), "'{s}' is missing in {}", err(&r)));
    };
    assert_eq!(json(&["eval", &model, "--data", &data])["n"], 10);
    folders(&root.join("val"), &["a", "b"], 5);
    refused(&["val and valid", "validation images"]);
    fs::rename(root.join("val"), root.join("tets")).unwrap();
    refused(&["tets", "rename it to test"]);
    fs::remove_dir_all(root.join("tets")).unwrap();
    fs::create_dir(root.join("__MACOSX")).unwrap();
    fs::create_dir(root.join("junk")).unwrap();
    fs::write(root.join(".DS_Store"), "").unwrap();
    fs::write(root.join("train/a/Thumbs.db"), "").unwrap();
    let notes = json(&["eval", &model, "--data", &data])["notes"].to_string();
    assert!(notes.contains("junk") && !notes.contains("MACOSX"), "{notes}");
}

/// IDX files of 8×8 digits, flat and as grey as their class.
fn idx(dir: &Path, stem: &str, count: u32) {
    let header = |magic: u32, sizes: &[u32]| {
        [&[magic], sizes].concat().iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>()
    };
    let label = |i: u32| (i % 10) as u8;
    let images = (0..count).flat_map(|i| vec![(255 * (2 * u32::from(label(i)) + 1) / 20) as u8; 64]);
    let bytes: Vec<u8> = header(0x0803, &[count, 8, 8]).into_iter().chain(images).collect();
    fs::write(dir.join(format!("{stem}-images-idx3-ubyte")), bytes).unwrap();
    let bytes: Vec<u8> = header(0x0801, &[count]).into_iter().chain((0..count).map(label)).collect();
    fs::write(dir.join(format!("{stem}-labels-idx1-ubyte")), bytes).unwrap();
}

#[test]
fn mnist_is_evaluated_corrupted_attacked_and_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    idx(dir.path(), "train", 320);
    idx(dir.path(), "t10k", 60);
    let model = by_grey(dir.path(), "m.onnx", 1, 10, 1.0);
    let data = format!("mnist:{}", dir.path().display());
    let v = json(&["eval", &model, "--data", &data, "--corruptions", "--attack", "pgd:eps=4/255,steps=3"]);
    assert_eq!((&v["clean"], &v["n"]), (&100.0.into(), &60.into()));
    assert_eq!(v["corrupted_by"].as_object().unwrap().len(), 15);
    assert!(v["adversarial"].as_f64().unwrap() <= 100.0);
    let out = dir.path().join("o");
    let robust = [
        "search",
        &model,
        "--method",
        "rlnet",
        "--budget",
        "50%",
        "--epochs",
        "1",
        "--batch",
        "32",
        "--bn",
        "single",
        "--val-attacked",
        "16",
        "--device",
        "cpu",
        "--data",
        &data,
        "-o",
        out.to_str().unwrap(),
        "--limit",
        "40",
        "--corrupted",
        "4",
        "--attacked",
        "8",
        "--certified",
        "6",
        "--certified-within",
        "1/255",
    ];
    let v = json(&robust);
    assert_eq!(v["totals"]["relus"], 32);
    let all = v["evaluations"].as_array().unwrap();
    let masked = all.iter().find(|e| e["what"] == "masked").unwrap();
    assert_eq!((&masked["n"]["certified"], &masked["radius"]), (&6.into(), &"1/255".into()));
    let (emitted, few) = (out.join("model.onnx"), ["--eps", "1/255", "--method", "crown", "--limit", "6"]);
    let c = json(&[&["certify", emitted.to_str().unwrap(), "--data", &data], &few[..]].concat());
    assert_eq!(c["certified"]["percent"], masked["certified"]);
    assert_eq!(v["settings"]["classes"].as_array().unwrap().len(), 10);
    let r = run(&["eval", &model, "--data", &format!("{data}?normalize=imagenet")]);
    assert_eq!(r.status.code(), Some(2));
    assert!(err(&r).contains("one channel") && err(&r).contains("normalize=mnist"), "{}", err(&r));
    // A network of colours takes them, too; one of another size does not.
    let colours = by_grey(dir.path(), "rgb.onnx", 3, 10, 1.0);
    assert_eq!(json(&["eval", &colours, "--data", &data])["clean"], 100.0);
    let r = run(&["eval", QUICK, "--data", &data]);
    assert_eq!(r.status.code(), Some(2));
    assert!(err(&r).contains("size=N") && err(&r).contains("3×8×8"), "{}", err(&r));
}

#[test]
fn networks_of_one_channel_take_every_form_of_input_and_every_image() {
    let dir = tempfile::tempdir().unwrap();
    folders(&dir.path().join("d/test"), &["a", "b", "c"], 6);
    let data = format!("images:{}", dir.path().join("d").display());
    let level = |i: usize| (2 * i + 1) as f32 / 6.0;
    let weights: Vec<String> =
        (0..3).flat_map(|i| vec![format!("{:?}", 2.0 * level(i) / 64.0); 64]).collect();
    let bias: Vec<String> = (0..3).map(|i| format!("{:?}", -level(i) * level(i))).collect();
    for (name, dims) in [("nchw", "1,8,8"), ("nhwc", "8,8,1"), ("rows", "8,8"), ("flat", "64")] {
        let text = format!(
            "graph g {{
               %x = input f32[N,{dims}]
               %f = reshape(%x) {{dims=[N,64]}}
               %w = const f32[3,64] [{}]
               %b = const f32[3] [{}]
               %l = linear(%f, %w, %b)
               %y = relu(%l)
               output \"y\" = %y
             }}",
            weights.join(", "),
            bias.join(", ")
        );
        let model = onnx(dir.path(), &format!("{name}.onnx"), &text);
        let v = json(&["eval", &model, "--data", &data, "--attack", "pgd:eps=0,steps=1"]);
        assert_eq!(
            (&v["n"], &v["clean"], &v["adversarial"]),
            (&18.into(), &100.0.into(), &v["clean"]),
            "{name}: {v}"
        );
        assert!(v["notes"].to_string().contains("luma"), "{name}: {v}");
    }
}
