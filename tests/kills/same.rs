//! Two output folders, but for times.

use crate::common::files;
use relinc::passes::seal::tensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What a clock or the place of a folder says.
const TIMES: [&str; 6] = ["seconds", "waited", "images_per_second", "data_wait", "dir", "html"];

fn timeless(mut v: Value) -> Value {
    match &mut v {
        Value::Object(fields) => {
            TIMES.iter().for_each(|k| drop(fields.remove(*k)));
            // Pages and logs hold times, whose digits differ.
            if let Some(list) = fields.get_mut("artefacts").and_then(Value::as_array_mut) {
                list.retain(|a| exact(a["path"].as_str().unwrap_or_default()));
            }
            fields.values_mut().for_each(|f| *f = timeless(f.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|f| *f = timeless(f.take())),
        _ => {}
    }
    v
}

/// Does a file hold no times?
fn exact(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let of_the_folder = ["report.html", "report.txt", "report.json", "log.jsonl", "manifest.json"];
    let spu = file.ends_with("spu/manifest.json");
    let page = name.starts_with("sweep.") || name.starts_with("compare.");
    (spu || !of_the_folder.contains(&name)) && !page && !file.contains("checkpoints/")
}

/// A checkpoint's tensors and metadata.
fn checkpoint(bytes: &[u8]) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, Value>) {
    let file = tensors::open(bytes).unwrap();
    let rows = file.tensors.iter().map(|(n, t)| (n.clone(), t.data().to_vec())).collect();
    let mut info: BTreeMap<String, Value> =
        file.info.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
    info.remove("relinc_sha256");
    let progress = info.get("progress").and_then(Value::as_str).map(|p| serde_json::from_str(p).unwrap());
    info.extend(progress.map(|p| ("progress".into(), timeless(p))));
    (rows, info)
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|l| timeless(serde_json::from_str(l).unwrap())).collect()
}

/// Holds the files of two folders against each other.
pub fn same(want: &Path, have: &Path, story: &str) {
    assert_eq!(files(have), files(want), "{story}");
    for file in files(want) {
        let read = |dir: &Path| std::fs::read(dir.join(&file)).unwrap();
        let (a, b) = (read(want), read(have));
        let other = || format!("{story}: another {file}");
        let (here, there) = (have.display().to_string(), want.display().to_string());
        let placed = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&here, &there);
        let json = |bytes: &[u8]| timeless(serde_json::from_str(&placed(bytes)).unwrap());
        match file.rsplit('.').next() {
            _ if exact(&file) => assert!(a == b, "{}", other()),
            Some("safetensors") => assert!(checkpoint(&a) == checkpoint(&b), "{}", other()),
            Some("jsonl") => assert!(lines(&a) == lines(&b), "{}", other()),
            // A manifest holds the checksums of files with times.
            Some("json") if file.ends_with("manifest.json") => {}
            Some("json") => assert!(json(&a) == json(&b), "{}", other()),
            // Pages show what the JSON says.
            _ => {}
        }
    }
}
