//! What relinc does to files: it loses none of the user's, replaces only its own, and leaves nothing half done.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, files, relinc, relinc_in_a_terminal};
use relinc::compile::Target;
use relinc::folder::{Content, Manifest};
use serde_json::{Value, json as value};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DATA: &str = "shapes?train=128&val=64";

/// A folder with a model in it that is the user's.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(QUICK, dir.path().join("model.onnx")).unwrap();
        Place { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Runs relinc in the folder.
    fn run(&self, args: &[&str]) -> std::process::Output {
        relinc().arg("--quiet").args(args).current_dir(self.dir.path()).output().unwrap()
    }

    fn works(&self, args: &[&str]) {
        let r = self.run(args);
        assert!(r.status.success(), "{args:?}: {}", String::from_utf8_lossy(&r.stderr));
    }

    /// Runs what must be refused with exit code 2 and every word of `says`, and change nothing at all.
    fn refused(&self, args: &[&str], says: &[&str]) -> String {
        let before = self.all();
        let start = Instant::now();
        let r = self.run(args);
        let err = String::from_utf8_lossy(&r.stderr).into_owned();
        assert_eq!(r.status.code(), Some(2), "{args:?}: {err}");
        assert_eq!(err.matches("error:").count(), 1, "{args:?}: {err}");
        says.iter().for_each(|w| assert!(err.contains(w), "{args:?}: '{w}' is missing in: {err}"));
        assert!(self.all() == before, "{args:?} changed a file");
        assert!(start.elapsed() < Duration::from_secs(20), "{args:?} worked first");
        err
    }

    /// Every file and what is in it.
    fn all(&self) -> Vec<(String, Vec<u8>)> {
        let names = files(self.dir.path());
        names.into_iter().map(|f| (f.clone(), fs::read(self.path(&f)).unwrap_or_default())).collect()
    }

    /// A search into `out`.
    fn search(&self, more: &[&str]) -> std::process::Output {
        let args = ["search", "model.onnx", "-o", "out", "--data", DATA, "--budget", "30%", "--epochs", "1"];
        self.run(
            &args.iter().chain(&["--batch", "64", "--limit", "50"]).chain(more).copied().collect::<Vec<_>>(),
        )
    }

    fn searched() -> Place {
        let p = Place::new();
        let r = p.search(&[]);
        assert!(r.status.success(), "{}", String::from_utf8_lossy(&r.stderr));
        p
    }

    fn report(&self, dir: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(dir).join("report.json")).unwrap()).unwrap()
    }
}

fn hidden(dir: &Path) -> Vec<String> {
    let all = fs::read_dir(dir).into_iter().flatten().flatten();
    all.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n.starts_with('.')).collect()
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
}

