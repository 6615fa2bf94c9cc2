//! NumPy's `.npy`, version 1.0.

use crate::back::onnx::write_elements;
use crate::ir::{DType, Tensor};
use std::io::{self, Write};

/// Magic, version, header length and the header of a little-endian C-order array: a Python dictionary padded with blanks
/// to a multiple of 64 bytes. Source: `numpy/lib/format.py`.
pub fn header(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let descr = match dtype {
        DType::F32 => "<f4",
        DType::I64 => "<i8",
        DType::U8 => "|u1",
        DType::Bool => "|b1",
    };
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let prefix = 10;
    let padded = (prefix + text.len() + 1).next_multiple_of(64) - prefix;
    text.extend(std::iter::repeat_n(' ', padded - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((padded as u16).to_le_bytes());
    header.extend(text.as_bytes());
    header
}

/// Writes one array.
pub fn write_npy(w: &mut dyn Write, t: &Tensor) -> io::Result<()> {
    w.write_all(&header(t.dtype(), t.shape()))?;
    write_elements(w, t)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn header_is_what_numpy_writes() {
        let npy_header = |shape: &[usize]| header(DType::U8, shape);
        let header = npy_header(&[2, 3, 32, 32]);
        assert_eq!(header.len(), 128);
        assert_eq!(&header[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&header[10..]).unwrap();
        assert!(text.starts_with("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 32, 32,), }"));
        assert!(text.ends_with(" \n"));
        assert!(npy_header(&[7]).windows(4).any(|w| w == b"(7,)"));
    }
}
