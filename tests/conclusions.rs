//! Layers whose few ReLUs cost more than they are worth, through the binary.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, run};
use relinc::passes::choice::Choice;
use relinc::passes::masks::{LayerMask, Masks};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Masks for the quickstart's network: `kept(layer, its ReLUs)` elements of each layer keep theirs, spread over it.
fn masks(path: &Path, kept: impl Fn(&str, usize) -> usize) {
    let v = json(&["inspect", QUICK]);
    let mut m = Masks::default();
    for l in v["layers"].as_array().unwrap() {
        let shape: Vec<usize> =
            l["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
        let shape = [shape[0], shape[1], shape[2]];
        let (name, all) = (l["name"].as_str().unwrap(), shape.iter().product::<usize>());
        let mut mask = LayerMask::uniform(shape, Choice::Identity);
        let n = kept(name, all);
        (0..n).for_each(|i| mask.values[i * all / n] = Choice::Relu);
        m.layers.insert(name.into(), mask);
    }
    m.write(path).unwrap();
}

/// The report of a compilation under those masks.
fn compiled(dir: &Path, kept: impl Fn(&str, usize) -> usize, more: &[&str]) -> Value {
    let (file, out) = (dir.join("given.safetensors"), dir.join("out"));
    masks(&file, kept);
    let (file, out) = (file.display().to_string(), out.display().to_string());
    let mut args =
        vec!["compile", QUICK, "--masks", &file, "-o", &out, "--target", "spu", "--network", "wan"];
    args.extend(more);
    json(&args)
}

/// Half of each layer, but for one that keeps a handful.
fn lonely(name: &str, all: usize) -> usize {
    if name == "relu01" { 5 } else { all / 2 }
}

#[test]
fn a_layer_with_a_handful_of_relus_is_named_with_what_it_saves() {
    let dir = tempfile::tempdir().unwrap();
    let r = compiled(dir.path(), lonely, &["--protocol", "semi2k"]);
    let [c] = &r["conclusions"].as_array().unwrap()[..] else { panic!("{:#}", r["conclusions"]) };
    assert_eq!((c["protocol"].as_str(), c["network"].as_str()), (Some("spu-semi2k"), Some("wan")));
    let [drop] = &c["drop"].as_array().unwrap()[..] else { panic!("{c:#}") };
    assert_eq!((drop["layer"].as_str(), drop["relus"].as_u64()), (Some("relu01"), Some(5)));
    assert!(drop["rounds"].as_f64().unwrap() >= 8.0, "a comparison has eight exchanges: {drop}");
    for key in ["rounds", "online_bytes", "seconds"] {
        assert_eq!(drop[key], c["together"][key]);
    }
    // Its command gives exactly what was predicted.
    let next = c["next"][0].as_str().unwrap();
    assert!(next.contains("--vanish relu01"), "{next}");
    let words = next.strip_prefix("relinc ").unwrap();
    let done = Command::new("sh")
        .arg("-c")
        .arg(format!("'{}' {words} --json", env!("CARGO_BIN_EXE_relinc")))
        .output()
        .unwrap();
    assert!(done.status.success(), "{next}\n{}", String::from_utf8_lossy(&done.stderr));
    let without: Value = serde_json::from_slice(&done.stdout).unwrap();
    let of = |r: &Value, key: &str| r["cost"][0][key].as_f64().unwrap();
    assert_eq!(of(&r, "rounds") - of(&without, "rounds"), drop["rounds"].as_f64().unwrap());
    let bytes = of(&r, "online_bytes") - of(&without, "online_bytes");
    assert_eq!(bytes, drop["online_bytes"].as_f64().unwrap());
    let seconds = of(&r, "latency_s") - of(&without, "latency_s");
    assert!((seconds - drop["seconds"].as_f64().unwrap()).abs() < 1e-9, "{seconds} {drop}");
    assert_eq!(without["conclusions"], Value::Null, "nothing is left to say");
    let text = std::fs::read_to_string(dir.path().join("out/report.txt")).unwrap();
    assert!(text.contains("- drop relu01: −"), "{text}");
}

#[test]
fn layers_that_are_thinned_alike_are_not_named() {
    let dir = tempfile::tempdir().unwrap();
    let r = compiled(dir.path(), |_, all| all / 100, &["--protocol", "semi2k"]);
    assert_eq!(r["conclusions"], Value::Null);
}

/// A layer that is small by nature and keeps its ReLUs is none of the masks' making.
#[test]
fn without_masks_nothing_is_concluded() {
    let dir = tempfile::tempdir().unwrap();
    let r = compiled(dir.path(), |_, all| all, &["--protocol", "semi2k"]);
    assert_eq!(r["conclusions"], Value::Null);
}

#[test]
fn several_layers_are_priced_together_too() {
    let dir = tempfile::tempdir().unwrap();
    let few = |name: &str, all| if matches!(name, "relu01" | "relu03") { 3 } else { all / 2 };
    for protocol in ["semi2k", "aby3", "cheetah"] {
        let r = compiled(dir.path(), few, &["--protocol", protocol]);
        let c = &r["conclusions"][0];
        let layers: Vec<&str> =
            c["drop"].as_array().unwrap().iter().map(|d| d["layer"].as_str().unwrap()).collect();
        assert_eq!(layers, ["relu01", "relu03"], "{protocol}");
        let each: f64 = c["drop"].as_array().unwrap().iter().map(|d| d["rounds"].as_f64().unwrap()).sum();
        assert!(c["together"]["rounds"].as_f64().unwrap() >= each - 1e-9, "{protocol}: {c:#}");
        assert!(c["next"][0].as_str().unwrap().contains("--vanish relu01,relu03"), "{protocol}");
        // The same folder again, for the next protocol.
        std::fs::remove_dir_all(dir.path().join("out")).unwrap();
    }
}

#[test]
fn a_protocol_that_cannot_price_the_network_concludes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let r = compiled(dir.path(), lonely, &["--protocol", "garbled-circuit"]);
    assert_eq!(r["conclusions"], Value::Null);
}

#[test]
fn vanish_empties_layers_of_given_masks() {
    let dir = tempfile::tempdir().unwrap();
    let r = compiled(dir.path(), lonely, &["--vanish", "relu00,relu01"]);
    let relus: Vec<u64> =
        r["layers"].as_array().unwrap().iter().map(|l| l["relus"].as_u64().unwrap()).collect();
    assert_eq!(&relus[..2], [0, 0]);
    assert!(relus[2..].iter().all(|&n| n > 0));
    let written = Masks::read(&dir.path().join("out/masks.safetensors")).unwrap();
    assert_eq!(written.layers["relu01"].kept(), 0);
}

#[test]
fn vanish_of_an_unknown_layer_is_refused_with_the_nearest_name() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let done = run(&["compile", QUICK, "-o", &out.display().to_string(), "--vanish", "relu1"]);
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("there is no ReLU layer 'relu1'; did you mean"), "{said}");
    assert!(!out.exists());
}
