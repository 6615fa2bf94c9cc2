//! Writes a model without ever holding its weights a second time: initializers are encoded one by one.

use super::proto::{Node, attr, tensor_header};
use crate::files::create_atomically;
use crate::ir::stored::Stored;
use crate::ir::{Data, Tensor};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataLocation;
use crate::proto::{AttributeProto, GraphProto, ModelProto, StringStringEntryProto, TensorProto};
use prost::Message;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};

/// Field numbers of onnx.proto that are written by hand.
const MODEL_GRAPH: u32 = 7;
const GRAPH_NODE: u32 = 1;
const GRAPH_INITIALIZER: u32 = 5;
const NODE_ATTRIBUTE: u32 = 5;
const ATTRIBUTE_TENSOR: u32 = 5;
const TENSOR_RAW_DATA: u32 = 9;
/// External data starts at multiples of this, so that it can be mapped.
const ALIGN: usize = 4096;

/// Writes `model` with `graph`, its nodes and its initializers (name, tensor). When the initializers are larger than
/// `external_over` bytes in all, they go to `<file name>.data` beside the model.
pub fn write_model(
    path: &Path,
    model: ModelProto,
    graph: GraphProto,
    (nodes, initializers): (&[Node<'_>], &[(String, &Tensor)]),
    external_over: usize,
) -> io::Result<()> {
    let total: usize = initializers.iter().map(|(_, t)| t.bytes()).sum();
    let external = total > external_over;
    let mut headers: Vec<TensorProto> = initializers.iter().map(|(n, t)| tensor_header(n, t)).collect();
    if external {
        let file = format!("{}.data", path.file_name().unwrap_or_default().to_string_lossy());
        create_atomically(&path.with_file_name(&file), |w| {
            let mut at = 0usize;
            for (h, (_, t)) in headers.iter_mut().zip(initializers) {
                let start = at.next_multiple_of(ALIGN);
                w.write_all(&vec![0; start - at])?;
                write_elements(w, t)?;
                at = start + t.bytes();
                locate(h, &file, start, t.bytes());
            }
            Ok(())
        })?;
    }
    create_atomically(path, |w| {
        w.write_all(&model.encode_to_vec())?;
        let node_sizes: Vec<usize> = nodes.iter().map(node_len).collect();
        let head = graph.encode_to_vec();
        let sizes: Vec<usize> = headers
            .iter()
            .zip(initializers)
            .map(|(h, (_, t))| h.encoded_len() + if external { 0 } else { field_len(t.bytes()) })
            .collect();
        let graph_len = head.len() + sizes.iter().chain(&node_sizes).map(|&s| field_len(s)).sum::<usize>();
        field(w, MODEL_GRAPH, graph_len)?;
        for (n, size) in nodes.iter().zip(node_sizes) {
            field(w, GRAPH_NODE, size)?;
            write_node(w, n)?;
        }
        w.write_all(&head)?;
        for ((h, size), (_, t)) in headers.iter().zip(sizes).zip(initializers) {
            field(w, GRAPH_INITIALIZER, size)?;
            w.write_all(&h.encode_to_vec())?;
            if !external {
                field(w, TENSOR_RAW_DATA, t.bytes())?;
                write_elements(w, t)?;
            }
        }
        Ok(())
    })
}

/// The attribute of a `Constant` without its tensor, the bytes of that tensor, and the tensor without its elements.
fn value_parts(t: &Tensor) -> (AttributeProto, usize, TensorProto) {
    let header = tensor_header("", t);
    (attr("value", AttributeType::Tensor), header.encoded_len() + field_len(t.bytes()), header)
}

fn node_len(n: &Node<'_>) -> usize {
    let value = n.value.as_ref().map_or(0, |t| {
        let (attribute, tensor, _) = value_parts(t);
        field_len(attribute.encoded_len() + field_len(tensor))
    });
    n.proto.encoded_len() + value
}

fn write_node(w: &mut dyn Write, n: &Node<'_>) -> io::Result<()> {
    w.write_all(&n.proto.encode_to_vec())?;
    let Some(t) = &n.value else { return Ok(()) };
    let (attribute, tensor, header) = value_parts(t);
    field(w, NODE_ATTRIBUTE, attribute.encoded_len() + field_len(tensor))?;
    w.write_all(&attribute.encode_to_vec())?;
    field(w, ATTRIBUTE_TENSOR, tensor)?;
    w.write_all(&header.encode_to_vec())?;
    field(w, TENSOR_RAW_DATA, t.bytes())?;
    write_elements(w, t)
}

fn locate(h: &mut TensorProto, file: &str, offset: usize, length: usize) {
    let pair = |k: &str, v: String| StringStringEntryProto { key: k.into(), value: v };
    h.data_location = Some(DataLocation::External as i32);
    h.external_data = vec![
        pair("location", file.into()),
        pair("offset", offset.to_string()),
        pair("length", length.to_string()),
    ];
}

fn field_len(payload: usize) -> usize {
    1 + prost::encoding::encoded_len_varint(payload as u64) + payload
}

/// The tag and length of a length-delimited field (numbers below 16 take one byte).
fn field(w: &mut dyn Write, number: u32, len: usize) -> io::Result<()> {
    let mut buf = vec![(number << 3 | 2) as u8];
    prost::encoding::encode_varint(len as u64, &mut buf);
    w.write_all(&buf)
}

/// Elements that are encoded at a time.
const PIECE: usize = 1 << 14;
/// Weights from this many elements on are read from their file by a thread beside the one that writes.
const BESIDE: usize = 1 << 18;

/// The elements, little-endian.
pub(crate) fn write_elements(w: &mut dyn Write, t: &Tensor) -> io::Result<()> {
    fn all<T: Copy, const K: usize>(w: &mut dyn Write, v: &[T], le: fn(T) -> [u8; K]) -> io::Result<()> {
        let mut buffer = vec![0; K * v.len().min(PIECE)];
        for chunk in v.chunks(PIECE) {
            let bytes = &mut buffer[..K * chunk.len()];
            bytes.as_chunks_mut::<K>().0.iter_mut().zip(chunk).for_each(|(b, &x)| *b = le(x));
            w.write_all(bytes)?;
        }
        Ok(())
    }
    if let Some(s) = t.in_file() {
        return write_stored(w, s);
    }
    match t.data() {
        Data::F32(v) => all(w, v, f32::to_le_bytes),
        Data::I64(v) => all(w, v, i64::to_le_bytes),
        Data::U8(v) => w.write_all(v),
        Data::Bool(v) => all(w, v, |b| [b as u8]),
    }
}

/// From file to file, without the elements ever being in memory together.
fn write_stored(w: &mut dyn Write, s: &Stored) -> io::Result<()> {
    if s.elements() < BESIDE {
        return s.pieces(|bytes| w.write_all(&bytes).map(|()| bytes));
    }
    let (send, receive) = sync_channel::<Vec<u8>>(2);
    let (back, spare) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            s.pieces(|bytes| {
                // A writer that has gone says itself why.
                send.send(bytes).map_err(|_| io::ErrorKind::BrokenPipe)?;
                Ok(spare.try_recv().unwrap_or_default())
            })
        });
        for bytes in receive {
            w.write_all(&bytes)?;
            let _ = back.send(bytes);
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
