//! Files that a run keeps for later ones: a flipped bit is named, by the file, and refused; the same run leaves the same bytes.
#![allow(clippy::unwrap_used)]

mod common;

use common::{files, json, relinc};
use std::fs;
use std::path::{Path, PathBuf};

const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
const DATA: &str = "shapes?train=128&val=64";

/// A search whose budget and sensitivities lie in files of their own, and a tune stage.
fn pipeline(dir: &Path) -> String {
    let path = dir.join("p.yaml");
    let search = "{stage: search, method: senet, budget: 20%, epochs: 1, batch: 64, calibration: 64}";
    let text = format!(
        "model: {QUICK}\ndata: {DATA}\ndevice: cpu\nstages:\n  - {search}\n  - {{stage: tune, epochs: 1, batch: 64}}\n\
         accuracy: {{limit: 20}}\n"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Flips one bit of a file, runs the command, which must refuse it by name, and puts the file back.
fn flip(file: &Path, bit: usize, args: &[&str]) {
    let bytes = fs::read(file).unwrap();
    let mut other = bytes.clone();
    other[bit / 8] ^= 1 << (bit % 8);
    fs::write(file, other).unwrap();
    let out = relinc().arg("--quiet").args(args).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(out.status.code(), Some(2), "{name}, bit {bit}: {err}");
    assert!(err.contains(&name) && err.matches("error:").count() == 1, "{name}, bit {bit}: {err}");
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_what_a_run_keeps_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (yaml, out) = (pipeline(dir.path()), dir.path().join("out"));
    let o = out.display().to_string();
    json(&["run", &yaml, "-o", &o]);
    let kept: Vec<PathBuf> =
        files(&out).iter().filter(|f| f.starts_with("checkpoints/")).map(|f| out.join(f)).collect();
    let names: Vec<_> = kept.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    let expected = [
        "evaluate.json",
        "search.json",
        "search.safetensors",
        "sensitivity-search-gradient.json",
        "start.safetensors",
        "tune.json",
        "tune.safetensors",
    ];
    assert_eq!(names, expected);
    for file in &kept {
        // The header and the data; in what words stand for, all of it.
        let bits = 8 * fs::metadata(file).unwrap().len() as usize;
        for bit in [5, 8 * 300 + 1, bits / 2, bits - 7].into_iter().filter(|b| *b < bits) {
            flip(file, bit, &["run", &yaml, "-o", &o, "--resume"]);
        }
    }
    json(&["run", &yaml, "-o", &o, "--resume"]);
}

#[test]
fn a_flipped_bit_in_masks_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second").display().to_string());
    let o = first.display().to_string();
    json(&["compile", QUICK, "-o", &o, "--budget", "30%", "--data", DATA, "--limit", "10", "--rounds", "2"]);
    let masks = first.join("masks.safetensors");
    let bits = 8 * fs::metadata(&masks).unwrap().len() as usize;
    for bit in (3..bits).step_by(bits / 12) {
        flip(&masks, bit, &["compile", QUICK, "--masks", masks.to_str().unwrap(), "-o", &second]);
        assert!(!Path::new(&second).exists());
    }
}

#[test]
fn a_log_that_a_crash_cut_is_continued_and_one_that_is_damaged_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (yaml, out) = (pipeline(dir.path()), dir.path().join("out"));
    let (o, log) = (out.display().to_string(), out.join("log.jsonl"));
    json(&["run", &yaml, "-o", &o]);
    let resume = || relinc().args(["run", &yaml, "-o", &o, "--resume"]).output().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{text}{}", &text[..50])).unwrap();
    let ran = resume();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && err.contains("log.jsonl: the last line is not whole"), "{err}");
    assert_eq!(fs::read_to_string(&log).unwrap(), text);
    fs::write(&log, text.replacen("\"epoch\":1", "\"epoch\":l", 1)).unwrap();
    let ran = resume();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && err.contains("log.jsonl: line 1 is damaged"), "{err}");
}

#[test]
fn equal_compilations_are_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let out = dir.path().join(name);
        let o = out.display().to_string();
        let args =
            ["compile", QUICK, "-o", &o, "--budget", "30%", "--data", DATA, "--limit", "10", "--rounds", "2"];
        let targets = ["onnx", "spu", "crypten", "mp-spdz"].map(|t| ["--target", t]).concat();
        json(&[&args[..], &targets].concat());
        out
    };
    let first = folder("first");
    for name in ["second", "third", "fourth"] {
        let other = folder(name);
        assert_eq!(files(&first), files(&other));
        for file in files(&first) {
            assert!(
                fs::read(first.join(&file)).unwrap() == fs::read(other.join(&file)).unwrap(),
                "another {file}"
            );
        }
    }
}
