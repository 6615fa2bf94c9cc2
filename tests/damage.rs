//! Files that a run keeps for later ones: a flipped bit is named, by the file, and refused; the same run leaves the same bytes.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, files, json, relinc};
use std::fs;
use std::path::{Path, PathBuf};

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

/// A line of a log.
fn record() -> relinc::runtime::train::Record {
    let zeros = ["loss", "ce", "kl", "attention", "train_accuracy", "rate", "hamming", "gradient"];
    let more = ["images_per_second", "data_wait", "seconds", "epoch", "epochs", "kept"];
    let mut fields: serde_json::Map<String, serde_json::Value> =
        zeros.iter().chain(&more).map(|k| (k.to_string(), 0.into())).collect();
    fields.insert("stage".into(), "search".into());
    serde_json::from_value(fields.into()).unwrap()
}

#[test]
fn a_log_that_a_crash_cut_is_continued_and_one_that_is_damaged_is_named() {
    let line = serde_json::to_string(&record()).unwrap();
    let damaged = format!("{line}\n{}\n{line}\n", line.replace("epoch", "epooh"));
    let (code, err, _) = resumed_with(&damaged);
    assert!(code == Some(2) && err.contains("log.jsonl: line 2 is damaged"), "{err}");
    let (code, err, log) = resumed_with(&line[..50]);
    assert!(code == Some(0) && err.contains("log.jsonl: the last line is not whole"), "{err}");
    assert_eq!(log.lines().count(), 2);
}

/// A run is killed, its log is replaced, and it is resumed: exit code, what was said, and the log after it.
fn resumed_with(text: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (yaml, out) = (pipeline(dir.path()), dir.path().join("out"));
    let (o, log) = (out.display().to_string(), out.join("log.jsonl"));
    let mut killed = relinc().args(["--quiet", "run", &yaml, "-o", &o]).spawn().unwrap();
    while fs::read_to_string(out.join("checkpoints/search.json")).is_err() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    fs::write(&log, text).unwrap();
    let ran = relinc().args(["run", &yaml, "-o", &o, "--resume"]).output().unwrap();
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code(), err, fs::read_to_string(&log).unwrap())
}

#[test]
fn equal_compilations_are_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    // The commands that a report proposes name its folder.
    let folder = |name: &str| {
        let (made, out) = (dir.path().join("out"), dir.path().join(name));
        let o = made.display().to_string();
        let args =
            ["compile", QUICK, "-o", &o, "--budget", "30%", "--data", DATA, "--limit", "10", "--rounds", "2"];
        let targets = ["onnx", "spu", "crypten", "mp-spdz"].map(|t| ["--target", t]).concat();
        json(&[&args[..], &targets].concat());
        fs::rename(made, &out).unwrap();
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
