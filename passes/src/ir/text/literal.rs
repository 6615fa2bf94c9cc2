//! Constants in `.pir`: lists, `splat`, `iota`, `rand`, `hex`.

use crate::ir::tensor::{DType, Tensor};
use crate::splitmix::SplitMix;

/// A constant's right-hand side.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// The elements as words.
    List(Vec<String>),
    /// Every element the same.
    Splat(String),
    /// 0, 1, 2, …
    Iota,
    /// Deterministic pseudo-random elements: uniform in ±scale for floats, 1 with probability `density` for bytes.
    Rand { seed: u64, scale: f32, density: f32 },
    /// Little-endian bytes.
    Hex(String),
}

fn parse_all<T: std::str::FromStr>(words: &[String], n: usize) -> Result<Vec<T>, String> {
    if words.len() != n {
        return Err(format!("{} elements listed, {n} needed", words.len()));
    }
    words.iter().map(|w| w.parse().map_err(|_| format!("{w} is not an element of this type"))).collect()
}

fn splat<T: std::str::FromStr + Clone>(w: &str, n: usize) -> Result<Vec<T>, String> {
    Ok(vec![w.parse::<T>().map_err(|_| format!("{w} is not an element of this type"))?; n])
}

/// The tensor a literal stands for.
pub fn build(dtype: DType, shape: Vec<usize>, lit: &Literal) -> Result<Tensor, String> {
    let n = shape
        .iter()
        .try_fold(1usize, |p, &d| p.checked_mul(d))
        .filter(|&n| n <= 1 << 28)
        .ok_or("constant larger than 2^28 elements")?;
    Ok(match (dtype, lit) {
        (DType::F32, Literal::List(w)) => Tensor::f32(shape, parse_all(w, n)?),
        (DType::F32, Literal::Splat(w)) => Tensor::f32(shape, splat(w, n)?),
        (DType::F32, Literal::Rand { seed, scale, .. }) => {
            let mut r = SplitMix::new(*seed);
            Tensor::f32(shape, (0..n).map(|_| (2.0 * r.uniform() - 1.0) * scale).collect())
        }
        (DType::F32, Literal::Iota) => Tensor::f32(shape, (0..n).map(|i| i as f32).collect()),
        (DType::F32, Literal::Hex(h)) => Tensor::f32(shape, floats(h, n)?),
        (DType::I64, Literal::List(w)) => Tensor::i64(shape, parse_all(w, n)?),
        (DType::I64, Literal::Splat(w)) => Tensor::i64(shape, splat(w, n)?),
        (DType::I64, Literal::Iota) => Tensor::i64(shape, (0..n as i64).collect()),
        (DType::U8, Literal::List(w)) => Tensor::u8(shape, parse_all(w, n)?),
        (DType::U8, Literal::Splat(w)) => Tensor::u8(shape, splat(w, n)?),
        (DType::U8, Literal::Rand { seed, density, .. }) => {
            let mut r = SplitMix::new(*seed);
            Tensor::u8(shape, (0..n).map(|_| (r.uniform() < *density) as u8).collect())
        }
        (DType::Bool, Literal::List(w)) => Tensor::bool(shape, parse_all(w, n)?),
        _ => return Err(format!("{dtype} constants have no such form")),
    })
}

fn floats(hex: &str, n: usize) -> Result<Vec<f32>, String> {
    let digits = hex.as_bytes();
    if digits.len() != n * 8 {
        return Err(format!("{} hex digits, {} needed", digits.len(), n * 8));
    }
    let nibble = |b: u8| (b as char).to_digit(16).ok_or("not a hex digit".to_string());
    digits
        .chunks_exact(8)
        .map(|c| {
            let mut bytes = [0u8; 4];
            for (i, p) in c.chunks_exact(2).enumerate() {
                bytes[i] = (nibble(p[0])? * 16 + nibble(p[1])?) as u8;
            }
            Ok(f32::from_le_bytes(bytes))
        })
        .collect()
}
