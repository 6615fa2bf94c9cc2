//! Bytes to `ModelProto`: recognises what is no ONNX file, and never trusts a decode that merely succeeded.

use super::error::ImportError;
use super::skim::{Elements, Skimmed, skim};
use crate::ir::stored::{Span, larger, largest};
use crate::proto::ModelProto;
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The newest version of the file format that is known.
const NEWEST_FORMAT: i64 = 14;
/// Files from this size on are skimmed.
const LARGE_FILE: u64 = 1 << 20;
/// Their weights from this many bytes on are read when they are needed.
const LARGE_WEIGHT: usize = 1 << 12;

/// A decoded file.
pub struct Decoded {
    /// The model, without the elements that are listed next.
    pub model: ModelProto,
    /// Elements of initializers that are still in the file, as bytes and as floats, should they be such.
    pub elements: HashMap<String, (Elements, Arc<Span>)>,
    /// The file.
    pub file: Arc<File>,
    /// Its hash.
    pub sha256: Hash,
}

/// The sha256 of a file, in hexadecimal.
pub enum Hash {
    /// It is known.
    Known(String),
    /// A thread computes it.
    Computing(JoinHandle<std::io::Result<String>>),
}

impl Hash {
    /// Waits for it.
    pub fn get(self, path: &Path) -> Result<String, ImportError> {
        match self {
            Hash::Known(s) => Ok(s),
            Hash::Computing(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .map_err(|e| ImportError::Io(path.into(), io_reason(path, &e))),
        }
    }
}

/// Reads a model. Of a large file the hash is computed beside what follows.
pub fn read(path: &Path) -> Result<Decoded, ImportError> {
    let io = |e: std::io::Error| ImportError::Io(path.into(), io_reason(path, &e));
    let not_onnx = |why: &str| ImportError::NotOnnx(path.into(), why.into());
    let mut file = crate::files::open(path).map_err(io)?;
    let mut message = vec![];
    (&mut file).take(64).read_to_end(&mut message).map_err(io)?;
    if let Some(why) = other_format(&message) {
        return Err(not_onnx(why));
    }
    let len = file.metadata().map_err(io)?.len();
    let skimmed = match len >= LARGE_FILE {
        true => {
            file.rewind().map_err(io)?;
            let s = skim(&file, len, LARGE_WEIGHT);
            file.seek(SeekFrom::Start(message.len() as u64)).map_err(io)?;
            s
        }
        false => None,
    };
    let skim_failed = skimmed.is_none();
    let Skimmed { message, elements } = match skimmed {
        Some(s) => s,
        None => {
            file.read_to_end(&mut message).map_err(io)?;
            Skimmed { message, ..Skimmed::default() }
        }
    };
    let file = Arc::new(file);
    let span = |e: Elements| Arc::new(Span::new(file.clone(), e.start()));
    let elements: HashMap<String, (Elements, Arc<Span>)> =
        elements.into_iter().map(|(name, e)| (name, (e, span(e)))).collect();
    let sha256 = match skim_failed {
        true => Hash::Known(hash(message.as_slice(), vec![]).map_err(io)?),
        false => {
            let (path, weights) = (path.to_path_buf(), elements.values().cloned().collect());
            Hash::Computing(std::thread::spawn(move || hash(crate::files::open(&path)?, weights)))
        }
    };
    let model =
        ModelProto::decode(message.as_slice()).map_err(|e| not_onnx(&decode_reason(&e.to_string())))?;
    let Some(graph) = &model.graph else {
        return Err(not_onnx("it holds no graph: it is truncated or another kind of file"));
    };
    if graph.output.is_empty() {
        return Err(not_onnx("its graph has no output: it is truncated or another kind of file"));
    }
    if model.opset_import.is_empty() {
        return Err(not_onnx("it declares no operator set: it is truncated or another kind of file"));
    }
    match model.ir_version {
        1..=NEWEST_FORMAT => {}
        ..1 => return Err(not_onnx("it declares no version of the file format (ir_version)")),
        v => {
            return Err(not_onnx(&format!(
                "its file format (ir_version) is {v}, and relinc knows those up to {NEWEST_FORMAT}: export for an older one"
            )));
        }
    }
    Ok(Decoded { model, elements, file, sha256 })
}

/// The hash of all that can be read; on the way the largest magnitudes of weights are found.
fn hash(mut from: impl Read, mut weights: Vec<(Elements, Arc<Span>)>) -> std::io::Result<String> {
    weights.sort_unstable_by_key(|(e, _)| e.start());
    let (mut sha, mut buffer, mut at) = (Sha256::new(), vec![0; 1 << 18], 0);
    for (e, span) in weights {
        for (end, weight) in [(e.start(), false), (e.start() + e.len() as u64, true)] {
            let mut most = 0f32;
            while at < end {
                let n = (end - at).min(buffer.len() as u64) as usize;
                from.read_exact(&mut buffer[..n])?;
                sha.update(&buffer[..n]);
                if weight {
                    most = larger(most, largest(&buffer[..n]));
                }
                at += n as u64;
            }
            if weight {
                span.know_largest(most);
            }
        }
    }
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(sha.finalize().iter().map(|b| format!("{b:02x}")).collect()),
            n => sha.update(&buffer[..n]),
        }
    }
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
