//! What a report says, through the binary: three columns, accuracies, the verdict and its commands.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, relinc, run};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const OLD: &str = include_str!("reports/0.1.0.json");

/// `report.json` of a folder, which must follow the schema.
fn report(dir: &Path) -> Value {
    let v = serde_json::from_str(&std::fs::read_to_string(dir.join("report.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(relinc::report::SCHEMA).unwrap()).unwrap();
    let errors: Vec<String> = schema.iter_errors(&v).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    v
}

fn number(v: &Value, at: &str) -> f64 {
    v.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("{at} is no number"))
}

fn text(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("report.txt")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn masks_are_held_against_the_model_compiled_with_all_its_relus() {
    let dir = tempfile::tempdir().unwrap();
    let (masked, plain) = (dir.path().join("masked"), dir.path().join("plain"));
    let to = |p: &Path| p.display().to_string();
    let args = [
        "compile",
        QUICK,
        "--target",
        "spu",
        "--protocol",
        "semi2k",
        "--protocol",
        "aby3",
        "--network",
        "wan",
    ];
    json(
        &[
            &args[..],
            &["-o", &to(&masked), "--budget", "50%", "--rounds", "1", "--data", "shapes", "--limit", "300"],
        ]
        .concat(),
    );
    json(&[&args[..], &["-o", &to(&plain)]].concat());
    let (masked, plain) = (report(&masked), report(&plain));
    assert_eq!(masked["relinc_report"], 2);
    let (costs, alone) = (masked["cost"].as_array().unwrap(), plain["cost"].as_array().unwrap());
    for (c, p) in costs.iter().zip(alone) {
        let bytes =
            ["/before/online_bytes", "/lossless/online_bytes", "/online_bytes"].map(|at| number(c, at));
        assert!(bytes[0] >= bytes[1] && bytes[1] > bytes[2], "{bytes:?}");
        for key in ["online_bytes", "rounds", "latency_s", "relu_bytes", "linear_bytes"] {
            assert_eq!(
                c["lossless"][key], p[key],
                "compiled alone it costs what the middle column says: {key}"
            );
            assert_eq!(p["lossless"][key], p[key]);
            assert_eq!(c["before"][key], p["before"][key]);
        }
        for spent in [c, &c["before"], &c["lossless"]] {
            let query = spent["latency_is"] == "query";
            assert_eq!(spent["compute_s"].is_number(), query, "{spent}");
        }
        assert_eq!(c["lossless"]["latency_is"], c["latency_is"]);
    }
    assert_eq!(masked["lossless"], plain["totals"]);
    assert_eq!(
        masked["totals"]["relus"].as_u64().unwrap() * 2,
        masked["lossless"]["relus"].as_u64().unwrap()
    );
}

#[test]
fn an_accuracy_comes_with_its_interval_and_its_change() {
    let dir = tempfile::tempdir().unwrap();
    let o = dir.path().display().to_string();
    json(&[
        "compile", QUICK, "-o", &o, "--budget", "30%", "--rounds", "1", "--data", "shapes", "--limit", "400",
    ]);
    let v = report(dir.path());
    let a = &v["accuracy"];
    assert_eq!((a["n"].as_u64(), a["before_is"].as_str()), (Some(400), Some("the original")));
    for which in ["before", "after"] {
        let (x, low, high) = (
            number(a, &format!("/{which}/clean")),
            number(a, &format!("/{which}/interval/0")),
            number(a, &format!("/{which}/interval/1")),
        );
        assert!(low < x && x < high && high - low < 12.0, "{low} {x} {high}");
    }
    let points = number(a, "/change/points");
    assert!((points - (number(a, "/after/clean") - number(a, "/before/clean"))).abs() < 1e-9);
    assert!((points * 4.0 - (number(a, "/change/won") - number(a, "/change/lost"))).abs() < 1e-9);
    let e = json(&["eval", QUICK, "--data", "shapes", "--limit", "400"]);
    assert_eq!((&e["clean"], &e["interval"]), (&a["before"]["clean"], &a["before"]["interval"]));
}

#[test]
fn training_images_are_called_so() {
    let dir = tempfile::tempdir().unwrap();
    let o = dir.path().display().to_string();
    json(&["compile", QUICK, "-o", &o, "--data", "shapes?train=200", "--split", "train", "--limit", "100"]);
    let v = report(dir.path());
    assert_eq!((&v["accuracy"]["seen"], &v["verdict"]["level"]), (&"trained".into(), &"warning".into()));
    assert!(text(dir.path()).contains("on 100 training images"));
}

#[test]
fn what_was_not_removed_is_not_claimed() {
    let dir = tempfile::tempdir().unwrap();
    json(&["compile", QUICK, "-o", &dir.path().display().to_string(), "--target", "spu"]);
    let (v, said) = (report(dir.path()), text(dir.path()));
    assert!(
        said.contains("Nothing was removed: all") && said.contains("compared with the original file"),
        "{said}"
    );
    assert!(!said.contains("with masks"), "{said}");
    assert!(v["accuracy"].is_null() && said.contains("accuracy was not measured"));
}

/// ResNet of relinc's own, its batch normalisations unfolded, and a cost model that has no law for them.
fn unfolded(dir: &Path) -> [String; 2] {
    let (model, protocol) = (dir.join("bn.onnx").display().to_string(), dir.join("no-bn.yaml"));
    json(&["architecture", "--kind", "resnet", "--depth", "20", "--input", "3", "16", "16", "-o", &model]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/protocols/spu-semi2k.yaml");
    let known = std::fs::read_to_string(file).unwrap().replace("name: spu-semi2k", "name: no-bn");
    let mut skip = false;
    let kept: Vec<&str> = known
        .lines()
        .filter(|l| {
            if l.starts_with("  ") && !l.starts_with("   ") && !l.trim_start().starts_with('#') {
                skip = l.starts_with("  mul_weight:");
            }
            !skip
        })
        .collect();
    std::fs::write(&protocol, kept.join("\n")).unwrap();
    [model, protocol.display().to_string()]
}

#[test]
fn the_original_is_the_file_as_it_was_exported() {
    let dir = tempfile::tempdir().unwrap();
    let [model, protocol] = unfolded(dir.path());
    let out = dir.path().join("out");
    let o = out.display().to_string();
    json(&["compile", &model, "-o", &o, "--protocol", "semi2k", "--protocol", &protocol, "--network", "wan"]);
    let v = report(&out);
    let [file, stand_in] = [&v["cost"][0], &v["cost"][1]];
    assert_eq!((&file["before_is"], &stand_in["before_is"]), (&"file".into(), &"canonical".into()));
    let sent = |c: &Value| number(c, "/before/online_bytes");
    assert!(sent(file) > sent(stand_in), "normalisations that nobody folded cost bytes");
    assert!(file["before"]["complete"] == true && stand_in["before"]["complete"] == true);
    assert_eq!(file["lossless"]["online_bytes"], stand_in["lossless"]["online_bytes"]);
    let said = text(&out);
    assert!(said.contains("no-bn: the file as it is cannot be priced (no law for mul_weight)"), "{said}");
}

#[test]
fn max_drop_ends_with_one_after_all_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let o = dir.path().display().to_string();
    let compile = |budget: &str, points: &str, out: &str| {
        relinc()
            .args(["--quiet", "--json", "compile", QUICK, "-o", out, "--budget", budget, "--rounds", "1"])
            .args(["--data", "shapes", "--limit", "300", "--max-drop", points])
            .output()
            .unwrap()
    };
    let ran = compile("3%", "2.5", &o);
    assert_eq!(ran.status.code(), Some(1));
    let printed: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(printed, report(dir.path()));
    assert_eq!(printed["verdict"]["level"], "alarm");
    assert_eq!(number(&printed, "/settings/max_drop"), 2.5);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.contains("points of accuracy are lost, more than the 2.5 that max-drop allows"), "{said}");
    assert!(dir.path().join("model.onnx").exists());
    assert_eq!(compile("3%", "100", &o).status.code(), Some(0));
}

#[test]
fn max_drop_is_a_number_of_points_and_wants_something_to_compare() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let refused = |args: &[&str], words: &str| {
        let ran = run(args);
        let said = String::from_utf8_lossy(&ran.stderr).to_string();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!Path::new(&out).exists());
    };
    refused(&["compile", QUICK, "-o", &out, "--max-drop", "2"], "--data");
    for bad in ["-1", "101", "much", "nan"] {
        refused(
            &["compile", QUICK, "-o", &out, "--data", "shapes", &format!("--max-drop={bad}")],
            "max-drop",
        );
    }
    let train = [
        "train",
        QUICK,
        "-o",
        &out,
        "--data",
        "shapes?train=64&val=64",
        "--start",
        "random",
        "--epochs",
        "1",
    ];
    refused(&[&train[..], &["--max-drop", "2"]].concat(), "random weights");
    let yaml = dir.path().join("p.yaml");
    std::fs::write(&yaml, format!("model: {QUICK}\nmax_drop: 3\n")).unwrap();
    let yaml = yaml.display().to_string();
    refused(&["run", &yaml, "-o", &out], "max_drop: accuracy is measured on images: add data");
}

