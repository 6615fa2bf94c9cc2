//! The emitted MP-SPDZ program on a stand-in for its classes, against onnxruntime.
#![allow(clippy::unwrap_used)]

mod common;

use common::{QUICK, cifar, json, model, python, run, script, shared};

/// Compiles, executes and compares with onnxruntime and with the comparisons of the report, which are returned.
fn agrees(args: &[&str], out: &str) -> Option<serde_json::Value> {
    let py = python()?;
    let mut all = vec!["compile"];
    all.extend(args);
    all.extend(["-o", out, "--target", "onnx", "--target", "mp-spdz"]);
    json(&all);
    let v = script(&py, "check_mp_spdz.py", &[out]);
    assert!(v["lines"].as_u64().unwrap() < 500, "loops, not unrolled: {v}");
    Some(v)
}

#[test]
fn quickstart_model() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    agrees(&[QUICK, "--budget", "20%", "--data", "shapes", "--rounds", "1", "--limit", "50"], &out);
}

#[test]
fn resnet20_at_a_tenth() {
    let Some(s) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    let (m, data) = (model(&s, "resnet20_torch-legacy_bnfold_op13"), cifar(&s, "normalize=imagenet"));
    agrees(&[&m, "--budget", "10%", "--data", &data, "--rounds", "1", "--limit", "50"], &out);
}

#[test]
fn pools_pads_groups_and_products() {
    use relinc::passes::back::onnx::{OnnxOptions, emit};
    use relinc::passes::{driver::valid, ir::text::parse};
    let dir = tempfile::tempdir().unwrap();
    let text = "graph g {
        %x = input f32[N,4,12,12]
        %w = const f32[8,2,3,2] rand(seed=1)
        %b = const f32[8] rand(seed=2)
        %c = conv(%x, %w, %b) {strides=[2,1], pads=[0,1,1,0], dilations=[1,2], group=2}
        %p = max_pool(%c) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}
        %l = leaky_relu(%p) {slope=0.125}
        %k = clip(%l) {min=-0.5, max=0.5}
        %s = const f32[8,1,1] rand(seed=3)
        %m = mul(%k, %s)
        %q = mul(%m, %l)
        %t = transpose(%q) {perm=[0,1,3,2]}
        %j = concat(%q, %k) {axis=2}
        %a = avg_pool(%j) {kernel=[2,2], strides=[2,2]}
        %r = reduce(%t) {kind=mean, axes=[3], keep=false}
        %e = global_mean(%a) {keep=false}
        %f = reduce(%r) {kind=mean, axes=[2], keep=false}
        %h = add(%e, %f)
        %v = const f32[10,8] rand(seed=4)
        %y = linear(%h, %v)
        output y = %y
    }";
    let g = parse(text).unwrap();
    let path = dir.path().join("net.onnx");
    emit(&valid::check(&g).unwrap(), &path, &OnnxOptions::default()).unwrap();
    let out = dir.path().join("o").display().to_string();
    agrees(&[&path.display().to_string()], &out);
}

/// Elements with their cap, without it, and without any comparison.
#[test]
fn caps_that_masks_keep_and_take_off() {
    let dir = tempfile::tempdir().unwrap();
    let (model, masks, comparisons) = common::capped(dir.path());
    let out = dir.path().join("o").display().to_string();
    if let Some(v) = agrees(&[&model, "--masks", &masks], &out) {
        assert_eq!(v["comparisons"], comparisons);
    }
}

/// The option is in the program and its README, which has what a run needs; two networks have two names.
#[test]
fn leaky_truncation_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let made = |name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        let to = out.display().to_string();
        json(&[&["compile", QUICK, "-o", &to, "--target", "mp-spdz"], more].concat());
        ["relinc_model.mpc", "README.md"]
            .map(|f| std::fs::read_to_string(out.join("mp-spdz").join(f)).unwrap())
    };
    let ([exact, readme], [leaky, warned]) = (made("exact", &[]), made("leaky", &["--leaky-truncation"]));
    assert!(!exact.contains("use_trunc_pr") && leaky.contains("\nprogram.use_trunc_pr = True\n"));
    assert!(warned.contains("leaks a little") && warned.contains("dealer-ring-party.x` refuses"), "{warned}");
    for text in [&readme, &warned] {
        let lines =
            ["Scripts/setup-ssl.sh 3 ", "-b 100000 $name", "-IF Player-Data/$name", "IMAGE_PLAYER = 0"];
        assert!(lines.iter().all(|l| text.contains(l)) && !text.contains('@'), "{text}");
    }
    let name = |text: &str| text.lines().find_map(|l| l.strip_prefix("name=")).unwrap()[..15].to_string();
    assert_ne!(name(&readme), name(&warned));
    let done = run(&["compile", QUICK, "-o", "nowhere", "--leaky-truncation"]);
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(2) && err.contains("add the target mp-spdz"), "{err}");
}

#[test]
fn what_has_no_form_is_refused_by_name() {
    use relinc::passes::back::onnx::{OnnxOptions, emit};
    use relinc::passes::{driver::valid, ir::text::parse};
    let dir = tempfile::tempdir().unwrap();
    let g = parse("graph g { %x = input f32[N,3]\n %y = sigmoid(%x)\n output y = %y }").unwrap();
    let path = dir.path().join("net.onnx");
    emit(&valid::check(&g).unwrap(), &path, &OnnxOptions::default()).unwrap();
    let out = dir.path().join("o").display().to_string();
    let done = run(&["compile", &path.display().to_string(), "-o", &out, "--target", "mp-spdz"]);
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{err}");
    assert!(err.contains("mp-spdz") && err.contains("sigmoid 'y'"), "{err}");
}

/// What each player is given: the same program, weights for one alone, and an image that is written as the sample was.
#[test]
fn players_are_given_what_is_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o");
    json(&[
        "compile",
        QUICK,
        "-o",
        &out.display().to_string(),
        "--target",
        "mp-spdz",
        "--target",
        "spu",
        "--data",
        "shapes",
    ]);
    let read = |f: &str| std::fs::read_to_string(out.join("mp-spdz").join(f)).unwrap();
    for (whole, own) in [
        ("relinc_model.mpc", "public/relinc_model.mpc"),
        ("relinc_model.json", "public/relinc_model.json"),
        ("weights.txt", "server/weights.txt"),
    ] {
        assert_eq!(read(whole), read(own), "{own}");
    }
    let Some(py) = common::python() else { return };
    let written = dir.path().join("image");
    let write = |image: &std::path::Path, more: &[&str]| {
        let mut c = std::process::Command::new(&py);
        c.arg(out.join("mp-spdz/client/write_input.py")).arg(image).args(more).arg("-o").arg(&written);
        c.output().unwrap()
    };
    let sample = out.join("spu/sample_input.npy");
    assert!(write(&sample, &[]).status.success());
    let numbers = |text: &str| -> Vec<f32> { text.lines().map(|l| l.parse().unwrap()).collect() };
    assert_eq!(numbers(&std::fs::read_to_string(&written).unwrap()), numbers(&read("image.txt")));
    for (image, more, words) in [
        (sample.as_path(), &["--index", "100000"][..], "--index 100000"),
        (&out.join("report.json"), &[], "is not a .npy array"),
    ] {
        let done = write(image, more);
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.code() == Some(2) && err.contains(words), "{err}");
    }
}
