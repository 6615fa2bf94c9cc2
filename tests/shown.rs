//! What a compilation prints, and what `explain` knows of it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, compiling, json, run};
use std::path::Path;

fn text(args: &[&str]) -> String {
    let out = run(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn compile(out: &Path, more: &[&str]) -> String {
    text(&compiling(&out.display().to_string(), ["100", "32"], "50%", more))
}

#[test]
fn compile_prints_twelve_lines_that_end_with_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let said = compile(
        &out,
        &[
            "--network",
            "lan",
            "--network",
            "wan",
            "--network",
            "mobile",
            "--protocol",
            "cheetah",
            "--protocol",
            "aby3",
        ],
    );
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() <= 12, "{said}");
    assert_eq!(*lines.last().unwrap(), format!("report: {}", out.join("report.html").display()));
    for part in ["accuracy, clean", "ReLUs: ", "exchanges", "instead of"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let whole = compile(&out, &["--full"]);
    assert!(whole.contains("ReLU layers\n") && whole.lines().count() > 50);
    assert!(whole.ends_with(&format!("wrote {}\n", out.display())));
}

#[test]
fn a_layer_of_a_compiled_network_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    compile(&out, &[]);
    let folder = out.display().to_string();
    let said = text(&["explain", "relu00", "--in", &folder]);
    for part in
        ["relu00: a ReLU layer", "are left", "what became of it", "its mask:", "spu-semi2k:", "report.html"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let v = json(&["explain", "relu00", "--in", &folder]);
    assert_eq!((&v["kind"], &v["layer"]["name"]), (&"layer".into(), &"relu00".into()));
    let err = run(&["explain", "relu99", "--in", &folder]);
    let said = String::from_utf8_lossy(&err.stderr);
    assert!(
        err.status.code() == Some(2) && said.contains("[R303]") && said.contains("it has relu00 to "),
        "{said}"
    );
}

#[test]
fn passes_protocols_and_codes_are_explained() {
    for (name, part) in [
        ("merge-conv", "Before"),
        ("cheetah", "trust:"),
        ("spu-semi2k", "prices:"),
        ("nfgsm", "train_attack"),
        ("auto", "Square"),
        ("r301", "latency=1.5s@cheetah/wan"),
    ] {
        let said = text(&["explain", name]);
        assert!(said.contains(part), "{name}: {said}");
        assert!(json(&["explain", name])["kind"].is_string());
    }
    let err = run(&["explain", "merge-con"]);
    assert_eq!(err.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&err.stderr).contains("did you mean \"merge-conv\"?"));
}

#[test]
fn errors_carry_codes_that_explain_knows() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let mine = dir.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("model.onnx"), "mine").unwrap();
    let mine = mine.display().to_string();
    let pipeline = dir.path().join("p.yaml");
    std::fs::write(&pipeline, "modle: a\n").unwrap();
    let pipeline = pipeline.display().to_string();
    for (args, code) in [
        (vec!["compile", QUICK, "-o", &out, "--budget", "50%"], "R202"),
        (vec!["compile", QUICK, "-o", &out, "--budget", "9000000", "--data", "shapes"], "R301"),
        (vec!["compile", QUICK, "-o", &out, "--vanish", "relu99"], "R303"),
        (
            vec!["compile", QUICK, "-o", &out, "--budget", "50%", "--data", "shapes", "--method", "gradual"],
            "R304",
        ),
        (vec!["compile", QUICK, "-o", &out, "--data", "cifar10:/no/such/folder"], "R902"),
        (vec!["compile", QUICK, "-o", &mine], "R402"),
        (
            vec![
                "compile",
                QUICK,
                "-o",
                &out,
                "--budget",
                "latency=1ms@semi2k/wan",
                "--data",
                "shapes",
                "--calibration",
                "16",
            ],
            "R302",
        ),
        (vec!["run", &pipeline], "R801"),
        (vec!["inspect", "/no/model.onnx"], "R902"),
    ] {
        let ran = run(&args);
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && err.trim_end().ends_with(&format!("[{code}]")), "{args:?}: {err}");
        assert!(text(&["explain", code]).starts_with(code));
    }
}

#[test]
fn help_is_in_groups_and_every_command_has_a_manual_page() {
    let help = text(&["--help"]);
    assert!(help.find("inspect").unwrap() < help.find("For maintainers").unwrap());
    assert!(help.contains("Everywhere:") && help.contains("--json"));
    let short = text(&["compile", "-h"]);
    let long = text(&["compile", "--help"]);
    assert!(2 * short.lines().count() < long.lines().count(), "{short}");
    let page = text(&["man", "compile"]);
    assert!(page.contains("relinc\\-compile") && page.contains("stable\\-sign"), "{page}");
    assert!(text(&["man"]).contains("relinc"));
    assert_eq!(run(&["man", "compil"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("man/man1");
    assert!(run(&["man", "-o", &man.display().to_string()]).status.success());
    let written: Vec<_> = std::fs::read_dir(&man).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(written.len(), relinc::cli::command().get_subcommands().count() + 1, "{written:?}");
    assert_eq!(std::fs::read_to_string(man.join("relinc-compile.1")).unwrap(), page);
}
