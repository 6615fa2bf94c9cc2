//! Stages of a pipeline and budgets of a sweep as processes of their own, on drawn images.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, json, relinc, run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SLURM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/slurm");
const SEARCH: &str = "{stage: search, method: gradual, budget: 12%, vanish: [relu01, relu03, relu05], epochs: 1, batch: 64, slopes: true}";
const TUNE: &str = "{stage: tune, epochs: 1, batch: 64, average: 0.9}";

fn pipeline(dir: &Path, stages: &[&str], more: &str) -> String {
    let path = dir.join("p.yaml");
    let stages: String = stages.iter().map(|s| format!("  - {s}\n")).collect();
    let text = format!(
        "model: {QUICK}\ndata: shapes?train=256&val=64\nstages:\n{stages}accuracy: {{limit: 100}}\n\
         report: {{protocols: [spu-semi2k], networks: [wan]}}\n{more}"
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Without what a clock says, and where it lies.
fn timeless(mut v: Value) -> Value {
    match &mut v {
        Value::Object(fields) => {
            ["seconds", "images_per_second", "data_wait", "dir"].iter().for_each(|k| drop(fields.remove(*k)));
            fields.values_mut().for_each(|f| *f = timeless(f.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|f| *f = timeless(f.take())),
        _ => {}
    }
    v
}

fn report(dir: &Path) -> Value {
    let text = std::fs::read_to_string(dir.join("report.json")).unwrap();
    // The commands that a report proposes name its folder.
    let text = text.replace(&dir.display().to_string(), "DIR");
    let mut v = timeless(serde_json::from_str(&text).unwrap());
    // Pages and logs hold seconds, whose digits differ.
    v["artefacts"].as_array_mut().unwrap().retain(|a| a["path"].as_str().unwrap().ends_with(".onnx"));
    v
}

fn log(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("log.jsonl")).unwrap();
    text.lines().map(|l| timeless(serde_json::from_str(l).unwrap())).collect()
}

/// Holds everything bit by bit against another run.
fn same(a: &Path, b: &Path) {
    for file in ["trained.onnx", "model.onnx", "masks.safetensors"] {
        assert!(
            std::fs::read(a.join(file)).unwrap() == std::fs::read(b.join(file)).unwrap(),
            "another {file}"
        );
    }
    assert_eq!(log(a), log(b));
    assert_eq!(report(a), report(b));
}

/// Runs what must be refused, with the exit code 2.
fn refused(args: &[&str], says: &str) {
    let r = run(args);
    let err = String::from_utf8_lossy(&r.stderr);
    assert_eq!(r.status.code(), Some(2), "{args:?}: {err}");
    assert!(err.contains(says), "{args:?}: {err}");
}

#[test]
fn stage_by_stage_is_bit_for_bit_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let teacher = "{stage: teacher, epochs: 1, batch: 64}";
    let yaml = pipeline(dir.path(), &[teacher, SEARCH, TUNE, TUNE], "fold: before-tune\n");
    let (whole, apart) = (dir.path().join("whole"), dir.path().join("apart"));
    let out = apart.to_str().unwrap();
    json(&["run", &yaml, "-o", whole.to_str().unwrap()]);
    let names = json(&["run", &yaml, "--list"]);
    assert_eq!(names, serde_json::json!(["teacher", "search", "tune", "tune2", "evaluate", "compile"]));

    refused(&["run", &yaml, "-o", out, "--only", "serch"], "did you mean \"search\"");
    refused(&["run", &yaml, "-o", out, "--only", "search"], "needs what stage teacher leaves");
    assert!(!apart.exists(), "what is refused leaves nothing");
    for name in names.as_array().unwrap() {
        let v = json(&["run", &yaml, "-o", out, "--only", name.as_str().unwrap()]);
        assert_eq!(name == "compile", v["totals"].is_object(), "{v}");
    }
    same(&whole, &apart);

    // What is finished stays as it is, and what lies before a stage is needed.
    json(&["run", &yaml, "-o", out, "--only", "search", "--resume"]);
    json(&["run", &yaml, "-o", out, "--only", "compile"]);
    same(&whole, &apart);
    refused(&["run", &yaml, "-o", out, "--only", "teacher,tune"], "name it in --only as well");
    refused(&["run", &yaml, "-o", out, "--only", "search"], "--restart");
    json(&["run", &yaml, "-o", out, "--only", "search", "--restart"]);
    refused(&["run", &yaml, "-o", out, "--only", "compile"], "needs what stage tune leaves");
    json(&["run", &yaml, "-o", out, "--only", "tune,tune2,evaluate,compile"]);
    same(&whole, &apart);
}

#[test]
fn a_changed_pipeline_is_refused_with_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    json(&["run", &pipeline(dir.path(), &[SEARCH, TUNE], ""), "-o", &out, "--only", "search"]);
    let other = SEARCH.replace("batch: 64", "batch: 32");
    let yaml = pipeline(dir.path(), &[&other, TUNE], "");
    refused(&["run", &yaml, "-o", &out, "--only", "tune"], "batch was 64, is 32");
    refused(&["run", &yaml, "-o", &out, "--only", "search", "--resume"], "batch was 64, is 32");
    let yaml = pipeline(dir.path(), &[SEARCH, TUNE], "");
    refused(&["--seed", "1", "run", &yaml, "-o", &out, "--only", "tune"], "seed was 0, is 1");
    json(&["run", &yaml, "-o", &out, "--only", "tune,evaluate"]);
    let yaml = pipeline(dir.path(), &[SEARCH, TUNE], "weights: server\n").replace("p.yaml", "q.yaml");
    let text = std::fs::read_to_string(dir.path().join("p.yaml")).unwrap();
    std::fs::write(&yaml, text.replace("limit: 100", "limit: 50")).unwrap();
    refused(&["run", &yaml, "-o", &out, "--only", "compile"], "limit was 100, is 50");
    json(&["run", dir.path().join("p.yaml").to_str().unwrap(), "-o", &out, "--only", "compile"]);
}

#[test]
fn a_stage_killed_half_way_goes_on_and_a_second_job_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let long = SEARCH.replace("epochs: 1", "epochs: 6");
    let yaml = pipeline(dir.path(), &[&long, TUNE], "");
    let (whole, apart) = (dir.path().join("whole"), dir.path().join("apart"));
    let out = apart.to_str().unwrap();
    json(&["run", &yaml, "-o", whole.to_str().unwrap()]);
    let mut child = relinc().args(["--quiet", "run", &yaml, "-o", out, "--only", "search"]).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !apart.join("checkpoints/search.safetensors").exists() && begun.elapsed().as_secs() < 900 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Asleep, so that it cannot end before the other comes.
    Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
    refused(&["run", &yaml, "-o", out, "--only", "search"], &format!("process {}", child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(apart.join(".relinc.lock").exists());
    refused(&["run", &yaml, "-o", out, "--only", "tune"], "run --only search --resume first");
    json(&["run", &yaml, "-o", out, "--only", "search", "--resume"]);
    json(&["run", &yaml, "-o", out, "--only", "tune,evaluate,compile"]);
    assert!(!apart.join(".relinc.lock").exists());
    same(&whole, &apart);
}

#[test]
fn one_shot_masks_are_left_for_later_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = pipeline(dir.path(), &["{stage: search, budget: 40%, calibration: 64, rounds: 2}", TUNE], "");
    let (whole, apart) = (dir.path().join("whole"), dir.path().join("apart"));
    json(&["run", &yaml, "-o", whole.to_str().unwrap()]);
    for stage in ["search", "tune", "evaluate", "compile"] {
        json(&["run", &yaml, "-o", apart.to_str().unwrap(), "--only", stage]);
    }
    same(&whole, &apart);
}

#[test]
fn a_sweep_is_an_array_of_jobs_with_one_teacher() {
    let dir = tempfile::tempdir().unwrap();
    let teacher = "{stage: teacher, epochs: 1, batch: 64}";
    let search = "{stage: search, method: gradual, budget: 50%, epochs: 1, batch: 64}";
    let yaml = pipeline(dir.path(), &[teacher, search], "");
    let (whole, apart) = (dir.path().join("whole"), dir.path().join("apart"));
    let sweep = |out: &Path, more: &[&str]| -> Vec<String> {
        let all = ["sweep", &yaml, "--budgets", "30%,10k", "-o", out.to_str().unwrap()];
        all.iter().chain(more).map(|s| s.to_string()).collect()
    };
    let words = |args: &[String]| json(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let refuse =
        |args: Vec<String>, says| refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), says);
    words(&sweep(&whole, &[]));
    let jobs = words(&sweep(&apart, &["--list"]));
    assert_eq!(jobs, serde_json::json!({"shared": ["teacher"], "budgets": ["30%", "10000"]}));
    refuse(sweep(&apart, &["--only", "30%"]), "run --only shared first");
    refuse(sweep(&apart, &["--only", "31%"]), "choose 30%, 10000, shared");
    words(&sweep(&apart, &["--only", "teacher"]));
    let made = |d: &PathBuf| {
        std::fs::metadata(d.join("shared/checkpoints/teacher.safetensors")).unwrap().modified().unwrap()
    };
    let before = made(&apart);
    words(&sweep(&apart, &["--only", "10k"]));
    let r = run(&sweep(&apart, &["--collect"]).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(r.status.code(), Some(1), "one budget is missing");
    assert!(String::from_utf8_lossy(&r.stderr).contains("not run yet: 30%"));
    words(&sweep(&apart, &["--only", "30%"]));
    words(&sweep(&apart, &["--collect"]));
    assert_eq!(before, made(&apart), "the teacher was trained again");
    for budget in ["30pct", "10000"] {
        same(&whole.join(budget), &apart.join(budget));
    }
    let all = |d: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(d.join("sweep.json")).unwrap()).unwrap()
    };
    assert_eq!(all(&whole)["runs"].as_array().unwrap().len(), 2);
    assert_eq!(timeless(all(&whole)["tradeoffs"].take()), timeless(all(&apart)["tradeoffs"].take()));
}