fn wait_for(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(300), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

// Inputs.

#[test]
fn no_command_writes_over_its_model() {
    let p = Place::new();
    p.refused(&["compile", "model.onnx", "-o", "."], &["the model model.onnx", "choose another -o"]);
    p.refused(&["compile", "./sub/../model.onnx", "-o", &p.at("")], &["choose another -o"]);
    p.refused(&["search", "model.onnx", "-o", ".", "--data", DATA, "--budget", "5%"], &["choose another -o"]);
    p.refused(&["train", "model.onnx", "-o", ".", "--data", DATA], &["choose another -o"]);
    for args in [
        ["eval", "model.onnx", "--data", "shapes", "--limit", "9", "--save-outputs", "model.onnx"],
        ["eval", "model.onnx", "--data", "shapes", "--limit", "9", "--save-inputs", "./model.onnx"],
        ["verify", "model.onnx", "--fixed-point", "64,18", "--random", "2", "--save-outputs", "model.onnx"],
    ] {
        p.refused(&args, &["the model model.onnx", "choose another name"]);
    }
    // A model of that name that relinc neither writes nor removes is no reason.
    p.works(&["compile", "model.onnx", "-o", ".", "--target", "spu"]);
    assert!(fs::read(p.path("model.onnx")).unwrap() == fs::read(QUICK).unwrap());
}

#[cfg(unix)]
#[test]
fn a_model_is_known_under_every_name() {
    let p = Place::new();
    fs::create_dir(p.path("out")).unwrap();
    std::os::unix::fs::symlink(p.path("out/model.onnx"), p.path("soft.onnx")).unwrap();
    fs::rename(p.path("model.onnx"), p.path("out/model.onnx")).unwrap();
    p.refused(&["compile", "soft.onnx", "-o", "out"], &["out/model.onnx: is the model soft.onnx"]);
    fs::hard_link(p.path("out/model.onnx"), p.path("hard.onnx")).unwrap();
    p.refused(&["compile", "hard.onnx", "-o", "out"], &["out/model.onnx: is the model hard.onnx"]);
}

#[test]
fn other_inputs_are_not_written_over_either() {
    let p = Place::new();
    p.works(&["compile", "model.onnx", "-o", "made"]);
    fs::copy(p.path("made/masks.safetensors"), p.path("masks.safetensors")).unwrap();
    fs::rename(p.path("model.onnx"), p.path("m.onnx")).unwrap();
    p.refused(&["compile", "m.onnx", "--masks", "masks.safetensors", "-o", "."], &["the masks"]);
    fs::copy(p.path("m.onnx"), p.path("trained.onnx")).unwrap();
    let train = ["train", "m.onnx", "--teacher", "trained.onnx", "--data", DATA, "-o", "."];
    p.refused(&train, &["the teacher trained.onnx"]);
    let yaml = format!(
        "model: m.onnx\nteacher: trained.onnx\ndata: {DATA}\nstages: [{{stage: teacher, epochs: 1}}]\n"
    );
    fs::write(p.path("p.yaml"), &yaml).unwrap();
    p.refused(&["run", "p.yaml", "-o", "."], &["the teacher"]);
    fs::write(p.path("log.jsonl"), &yaml).unwrap();
    fs::remove_file(p.path("trained.onnx")).unwrap();
    fs::write(p.path("log.jsonl"), yaml.replace("teacher: trained.onnx\n", "")).unwrap();
    p.refused(&["run", "log.jsonl", "-o", "."], &["the pipeline log.jsonl"]);
    let protocol = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/protocols/spu-semi2k.yaml");
    fs::copy(protocol, p.path("mine.yaml")).unwrap();
    fs::hard_link(p.path("mine.yaml"), p.path("report.txt")).unwrap();
    p.refused(&["compile", "m.onnx", "-o", ".", "--protocol", "mine.yaml"], &["the protocol mine.yaml"]);
    let budget = ["--budget", "latency=9s@mine.yaml/lan", "--data", DATA];
    p.refused(&[&["compile", "m.onnx", "-o", "."], &budget[..]].concat(), &["the protocol mine.yaml"]);
    p.refused(&["report", "--compare", "made", "-o", "made/report.json"], &["made/report.json"]);
}

#[test]
fn nothing_is_written_among_images() {
    let p = Place::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(p.path("photos").join(class)).unwrap();
    }
    for out in ["photos", "photos/new"] {
        let args = ["compile", "model.onnx", "-o", out, "--data", "images:photos"];
        p.refused(&args, &["the data photos"]);
        p.refused(&["data", "images:photos", "-o", out], &["the data photos"]);
    }
}

/// Read-only, and in a folder that cannot be written where that means something.
#[cfg(unix)]
#[test]
fn inputs_may_be_read_only_and_stay_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let p = Place::new();
    fs::create_dir(p.path("in")).unwrap();
    fs::rename(p.path("model.onnx"), p.path("in/model.onnx")).unwrap();
    fs::write(p.path("in/p.yaml"), format!("model: model.onnx\ndata: {DATA}\naccuracy: {{limit: 50}}\n"))
        .unwrap();
    let set = |mode| {
        for f in ["in/model.onnx", "in/p.yaml"] {
            fs::set_permissions(p.path(f), fs::Permissions::from_mode(mode & 0o644)).unwrap();
        }
        fs::set_permissions(p.path("in"), fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o555);
    p.works(&["run", "in/p.yaml", "-o", "out"]);
    p.works(&["compile", "in/model.onnx", "-o", "compiled"]);
    set(0o755);
    assert!(fs::read(p.path("in/model.onnx")).unwrap() == fs::read(QUICK).unwrap());
    assert_eq!(files(&p.path("in")), ["model.onnx", "p.yaml"]);
}

// What is in the way.

#[test]
fn the_manifest_lists_every_file() {
    let p = Place::searched();
    p.works(&["compile", "model.onnx", "-o", "compiled", "--target", "spu", "--target", "crypten"]);
    for out in ["out", "compiled"] {
        let out = p.path(out);
        let m = Manifest::read(&out).unwrap().unwrap();
        let listed: Vec<String> = m.files.keys().cloned().collect();
        let there: Vec<String> = files(&out).into_iter().filter(|f| f != "manifest.json").collect();
        assert_eq!(listed, there);
        for name in &listed {
            assert_eq!(m.content(name), Some(&Content::of(&out.join(name)).unwrap()), "{name}");
        }
        let v: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
        assert_eq!((&v["relinc_manifest"], v["relinc"].is_string()), (&value!(1), true));
    }
    let m = Manifest::read(&p.path("out")).unwrap().unwrap();
    assert!(m.files.values().all(|e| e.by == "search"));
}