/// Runs a command as the report has it, in a shell.
fn typed(command: &str) {
    let relinc = env!("CARGO_BIN_EXE_relinc");
    let line = command.replacen("relinc ", &format!("{relinc} --quiet --json "), 1);
    let ran = Command::new("sh").arg("-c").arg(&line).output().unwrap();
    assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn the_commands_of_an_alarm_run_as_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    // A folder that a shell would take for two words.
    let out = dir.path().join("half of it");
    let data = "shapes?train=96&val=32";
    let o = out.display().to_string();
    json(&[
        "compile",
        QUICK,
        "-o",
        &o,
        "--budget",
        "2%",
        "--rounds",
        "1",
        "--data",
        data,
        "--calibration",
        "64",
        "--limit",
        "300",
    ]);
    let v = report(&out);
    assert_eq!(v["verdict"]["level"], "alarm");
    let next: Vec<&str> = v["verdict"]["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(next.len(), 2, "{next:?}");
    assert!(
        next[0].starts_with("relinc search ") && next[0].contains("--budget 2%") && next[0].contains(QUICK)
    );
    next.iter().for_each(|c| typed(c));
    let (searched, tuned) =
        (report(&dir.path().join("half of it-searched")), report(&dir.path().join("half of it-tuned")));
    assert_eq!(searched["accuracy"]["before_is"], "the original");
    assert_eq!(tuned["accuracy"]["before_is"].as_str(), Some(&*format!("the teacher {QUICK}")));
    assert_eq!(
        tuned["accuracy"]["before"], searched["accuracy"]["before"],
        "one original, one accuracy before"
    );
}

#[test]
fn tuning_what_a_search_left_compares_with_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let data = ["--data", "shapes?train=64&val=32", "--epochs", "1", "--limit", "200", "--batch", "32"];
    json(&[&["search", QUICK, "--budget", "10%", "-o", &at("searched")], &data[..]].concat());
    let (model, masks) = (at("searched/trained.onnx"), at("searched/masks.safetensors"));
    let tune = |out: &str| json(&[&["tune", &model, "--masks", &masks, "-o", &at(out)], &data[..]].concat());
    let before = report(&dir.path().join("searched"))["accuracy"]["before"].clone();
    let v = tune("tuned");
    assert!(v["accuracy"]["before_is"].as_str().unwrap().starts_with("the original "), "{}", v["accuracy"]);
    assert_eq!(v["accuracy"]["before"], before);
    // Without the report nobody knows where the model came from.
    std::fs::remove_file(dir.path().join("searched/report.json")).unwrap();
    let v = tune("unknown");
    assert_eq!(v["accuracy"]["before_is_original"], false);
    assert!(v["accuracy"]["before_is"].as_str().unwrap().contains("not the original"));
    assert!(text(&dir.path().join("unknown")).contains("What the masks cost in all is not known"));
}

