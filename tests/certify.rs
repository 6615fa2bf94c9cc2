//! `relinc certify`: what it counts, what it writes for others, and what is refused.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{QUICK, cifar, json, model, run, shared};
use serde_json::Value;
use std::fs;

fn certify(args: &[&str]) -> Value {
    json(&[&["certify", QUICK, "--data", "shapes"], args].concat())
}

fn refuses(args: &[&str], says: &[&str]) {
    let out = run(&[&["certify", QUICK, "--data", "shapes"], args].concat());
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
    assert!(out.stdout.is_empty() && !err.contains("panicked"), "{args:?}: {err}");
    says.iter().for_each(|word| assert!(err.contains(word), "'{word}' is missing in: {err}"));
}

fn count(v: &Value, what: &str) -> u64 {
    v[what]["count"].as_u64().unwrap_or_else(|| panic!("no {what} in {v}"))
}

#[test]
fn every_image_is_one_of_four() {
    let v = certify(&["--eps", "0.01/255", "--limit", "12", "--method", "interval", "--restarts", "1"]);
    let wrong =
        v["images"].as_array().unwrap().iter().filter(|i| i["verdict"] == "misclassified").count() as u64;
    assert_eq!(count(&v, "clean") + wrong, 12);
    assert_eq!(count(&v, "certified") + count(&v, "falsified") + count(&v, "unknown"), count(&v, "clean"));
    for image in v["images"].as_array().unwrap() {
        let proven = image["margin"].as_f64().zip(image["slack"].as_f64()).is_some_and(|(m, s)| m > s);
        assert_eq!(image["verdict"] == "certified", proven, "{image}");
    }
}

#[test]
fn a_smaller_ball_is_easier() {
    let [near, far] = ["0.02/255", "1/255"]
        .map(|eps| certify(&["--eps", eps, "--limit", "1", "--method", "crown", "--restarts", "0"]));
    assert!(count(&near, "certified") > 0, "{near}");
    assert!(count(&near, "certified") > count(&far, "certified"), "{near} {far}");
    assert_eq!((count(&near, "falsified"), near["attack"].is_null()), (0, true));
}

#[test]
fn auto_attack_falsifies_and_certificates_stand() {
    let auto = ["--attack", "auto:steps=2,queries=3"];
    let small = ["--eps", "0.02/255", "--limit", "1", "--method", "crown", "--challenge", "1"];
    let v = certify(&[&small[..], &auto].concat());
    let attack = v["attack"].as_str().unwrap();
    assert!(attack.starts_with("auto:eps=") && attack.ends_with(",steps=2,queries=3"), "{attack}");
    let c = &v["challenge"];
    assert_eq!(c["images"].as_array().unwrap().len() as u64, count(&v, "certified").min(1), "{v}");
    assert_eq!((c["broken"].as_array().unwrap().len(), c["attacks"].as_array().unwrap().len()), (0, 2));
    assert!(c["above"].as_f64().is_none_or(|a| a >= 0.0), "{c}");
    let big = ["--eps", "16/255", "--limit", "4", "--method", "interval"];
    let v = certify(&[&big[..], &auto].concat());
    assert!(count(&v, "falsified") > 0 && v["challenge"].is_null(), "{v}");
}

#[test]
fn properties_for_other_verifiers() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("new/properties");
    let v = certify(&[
        "--eps",
        "1/255",
        "--limit",
        "2",
        "--method",
        "interval",
        "--restarts",
        "0",
        "--vnnlib",
        to.to_str().unwrap(),
    ]);
    assert_eq!(v["n"], 2);
    let list = fs::read_to_string(to.join("instances.csv")).unwrap();
    assert_eq!(list, "model.onnx,image00000.vnnlib,300\nmodel.onnx,image00001.vnnlib,300\n");
    let text = fs::read_to_string(to.join("image00001.vnnlib")).unwrap();
    let inputs = text.lines().filter(|l| l.starts_with("(declare-const X_")).count();
    assert_eq!(
        (inputs, text.matches("(assert (<= X_").count(), text.matches("(and (>= Y_").count()),
        (3072, 3072, 9)
    );
    let out = run(&["verify", QUICK, to.join("model.onnx").to_str().unwrap(), "--random", "2"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn what_is_refused() {
    refuses(&["--eps", "2"], &["more than a full pixel", "2/255"]);
    refuses(&["--eps", "0"], &["above 0"]);
    refuses(&["--eps", "1/255", "--limit", "0"], &["--limit 0"]);
    refuses(&["--eps", "1/255", "--time", "0"], &["--time 0"]);
    refuses(&["--eps", "1/255", "--method", "crwon"], &["crwon"]);
    refuses(&["--eps", "1/255", "--fixed-point", "64"], &["64,18"]);
    refuses(&["--eps", "1/255", "--attack", "auto:eps=2/255"], &["--eps"]);
    refuses(&["--eps", "1/255", "--attack", "auto", "--restarts", "3"], &["--restarts"]);
    refuses(&["--eps", "1/255", "--limit", "2", "--vnnlib", "/proc/relinc"], &["/proc/relinc"]);
    refuses(&["--eps", "1/255", "--limit", "2", "--masks", "/no/such/masks"], &["/no/such/masks"]);
    refuses(&["--eps", "1/255", "--masks", "m", "--vnnlib", "d"], &["--vnnlib", "--masks"]);
}

/// Published of this network at VNN-COMP 2021, over all test images: 26.88 % certified by CROWN at 2/255, 57.16 % at 1/255.
#[test]
fn crown_certifies_what_is_published() {
    let Some(s) = shared() else { return };
    for (eps, published) in [("2/255", 26.88), ("1/255", 57.16)] {
        let (model, data) = (model(&s, "resnet_2b"), cifar(&s, "normalize=cifar10"));
        let more = ["--eps", eps, "--limit", "50", "--method", "crown", "--restarts", "1"];
        let v = json(&[&["certify", &model, "--data", &data], &more[..]].concat());
        let interval = v["certified"]["interval"].as_array().unwrap();
        println!("{eps}: {} {}", v["certified"], v["seconds"]);
        assert!(
            interval[0].as_f64().unwrap() <= published && published <= interval[1].as_f64().unwrap(),
            "{eps}: {v}"
        );
    }
}
