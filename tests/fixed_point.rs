//! `verify --fixed-point` and `compile --normalise-ranges` on the quickstart model, and the emulator against SPU.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cifar, json, model, python, relinc, run, script, shared};
use std::path::Path;

fn quickstart() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/shapes_resnet.onnx").display().to_string()
}

#[test]
fn the_quickstart_model_survives_the_default_ring() {
    let m = quickstart();
    let v = json(&["verify", &m, "--fixed-point", "64,18", "--data", "shapes", "--limit", "100"]);
    assert_eq!((v["equivalent"].clone(), v["n"].clone()), (true.into(), 100.into()));
    let f = &v["fixed_point"];
    assert_eq!(
        (f["ring"].clone(), f["fraction"].clone(), f["overflows"].clone()),
        (64.into(), 18.into(), 0.into())
    );
    assert!(f["headroom_bits"].as_f64().unwrap() > 8.0);
    assert!(f["proposal"]["fraction"].as_u64().unwrap() >= 18);
    let (float, fixed) = (f["accuracy"]["float"].as_f64().unwrap(), f["accuracy"]["fixed"].as_f64().unwrap());
    assert!(float > 80.0 && (float - fixed).abs() <= 1.0);
    assert!(f["layers"].as_array().unwrap().iter().any(|l| l["op"] == "conv" && l["layer"] == "relu00"));
}

#[test]
fn few_bits_lose_classes_and_many_overflow() {
    let m = quickstart();
    let out = run(&["verify", &m, "--fixed-point", "64,3", "--data", "shapes", "--limit", "50"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("changes the class"));
    let out = run(&["verify", &m, "--fixed-point", "64,31", "--data", "shapes", "--limit", "20"]);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr).to_string();
    assert!(said.contains("overflows the ring 64,31") && said.contains("of relu"), "{said}");
    let text = String::from_utf8_lossy(&out.stdout).to_string();
    assert!(text.contains("Overflow in 20 of 20 images") && text.contains("Propose: "), "{text}");
}

#[test]
fn bad_formats_and_lone_models_are_refused() {
    let m = quickstart();
    for (args, word) in [
        (vec!["verify", &m, "--fixed-point", "48,10"], "choose 32, 64 or 128"),
        (vec!["verify", &m, "--fixed-point", "64,32"], "choose 1 to 31"),
        (vec!["verify", &m], "give a second model"),
        (vec!["verify", &m, "--truncation", "local"], "--fixed-point"),
    ] {
        let out = relinc().args(&args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(word), "{args:?}");
    }
}

#[test]
fn compile_rescales_and_reports() {
    let (m, dir) = (quickstart(), tempfile::tempdir().unwrap());
    let (plain, scaled) = (dir.path().join("a"), dir.path().join("b"));
    let (plain, scaled) = (plain.display().to_string(), scaled.display().to_string());
    let common = ["--data", "shapes", "--limit", "64", "--fixed-point", "64,18", "--verify-each"];
    let compile = |extra: &[&str]| json(&[&["compile", &m, "-o"], extra, &common].concat());
    let a = compile(&[&plain]);
    let b = compile(&[&scaled, "--normalise-ranges=2"]);
    let pass = |r: &serde_json::Value| {
        r["passes"].as_array().unwrap().iter().find(|p| p["name"] == "normalise-ranges").cloned()
    };
    assert!(pass(&a).is_none());
    assert_eq!(pass(&b).unwrap()["applied"], 1);
    let largest = |r: &serde_json::Value| -> Vec<f64> {
        let layers = r["fixed_point"]["layers"].as_array().unwrap();
        let convs = layers.iter().filter(|l| l["op"] == "conv");
        convs.map(|l| l["largest_float"].as_f64().unwrap()).collect()
    };
    assert!(largest(&a).iter().any(|&v| v > 4.0), "nothing to rescale: {:?}", largest(&a));
    assert!(largest(&b).iter().all(|&v| v <= 4.0), "{:?}", largest(&b));
    let v =
        json(&["verify", &format!("{plain}/model.onnx"), &format!("{scaled}/model.onnx"), "--random", "8"]);
    assert_eq!(v["max_abs_difference"], 0.0);
}

