//! The scripts for machines with a card, as far as they run without one.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::Command;

fn script(name: &str) -> String {
    format!("{}/examples/gpu/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_headline_pipeline_is_one_that_relinc_reads() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let made = Command::new("bash")
        .arg(script("headline.sh"))
        .args([dir.path(), "3".as_ref(), "1".as_ref(), "2".as_ref(), out.as_path()])
        .env("RELINC", "true")
        .env("PRECISION", "bf16")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pipeline = out.join("pipeline.yaml");
    let text = std::fs::read_to_string(&pipeline).unwrap();
    for line in ["epochs: 3", "epochs: 1", "epochs: 2", "precision: bf16", "budget: 50k", "device: auto"] {
        assert!(text.contains(line), "no '{line}' in\n{text}");
    }
    let listed =
        Command::new(env!("CARGO_BIN_EXE_relinc")).arg("run").arg(&pipeline).arg("--list").output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let stages = String::from_utf8_lossy(&listed.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(stages, "teacher search tune evaluate compile");
}

#[test]
fn the_bench_script_is_shell() {
    assert!(Command::new("bash").args(["-n", &script("bench.sh")]).status().unwrap().success());
}
