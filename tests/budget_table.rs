//! `relinc inspect --budgets`: what budgets cost, before anything is trained.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, compiling, json, run};

const LOOK: [&str; 6] = ["inspect", QUICK, "--data", "shapes", "--calibration", "32"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&LOOK[..], more].concat()
}

#[test]
fn a_budget_costs_what_its_compilation_is_predicted_to() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let table = json(&with(&["--budgets", "30%,0"]));
    let (row, none) = (&table["budgets"][0], &table["budgets"][1]);
    let compiled = json(&compiling(&out, ["20", "32"], "30%", &["--target", "spu"]));
    assert_eq!(row["budget"], "30%");
    assert_eq!(row["kept"], compiled["totals"]["comparisons"]);
    let entries = row["cost"].as_array().unwrap().iter().zip(compiled["cost"].as_array().unwrap());
    for (here, there) in entries {
        for key in
            ["protocol", "network", "online_bytes", "rounds", "latency_s", "later", "before", "lossless"]
        {
            assert_eq!(here[key], there[key], "{key}");
        }
    }
    assert_eq!(row["cost"].as_array().unwrap().len(), 6);
    assert_eq!(none["kept"], 0);
    assert_eq!(none["vanished"].as_array().unwrap().len(), table["layers"].as_array().unwrap().len());
}

#[test]
fn bounded_truncation_costs_what_its_compilation_is_predicted_to() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let how = ["--truncation", "bounded", "--protocol", "semi2k", "--network", "wan"];
    let (safe, bounded) =
        (with(&["--budgets", "50%", "--protocol", "semi2k"]), [&["--budgets", "50%"][..], &how].concat());
    let (safe, bounded) = (json(&safe), json(&with(&bounded)));
    let more = [&["--target", "spu"][..], &how].concat();
    let compiled = json(&compiling(&out, ["20", "32"], "50%", &more));
    let (row, there) = (&bounded["budgets"][0]["cost"][0], &compiled["cost"][0]);
    for key in ["online_bytes", "rounds", "latency_s", "later", "before", "lossless"] {
        assert_eq!(row[key], there[key], "{key}");
    }
    let rounds = |table: &serde_json::Value| table["budgets"][0]["cost"][0]["rounds"].as_f64().unwrap();
    assert!(rounds(&bounded) < rounds(&safe));
}

#[test]
fn the_text_holds_every_budget_and_says_what_it_lacks() {
    let out = run(&with(&["--budgets", "50%,latency=100s@cheetah/lan"]));
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for part in [
        "Accuracy is not in this table",
        "original",
        "compiled, all ReLUs",
        "50%",
        "SPU CHEETAH",
        "LAN",
        "WAN",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.lines().skip(1).all(|l| l.chars().count() <= 100), "{said}");
}

#[test]
fn a_time_that_cannot_be_met_leaves_the_other_rows() {
    let out = run(&with(&["--budgets", "latency=1ms@semi2k/wan,50%"]));
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said.contains("not met") && said.contains("50%"), "{said}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot be met"));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (more, why) in [
        (vec!["inspect", QUICK, "--budgets", "50%"], "--data"),
        (
            vec!["inspect", QUICK, "--layers", "3"],
            "--layers: says how masks are found for a budget; add --budgets",
        ),
        (with(&["--budgets", "900000"]), "--budgets: 900000: budget 900000 is 900000 ReLUs"),
        (with(&["--budgets", "half"]), "half"),
        (with(&["--budgets", "50%", "--truncation", "cheap"]), "'cheap' is no truncation"),
        (with(&["--budgets", "50%", "--method", "gradual"]), "trains"),
        (with(&["--budgets", "50%", "--vanish", "relu99"]), "relu99"),
    ] {
        let out = run(&more);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{more:?}: {err}");
        assert!(err.contains(why), "{why}: {err}");
    }
}
