//! A model file without the elements of its large weights, which are read when somebody needs them: so a file is never in
//! memory beside the weights made of it.
//!
//! The protobuf message is walked field by field. What is skipped are the `raw_data` of initializers; all else is copied, and
//! the decoder sees a smaller model. Anything unusual gives the walk up, and the file is decoded whole.

use prost::encoding::{WireType, encode_key, encode_varint};
use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// Field numbers of onnx.proto.
const MODEL_GRAPH: u32 = 7;
const GRAPH_INITIALIZER: u32 = 5;
const TENSOR_NAME: u32 = 8;
const TENSOR_RAW_DATA: u32 = 9;
const TENSOR_EXTERNAL_DATA: u32 = 13;

/// A model and where the elements are that it lacks.
#[derive(Debug, Default, PartialEq)]
pub struct Skimmed {
    /// The encoded model.
    pub message: Vec<u8>,
    /// By the initializer's name.
    pub elements: HashMap<String, Elements>,
}

/// A range of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements {
    at: u64,
    len: usize,
}

impl Elements {
    /// Where they begin.
    pub fn start(self) -> u64 {
        self.at
    }
    /// How many bytes.
    pub fn len(self) -> usize {
        self.len
    }
    /// The bytes.
    pub fn read(self, file: &mut (impl Read + Seek)) -> std::io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(self.at))?;
        let mut out = Vec::with_capacity(self.len);
        file.take(self.len as u64).read_to_end(&mut out)?;
        match out.len() == self.len {
            true => Ok(out),
            false => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Skims a file of `len` bytes, leaving out `raw_data` of at least `large` bytes; `None` where it cannot be walked.
pub fn skim(file: impl Read + Seek, len: u64, large: usize) -> Option<Skimmed> {
    let mut walk = Walk { file: BufReader::new(file), at: 0, large, elements: HashMap::new() };
    let message = walk.model(len)?;
    Some(Skimmed { message, elements: walk.elements })
}

struct Walk<R> {
    file: BufReader<R>,
    at: u64,
    large: usize,
    elements: HashMap<String, Elements>,
}

/// A field's number and what follows its key.
struct Field {
    number: u32,
    value: Wire,
}

enum Wire {
    /// A number, or a fixed number of bytes.
    Short(WireType, Vec<u8>),
    /// This many bytes.
    Bytes(usize),
}

impl<R: Read + Seek> Walk<R> {
    fn model(&mut self, end: u64) -> Option<Vec<u8>> {
        let (mut out, mut graphs) = (vec![], 0);
        while let Some(f) = self.field(end)? {
            match f.value {
                Wire::Bytes(n) if f.number == MODEL_GRAPH => {
                    graphs += 1;
                    let graph = self.graph(self.at + n as u64)?;
                    put(&mut out, MODEL_GRAPH, &graph);
                }
                _ => self.copy(f, &mut out)?,
            }
        }
        (graphs == 1).then_some(out)
    }

    fn graph(&mut self, end: u64) -> Option<Vec<u8>> {
        let mut out = vec![];
        while let Some(f) = self.field(end)? {
            match f.value {
                Wire::Bytes(n) if f.number == GRAPH_INITIALIZER => {
                    let tensor = self.tensor(self.at + n as u64)?;
                    put(&mut out, GRAPH_INITIALIZER, &tensor);
                }
                _ => self.copy(f, &mut out)?,
            }
        }
        Some(out)
    }

    fn tensor(&mut self, end: u64) -> Option<Vec<u8>> {
        let (mut out, mut name, mut elements, mut elsewhere) = (vec![], None, None, false);
        while let Some(f) = self.field(end)? {
            match (f.number, &f.value) {
                (TENSOR_RAW_DATA, &Wire::Bytes(len)) if len >= self.large => {
                    elements.is_none().then_some(())?;
                    elements = Some(Elements { at: self.at, len });
                    self.file.seek_relative(len as i64).ok()?;
                    self.at += len as u64;
                }
                (TENSOR_NAME, &Wire::Bytes(n)) => {
                    let bytes = self.bytes(n)?;
                    put(&mut out, TENSOR_NAME, &bytes);
                    name = String::from_utf8(bytes).ok();
                }
                _ => {
                    elsewhere |= f.number == TENSOR_EXTERNAL_DATA || f.number == TENSOR_RAW_DATA;
                    self.copy(f, &mut out)?;
                }
            }
        }
        if let Some(e) = elements {
            let name = name.filter(|n| !n.is_empty() && !elsewhere)?;
            self.elements.insert(name, e).is_none().then_some(())?;
        }
        Some(out)
    }

    /// The next field of a message that ends at `end`; `Some(None)` at its end.
    fn field(&mut self, end: u64) -> Option<Option<Field>> {
        if self.at == end {
            return Some(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|&n| n > 0)?;
        let value = match key & 7 {
            0 => {
                let mut number = vec![];
                encode_varint(self.varint()?, &mut number);
                Wire::Short(WireType::Varint, number)
            }
            1 => Wire::Short(WireType::SixtyFourBit, self.bytes(8)?),
            2 => {
                let n = self.varint()?;
                (n <= end.checked_sub(self.at)?).then_some(())?;
                Wire::Bytes(usize::try_from(n).ok()?)
            }
            5 => Wire::Short(WireType::ThirtyTwoBit, self.bytes(4)?),
            _ => return None,
        };
        (self.at <= end).then_some(Some(Field { number, value }))
    }

    fn copy(&mut self, f: Field, out: &mut Vec<u8>) -> Option<()> {
        match f.value {
            Wire::Short(wire, bytes) => {
                encode_key(f.number, wire, out);
                out.extend(bytes);
            }
            Wire::Bytes(n) => {
                let bytes = self.bytes(n)?;
                put(out, f.number, &bytes);
            }
        }
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.file.read_exact(&mut byte).ok()?;
            self.at += 1;
            let [byte] = byte;
            v |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(v);
            }
        }
        None
    }

    fn bytes(&mut self, n: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; n];
        self.file.read_exact(&mut out).ok()?;
        self.at += n as u64;
        Some(out)
    }
}

