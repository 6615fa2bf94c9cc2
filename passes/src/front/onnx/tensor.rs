//! `TensorProto` to [`Tensor`]: every element type and every field that exporters keep the elements in.

use super::external;
use super::narrow::{self, Narrow, bfloat, half};
use crate::ir::Tensor;
use crate::ir::stored::{Shape, Span, Stored};
use crate::proto::TensorProto;
use crate::proto::tensor_proto::{DataLocation, DataType};
use std::path::Path;
use std::sync::Arc;

/// Why a tensor cannot be converted.
#[derive(Debug)]
pub enum TensorError {
    /// The data file and what is wrong with it.
    External { location: String, why: String },
    /// What is wrong with the tensor itself.
    Bad(String),
}

impl From<String> for TensorError {
    fn from(why: String) -> TensorError {
        TensorError::Bad(why)
    }
}

/// The element type by its number, or a reason.
pub fn data_type(number: i32) -> Result<DataType, String> {
    DataType::try_from(number).map_err(|_| format!("element type {number} is unknown"))
}

/// The shape, with its element count.
fn shape(dims: &[i64]) -> Result<(Vec<usize>, usize), String> {
    let shape: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let shape = shape.ok_or(format!("its dimensions {dims:?} are not all sizes"))?;
    // A zero must not hide an overflow, and no product may wrap.
    let bound = shape.iter().filter(|&&d| d > 0).try_fold(1usize, |p, &d| p.checked_mul(d));
    bound
        .filter(|&n| n <= isize::MAX as usize / 8)
        .ok_or(format!("its dimensions {dims:?} are too large"))?;
    let n = shape.iter().product();
    Ok((shape, n))
}

/// Bits of an element, where its type is read.
fn width(t: DataType) -> Option<usize> {
    Some(match t {
        DataType::Uint8 | DataType::Int8 | DataType::Bool => 8,
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => 16,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 32,
        DataType::Double | DataType::Int64 | DataType::Uint64 => 64,
        t => Narrow::of(t)?.bits(),
    })
}

/// Converts a tensor, moving the bytes out of it; external data is read relative to `folder`.
pub fn convert(mut p: TensorProto, folder: &Path) -> Result<Tensor, TensorError> {
    let t = data_type(p.data_type)?;
    let w = width(t).ok_or_else(|| {
        format!("element type {} is not supported; export it as float32", t.as_str_name().to_lowercase())
    })?;
    if p.segment.is_some() {
        return Err(TensorError::Bad("is stored in segments, which no current exporter writes".into()));
    }
    let (shape, n) = shape(&p.dims)?;
    let bytes = n.checked_mul(w).ok_or_else(|| "is too large".to_string())?.div_ceil(8);
    let raw = if p.data_location == Some(DataLocation::External as i32) {
        external::read(&p.external_data, bytes, folder)
            .map_err(|(location, why)| TensorError::External { location, why })?
    } else {
        std::mem::take(&mut p.raw_data)
    };
    let typed = p.float_data.len() + p.int32_data.len() + p.int64_data.len() + p.double_data.len();
    if raw.is_empty() && typed + p.uint64_data.len() > 0 {
        return Ok(match Narrow::of(t) {
            Some(narrow) if p.int32_data.len() == bytes => {
                let raw: Vec<u8> = p.int32_data.iter().map(|&v| v as u8).collect();
                from_patterns(narrow, shape, &narrow.patterns(&raw, n))
            }
            _ => from_fields(t, shape, n, p)?,
        });
    }
    if raw.len() != bytes {
        let why = format!("holds {} bytes, but {n} elements of its type need {bytes}", raw.len());
        return Err(TensorError::Bad(why));
    }
    Ok(match Narrow::of(t) {
        Some(narrow) => from_patterns(narrow, shape, &narrow.patterns(&raw, n)),
        None => from_raw(t, shape, raw),
    })
}

fn from_patterns(t: Narrow, shape: Vec<usize>, patterns: &[u8]) -> Tensor {
    match t {
        Narrow::Float { bits, fraction, bias, special } => {
            let value = |&p: &u8| narrow::float(p, bits, fraction, bias, special);
            Tensor::f32(shape, patterns.iter().map(value).collect())
        }
        Narrow::Int4 { signed } => {
            Tensor::i64(shape, patterns.iter().map(|&p| narrow::int4(p, signed)).collect())
        }
    }
}

