//! `relinc init`: a first pipeline, which runs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, run};
use std::fs::{read_to_string, write};

const SHAPES: &str = "shapes?train=512&val=200";

#[test]
fn what_it_writes_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pipeline.yaml");
    let name = file.display().to_string();
    let found = json(&["init", QUICK, "--data", SHAPES, "-o", &name, "--network", "wan"]);
    let text = read_to_string(&file).unwrap();
    for part in [
        "# A pipeline for",
        "10 classes",
        "method: gradual",
        "# It takes about",
        "validation images are right",
        "this pipeline",
        "10%",
        "protocols: [\"spu-cheetah\", \"spu-aby3\", \"spu-semi2k\"]",
        "networks: [\"wan\"]",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(found["found"]["estimate"]["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(found["found"]["budgets"].as_array().unwrap().len(), 4);
    assert!(run(&["run", &name, "--check"]).status.success());
    // One tiny epoch of it.
    let tiny = text
        .replace("epochs: 5", "epochs: 1")
        .replace("epochs: 3", "epochs: 1")
        .replace("epochs: 8", "epochs: 1");
    write(&file, tiny.replace("limit: 10000", "limit: 50")).unwrap();
    let out = dir.path().join("out");
    let ran = run(&["run", &name, "-o", &out.display().to_string()]);
    let err = String::from_utf8_lossy(&ran.stderr);
    // So short a training may end with an answer of no, which comes once all is written.
    assert_ne!(ran.status.code(), Some(2), "{err}");
    assert!(out.join("report.json").is_file() && out.join("spu/run.py").is_file(), "{err}");
}

#[test]
fn no_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.yaml");
    write(&file, "mine").unwrap();
    let ran = run(&["init", QUICK, "--data", SHAPES, "-o", &file.display().to_string()]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("is there already"));
    assert_eq!(read_to_string(&file).unwrap(), "mine");
}

#[test]
fn what_does_not_fit_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.yaml");
    let out = file.display().to_string();
    let elsewhere = dir.path().join("no/p.yaml").display().to_string();
    let text = dir.path().join("p.txt").display().to_string();
    for (args, why) in [
        (["init", QUICK, "--data", "cifar10:/no/such/folder", "-o", &out], "/no/such/folder"),
        (["init", "/no/model.onnx", "--data", SHAPES, "-o", &out], "/no/model.onnx"),
        (["init", QUICK, "--data", SHAPES, "-o", &elsewhere], "no/p.yaml"),
        (["init", QUICK, "--data", SHAPES, "-o", &text], "ends with .yaml"),
    ] {
        let ran = run(&args);
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(why), "{why}: {err}");
    }
    assert!(!file.exists());
}

#[test]
fn a_pipeline_that_cannot_run_is_found_by_check() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.yaml");
    let checked = |stages: &str| {
        write(&file, format!("model: \"{QUICK}\"\ndata: {SHAPES}\nstages:\n  - {stages}\n")).unwrap();
        let ran = run(&["run", &file.display().to_string(), "--check"]);
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    assert_eq!(checked("{stage: search, method: gradual, budget: 10%, epochs: 1}").0, Some(0));
    assert_eq!(checked("{stage: search, budget: 10%}").0, Some(0));
    for (stages, why) in [
        ("{stage: search, method: gradual, budget: 10%, layers: 99}", "layers: 99"),
        ("{stage: search, budget: 9000000}", "9000000"),
        ("{stage: search, budget: 10%, vanish: [relu99]}", "relu99"),
    ] {
        let (code, err) = checked(stages);
        assert_eq!(code, Some(2), "{stages}: {err}");
        assert!(err.contains(why), "{why}: {err}");
    }
    assert!(!dir.path().join("out").exists());
}