#[test]
fn every_target_says_what_it_writes() {
    let p = Place::new();
    let targets = [Target::Onnx, Target::Spu, Target::Crypten, Target::MpSpdz];
    for t in targets {
        p.works(&["compile", "model.onnx", "-o", t.name(), "--target", t.name(), "--protocol", "cheetah"]);
        let common = ["manifest.json", "masks.safetensors", "report.html", "report.json", "report.txt"];
        let written = files(&p.path(t.name()));
        for f in written.iter().filter(|f| !common.contains(&f.as_str())) {
            assert!(t.files().contains(&f.as_str()), "{f} is not in Target::files of {}", t.name());
        }
    }
}

#[test]
fn a_file_of_the_user_s_is_refused_by_name() {
    let p = Place::new();
    fs::create_dir_all(p.path("out/spu")).unwrap();
    fs::write(p.path("out/spu/run.py"), "mine").unwrap();
    fs::write(p.path("out/notes.txt"), "mine").unwrap();
    p.refused(
        &["compile", "model.onnx", "-o", "out", "--target", "spu"],
        &["out/spu/run.py: was not written by relinc"],
    );
    p.works(&["compile", "model.onnx", "-o", "out", "--target", "onnx"]);
    p.works(&["compile", "model.onnx", "-o", "out", "--target", "crypten"]);
    assert!(!p.path("out/model.onnx").exists());
    assert_eq!(fs::read(p.path("out/spu/run.py")).unwrap(), b"mine");
    assert_eq!(fs::read(p.path("out/notes.txt")).unwrap(), b"mine");
    for name in ["model.onnx", "report.html", "masks.safetensors", "manifest.json"] {
        fs::create_dir_all(p.path(name).with_extension("d")).unwrap();
        fs::write(p.path(name).with_extension("d").join(name), "mine").unwrap();
        let out = p.path(name).with_extension("d").display().to_string();
        p.refused(&["compile", "model.onnx", "-o", &out], &[name, "was not written by relinc"]);
    }
}

#[test]
fn a_file_that_was_edited_is_refused_by_name() {
    let p = Place::new();
    p.works(&["compile", "model.onnx", "-o", "out", "--target", "spu"]);
    fs::write(p.path("out/spu/run.py"), "edited").unwrap();
    // To be replaced, and to be removed.
    for target in ["spu", "onnx"] {
        let args = ["compile", "model.onnx", "-o", "out", "--target", target];
        p.refused(&args, &["out/spu/run.py: was changed since relinc wrote it"]);
    }
}

#[cfg(unix)]
#[test]
fn no_symlink_leads_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let p = Place::new();
    fs::create_dir_all(p.path("elsewhere")).unwrap();
    fs::write(p.path("elsewhere/file"), "mine").unwrap();
    for (name, to) in [("spu", "elsewhere"), ("model.onnx", "elsewhere/file"), ("report.json", "nowhere")] {
        let out = format!("out-{name}");
        fs::create_dir(p.path(&out)).unwrap();
        symlink(p.path(to), p.path(&out).join(name)).unwrap();
        let args = ["compile", "model.onnx", "-o", &out, "--target", "onnx", "--target", "spu"];
        p.refused(&args, &[&format!("{out}/{name}: is a symlink")]);
    }
    fs::create_dir(p.path("out")).unwrap();
    symlink(p.path("elsewhere"), p.path("out/checkpoints")).unwrap();
    let r = p.search(&[]);
    assert_eq!(r.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&r.stderr).contains("out/checkpoints: is a symlink"));
    assert_eq!(files(&p.path("elsewhere")), ["file"]);
    // The folder itself may be one.
    symlink(p.path("elsewhere"), p.path("link")).unwrap();
    p.works(&["compile", "model.onnx", "-o", "link"]);
    assert!(p.path("elsewhere/model.onnx").exists());
}

// Adding to what training left.

