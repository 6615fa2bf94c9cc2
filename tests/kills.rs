//! Ended at any moment, by any signal, a command loses nothing: no input is touched, the next command goes on to the same bits, and
//! nothing is left over. `RELINC_KILLS` says how often each is tried.
#![allow(clippy::unwrap_used)]

mod common;

use common::{files, relinc};
use relinc::passes::splitmix::SplitMix;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
const SIGNALS: [(&str, Option<i32>); 4] =
    [("-KILL", None), ("-INT", Some(130)), ("-TERM", Some(143)), ("-HUP", Some(129))];

/// The user's folder.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(QUICK, dir.path().join("model.onnx")).unwrap();
    let stages = "[{stage: teacher, epochs: 1, batch: 64}, {stage: search, method: gradual, budget: 30%, epochs: 2, batch: 64}]";
    let yaml = format!(
        "model: model.onnx\ndata: shapes?train=128&val=64\nstages: {stages}\naccuracy: {{limit: 50}}\ntargets: [onnx, spu]\n"
    );
    fs::write(dir.path().join("p.yaml"), yaml).unwrap();
    dir
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut c = relinc();
    c.arg("--quiet").args(args).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::piped());
    c
}

fn said(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// What must be the same however a folder came about: everything but what clocks and paths say.
fn results(dir: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let timed = |f: &str| {
        ["json", "html", "txt", "jsonl"].iter().any(|end| f.ends_with(end))
            || f.ends_with("masks.safetensors")
            || f.contains("checkpoints/")
    };
    let names = files(dir).into_iter().filter(|f| f != "model.onnx" && f != "p.yaml");
    names.map(|f| (f.clone(), (!timed(&f)).then(|| fs::read(dir.join(&f)).unwrap()))).collect()
}

/// Ends `first` at random moments, and holds what `then` makes of it against an undisturbed run.
fn endure(first: &[&str], then: &[&str]) {
    let tries: u64 = std::env::var("RELINC_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let whole = place();
    let start = Instant::now();
    let r = command(whole.path(), first).output().unwrap();
    assert!(r.status.success(), "{first:?}: {}", said(&r));
    let (took, expected) = (start.elapsed(), results(whole.path()));
    let mut dice = SplitMix::new(first.len() as u64 + took.as_micros() as u64);
    for i in 0..tries {
        let (signal, code) = SIGNALS[i as usize % SIGNALS.len()];
        let dir = place();
        let after = Duration::from_secs_f64(took.as_secs_f64() * f64::from(dice.uniform()));
        let child = command(dir.path(), first).spawn().unwrap();
        std::thread::sleep(after);
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let r = child.wait_with_output().unwrap();
        let at = format!("{first:?} {signal} after {after:?}");
        if !r.status.success() {
            assert_eq!(r.status.code(), code, "{at}: {}", said(&r));
        }
        let hidden = |f: &String| f.contains("/.relinc") || f.starts_with(".relinc");
        if code.is_some() {
            let left: Vec<String> = files(dir.path()).into_iter().filter(hidden).collect();
            assert!(left.is_empty(), "{at}: left {left:?}");
        }
        assert!(
            fs::read(dir.path().join("model.onnx")).unwrap() == fs::read(QUICK).unwrap(),
            "{at}: the input"
        );
        let r = command(dir.path(), then).output().unwrap();
        assert!(r.status.success(), "{at}, then {then:?}: {}", said(&r));
        let found = results(dir.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{at}");
        for (name, bytes) in &expected {
            assert!(&found[name] == bytes, "{at}: another {name}");
        }
    }
}

#[test]
fn a_compilation() {
    let args = [
        "compile",
        "model.onnx",
        "-o",
        "out",
        "--target",
        "onnx",
        "--target",
        "spu",
        "--data",
        "shapes",
        "--budget",
        "40%",
    ];
    endure(&args, &args);
}

#[test]
fn a_run() {
    let run = ["run", "p.yaml", "-o", "out"];
    endure(&run, &[&run[..], &["--resume"]].concat());
}

#[test]
fn a_tuning() {
    let dir = place();
    let masks = dir.path().join("made/masks.safetensors").display().to_string();
    let made = ["compile", "model.onnx", "-o", "made", "--budget", "40%", "--data", "shapes"];
    assert!(command(dir.path(), &made).status().unwrap().success());
    let tune = [
        "tune",
        "model.onnx",
        "-o",
        "out",
        "--masks",
        &masks,
        "--data",
        "shapes?train=128&val=64",
        "--epochs",
        "2",
        "--batch",
        "64",
    ];
    endure(&tune, &[&tune[..], &["--resume"]].concat());
}

#[test]
fn a_sweep() {
    let sweep = ["sweep", "p.yaml", "--budgets", "30%,10%", "-o", "out"];
    endure(&sweep, &[&sweep[..], &["--resume"]].concat());
}

/// A finished run that is made anew: at every moment the old results or the new run are there.
#[test]
fn a_restart() {
    let tries: u64 = std::env::var("RELINC_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let run = ["run", "p.yaml", "-o", "out"];
    let dir = place();
    let start = Instant::now();
    assert!(command(dir.path(), &run).status().unwrap().success());
    let (took, expected) = (start.elapsed(), results(dir.path()));
    let mut dice = SplitMix::new(took.as_micros() as u64);
    for i in 0..tries {
        let (signal, _) = SIGNALS[i as usize % SIGNALS.len()];
        let after = Duration::from_secs_f64(took.as_secs_f64() * f64::from(dice.uniform()));
        let mut child = command(dir.path(), &[&run[..], &["--restart"]].concat()).spawn().unwrap();
        std::thread::sleep(after);
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
        let at = format!("{signal} after {after:?}");
        for file in ["out/trained.onnx", "out/report.json"] {
            assert!(dir.path().join(file).exists(), "{at}: {file} is gone");
        }
        let r = command(dir.path(), &[&run[..], &["--resume"]].concat()).output().unwrap();
        assert!(r.status.success(), "{at}: {}", said(&r));
        let found = results(dir.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{at}");
        assert!(found == expected, "{at}: another result");
    }
}
