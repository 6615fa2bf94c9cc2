//! What the integration tests share: the built binary, the shared models and data, Python.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The built binary.
pub fn relinc() -> Command {
    Command::new(env!("CARGO_BIN_EXE_relinc"))
}

/// The built binary with the signals of a terminal, whatever the tests were begun under: a background job ignores Ctrl-C.
pub fn relinc_in_a_terminal() -> Command {
    let mut env = Command::new("env");
    env.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_relinc")]);
    env
}

/// Runs the binary quietly.
pub fn run(args: &[&str]) -> Output {
    relinc().arg("--quiet").args(args).output().unwrap()
}

/// Runs the binary, which must succeed, and parses its JSON.
pub fn json(args: &[&str]) -> serde_json::Value {
    let out = relinc().args(["--quiet", "--json"]).args(args).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "relinc {args:?}: {err}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The quickstart's network.
pub const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");

/// What compiles the quickstart's network to `out` within a budget: images that accuracy and masks are found on, and more options.
pub fn compiling<'a>(
    out: &'a str,
    [limit, calibration]: [&'a str; 2],
    budget: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let images = ["--data", "shapes", "--limit", limit, "--calibration", calibration];
    [&["compile", QUICK, "-o", out][..], &images, &["--budget", budget], more].concat()
}

/// Writes a network in `.pir` as ONNX.
pub fn emit(dir: &Path, name: &str, text: &str) -> PathBuf {
    use relinc::passes::back::onnx::{OnnxOptions, emit};
    use relinc::passes::{driver::valid::check, ir::text::parse};
    let (file, g) = (dir.join(name), parse(text).unwrap());
    emit(&check(&g).unwrap(), &file, &OnnxOptions::default()).unwrap();
    file
}

/// A network with two ReLU layers of cap 6, which a part of their operands pass, and masks that keep the cap on some elements and
/// take it off others: the files of both, and the comparisons that are left.
pub fn capped(dir: &Path) -> (String, String, usize) {
    use relinc::passes::choice::Choice;
    use relinc::passes::masks::{LayerMask, Masks};
    let text = "graph capped {
        %x = input f32[N,3,8,8]
        %w1 = const f32[6,3,3,3] rand(seed=1, scale=4)
        %b1 = const f32[6] rand(seed=2, scale=4)
        %c1 = conv(%x, %w1, %b1) {pads=[1,1,1,1]}
        %r1 = clip(%c1) {min=0.0, max=6.0}
        %w2 = const f32[6,6,3,3] rand(seed=3, scale=1)
        %c2 = conv(%r1, %w2) {strides=[2,2], pads=[1,1,1,1]}
        %r2 = clip(%c2) {min=0.0, max=6.0}
        %m = global_mean(%r2) {keep=false}
        %w3 = const f32[10,6] rand(seed=4)
        %y = linear(%m, %w3)
        output y = %y
    }";
    let model = emit(dir, "capped.onnx", text);
    let mask = |shape: [usize; 3], choices: &[Choice]| {
        let values = (0..shape.iter().product()).map(|i| choices[(i * 7 + i / 5) % choices.len()]).collect();
        LayerMask::new(shape, values)
    };
    let first = mask([6, 8, 8], &[Choice::Relu, Choice::Uncapped, Choice::Identity, Choice::Zero]);
    let second = mask([6, 4, 4], &[Choice::Relu, Choice::Uncapped]);
    let compare = |m: &LayerMask| 2 * m.count(Choice::Relu) + m.count(Choice::Uncapped);
    let comparisons = compare(&first) + compare(&second);
    let masks = Masks {
        layers: [("relu00".to_string(), first), ("relu01".to_string(), second)].into(),
        ..Masks::default()
    };
    let path = dir.join("capped.safetensors");
    masks.write(&path).unwrap();
    (model.display().to_string(), path.display().to_string(), comparisons)
}

/// The folder with shared models and data, or a clear word that the test is skipped.
pub fn shared() -> Option<PathBuf> {
    let dir = std::env::var_os("RELINC_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    if dir.join("models").is_dir() && dir.join("data").is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no shared models and data in {} (set RELINC_SHARED)", dir.display());
    None
}

/// A shared model.
pub fn model(shared: &Path, name: &str) -> String {
    shared.join("models").join(format!("{name}.onnx")).display().to_string()
}

/// CIFAR-10 with a normalisation.
pub fn cifar(shared: &Path, options: &str) -> String {
    format!("cifar10:{}?{options}", shared.join("data/cifar10").display())
}

/// The Python with onnx, onnxruntime and spu; skipped without, unless RELINC_REQUIRE_MPC is set.
pub fn python() -> Option<String> {
    match std::env::var("RELINC_PYTHON") {
        Ok(p) => Some(p),
        Err(_) if std::env::var_os("RELINC_REQUIRE_MPC").is_some() => {
            panic!("RELINC_REQUIRE_MPC without RELINC_PYTHON")
        }
        Err(_) => {
            eprintln!(
                "skipped: set RELINC_PYTHON to a Python with the packages of tests/mpc/requirements.txt"
            );
            None
        }
    }
}

/// The Python with CrypTen; skipped without, unless RELINC_REQUIRE_MPC is set.
pub fn crypten_python() -> Option<String> {
    match std::env::var("RELINC_CRYPTEN_PYTHON") {
        Ok(p) => Some(p),
        Err(_) if std::env::var_os("RELINC_REQUIRE_MPC").is_some() => {
            panic!("RELINC_REQUIRE_MPC without RELINC_CRYPTEN_PYTHON")
        }
        Err(_) => {
            eprintln!(
                "skipped: set RELINC_CRYPTEN_PYTHON to a Python with the packages of \
                 tests/mpc/requirements-crypten.txt"
            );
            None
        }
    }
}

/// Runs a script of tests/mpc and parses its JSON; its standard error on failure.
pub fn script(python: &str, name: &str, args: &[&str]) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mpc").join(name);
    let out = Command::new(python).arg(path).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    println!("{name} {args:?}: {text}");
    assert!(out.status.success(), "{name} {args:?}: {text} {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Every file below a folder, relative.
pub fn files(dir: &Path) -> Vec<String> {
    let mut out = vec![];
    let mut stack = vec![dir.to_path_buf()];
    while let Some(d) = stack.pop() {
        for e in std::fs::read_dir(d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                stack.push(p);
            } else {
                out.push(p.strip_prefix(dir).unwrap().display().to_string());
            }
        }
    }
    out.sort();
    out
}