/// Runs the driver of the worked example. `sbatch` is a stand-in that runs each job at once, so dependencies hold.
#[test]
fn the_slurm_example_runs_without_slurm() {
    let dir = tempfile::tempdir().unwrap();
    let search = "{stage: search, method: gradual, budget: 50%, epochs: 1, batch: 64}";
    let yaml = pipeline(dir.path(), &["{stage: teacher, epochs: 1, batch: 64}", search], "");
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/sbatch"), bin.join("sbatch")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let submit = |args: &[&str]| {
        let mut c = Command::new("bash");
        let c = c.arg(format!("{SLURM}/submit.sh")).args(args).current_dir(dir.path());
        let c = c.env("PATH", &path).env("RELINC", env!("CARGO_BIN_EXE_relinc")).env("DEVICE", "cpu");
        let r = c.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&r.stdout), String::from_utf8_lossy(&r.stderr));
        assert!(r.status.success(), "{args:?}: {out}{err}");
        err.into_owned()
    };
    let said = submit(&["--dry-run", "stages", &yaml, "o"]);
    assert!(said.contains("--dependency=afterok:<teacher>") && !dir.path().join("o").exists(), "{said}");
    let said = submit(&["--dry-run", "sweep", &yaml, "30%,20%,10%", "s"]);
    assert!(said.contains("--array=1-3") && said.contains("--dependency=afterany:<budgets>"), "{said}");
    submit(&["stages", &yaml, "o"]);
    assert!(dir.path().join("o/report.html").exists());
    submit(&["sweep", &yaml, "30%,10%", "s"]);
    for file in ["sweep.html", "sweep.json", "30pct/model.onnx", "10pct/model.onnx"] {
        assert!(dir.path().join("s").join(file).exists(), "no {file}");
    }
    for script in ["stages", "sweep"] {
        let text = std::fs::read_to_string(format!("{SLURM}/{script}.sbatch")).unwrap();
        assert!(text.contains("#SBATCH --gres=gpu:1") && text.contains("${DEVICE:-auto}"), "{script}");
    }
}
