//! Files that are no ONNX models, or only part of one.

use crate::build::*;
use relinc_passes::front::onnx::{ImportError, ImportOptions, import};

fn read(bytes: &[u8]) -> ImportError {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.onnx");
    std::fs::write(&file, bytes).unwrap();
    import(&file, &ImportOptions::default()).unwrap_err()
}

#[test]
fn other_formats_are_recognised() {
    let mut safetensors = 40u64.to_le_bytes().to_vec();
    safetensors.extend(b"{\"w\":{}}");
    let cases: [(&[u8], &str); 11] = [
        (b"", "empty file"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x1f\x8b\x08", "gzip"),
        (&safetensors, "safetensors"),
        (b"\x80\x02}q", "pickle"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
        (b"{\"a\": 1}", "JSON"),
    ];
    for (bytes, want) in cases {
        let e = read(bytes);
        assert!(matches!(e, ImportError::NotOnnx(..)), "{e:?}");
        assert!(e.to_string().contains(want) && e.to_string().contains("f.onnx"), "{e}");
    }
}

#[test]
fn missing_files_and_folders() {
    let dir = tempfile::tempdir().unwrap();
    let e = import(&dir.path().join("gone.onnx"), &ImportOptions::default()).unwrap_err();
    assert!(matches!(e, ImportError::Io(..)) && e.to_string().contains("gone.onnx"), "{e}");
    let e = import(dir.path(), &ImportOptions::default()).unwrap_err();
    assert!(e.to_string().contains("folder"), "{e}");
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = model(13, &[-1, 3])
        .init(floats("w", &[3]))
        .node("Add", &["x", "w"], &["h"], vec![])
        .node("Relu", &["h"], &["y"], vec![])
        .bytes();
    for n in 0..bytes.len() {
        let e = read(&bytes[..n]);
        assert!(!e.to_string().is_empty(), "cut at {n}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = model(13, &[-1, 3, 4, 4])
        .init(floats("w", &[2, 3, 3, 3]))
        .init(longs("s", &[0, -1]))
        .node("Conv", &["x", "w"], &["h"], vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[1, 1])])
        .node("Reshape", &["h", "s"], &["r"], vec![])
        .node("Softmax", &["r"], &["y"], vec![int("axis", -1)])
        .bytes();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.onnx");
    for at in 0..bytes.len() {
        for flip in [0x01, 0x08, 0x80, 0xff] {
            let mut b = bytes.clone();
            b[at] ^= flip;
            std::fs::write(&file, &b).unwrap();
            // Either answer is fine; a panic is not.
            let _ = import(&file, &ImportOptions::default());
        }
    }
}

#[test]
fn garbage_is_an_error() {
    let mut state = 1u32;
    for n in 1..400 {
        let bytes: Vec<u8> = (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let _ = read(&bytes);
    }
}

#[test]
fn the_file_is_identified() {
    let m = model(13, &[-1, 3]).node("Relu", &["x"], &["y"], vec![]).import().m;
    assert_eq!((m.info.opset, m.info.ir_version, m.info.producer.as_str()), (13, 8, "fixture"));
    assert!(m.info.sha256.len() == 64 && m.info.sha256.chars().all(|c| c.is_ascii_hexdigit()));
}
