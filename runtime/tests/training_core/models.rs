//! The shared models: the executor equals the interpreter.

use super::harness::{forward, input_shape, interpret, noise, open};
use burn::tensor::Device;
use relinc_passes::driver::{Options, Phase};
use relinc_passes::front::onnx::{ImportOptions, import};
use relinc_passes::ir::Graph;
use relinc_passes::ir::infer::infer;
use relinc_passes::layers::name_layers;
use relinc_passes::passes;
use relinc_runtime::exec::Network;
use relinc_runtime::exec::value::download;
use std::path::{Path, PathBuf};

/// The folder of shared models, or a clear word that the test is skipped.
fn models() -> Option<PathBuf> {
    let shared = std::env::var_os("RELINC_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let dir = shared.join("models");
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no shared models in {} (set RELINC_SHARED)", dir.display());
    None
}

fn canonical(path: &Path) -> Graph {
    let mut g = import(path, &ImportOptions::default()).unwrap().graph;
    passes::run_all(Phase::Canonical, &mut g, &Options::default()).unwrap();
    let facts = infer(&g).unwrap();
    name_layers(&mut g, &facts);
    g
}

#[test]
fn executor_equals_interpreter_on_every_model() {
    let Some(dir) = models() else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "onnx"));
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_string();
        let g = canonical(&path);
        let (net, values) =
            Network::new(&g, false, &Device::flex()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let batch = g.only_input().unwrap().1.fixed_batch().unwrap_or(8);
        let shape = input_shape(&g, batch);
        for run in 0..8 / batch as u64 {
            let x = noise(shape.iter().product(), run);
            let (want, dims) = interpret(&g, &x, &shape);
            let got = forward(&net, &open(&net), &values, &x, &shape).output;
            assert_eq!(got.shape(), dims, "{name}");
            let got = download(got.into_flat());
            let (low, high) = want.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let worst = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            eprintln!("{name}: {worst} of {}", high - low);
            assert!(worst <= 1e-4 * (high - low), "{name}: {worst} of {}", high - low);
        }
    }
}