#[test]
fn a_compilation_adds_targets_to_a_search() {
    let p = Place::searched();
    let before = p.report("out");
    let bytes = |f: &str| fs::read(p.path("out").join(f)).unwrap();
    let kept = ["trained.onnx", "masks.safetensors", "log.jsonl", "checkpoints/search.safetensors"];
    let then = kept.map(bytes);
    p.works(&[
        "compile",
        "out/trained.onnx",
        "--masks",
        "out/masks.safetensors",
        "-o",
        "out",
        "--target",
        "spu",
    ]);
    assert!(kept.map(bytes) == then, "training's files changed");
    let after = p.report("out");
    for key in ["training", "evaluations", "accuracy", "model", "before"] {
        assert!(!before[key].is_null() && before[key] == after[key], "{key}");
    }
    assert_eq!(after["settings"]["targets"], value!(["spu", "onnx"]));
    assert_eq!(after["settings"]["method"], before["settings"]["method"]);
    let listed: Vec<&str> =
        after["artefacts"].as_array().unwrap().iter().map(|a| a["path"].as_str().unwrap()).collect();
    for file in ["trained.onnx", "masks.safetensors", "model.onnx", "spu/run.py"] {
        assert!(listed.contains(&file) && p.path("out").join(file).exists(), "{file}");
    }
    // Measured anew on the same images, it is compared with the network before training still.
    let again =
        ["compile", "out/trained.onnx", "--masks", "out/masks.safetensors", "-o", "out", "--data", DATA];
    p.works(&[&again[..], &["--limit", "50"]].concat());
    assert_eq!(p.report("out")["accuracy"], before["accuracy"]);
    p.works(&[&again[..], &["--limit", "40"]].concat());
    assert_eq!(p.report("out")["accuracy"], before["accuracy"]);
    let run = p.search(&["--resume"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn what_training_left_is_not_replaced_by_something_else() {
    let p = Place::searched();
    p.refused(
        &["compile", "model.onnx", "-o", "out"],
        &["another network that was trained", "out/trained.onnx"],
    );
    p.refused(&["compile", "out/trained.onnx", "-o", "out"], &["out/masks.safetensors"]);
    let budget = ["compile", "out/trained.onnx", "-o", "out", "--budget", "5%", "--data", DATA];
    p.refused(&budget, &["out/masks.safetensors"]);
    let tune = ["tune", "out/trained.onnx", "--masks", "out/masks.safetensors", "-o", "out", "--data", DATA];
    p.refused(&tune, &["--resume", "--restart"]);
    p.refused(&[&tune[..], &["--restart"]].concat(), &["the model out/trained.onnx", "would be replaced"]);
    fs::write(p.path("out/trained.onnx"), fs::read(QUICK).unwrap()).unwrap();
    let args = ["compile", "out/trained.onnx", "--masks", "out/masks.safetensors", "-o", "out"];
    p.refused(&args, &["out/trained.onnx", "was changed"]);
}

// Runs.

#[test]
fn a_finished_run_is_refused_without_a_word_about_it() {
    let p = Place::searched();
    let search = |out: &str| -> Vec<String> {
        let args = ["search", "model.onnx", "-o", out, "--data", DATA, "--budget", "30%", "--epochs", "1"];
        args.iter().chain(&["--batch", "64", "--limit", "50"]).map(ToString::to_string).collect()
    };
    let args = search("out");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    p.refused(&args, &["a finished run", "--resume", "--restart", "another -o"]);
    p.refused(&["train", "model.onnx", "-o", "out", "--data", DATA], &["--resume", "--restart"]);
    let trained = fs::read(p.path("out/trained.onnx")).unwrap();
    p.works(&[&args[..], &["--restart"]].concat());
    assert!(fs::read(p.path("out/trained.onnx")).unwrap() == trained, "the same seed, another network");
    assert!(hidden(&p.path("out")).is_empty(), "{:?}", hidden(&p.path("out")));
    assert_eq!(fs::read_to_string(p.path("out/log.jsonl")).unwrap().lines().count(), 1);
    let both = p.run(&[&args[..], &["--restart", "--resume"]].concat());
    assert_eq!(both.status.code(), Some(2));
    // A pipeline that trains nothing makes a run, too.
    fs::write(p.path("p.yaml"), "model: model.onnx\n").unwrap();
    p.works(&["run", "p.yaml", "-o", "run"]);
    p.refused(&["run", "p.yaml", "-o", "run"], &["--resume", "--restart"]);
    p.works(&["run", "p.yaml", "-o", "run", "--restart"]);
    p.works(&["run", "p.yaml", "-o", "run", "--resume"]);
    // What was only compiled is none.
    p.works(&["compile", "model.onnx", "-o", "compiled"]);
    let args = search("compiled");
    p.works(&args.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Starts a search into `out` that takes long, and waits for its first checkpoint.
fn begun(p: &Place, more: &[&str]) -> Child {
    let args = ["--quiet", "search", "model.onnx", "-o", "out", "--data", "shapes?train=512&val=64"];
    let child = relinc_in_a_terminal()
        .args(args)
        .args(["--budget", "40%", "--epochs", "50", "--batch", "32", "--limit", "50"])
        .args(more)
        .current_dir(p.dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| p.path("out/checkpoints/search.safetensors").exists());
    child
}

#[test]
fn a_restart_keeps_what_it_replaces_until_it_is_complete() {
    let p = Place::searched();
    let results = ["trained.onnx", "masks.safetensors", "report.json"]
        .map(|f| fs::read(p.path("out").join(f)).unwrap());
    let old = fs::read(p.path("out/checkpoints/search.safetensors")).unwrap();
    let kept = || hidden(&p.path("out")).into_iter().find(|n| n.starts_with(".relinc.previous-"));

    // It fails before anything is made: all is as before.
    let all = p.all();
    let fails = [
        "search",
        "model.onnx",
        "-o",
        "out",
        "--data",
        DATA,
        "--budget",
        "30%",
        "--epochs",
        "1",
        "--restart",
    ];
    let r = p.run(&[&fails[..], &["--method", "senet", "--eta", "1,2"]].concat());
    assert_eq!(r.status.code(), Some(2), "{}", String::from_utf8_lossy(&r.stderr));
    assert!(p.all() == all, "a restart that failed changed something");

    // It is killed: the old results are in place, the old checkpoints are kept, and the new run goes on.
    let mut child = relinc()
        .args(["--quiet", "search", "model.onnx", "-o", "out", "--data", "shapes?train=512&val=64"])
        .args(["--budget", "40%", "--epochs", "3", "--batch", "32", "--limit", "50", "--restart"])
        .current_dir(p.dir.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let tensors = "checkpoints/search.safetensors";
    let moved = || kept().is_some_and(|k| p.path("out").join(k).join(tensors).exists());
    wait_for(|| moved() && p.path("out").join(tensors).exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let now = ["trained.onnx", "masks.safetensors", "report.json"]
        .map(|f| fs::read(p.path("out").join(f)).unwrap());
    assert!(now == results, "the old results are gone");
    let aside = p.path("out").join(kept().unwrap());
    assert!(fs::read(aside.join("checkpoints/search.safetensors")).unwrap() == old);
    assert!(aside.join("log.jsonl").exists());
    let again = ["search", "model.onnx", "-o", "out", "--data", "shapes?train=512&val=64", "--budget", "40%"];
    let again = [&again[..], &["--epochs", "3", "--batch", "32", "--limit", "50"]].concat();
    let r = p.run(&again);
    assert!(String::from_utf8_lossy(&r.stderr).contains("--restart"));
    p.works(&[&again[..], &["--resume"]].concat());
    assert!(hidden(&p.path("out")).is_empty(), "{:?}", hidden(&p.path("out")));
    let again: Vec<&str> = again.iter().map(|a| if *a == "out" { "whole" } else { a }).collect();
    p.works(&again);
    let trained = |dir: &str| fs::read(p.path(dir).join("trained.onnx")).unwrap();
    assert!(trained("out") == trained("whole"), "going on made another network");
}

// Locks and signals.

#[test]
fn everything_that_writes_takes_the_lock() {
    let p = Place::searched();
    fs::write(p.path("p.yaml"), format!("model: model.onnx\ndata: {DATA}\n")).unwrap();
    let lock = value!({"does": "tune", "host": "elsewhere", "pid": 1, "namespace": null, "since": 0});
    fs::write(p.path("out/.relinc.lock"), lock.to_string()).unwrap();
    let masks = ["--masks", "out/masks.safetensors"];
    for args in [
        &["compile", "out/trained.onnx", masks[0], masks[1], "-o", "out"][..],
        &["report", "out"],
        &["measure", "out"],
        &["run", "p.yaml", "-o", "out", "--resume"],
        &["search", "model.onnx", "-o", "out", "--data", DATA, "--budget", "30%", "--restart"],
        &["data", "shapes?train=10&val=10", "-o", "out"],
        &["eval", "model.onnx", "--data", "shapes", "--limit", "9", "--save-images", "out"],
        &["eval", "model.onnx", "--data", "shapes", "--limit", "9", "--save-outputs", "out/y.npy"],
        &["architecture", "--depth", "18", "-o", "out/a.onnx"],
    ] {
        p.refused(args, &["another job works in out", "(tune)"]);
    }
}

#[test]
fn a_compilation_does_not_disturb_a_run() {
    let p = Place::new();
    let mut child = begun(&p, &[]);
    signal(&child, "-STOP");
    let r = p.run(&["compile", "model.onnx", "-o", "out"]);
    let err = String::from_utf8_lossy(&r.stderr).into_owned();
    assert!(r.status.code() == Some(2) && err.contains(&format!("process {}", child.id())), "{err}");
    child.kill().unwrap();
    child.wait().unwrap();
    let args = ["compile", "model.onnx", "-o", "out"];
    let r = p.run(&args);
    let err = String::from_utf8_lossy(&r.stderr).into_owned();
    assert!(r.status.code() == Some(2) && err.contains("a run that is not complete"), "{err}");
    assert!(hidden(&p.path("out")).is_empty(), "{:?}", hidden(&p.path("out")));
}

/// Starts a compilation into `out` that takes long, and waits until it has begun.
fn compiling(p: &Place) -> Child {
    let args =
        ["--quiet", "compile", "model.onnx", "-o", "new/out", "--data", "shapes?val=0", "--budget", "9%"];
    let child = relinc_in_a_terminal()
        .args(args)
        .args(["--rounds", "1000", "--calibration", "2000", "--target", "spu"])
        .current_dir(p.dir.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| hidden(&p.path("new/out")).iter().any(|n| n.starts_with(".relinc-")));
    std::thread::sleep(Duration::from_millis(200));
    child
}

#[test]
fn a_compilation_that_is_stopped_leaves_nothing() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let p = Place::new();
        let child = compiling(&p);
        let asked = Instant::now();
        signal(&child, name);
        let out = child.wait_with_output().unwrap();
        assert_eq!(out.status.code(), Some(code), "{name}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{name}");
        assert_eq!(String::from_utf8_lossy(&out.stderr), "error: stopped\n");
        assert!(!p.path("new").exists(), "{name}: left behind {:?}", files(&p.path("new")));
    }
}

#[test]
fn what_a_killed_compilation_left_goes_with_the_next() {
    let p = Place::new();
    let mut child = compiling(&p);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!hidden(&p.path("new/out")).is_empty());
    p.works(&["compile", "model.onnx", "-o", "new/out"]);
    assert!(hidden(&p.path("new/out")).is_empty(), "{:?}", hidden(&p.path("new/out")));
}

#[test]
fn a_training_that_is_stopped_leaves_what_goes_on() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let p = Place::new();
        let mut child = begun(&p, &[]);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
        let left = files(&p.path("out"));
        assert!(!left.iter().any(|f| f.contains("/.relinc") || f.starts_with(".relinc")), "{name}: {left:?}");
        let m = Manifest::read(&p.path("out")).unwrap().unwrap();
        assert!(m.content("checkpoints/search.safetensors").is_some(), "{name}");
        let search = ["search", "model.onnx", "-o", "out", "--data", "shapes?train=512&val=64"];
        let more = ["--budget", "40%", "--epochs", "50", "--batch", "32", "--limit", "50"];
        p.refused(&[&search[..], &more].concat(), &["a run that is not finished", "--resume", "--restart"]);
    }
}

// Old and new.

/// Two compilations, and the first one's folder in the middle of becoming the second's: `moved` files are in place.
fn half_committed(p: &Place, moved: usize) {
    p.works(&["compile", "model.onnx", "-o", "out", "--target", "onnx"]);
    p.works(&["compile", "model.onnx", "-o", "next", "--target", "spu", "--opset", "18"]);
    fs::rename(p.path("next"), p.path("out/.relinc.commit")).unwrap();
    let staged = files(&p.path("out/.relinc.commit"));
    for name in staged.iter().filter(|n| *n != "manifest.json").take(moved) {
        let to = p.path("out").join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(p.path("out/.relinc.commit").join(name), to).unwrap();
    }
}

#[test]
fn a_commit_that_was_cut_off_is_finished() {
    for moved in [0, 3, 20] {
        let p = Place::new();
        half_committed(&p, moved);
        let whole = p.path("whole");
        p.works(&["compile", "model.onnx", "-o", "whole", "--target", "spu", "--opset", "18"]);
        // Who only reads says so instead.
        let r = p.run(&["verify", "model.onnx", "out", "--fixed-point", "64,18", "--random", "2"]);
        assert_eq!(r.status.code(), Some(2), "{moved}");
        assert!(String::from_utf8_lossy(&r.stderr).contains("old files and new ones"), "{moved}");
        p.works(&["report", "out"]);
        assert_eq!(files(&p.path("out")), files(&whole), "{moved}");
        assert_eq!(
            fs::read(p.path("out/report.json")).unwrap(),
            fs::read(whole.join("report.json")).unwrap()
        );
        p.works(&["compile", "model.onnx", "-o", "out"]);
    }
}

#[test]
fn a_commit_that_was_cut_off_takes_nothing_that_came_since() {
    let p = Place::new();
    half_committed(&p, 3);
    fs::write(p.path("out/model.onnx"), "edited").unwrap();
    let name = files(&p.path("out/.relinc.commit")).into_iter().find(|n| n != "manifest.json").unwrap();
    let there = p.path("out").join(&name);
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    let before = fs::read(&there).ok();
    fs::write(&there, "mine").unwrap();
    p.refused(&["report", "out"], &[&name, "is in the way"]);
    match before {
        Some(bytes) => fs::write(&there, bytes).unwrap(),
        None => fs::remove_file(&there).unwrap(),
    }
    p.works(&["report", "out"]);
    assert_eq!(fs::read(p.path("out/model.onnx")).unwrap(), b"edited");
}

#[test]
fn a_mixture_of_old_and_new_is_named() {
    let p = Place::new();
    p.works(&["compile", "model.onnx", "-o", "out", "--target", "onnx", "--target", "spu"]);
    p.works(&["compile", "model.onnx", "-o", "other", "--opset", "18"]);
    let original = fs::read(p.path("out/report.json")).unwrap();
    fs::copy(p.path("other/report.json"), p.path("out/report.json")).unwrap();
    for args in [&["report", "out"][..], &["measure", "out"], &["report", "--compare", "out", "other"]] {
        p.refused(args, &["out/report.json: is not the file that out/manifest.json lists"]);
    }
    fs::write(p.path("out/report.json"), original).unwrap();
    fs::write(p.path("out/spu/model.mlir"), "changed").unwrap();
    p.refused(&["measure", "out"], &["out/spu/model.mlir: is not the file"]);
    fs::copy(p.path("other/model.onnx"), p.path("out/model.onnx")).unwrap();
    let verify = ["verify", "model.onnx", "out", "--fixed-point", "64,18", "--random", "2"];
    p.refused(&verify, &["out/model.onnx: is not the file"]);
    let p = Place::searched();
    let checkpoint = p.path("out/checkpoints/search.safetensors");
    let mut bytes = fs::read(&checkpoint).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&checkpoint, bytes).unwrap();
    let r = p.search(&["--resume"]);
    assert_eq!(r.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&r.stderr).contains("checkpoints/search.safetensors"));
}

