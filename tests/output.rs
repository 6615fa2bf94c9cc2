//! What commands print must arrive, or they say so. A reader that closes a pipe has enough; stderr never decides.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::relinc;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Commands of every way to print: lines, texts, JSON, the parser's own.
fn commands() -> Vec<Vec<&'static str>> {
    let lines = [
        "passes",
        "passes --markdown",
        "passes --json",
        "protocols",
        "protocols --json",
        "devices",
        "man",
        "completions bash",
        "help",
        "--help",
        "compile --help",
        "--version",
    ];
    let inspect = [vec!["inspect", QUICK], vec!["inspect", QUICK, "--graph", "pir"]];
    let verify = vec!["verify", QUICK, QUICK, "--random", "1"];
    let eval = vec!["eval", QUICK, "--data", "shapes?train=20&val=10", "--limit", "5"];
    lines.map(|l| l.split(' ').collect()).into_iter().chain(inspect).chain([verify, eval]).collect()
}

#[test]
fn a_result_that_cannot_be_printed_is_an_error() {
    for args in commands() {
        let out = relinc().arg("--quiet").args(&args).stdout(full()).output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{args:?}: {err}");
        assert!(
            err.starts_with("error: standard output: cannot be written: No space left"),
            "{args:?}: {err}"
        );
        assert_eq!(err.lines().count(), 1, "{args:?}: {err}");
    }
}

#[test]
fn a_folder_whose_report_cannot_be_printed_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let ran = relinc().args(["--quiet", "compile", QUICK, "-o"]).arg(&out).stdout(full()).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    assert!(out.join("model.onnx").exists() && out.join("report.json").exists());
    let page = dir.path().join("page.html");
    let ran = relinc().args(["report", "--compare"]).arg(&out).arg("-o").arg(&page).stdout(full()).output();
    assert_eq!(ran.unwrap().status.code(), Some(1));
    let ran = relinc().arg("report").arg(&out).stdout(full()).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for args in
        [["passes", "--markdown"], ["protocols", "--json"], ["completions", "bash"], ["compile", "--help"]]
    {
        let mut child = relinc().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        drop(reader);
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&stderr);
        assert!(status.success() && err.is_empty(), "{args:?}: {status} {err}");
    }
}

#[test]
fn stderr_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = "shapes?train=20&val=10";
    let code = |args: &[&str]| relinc().args(args).stderr(full()).output().unwrap().status.code();
    assert_eq!(code(&["eval", QUICK, "--data", data, "--limit", "5"]), Some(0));
    let out = dir.path().join("out").display().to_string();
    assert_eq!(code(&["compile", QUICK, "-v", "-o", &out, "--data", data, "--limit", "5"]), Some(0));
    assert_eq!(code(&["inspect", "missing.onnx"]), Some(2));
    assert_eq!(code(&["nonsense"]), Some(2));
    let both = relinc().arg("passes").stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(both.status.code(), Some(1));
}
