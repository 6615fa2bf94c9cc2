//! Checkpoints come back bit for bit, and what cannot be continued is refused with a reason.

use super::harness::noise;
use super::resume::{Job, bits, tiny};
use relinc_passes::choice::Choice::{Identity, Relu, Uncapped, Zero};
use relinc_passes::choice::NO_CAP;
use relinc_passes::ir::NodeId;
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{LayerMask, Masks};
use relinc_runtime::train::state::{Checkpoint, Progress, Sums};
use relinc_runtime::train::{Kind, Method};
use std::path::Path;

fn layers() -> Vec<ReluLayer> {
    let layer = |name: &str, shape, cap| ReluLayer {
        name: name.into(),
        node: NodeId::default(),
        shape,
        cap,
        redundant: false,
    };
    vec![layer("relu00", [2, 1, 2], 6.0), layer("relu01", [3, 1, 1], NO_CAP)]
}

fn masks(slope: bool) -> Masks {
    let slope = slope.then(|| vec![0.1, -0.3]);
    let first = LayerMask::new([2, 1, 2], vec![Identity, Relu, Zero, Uncapped]).with_cap(6.0);
    let first = slope.into_iter().fold(first, LayerMask::with_slopes);
    let second = LayerMask::new([3, 1, 1], vec![Relu, Relu, Identity]);
    Masks { layers: [("relu00".into(), first), ("relu01".into(), second)].into(), ..Masks::default() }
}

fn full() -> Checkpoint {
    let rows = [
        ("param/w", vec![f32::MIN_POSITIVE / 2.0, -0.0, 0.1, f32::MAX, -1e-40]),
        ("velocity/w", noise(5, 1)),
        ("learner/alpha/0", vec![]),
    ];
    // Fractions whose shortest decimal has 17 digits.
    let mut sums = Sums { steps: 7, seen: 224, correct: 31, seconds: 1.0 / 3.0, ..Sums::default() };
    (sums.parts.total, sums.gradient) = (2.0f64.sqrt() * 1e-3, std::f64::consts::PI);
    let progress = Progress {
        recipe: "a \"recipe\"\n".into(),
        epoch: 3,
        step: 5,
        best: Some(300.0 / 7.0),
        best_epoch: 2,
        sums,
        seconds: 1e9 / 7.0,
        ..Progress::default()
    };
    let tensors = rows.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
    Checkpoint { progress, tensors, masks: masks(true), epoch_masks: masks(false) }
}

#[test]
fn round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    let c = full();
    c.write(&path).unwrap();
    let back = Checkpoint::read(&path, &layers()).unwrap();
    assert_eq!(back, c);
    for (a, b) in c.tensors.values().zip(back.tensors.values()) {
        assert_eq!(bits(a), bits(b));
    }
    // The smallest one.
    Checkpoint::default().write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path, &layers()).unwrap(), Checkpoint::default());
}

/// Every f64 of the progress, whatever its digits.
#[test]
fn progress_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    for k in 0..200 {
        let mut c = full();
        c.progress.best = Some(100.0 * (k + 1) as f64 / 293.0);
        c.progress.seconds = (k as f64 + 0.1).exp();
        c.progress.sums.parts.ce = (k as f64).sin() * 1e-5;
        c.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path, &layers()).unwrap().progress, c.progress);
    }
}

fn refused(path: &Path, word: &str) {
    let e = Checkpoint::read(path, &layers()).unwrap_err();
    assert!(e.contains(word) && e.contains("c.safetensors") && e.contains("remove it"), "{e}");
}

#[test]
fn damaged_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    full().write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 4, 20, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        refused(&path, "cannot be continued");
    }
    let header = String::from_utf8_lossy(&bytes).replace("\\\"step\\\":5", "\\\"step\\\":x");
    std::fs::write(&path, header.as_bytes()).unwrap();
    refused(&path, "cannot be continued");
    masks(true).write(&path).unwrap();
    refused(&path, "no checkpoint");
    std::fs::remove_file(&path).unwrap();
    refused(&path, "cannot be continued");
}

#[test]
fn a_flipped_bit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    full().write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for bit in (0..8 * bytes.len()).step_by(5) {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &other).unwrap();
        refused(&path, "cannot be continued");
        let e = Progress::read(&path).unwrap_err();
        assert!(e.contains("c.safetensors"), "bit {bit}: {e}");
    }
}

/// As relinc 0.1 wrote them.
#[test]
fn checkpoints_of_another_format_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    let progress = serde_json::to_string(&Progress::default()).unwrap();
    for (format, says) in [("1", "format 1, this relinc writes and reads 2"), ("2", "no checksum")] {
        let info = [("relinc_checkpoint", format), ("progress", &progress)];
        let info = info.map(|(k, v)| (k.to_string(), v.to_string())).into_iter().collect();
        let none: [(&str, safetensors::tensor::TensorView<'_>); 0] = [];
        std::fs::write(&path, safetensors::serialize(none, Some(info)).unwrap()).unwrap();
        refused(&path, says);
    }
}

#[test]
fn equal_checkpoints_are_equal_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |name: &str| {
        full().write(&dir.path().join(name)).unwrap();
        std::fs::read(dir.path().join(name)).unwrap()
    };
    let first = bytes("a");
    (0..8).for_each(|_| assert!(bytes("b") == first));
}

#[test]
fn masks_of_another_network_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.safetensors");
    let mut c = full();
    c.masks.layers.insert("relu01".into(), LayerMask::uniform([4, 1, 1], Relu));
    c.write(&path).unwrap();
    refused(&path, "the mask of relu01 has another size");
    let layer = c.masks.layers.remove("relu01").unwrap();
    c.masks.layers.insert("relu07".into(), layer);
    c.write(&path).unwrap();
    refused(&path, "no ReLU layer relu07");
}

#[test]
fn a_stage_refuses_what_is_not_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = Job::new(Kind::Search, Some(Method::Gradual), dir.path());
    job.stop_at = Some((1, 2));
    job.run();
    (job.stop_at, job.resume) = (None, true);
    let path = dir.path().join("s.safetensors");
    let kept = std::fs::read(&path).unwrap();
    let message = |job: &Job| job.try_run().unwrap_err().to_string();

    let mut other = job.clone();
    other.recipe.decay *= 2.0;
    let e = message(&other);
    assert!(e.contains("s.safetensors") && e.contains("another recipe"), "{e}");
    assert_eq!(std::fs::read(&path).unwrap(), kept, "it is left as it was");

    let good = Checkpoint::read(&path, tiny(false).net.relus()).unwrap();
    let mut c = good.clone();
    c.tensors.remove("param/w1");
    c.write(&path).unwrap();
    let e = message(&job);
    assert!(e.contains("lacks parameters"), "{e}");

    for row in ["param/w1", "velocity/w2", "best/w1"] {
        let mut c = good.clone();
        c.tensors.insert(row.into(), vec![0.0; 3]);
        c.write(&path).unwrap();
        let e = message(&job);
        assert!(e.contains("s.safetensors") && e.contains("another size"), "{row}: {e}");
    }
}
