//! Every option is at every door, or the table says why not.

use relinc::options::doors::{ABSENT, DOORS};
use relinc::{cli, pipeline};
use std::collections::{BTreeMap, BTreeSet};

/// The options of each door, by their names in pipelines.
fn found() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut command = cli::command();
    command.build();
    let of = |door: &'static str| {
        let sub = command.find_subcommand(door).expect(door);
        let ids = sub.get_arguments().map(|a| a.get_id().to_string());
        let keys = pipeline::keys().into_iter().map(String::from);
        let file = sub.get_arguments().any(|a| a.get_id() == "pipeline");
        let all = ids.chain(keys.filter(|_| file));
        (door, all.collect())
    };
    DOORS.map(of).into_iter().collect()
}

#[test]
fn every_option_is_at_every_door_or_its_absence_is_explained() {
    let found = found();
    let all: BTreeSet<&String> = found.values().flatten().collect();
    assert!(all.len() > 70, "{all:?}");
    for option in all {
        for door in DOORS {
            let told: Vec<&str> = ABSENT
                .iter()
                .filter(|(options, doors, _)| {
                    options.split(' ').any(|o| o == option) && doors.contains(&door)
                })
                .map(|(_, _, why)| *why)
                .collect();
            let there = found[door].contains(option);
            assert_eq!(
                told.len(),
                usize::from(!there),
                "{option} at {door}: there {there}, explained {told:?}"
            );
        }
    }
}

#[test]
fn no_absence_is_told_of_what_does_not_exist() {
    let found = found();
    for option in ABSENT.iter().flat_map(|(options, _, _)| options.split(' ')) {
        assert!(found.values().any(|door| door.contains(option)), "{option}");
    }
}

#[test]
fn options_of_a_compilation_are_at_every_door() {
    let found = found();
    for option in relinc::options::keys::<relinc::options::CompileOptions>() {
        let names = match *option {
            "report" => vec!["protocols", "networks"],
            "accuracy" => vec!["split", "limit"],
            one => vec![one],
        };
        for name in names {
            assert!(DOORS.iter().all(|d| found[d].contains(name)), "{name}");
        }
    }
}

#[test]
fn unknown_keys_are_told_at_once_at_every_level_with_the_nearest() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("p.yaml");
    let text = "modle: a\nopsett: 17\nstages:\n- {stage: search, epoch: 3}\n- {stage: tune, ratee: 1}\nreport: {protocol: [x]}\n\
                accuracy: {limits: 3, corupted: 1}\narchitecture: {dept: 3}\n";
    std::fs::write(&file, text).expect("writes");
    let why = pipeline::Pipeline::read(&file).expect_err("unknown keys").to_string();
    for (found, near) in [
        ("modle", "model"),
        ("opsett", "opset"),
        ("epoch' in stage 1", "epochs"),
        ("ratee' in stage 2", "rate"),
        ("protocol' in report", "protocols"),
        ("limits' in accuracy", "limit"),
        ("corupted' in accuracy", "corrupted"),
        ("dept' in architecture", "depth"),
    ] {
        let said = why.split("; ").position(|s| s.contains(&format!("unknown key '{found}")));
        let next = said.and_then(|i| why.split("; ").nth(i + 1)).unwrap_or_default();
        assert!(next.contains(&format!("did you mean '{near}'")), "{found}: {why}");
    }
}

#[test]
fn a_pipeline_checks_values_as_the_command_line_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("p.yaml");
    for (text, words) in [
        ("stable_sign: 0", "stable_sign, line 2: expected a whole number of at least 1, found 0"),
        ("input_range: 1,0", "input_range, line 2: write two numbers, the smaller first"),
        ("opset: 12", "opset, line 2: expected a whole number from 13 to 23, found 12"),
        (
            "normalise_ranges: 99",
            "normalise_ranges, line 2: expected a whole number from -16 to 32, found 99",
        ),
        (
            "conv_form: fast",
            "conv_form, line 2: convolution form 'fast' is not known; choose auto, fastest, direct or taps",
        ),
        (
            "truncation: fast",
            "truncation, line 2: 'fast' is no truncation; write safe, bounded, or bounded=P",
        ),
        ("ring: 16", "ring, line 2: ring '16' is not known; choose auto, 32, 64 or 128"),
        ("query_batch: 0", "query_batch, line 2: expected a whole number from 1 to 4096, found 0"),
        ("fold: perhaps", "fold, line 2: fold 'perhaps' is not known"),
        ("max_drop: 101", "max_drop, line 2: 101 is not between 0 and 100"),
        ("dims: [batch]", "dims, line 2: batch: write NAME=N"),
        ("targets: [gpu]", "targets, line 2: target 'gpu' is not known"),
    ] {
        std::fs::write(&file, format!("model: a.onnx\n{text}\n")).expect("writes");
        let why = pipeline::Pipeline::read(&file).expect_err(text).to_string();
        assert!(why.contains(words), "{text}: {why}");
    }
    let text = "model: a.onnx\ndata: shapes\nstable_sign: 10\ninput_range: -1,1\nopset: 18\nfixed_point: off\ndims: [batch=1]\n\
                keep_batch: true\nnormalise_ranges: 3\n";
    std::fs::write(&file, text).expect("writes");
    let p = pipeline::Pipeline::read(&file).expect("reads");
    let r = p.request(dir.path(), dir.path()).expect("a request");
    assert_eq!((r.options.stable_sign(), r.options.input_range()), (Some(10), Some((-1.0, 1.0))));
    assert_eq!((r.options.opset(), r.options.normalise()), (18, Some(3)));
    std::fs::write(&file, "model: a.onnx\nstable_sign: 10\n").expect("writes");
    let p = pipeline::Pipeline::read(&file).expect("reads");
    let why = p.request(dir.path(), dir.path()).expect_err("no images").to_string();
    assert!(why.contains("stable_sign") && why.contains("add data"), "{why}");
}