/// The quickstart model on SPU, at a comfortable and at a tight number of fraction bits.
#[test]
fn the_emulator_agrees_with_spu() {
    let Some(py) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("o").display().to_string();
    json(&[
        "compile",
        &quickstart(),
        "-o",
        &out,
        "--data",
        "shapes",
        "--target",
        "onnx",
        "--target",
        "spu",
        "--limit",
        "50",
    ]);
    let relinc = env!("CARGO_BIN_EXE_relinc");
    // With few bits the runtime's own randomness decides a close image.
    for (format, protocol, agree) in
        [("64,18", "semi2k", "95"), ("64,18", "aby3", "95"), ("64,8", "semi2k", "80")]
    {
        let v = script(
            &py,
            "fixed_point.py",
            &[
                relinc,
                &out,
                "shapes",
                "10",
                format,
                "--protocol",
                protocol,
                "--agree",
                agree,
                "--points",
                "5",
            ],
        );
        let (e, s) = (&v["error"]["emulated"], &v["error"]["spu"]);
        let ratio = e["mean"].as_f64().unwrap() / s["mean"].as_f64().unwrap();
        assert!((0.5..2.0).contains(&ratio), "{format} {protocol}: {ratio}");
    }
}

/// ResNet-20 in the default ring, and an overflow on purpose.
#[test]
fn resnet20_in_the_default_ring() {
    let Some(s) = shared() else { return };
    let m = model(&s, "resnet20_torch-legacy_bnfold_op13");
    let data = cifar(&s, "normalize=imagenet");
    let v = json(&["verify", &m, "--fixed-point", "64,18", "--data", &data, "--limit", "100"]);
    assert_eq!(v["equivalent"], true);
    let out = run(&["verify", &m, "--fixed-point", "64,30", "--data", &data, "--limit", "4"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("overflows the ring 64,30: conv"));
}

/// What docs/fixed-point.md says of SPU's truncations.
#[test]
fn spu_truncates_as_documented() {
    let Some(py) = python() else { return };
    let v = script(&py, "truncation.py", &[]);
    assert_eq!(v["truncation"].as_array().unwrap().len(), 10);
}

mod by_default {
    //! What `compile` checks by itself where a secure target is emitted.
    use super::common::{relinc, run};
    use relinc::passes::back::onnx::{OnnxOptions, emit};
    use relinc::passes::{driver::valid, ir::text::parse};
    use serde_json::Value;
    use std::path::Path;

    /// A small classifier of `shapes`: a convolution `c`, a ReLU, the mean, and what is given from `%m f32[N,8]` to `%y`.
    fn network(dir: &Path, weights: &str, end: &str) -> String {
        let text = format!(
            "graph g {{
            %x = input f32[N,3,32,32]
            %w = const f32[8,3,3,3] {weights}
            %c = conv(%x, %w) {{strides=[2,2], pads=[1,1,1,1]}}
            %r = relu(%c) @relu00
            %m = global_mean(%r) {{keep=false}}
            {end}
            output \"logits\" = %y }}"
        );
        let g = parse(&text).unwrap();
        let path = dir.join("m.onnx");
        emit(&valid::check(&g).unwrap(), &path, &OnnxOptions::default()).unwrap();
        path.display().to_string()
    }

    const PLAIN: &str = "%v = const f32[10,8] rand(seed=4) %y = linear(%m, %v)";

    /// Exit code, the JSON document and standard error of a compilation.
    fn compile(dir: &Path, model: &str, args: &[&str]) -> (Option<i32>, Value, String) {
        let out = dir.join("o").display().to_string();
        let all = [&["--json", "compile", model, "-o", &out, "--limit", "20"], args].concat();
        let done = relinc().args(&all).output().unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let said = String::from_utf8_lossy(&done.stderr).to_string();
        (done.status.code(), serde_json::from_str(&text).unwrap_or(Value::Null), said)
    }

    fn notes(r: &Value) -> String {
        let all = r["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap());
        all.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_sound_network_holds_in_every_target() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        let targets = ["--target", "spu", "--target", "crypten", "--target", "mp-spdz", "--target", "onnx"];
        let (code, r, said) = compile(dir.path(), &m, &[&targets[..], &["--data", "shapes"]].concat());
        assert_eq!(code, Some(0), "{said}");
        let found: Vec<_> = r["fixed_points"].as_array().unwrap().iter().collect();
        let of = |f: &&Value| {
            let n = |k: &str| f[k].as_u64().unwrap();
            let word = |k: &str| f[k].as_str().unwrap().to_string();
            (word("target"), n("ring"), n("fraction"), word("truncation"), word("verdict"))
        };
        // CHEETAH truncates in a way of its own, ABY3 and SEMI2K alike.
        let want = [
            ("spu", 18, "cheetah"),
            ("spu", 18, "probabilistic"),
            ("crypten", 16, "crypten"),
            ("mp-spdz", 16, "mp-spdz"),
        ];
        let want = want.map(|(t, f, how)| (t.to_string(), 64, f, how.to_string(), "holds".to_string()));
        assert_eq!(found.iter().map(of).collect::<Vec<_>>(), want);
        for f in &found {
            assert_eq!((f["images"]["n"].clone(), f["images"]["flips"].clone()), (64.into(), 0.into()));
            assert!((f["images"]["flips_at_most"].as_f64().unwrap() - 0.056).abs() < 1e-3);
        }
        assert!(r["fixed_point"].is_null(), "only where a format was given");
        assert!(!notes(&r).contains("fraction bits"), "{}", notes(&r));
        let text = std::fs::read_to_string(dir.path().join("o/report.txt")).unwrap();
        assert!(text.contains("In fixed point") && text.contains("of 64 (at most 5.6 %"), "{text}");
        assert!(said.contains("fixed point, crypten 64,16 64/64"), "{said}");
    }

    #[test]
    fn an_overflow_is_named_with_what_helps_and_exits_1() {
        let dir = tempfile::tempdir().unwrap();
        let end =
            "%k = const f32[10,8] rand(seed=4) %s = const f32[1] [1e-7] %p = mul(%k, %s) %y = linear(%m, %k)";
        let m = network(dir.path(), "splat(30000000.0)", end);
        let (code, r, said) = compile(dir.path(), &m, &["--target", "spu", "--data", "shapes"]);
        assert_eq!(code, Some(1), "{said}");
        let f = &r["fixed_points"][0];
        assert_eq!(f["verdict"], "overflows");
        assert_eq!(f["images"]["overflow"][0]["node"], "c");
        let n = notes(&r);
        assert!(n.contains("conv 'c' of relu00 reaches") && n.contains("With --"), "{n}");
        assert!(
            said.contains("overflow in") && said.contains("64,18") | said.contains("18 fraction bits"),
            "{said}"
        );
        assert!(dir.path().join("o/spu/model.mlir").is_file(), "written all the same");
        // What the note proposes does it.
        let t = f["tried"].as_array().unwrap().iter().find(|t| t["holds"] == true).unwrap();
        let option = match t["normalise"].as_i64() {
            Some(target) => format!("--normalise-ranges={target}"),
            None => format!("--fixed-point={},{}", t["ring"], t["fraction"]),
        };
        let (code, r, said) = compile(dir.path(), &m, &["--target", "spu", "--data", "shapes", &option]);
        assert_eq!(
            (code, r["fixed_points"][0]["verdict"].as_str()),
            (Some(0), Some("holds")),
            "{option} {said}"
        );
    }

    #[test]
    fn moved_classes_exit_1() {
        let dir = tempfile::tempdir().unwrap();
        let end = "%k = const f32[10,8] rand(seed=4) %s = const f32[10,8] splat(0.00001) %v = mul(%k, %s) %y = linear(%m, %v)";
        let m = network(dir.path(), "rand(seed=1)", end);
        let (code, r, said) = compile(dir.path(), &m, &["--target", "spu", "--data", "shapes"]);
        assert_eq!(code, Some(1), "{said}");
        let f = &r["fixed_points"][0];
        assert_eq!((f["verdict"].as_str(), f["images"]["overflows"].as_u64()), (Some("moved"), Some(0)));
        assert!(said.contains("the class moves on"), "{said}");
        assert!(notes(&r).contains("the error enters most at"), "{}", notes(&r));
    }

    #[test]
    fn an_operation_that_is_not_emulated_is_a_note() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(
            dir.path(),
            "rand(seed=1)",
            &format!("{} %y = softmax(%z) {{axis=1}}", PLAIN.replace("%y", "%z")),
        );
        let (code, r, said) = compile(dir.path(), &m, &["--target", "spu", "--data", "shapes"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(r["fixed_points"][0]["images"]["stand_ins"][0], "softmax 'logits'");
        assert!(notes(&r).contains("Not emulated: softmax 'logits'"), "{}", notes(&r));
        let done = run(&["verify", &m, "--fixed-point", "64,18", "--data", "shapes", "--limit", "4"]);
        assert_eq!(done.status.code(), Some(2), "verify refuses");
    }

    #[test]
    fn bounded_truncation_is_taken_where_it_does() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        let semi2k = ["--target", "spu", "--data", "shapes", "--protocol", "semi2k", "--protocol", "aby3"];
        let manifest = || -> Value {
            let path = dir.path().join("o/spu/manifest.json");
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let (code, safe, said) = compile(dir.path(), &m, &semi2k);
        assert_eq!((code, manifest()["bounded_truncation"].is_null()), (Some(0), true), "{said}");
        let (code, r, said) = compile(dir.path(), &m, &[&semi2k[..], &["--truncation", "bounded"]].concat());
        assert_eq!(code, Some(0), "{said}");
        let f = &r["fixed_points"][0];
        assert_eq!((f["truncation"].as_str(), f["images"]["flips"].as_u64()), (Some("local"), Some(0)));
        let at_most = f["failure"]["at_most"].as_f64().unwrap();
        assert!(at_most > 0.0 && at_most <= 1e-4, "{at_most}");
        let (found, fraction) = (manifest()["bounded_truncation"].clone(), f["fraction"].clone());
        assert_eq!((&found["fraction"], &found["at_most"]), (&fraction, &f["failure"]["at_most"]));
        assert!(fraction.as_u64() <= Some(18), "no more than SPU's own: {fraction}");
        let text = std::fs::read_to_string(dir.path().join("o/report.txt")).unwrap();
        assert!(text.contains("Truncation is bounded"), "{text}");
        // The convolution and the linear layer.
        let rounds = |r: &Value, i: usize| r["cost"][i]["rounds"].as_f64().unwrap();
        assert_eq!(rounds(&safe, 0) - rounds(&r, 0), 2.0);
        assert_eq!((&r["cost"][0]["before"], rounds(&r, 2)), (&safe["cost"][0]["before"], rounds(&safe, 2)));
        assert!(notes(&r).contains("spu-aby3: --truncation bounded has no effect"), "{}", notes(&r));
        let rare = [&semi2k[..], &["--truncation", "bounded=1e-18"]].concat();
        let (code, r, said) = compile(dir.path(), &m, &rare);
        assert_eq!((code, rounds(&r, 0)), (Some(0), rounds(&safe, 0)), "{said}");
        assert!(notes(&r).contains("safe truncation is taken, for"), "{}", notes(&r));
        for (args, why) in [
            (&["--target", "spu"][..], "add data"),
            (&["--target", "onnx", "--data", "shapes"], "add it"),
            (&["--target", "spu", "--data", "shapes", "--fixed-point", "off"], "found by emulation"),
        ] {
            let (code, _, said) = compile(dir.path(), &m, &[args, &["--truncation", "bounded"]].concat());
            assert!(code == Some(2) && said.contains(why), "{args:?}: {code:?} {said}");
        }
    }

    #[test]
    fn the_ring_of_spu_is_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        let spu = ["--target", "spu", "--data", "shapes", "--network", "wan"];
        let semi2k = ["--protocol", "semi2k"];
        for (ring, protocols) in
            [("32", "spu-semi2k-ring32"), ("128", "spu-semi2k-ring128"), ("64", "spu-semi2k")]
        {
            let (code, r, said) = compile(dir.path(), &m, &[&spu[..], &semi2k, &["--ring", ring]].concat());
            assert_eq!(code, Some(0), "{said}");
            assert_eq!(r["cost"][0]["protocol"], protocols);
            assert_eq!(r["fixed_points"][0]["ring"].to_string(), ring);
            let text = std::fs::read_to_string(dir.path().join("o/spu/manifest.json")).unwrap();
            let manifest: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(manifest["ring"].to_string(), ring);
            assert_eq!(manifest["fraction"], r["fixed_points"][0]["fraction"]);
        }
        let (code, r, said) = compile(dir.path(), &m, &[&spu[..], &["--ring", "auto"]].concat());
        assert_eq!(code, Some(0), "{said}");
        let narrow = r["fixed_points"][0]["ring"] == 32;
        assert_eq!(narrow, notes(&r).contains("--ring auto: 32 bits are taken"), "{}", notes(&r));
        for (args, why) in [
            (&["--ring", "32", "--protocol", "cheetah"][..], "has no cost model in that ring"),
            (&["--ring", "32", "--fixed-point", "64,18"], "of another ring"),
            (&["--ring", "32", "--target", "crypten"], "for the target spu alone"),
            (&["--query-batch", "2", "--target", "crypten"], "take one image"),
        ] {
            let (code, _, said) = compile(dir.path(), &m, &[&spu[..], args].concat());
            assert!(code == Some(2) && said.contains(why), "{args:?}: {code:?} {said}");
        }
    }

    #[test]
    fn off_checks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "splat(30000000.0)", PLAIN);
        let args = ["--target", "spu", "--data", "shapes", "--fixed-point", "off"];
        let (code, r, _) = compile(dir.path(), &m, &args);
        assert_eq!((code, r["fixed_points"].is_null()), (Some(0), true));
        let (code, r, _) = compile(dir.path(), &m, &["--data", "shapes"]);
        assert_eq!((code, r["fixed_points"].is_null()), (Some(0), true), "no secure target");
    }

    #[test]
    fn pipelines_say_off_and_formats() {
        let dir = tempfile::tempdir().unwrap();
        network(dir.path(), "rand(seed=1)", PLAIN);
        let ways = [("off", 0), ("false", 0), ("\"off\"", 0), ("\"64,20\"", 2), ("64,20", 2)];
        for (i, (written, found)) in ways.into_iter().enumerate() {
            let text = format!(
                "model: m.onnx\ndata: shapes\ntargets: [spu]\nfixed_point: {written}\naccuracy: {{limit: 20}}\n"
            );
            std::fs::write(dir.path().join("p.yaml"), text).unwrap();
            let (p, o) = (dir.path().join("p.yaml"), dir.path().join(i.to_string()));
            let done = relinc().args(["--json", "--quiet", "run"]).arg(p).arg("-o").arg(o).output().unwrap();
            assert!(done.status.success(), "{written}: {}", String::from_utf8_lossy(&done.stderr));
            let r: Value = serde_json::from_slice(&done.stdout).unwrap();
            assert_eq!(r["fixed_points"].as_array().map_or(0, Vec::len), found, "{written}");
            // CHEETAH's truncation, and that of ABY3 and SEMI2K.
            if found > 0 {
                assert_eq!(r["fixed_points"][0]["fraction"], 20);
                assert_eq!(r["fixed_point"]["fraction"], 20);
            }
        }
        std::fs::write(dir.path().join("p.yaml"), "model: m.onnx\ntargets: [spu]\nfixed_point: 64\n")
            .unwrap();
        let done = run(&["run", &dir.path().join("p.yaml").display().to_string()]);
        assert_eq!(done.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&done.stderr).contains("fixed_point, line 3: "));
    }

    #[test]
    fn without_data_numbers_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        let (code, r, _) = compile(dir.path(), &m, &["--target", "spu"]);
        let f = &r["fixed_points"][0];
        assert_eq!(
            (code, f["verdict"].as_str(), f["assumed"].as_bool()),
            (Some(0), Some("holds"), Some(true))
        );
        assert_eq!(f["bounds"]["range"], serde_json::json!([-1.0, 1.0]));
        let text = std::fs::read_to_string(dir.path().join("o/report.txt")).unwrap();
        assert!(text.contains("cannot overflow") && text.contains("assumed"), "{text}");
        let (code, r, _) = compile(dir.path(), &m, &["--target", "spu", "--input-range=-1e9,1e9"]);
        let f = &r["fixed_points"][0];
        assert_eq!(
            (code, f["verdict"].as_str(), f["assumed"].as_bool()),
            (Some(0), Some("may-overflow"), Some(false))
        );
        assert!(notes(&r).contains("it may overflow at conv 'c' of relu00"), "{}", notes(&r));
    }

    #[test]
    fn a_format_reaches_the_artefacts() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        let targets = ["--target", "spu", "--target", "crypten", "--target", "mp-spdz"];
        let (code, _, said) = compile(dir.path(), &m, &[&targets[..], &["--fixed-point", "64,20"]].concat());
        assert_eq!(code, Some(0), "{said}");
        let read = |name: &str| std::fs::read_to_string(dir.path().join("o").join(name)).unwrap();
        let spu: Value = serde_json::from_str(&read("spu/manifest.json")).unwrap();
        assert_eq!((spu["ring"].clone(), spu["fraction"].clone()), (64.into(), 20.into()));
        let crypten: Value = serde_json::from_str(&read("crypten/manifest.json")).unwrap();
        assert_eq!(crypten["fraction"], 20);
        assert!(read("mp-spdz/relinc_model.mpc").contains("sfix.set_precision(20, 31)"));
    }

    #[test]
    fn a_format_that_a_target_cannot_have_is_refused_before_any_work() {
        let dir = tempfile::tempdir().unwrap();
        let m = network(dir.path(), "rand(seed=1)", PLAIN);
        for (target, format) in [("crypten", "128,26"), ("mp-spdz", "64,30")] {
            let (code, _, said) = compile(dir.path(), &m, &["--target", target, "--fixed-point", format]);
            assert_eq!(code, Some(2), "{said}");
            assert!(said.contains(&format!("--fixed-point {format}: target {target}")), "{said}");
            assert!(!dir.path().join("o").exists());
        }
    }
}