#[test]
fn a_damaged_manifest_is_named() {
    let p = Place::new();
    p.works(&["compile", "model.onnx", "-o", "out"]);
    let text = fs::read_to_string(p.path("out/manifest.json")).unwrap();
    let at = text.find("sha256").unwrap() + 12;
    let other = if &text[at..at + 1] == "0" { "1" } else { "0" };
    let flipped = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    for (text, says) in [
        (flipped, "is damaged"),
        (text[..text.len() / 2].into(), "is damaged"),
        (text.replace("\"relinc_manifest\": 1", "\"relinc_manifest\": 2"), "is of format 2"),
        (text.replace("model.onnx", "../model.onnx"), "is damaged"),
    ] {
        fs::write(p.path("out/manifest.json"), text).unwrap();
        p.refused(&["compile", "model.onnx", "-o", "out"], &["out/manifest.json", says]);
        p.refused(&["report", "out"], &["out/manifest.json", says]);
    }
}

#[test]
fn a_folder_without_a_manifest_is_begun_anew_only_by_name() {
    let p = Place::searched();
    fs::remove_file(p.path("out/manifest.json")).unwrap();
    p.refused(&["compile", "model.onnx", "-o", "out"], &["no manifest.json", "choose another -o"]);
    let args = ["search", "model.onnx", "-o", "out", "--data", DATA, "--budget", "30%", "--epochs", "1"];
    let args = [&args[..], &["--batch", "64", "--limit", "50"]].concat();
    for more in [&[][..], &["--resume"]] {
        p.refused(&[&args[..], more].concat(), &["no manifest.json", "--restart", "another -o"]);
    }
    p.works(&["report", "out"]);
    assert!(!p.path("out/manifest.json").exists(), "nothing is claimed of what is not known");
    // What is the user's stays, or is refused by name.
    fs::write(p.path("out/checkpoints/mine.json"), "{}").unwrap();
    fs::write(p.path("out/notes.txt"), "mine").unwrap();
    let model = fs::read(p.path("out/model.onnx")).unwrap();
    fs::write(p.path("out/model.onnx"), "mine").unwrap();
    p.refused(&[&args[..], &["--restart"]].concat(), &["out/model.onnx: was not written by relinc"]);
    fs::write(p.path("out/model.onnx"), &model).unwrap();
    let err = p.refused(&[&args[..], &["--restart"]].concat(), &["out/model.onnx"]);
    assert!(!err.contains("trained.onnx"), "younger than its report, it is nobody's: {err}");
    fs::remove_file(p.path("out/model.onnx")).unwrap();
    p.works(&[&args[..], &["--restart"]].concat());
    assert_eq!(fs::read(p.path("out/checkpoints/mine.json")).unwrap(), b"{}");
    assert_eq!(fs::read(p.path("out/notes.txt")).unwrap(), b"mine");
    assert!(hidden(&p.path("out")).is_empty());
}

