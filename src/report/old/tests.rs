#![allow(clippy::unwrap_used)]

use crate::report::model::LatencyIs;
use crate::report::shape::Shape;
use crate::report::{html, read, render, text};
use std::path::Path;

/// What relinc 0.1.0 wrote of the quickstart's model, half of its ReLUs kept in one shot; shortened.
const FIXTURE: &str = include_str!("../../../tests/reports/0.1.0.json");

fn folder(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("report.json"), text).unwrap();
    dir
}

#[test]
fn a_report_of_0_1_0_is_read_and_says_what_it_lacks() {
    let dir = folder(FIXTURE);
    let r = read(dir.path()).unwrap();
    assert_eq!((r.relinc_report, Shape::of(&r)), (1, Shape::Old));
    assert!(r.lossless.is_none() && r.cost.iter().all(|c| c.lossless.is_none()));
    for s in r.cost.iter().flat_map(|c| [Some(&c.after), c.before.as_ref()]).flatten() {
        let timed = if s.compute_s.is_some() { LatencyIs::Query } else { LatencyIs::Communication };
        assert_eq!(s.latency_is, timed);
    }
    let known: Vec<&str> = r.cost.iter().map(|c| c.trust.as_str()).collect();
    assert!(
        known.iter().all(|t| !t.starts_with("not stated")),
        "built-in protocols trust as they did: {known:?}"
    );
    render(dir.path(), &r).unwrap();
    for out in [text::render(&r).replace("\n  ", " "), html::render(&r)] {
        assert!(out.contains("made by relinc 0.1.0"), "{out}");
        assert!(!out.contains("× less"), "a saving of both at once is none of the masks: {out}");
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("report.json")).unwrap(), FIXTURE, "the file stays");
}

#[test]
fn what_is_printed_of_it_is_read_again() {
    let r = read(folder(FIXTURE).path()).unwrap();
    let again = folder(&serde_json::to_string(&r).unwrap());
    assert_eq!(read(again.path()).unwrap(), r);
}

#[test]
fn a_report_of_the_future_is_refused_by_its_number() {
    let mut v: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
    v["relinc_report"] = 3.into();
    let e = read(folder(&v.to_string()).path()).unwrap_err().to_string();
    assert!(e.contains("has form 3, this relinc reads up to 2"), "{e}");
}

#[test]
fn a_number_less_report_of_another_version_is_refused() {
    let text = FIXTURE.replace("\"relinc\": \"0.1.0\"", "\"relinc\": \"0.7.0\"");
    let e = read(folder(&text).path()).unwrap_err().to_string();
    assert!(e.contains("relinc_report"), "{e}");
    assert!(read(Path::new("nowhere")).is_err());
}

#[test]
fn what_is_missing_or_of_another_kind_is_named() {
    let mut v: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
    v["layers"][1]["relus"] = "many".into();
    let e = read(folder(&v.to_string()).path()).unwrap_err().to_string();
    assert!(e.contains("not a report by specs/report.schema.json") && e.contains("layers[1].relus"), "{e}");
    let mut v: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
    v["layers"][1]["surprise"] = 1.into();
    let e = read(folder(&v.to_string()).path()).unwrap_err().to_string();
    assert!(e.contains("'layers[1].surprise' is not known"), "{e}");
    let e = read(folder("{\"relinc_report\": 2, \"relinc\": \"0.2.0\"}").path()).unwrap_err().to_string();
    assert!(e.contains("missing field `model`"), "{e}");
}