/// A field of bytes.
fn put(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
    use prost::Message;
    use std::io::Cursor;

    fn tensor(name: &str, bytes: usize) -> TensorProto {
        let raw_data = (0..bytes).map(|i| (i * 7 + name.len()) as u8).collect();
        TensorProto {
            name: name.into(),
            dims: vec![bytes as i64],
            data_type: 2,
            raw_data,
            ..Default::default()
        }
    }

    fn model(tensors: Vec<TensorProto>) -> ModelProto {
        let node =
            NodeProto { op_type: "Add".into(), input: vec!["a".into(), "b".into()], ..Default::default() };
        ModelProto {
            ir_version: 8,
            producer_name: "p".into(),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
            graph: Some(GraphProto {
                name: "g".into(),
                node: vec![node],
                initializer: tensors,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn skimmed(bytes: &[u8]) -> Option<Skimmed> {
        skim(Cursor::new(bytes), bytes.len() as u64, 100)
    }

    #[test]
    fn what_is_left_out_completes_the_model() {
        let whole = model(vec![tensor("a", 400), tensor("bb", 99), tensor("ccc", 100)]);
        let bytes = whole.encode_to_vec();
        let s = skimmed(&bytes).unwrap();
        assert_eq!((s.elements.len(), s.message.len() < bytes.len() - 490), (2, true));
        let mut got = ModelProto::decode(s.message.as_slice()).unwrap();
        for t in &mut got.graph.as_mut().unwrap().initializer {
            if let Some(e) = s.elements.get(&t.name) {
                assert!(t.raw_data.is_empty());
                t.raw_data = e.read(&mut Cursor::new(&bytes)).unwrap();
            }
        }
        assert_eq!(got, whole);
    }

    #[test]
    fn no_skimming_of_a_truncated_file() {
        let bytes = model(vec![tensor("a", 400)]).encode_to_vec();
        let graph_ends = bytes.len();
        for len in 0..graph_ends {
            let s = skimmed(&bytes[..len]);
            let complete = ModelProto::decode(&bytes[..len]).is_ok_and(|m| m.graph.is_some());
            assert_eq!(s.is_some(), complete, "{len} of {graph_ends}");
        }
    }

    #[test]
    fn no_skimming_of_two_weights_of_one_name_or_none() {
        assert_eq!(skimmed(&model(vec![tensor("a", 400), tensor("a", 400)]).encode_to_vec()), None);
        assert_eq!(skimmed(&model(vec![tensor("", 400)]).encode_to_vec()), None);
    }

    #[test]
    fn no_skimming_of_what_lies_in_another_file() {
        let mut t = tensor("a", 400);
        t.external_data.push(Default::default());
        assert_eq!(skimmed(&model(vec![t]).encode_to_vec()), None);
    }

    #[test]
    fn no_skimming_of_noise() {
        assert_eq!(skimmed(b""), None);
        assert_eq!(skimmed(&[0xff; 64]), None);
        assert_eq!(skimmed(&[0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]), None);
    }
}