// Single files.

#[test]
fn a_single_file_takes_no_file_s_place_that_belongs_elsewhere() {
    let p = Place::new();
    p.works(&["compile", "model.onnx", "-o", "out"]);
    let build = |out: &str| ["architecture", "--depth", "18", "-o", out].map(String::from);
    for out in ["out/model.onnx", "out/manifest.json"] {
        p.refused(&build(out).each_ref().map(String::as_str), &[out, "belongs to what a command wrote"]);
    }
    fs::create_dir(p.path("folder")).unwrap();
    p.refused(&build("folder").each_ref().map(String::as_str), &["is a folder"]);
    p.refused(&build("none/a.onnx").each_ref().map(String::as_str), &["there is no folder none"]);
    p.refused(&build("/dev/null").each_ref().map(String::as_str), &["is no file"]);
    let eval = ["eval", "model.onnx", "--data", "shapes", "--limit", "9", "--save-inputs", "out/x.npy"];
    p.works(&[&eval[..], &["--save-outputs", "out/y.npy", "--save-images", "out"]].concat());
    p.works(&[&eval[..], &["--save-outputs", "out/y.npy", "--save-images", "out"]].concat());
    p.works(&["data", "shapes?train=10&val=10", "-o", "data"]);
    p.works(&["data", "shapes?train=20&val=10", "-o", "data"]);
    fs::write(p.path("data/train_labels.npy"), "mine").unwrap();
    p.refused(&["data", "shapes?train=10&val=10", "-o", "data"], &["data/train_labels.npy: was changed"]);
}

