//! The embedded default: no data, no Python.
#![allow(clippy::unwrap_used)]

mod common;

use common::{files, json, run};

#[test]
fn quickstart_leaves_the_whole_folder_and_keeps_its_accuracy() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("quick");
    let yaml = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart.yaml");
    let start = std::time::Instant::now();
    let v = json(&["run", yaml, "-o", &out.display().to_string()]);
    assert!(start.elapsed().as_secs() < 300);
    assert!(v["accuracy"]["before"]["clean"].as_f64().unwrap() > 90.0);
    assert!(v["accuracy"]["after"]["clean"].as_f64().unwrap() > 90.0);
    assert!(v["totals"]["relus"].as_u64().unwrap() < v["before"]["relus"].as_u64().unwrap());
    let expected = [
        "checkpoints/evaluate.json",
        "checkpoints/search.json",
        "checkpoints/search.safetensors",
        "checkpoints/start.safetensors",
        "log.jsonl",
        "manifest.json",
        "masks.safetensors",
        "model.onnx",
        "report.html",
        "report.json",
        "report.txt",
        "spu/client/images.py",
        "spu/client/query.py",
        "spu/helper/help_party.py",
        "spu/manifest.json",
        "spu/model.mlir",
        "spu/model.semi2k.mlir",
        "spu/public/manifest.json",
        "spu/public/meeting.py",
        "spu/public/model.mlir",
        "spu/public/model.semi2k.mlir",
        "spu/public/places.py",
        "spu/public/run.py",
        "spu/public/service.py",
        "spu/public/session.py",
        "spu/public/workers.py",
        "spu/run.py",
        "spu/sample_input.npy",
        "spu/server/serve.py",
        "spu/server/weights.npz",
        "spu/weights.npz",
        "trained.onnx",
    ];
    assert_eq!(files(&out), expected);
    std::fs::remove_file(out.join("report.html")).unwrap();
    assert!(run(&["report", &out.display().to_string()]).status.success());
    assert!(out.join("report.html").exists());
    let (folder, page) = (out.display().to_string(), dir.path().join("compare.html"));
    let v = json(&["report", "--compare", &folder, &folder, "-o", &page.display().to_string()]);
    assert_eq!(v["runs"].as_array().unwrap().len(), 2);
    assert!(std::fs::read_to_string(page).unwrap().contains("Accuracy against ReLUs"));
    let several = run(&["report", &folder, &folder]);
    assert_eq!(several.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&several.stderr).contains("--compare"));
}

#[test]
fn same_seed_same_masks() {
    let dir = tempfile::tempdir().unwrap();
    let quick = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
    let masks = |name: &str, seed: &str| {
        let out = dir.path().join(name);
        let o = out.display().to_string();
        json(&[
            "compile", quick, "-o", &o, "--budget", "12345", "--data", "shapes", "--rounds", "2", "--limit",
            "50", "--seed", seed,
        ]);
        let m = relinc::passes::masks::Masks::read(&out.join("masks.safetensors")).unwrap();
        assert_eq!(m.kept(), 12_345);
        m
    };
    assert_eq!(masks("a", "1"), masks("b", "1"));
    assert_ne!(masks("c", "1").layers, masks("d", "2").layers);
}

#[test]
fn compile_is_fast_and_small() {
    let rows = json(&["bench", "compile", "--repeat", "1"]);
    for (row, limit) in rows.as_array().unwrap().iter().zip([0.5, 3.0]) {
        assert!(row["seconds"].as_f64().unwrap() < limit, "{row}");
    }
    let (peak, model) = (&rows[1]["peak_bytes"], &rows[1]["model_bytes"]);
    if let Some(peak) = peak.as_f64() {
        assert!(peak < 4.0 * model.as_f64().unwrap(), "{rows}");
    }
}

#[test]
fn artefacts_of_an_earlier_compilation_do_not_linger() {
    let dir = tempfile::tempdir().unwrap();
    let quick = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
    let o = dir.path().display().to_string();
    std::fs::write(dir.path().join("notes.txt"), "the user's").unwrap();
    json(&["compile", quick, "-o", &o, "--target", "onnx", "--target", "spu"]);
    assert!(dir.path().join("spu/run.py").exists());
    json(&["compile", quick, "-o", &o, "--target", "onnx"]);
    let expected = [
        "manifest.json",
        "masks.safetensors",
        "model.onnx",
        "notes.txt",
        "report.html",
        "report.json",
        "report.txt",
    ];
    assert_eq!(files(dir.path()), expected);
}

#[test]
fn graphs_are_json_when_asked() {
    let quick = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
    let v = json(&["inspect", quick, "--graph", "pir"]);
    assert!(v["graph"].as_str().unwrap().contains("@relu00"));
    assert!(json(&["inspect", quick, "--graph", "dot"])["graph"].as_str().unwrap().starts_with("digraph"));
}