/// The tensor whose elements stay in the file, where they are floats.
pub fn stored(p: &TensorProto, span: Arc<Span>, bytes: usize) -> Option<Tensor> {
    let (shape, n) = shape(&p.dims).ok()?;
    let plain = p.segment.is_none() && p.data_location != Some(DataLocation::External as i32);
    let fits = p.data_type == DataType::Float as i32 && n.checked_mul(4) == Some(bytes);
    (plain && fits).then(|| {
        let stored = Stored::new(span, Shape::of(&shape));
        Tensor::stored(shape, stored)
    })
}

fn each<const W: usize, T>(raw: &[u8], f: impl Fn([u8; W]) -> T) -> Vec<T> {
    raw.as_chunks::<W>().0.iter().map(|c| f(*c)).collect()
}

fn from_raw(t: DataType, shape: Vec<usize>, raw: Vec<u8>) -> Tensor {
    match t {
        DataType::Float => Tensor::f32(shape, each(&raw, f32::from_le_bytes)),
        DataType::Float16 => Tensor::f32(shape, each(&raw, |b| half(u16::from_le_bytes(b)))),
        DataType::Bfloat16 => Tensor::f32(shape, each(&raw, |b| bfloat(u16::from_le_bytes(b)))),
        DataType::Double => Tensor::f32(shape, each(&raw, |b| f64::from_le_bytes(b) as f32)),
        DataType::Uint8 => Tensor::u8(shape, raw),
        DataType::Bool => Tensor::bool(shape, raw.into_iter().map(|b| b != 0).collect()),
        DataType::Int8 => Tensor::i64(shape, raw.into_iter().map(|b| b as i8 as i64).collect()),
        DataType::Int16 => Tensor::i64(shape, each(&raw, |b| i16::from_le_bytes(b) as i64)),
        DataType::Uint16 => Tensor::i64(shape, each(&raw, |b| u16::from_le_bytes(b) as i64)),
        DataType::Int32 => Tensor::i64(shape, each(&raw, |b| i32::from_le_bytes(b) as i64)),
        DataType::Uint32 => Tensor::i64(shape, each(&raw, |b| u32::from_le_bytes(b) as i64)),
        _ => Tensor::i64(shape, each(&raw, i64::from_le_bytes)),
    }
}

fn from_fields(t: DataType, shape: Vec<usize>, n: usize, mut p: TensorProto) -> Result<Tensor, String> {
    let fits = |have: usize| {
        if have == n { Ok(()) } else { Err(format!("holds {have} elements, but its shape needs {n}")) }
    };
    let small = |f: fn(i32) -> i64| p.int32_data.iter().map(|&v| f(v)).collect::<Vec<i64>>();
    Ok(match t {
        DataType::Float => {
            fits(p.float_data.len())?;
            p.float_data.shrink_to_fit();
            Tensor::f32(shape, p.float_data)
        }
        DataType::Double => {
            fits(p.double_data.len())?;
            Tensor::f32(shape, p.double_data.iter().map(|&v| v as f32).collect())
        }
        DataType::Int64 => {
            fits(p.int64_data.len())?;
            Tensor::i64(shape, p.int64_data)
        }
        DataType::Uint32 | DataType::Uint64 => {
            fits(p.uint64_data.len())?;
            Tensor::i64(shape, p.uint64_data.iter().map(|&v| v as i64).collect())
        }
        _ => {
            fits(p.int32_data.len())?;
            match t {
                DataType::Float16 => {
                    Tensor::f32(shape, p.int32_data.iter().map(|&v| half(v as u16)).collect())
                }
                DataType::Bfloat16 => {
                    Tensor::f32(shape, p.int32_data.iter().map(|&v| bfloat(v as u16)).collect())
                }
                DataType::Uint8 => Tensor::u8(shape, p.int32_data.iter().map(|&v| v as u8).collect()),
                DataType::Bool => Tensor::bool(shape, p.int32_data.iter().map(|&v| v != 0).collect()),
                DataType::Int8 => Tensor::i64(shape, small(|v| v as i8 as i64)),
                DataType::Int16 => Tensor::i64(shape, small(|v| v as i16 as i64)),
                DataType::Uint16 => Tensor::i64(shape, small(|v| v as u16 as i64)),
                _ => Tensor::i64(shape, small(i64::from)),
            }
        }
    })
}
