//! Bytes to `ModelProto`: recognises what is no ONNX file, and never trusts a decode that merely succeeded.

use super::error::ImportError;
use prost::Message;
use sha2::{Digest, Sha256};
use std::path::Path;
use tract_onnx::pb::ModelProto;

/// The model and the sha256 of its file, in hexadecimal.
pub fn read(path: &Path) -> Result<(ModelProto, String), ImportError> {
    let bytes = std::fs::read(path).map_err(|e| ImportError::Io(path.into(), io_reason(path, &e)))?;
    let not_onnx = |why: &str| ImportError::NotOnnx(path.into(), why.into());
    if let Some(why) = other_format(&bytes) {
        return Err(not_onnx(why));
    }
    // On a thread of its own; the decoder's memory is best freed by the thread that took it.
    let (sha, model) = std::thread::scope(|scope| {
        let sha = scope.spawn(|| Sha256::digest(&bytes));
        let model = ModelProto::decode(bytes.as_slice()).map_err(|e| e.to_string());
        (sha.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), model)
    });
    let sha = sha.iter().map(|b| format!("{b:02x}")).collect();
    let model = model.map_err(|e| not_onnx(&decode_reason(&e)))?;
    drop(bytes);
    let Some(graph) = &model.graph else {
        return Err(not_onnx("it holds no graph: it is truncated or another kind of file"));
    };
    if graph.output.is_empty() {
        return Err(not_onnx("its graph has no output: it is truncated or another kind of file"));
    }
    if model.opset_import.is_empty() {
        return Err(not_onnx("it declares no operator set: it is truncated or another kind of file"));
    }
    Ok((model, sha))
}

fn io_reason(path: &Path, e: &std::io::Error) -> String {
    if path.is_dir() { "is a folder; name the .onnx file in it".into() } else { e.to_string() }
}

fn decode_reason(e: &str) -> String {
    if e.contains("underflow") {
        "truncated: it ends in the middle of a field; copy or download it again".into()
    } else {
        format!("its bytes are no protobuf message ({e})")
    }
}

/// The formats that get mistaken for ONNX, by their first bytes.
fn other_format(b: &[u8]) -> Option<&'static str> {
    const STARTS: &[(&[u8], &str)] = &[
        (b"\x89PNG", "it is a PNG image"),
        (b"\xff\xd8\xff", "it is a JPEG image"),
        (b"PK\x03\x04", "it is a zip archive, such as a PyTorch .pth; export it with torch.onnx.export"),
        (b"\x89HDF\r\n", "it is an HDF5 file, such as a Keras .h5; convert it with tf2onnx"),
        (b"\x1f\x8b", "it is gzip-compressed; unpack it first"),
        (b"\xfd7zXZ", "it is xz-compressed; unpack it first"),
        (b"\x80\x02", "it is a Python pickle, such as an old PyTorch .pth; export it with torch.onnx.export"),
        (b"version https://git-lfs", "it is a Git LFS pointer; run git lfs pull"),
        (b"GGUF", "it is a GGUF file"),
        (b"\x93NUMPY", "it is a NumPy array"),
        (b"%PDF", "it is a PDF document"),
        (b"<", "it is markup text, perhaps a saved web page"),
        (b"{", "it is JSON text"),
    ];
    if b.is_empty() {
        return Some("empty file");
    }
    if let Some((_, why)) = STARTS.iter().find(|(start, _)| b.starts_with(start)) {
        return Some(why);
    }
    match b.get(4..8) {
        Some(b"TFL3") => return Some("it is a TensorFlow Lite model; convert it with tf2onnx"),
        Some(b"ORTM") => return Some("it is an ORT-format model; use the .onnx file it was made from"),
        _ => {}
    }
    let header = b.get(..8).and_then(|h| h.try_into().ok()).map(u64::from_le_bytes);
    match (header, b.get(8)) {
        (Some(n), Some(b'{')) if n < 100_000_000 => {
            Some("it is a safetensors file, which holds weights and no graph")
        }
        _ => None,
    }
}