// Sweeps.

#[test]
fn a_sweep_is_made_anew_as_a_whole() {
    let p = Place::new();
    let search = "{stage: search, method: gradual, budget: 50%, epochs: 1, batch: 64}";
    let stages = format!("[{{stage: teacher, epochs: 1, batch: 64}}, {search}]");
    let yaml = format!("model: model.onnx\ndata: {DATA}\nstages: {stages}\naccuracy: {{limit: 50}}\n");
    fs::write(p.path("p.yaml"), yaml).unwrap();
    let sweep = ["sweep", "p.yaml", "--budgets", "30%,10%", "-o", "out"];
    let with = |more: &[&'static str]| [&sweep[..], more].concat();
    p.works(&with(&["--only", "shared"]));
    p.works(&with(&["--only", "30%"]));
    p.refused(&with(&["--only", "30%"]), &["out/30pct", "--resume", "--restart"]);
    p.refused(&with(&["--only", "shared"]), &["out/shared", "--resume", "--restart"]);
    p.refused(&sweep, &["out/shared", "--resume", "--restart"]);
    p.works(&with(&["--resume"]));
    let made = |f: &str| fs::metadata(p.path("out").join(f)).unwrap().modified().unwrap();
    let then = made("30pct/report.json");
    p.works(&with(&["--resume"]));
    assert_eq!(then, made("30pct/report.json"), "what is finished was made again");
    // Another teacher makes the budgets old.
    p.works(&[&with(&["--only", "shared", "--restart"])[..], &["--seed", "1"]].concat());
    p.refused(&with(&["--resume", "--seed", "1"]), &["out/30pct: was made from another teacher"]);
    p.works(&with(&["--restart", "--seed", "1"]));
    for folder in ["shared", "30pct", "10pct", ""] {
        let left = hidden(&p.path("out").join(folder));
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    fs::write(p.path("out/sweep.html"), "mine").unwrap();
    p.refused(&with(&["--collect"]), &["out/sweep.html: was changed"]);
}