#[test]
fn a_report_of_0_1_0_is_rendered_and_says_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("report.json"), OLD).unwrap();
    let ran = run(&["report", &dir.path().display().to_string()]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("made by relinc 0.1.0"));
    assert!(
        std::fs::read_to_string(dir.path().join("report.html")).unwrap().contains("made by relinc 0.1.0")
    );
    assert_eq!(std::fs::read_to_string(dir.path().join("report.json")).unwrap(), OLD);
}

#[test]
fn resnet20_at_half_of_its_relus() {
    let Some(shared) = common::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = common::model(&shared, "resnet20_torch-legacy_bnfold_op13");
    let data = common::cifar(&shared, "normalize=imagenet");
    let o = dir.path().display().to_string();
    json(&[
        "compile",
        &model,
        "-o",
        &o,
        "--budget",
        "50%",
        "--data",
        &data,
        "--target",
        "spu",
        "--limit",
        "100",
        "--rounds",
        "1",
        "--protocol",
        "semi2k",
        "--protocol",
        "aby3",
    ]);
    let v = report(dir.path());
    let c = v["cost"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["protocol"] == "spu-semi2k" && c["network"] == "wan")
        .unwrap();
    let mb = |at: &str| (number(c, at) / 1e5).round() / 10.0;
    assert_eq!(
        [mb("/before/online_bytes"), mb("/lossless/online_bytes"), mb("/online_bytes")],
        [28.6, 18.0, 11.2]
    );
    let said = text(dir.path());
    assert!(said.contains("sends 11.2 MB instead of 18.0 MB (1.6× less), compared with the same network compiled with all its ReLUs"));
    assert!(!said.contains("2.6×") && !said.contains("2.56×"), "{said}");
}
