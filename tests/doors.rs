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
                .filter(|a| a.options.contains(&option.as_str()) && a.doors.contains(&door))
                .map(|a| a.why)
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
    for option in ABSENT.iter().flat_map(|a| a.options) {
        assert!(found.values().any(|door| door.contains(*option)), "{option}");
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
