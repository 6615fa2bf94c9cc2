//! Every trained model in the shared folder imports, infers and keeps its batch symbolic.

use relinc_passes::front::onnx::{ImportOptions, import};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Dim, Op, comparisons};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn shared() -> PathBuf {
    match std::env::var_os("RELINC_SHARED") {
        Some(p) => p.into(),
        // Tests run in the package's root; the shared folder lies beside the workspace.
        None => PathBuf::from("../../shared"),
    }
}

#[test]
fn shared_models() {
    let folder = shared().join("models");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no models at {} (set RELINC_SHARED)", folder.display());
        return;
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "onnx"));
    files.sort();
    let mut failed = vec![];
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let m = match import(file, &ImportOptions::default()) {
            Ok(m) => m,
            Err(e) => {
                failed.push(e.to_string());
                continue;
            }
        };
        let facts = match infer(&m.graph) {
            Ok(f) => f,
            Err(e) => {
                failed.push(format!("{name}: {e:?}"));
                continue;
            }
        };
        let classes = if name.contains("3class") { 3 } else { 10 };
        let out = facts.ty(m.graph.outputs()[0].node);
        if out.dims != [Dim::Batch, Dim::Fixed(classes)] {
            failed.push(format!("{name}: output {out}"));
        }
        let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
        for id in m.graph.ids().filter(|&id| !matches!(m.graph.op(id), Op::Const(_))) {
            *ops.entry(m.graph.op(id).mnemonic()).or_default() += 1;
        }
        let sizes: usize = m.graph.ids().map(|id| comparisons(&m.graph, &facts, id)).sum();
        eprintln!(
            "{name}: opset {} {}, {sizes} comparisons\n  {ops:?}\n  {:?}",
            m.info.opset, m.info.producer, m.notices
        );
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
