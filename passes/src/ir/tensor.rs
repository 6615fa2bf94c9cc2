//! Constant and computed values: a shape and a flat row-major buffer.

use super::stored::{Factors, Scaler, Shape, Stored};
use rayon::prelude::*;
use std::sync::Arc;

crate::words! {
    /// The element types the IR knows. Half-precision weights are widened to `F32` on import.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DType {
        /// 32-bit float: activations and weights.
        F32 = "f32",
        /// 64-bit integer: shapes and indices.
        I64 = "i64",
        /// Byte: masks (0 identity, 1 ReLU, 2 zero).
        U8 = "u8",
        /// Truth value: comparisons.
        Bool = "bool",
    }
}

impl DType {
    /// The inverse of [`DType::name`].
    pub fn parse(s: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == s)
    }
}

/// The elements of a [`Tensor`], row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `f32` elements.
    F32(Vec<f32>),
    /// `i64` elements.
    I64(Vec<i64>),
    /// `u8` elements.
    U8(Vec<u8>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// A dense row-major tensor. Rank 0 is a scalar with one element.
#[derive(Debug, Clone)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Here(Data),
    Stored(Box<Stored>),
}

/// Elements that a thread scales at a time.
const CHUNK: usize = 1 << 16;

impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.shape == other.shape && self.data() == other.data()
    }
}

/// Constants are shared between graphs and copied on write.
pub type Shared = Arc<Tensor>;

impl Tensor {
    /// Builds a tensor; panics when the element count does not match the shape (a programming error).
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Tensor {
        let shape = shape.into();
        let t = Tensor { shape, data: Content::Here(data) };
        assert_eq!(
            t.shape.iter().product::<usize>(),
            t.len(),
            "element count does not match shape {:?}",
            t.shape
        );
        t
    }
    /// An `f32` tensor whose elements stay in a file; panics as [`Tensor::new`] does.
    pub fn stored(shape: impl Into<Vec<usize>>, stored: Stored) -> Tensor {
        let shape = shape.into();
        assert_eq!(
            Shape::of(&shape).elements(),
            stored.elements(),
            "element count does not match shape {shape:?}"
        );
        Tensor { shape, data: Content::Stored(Box::new(stored)) }
    }
    /// An `f32` tensor.
    pub fn f32(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Tensor {
        Tensor::new(shape, Data::F32(data))
    }
    /// An `i64` tensor.
    pub fn i64(shape: impl Into<Vec<usize>>, data: Vec<i64>) -> Tensor {
        Tensor::new(shape, Data::I64(data))
    }
    /// A `u8` tensor.
    pub fn u8(shape: impl Into<Vec<usize>>, data: Vec<u8>) -> Tensor {
        Tensor::new(shape, Data::U8(data))
    }
    /// A `bool` tensor.
    pub fn bool(shape: impl Into<Vec<usize>>, data: Vec<bool>) -> Tensor {
        Tensor::new(shape, Data::Bool(data))
    }
    /// An `f32` scalar of rank 0.
    pub fn scalar(v: f32) -> Tensor {
        Tensor::f32([], vec![v])
    }
    /// A vector of integers.
    pub fn ints(v: &[i64]) -> Tensor {
        Tensor::i64([v.len()], v.to_vec())
    }
    /// Dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.data {
            Content::Here(Data::F32(v)) => v.len(),
            Content::Here(Data::I64(v)) => v.len(),
            Content::Here(Data::U8(v)) => v.len(),
            Content::Here(Data::Bool(v)) => v.len(),
            Content::Stored(s) => s.elements(),
        }
    }
    /// True when a dimension is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Element type.
    pub fn dtype(&self) -> DType {
        match &self.data {
            Content::Here(Data::F32(_)) | Content::Stored(_) => DType::F32,
            Content::Here(Data::I64(_)) => DType::I64,
            Content::Here(Data::U8(_)) => DType::U8,
            Content::Here(Data::Bool(_)) => DType::Bool,
        }
    }
    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.len()
            * match self.dtype() {
                DType::F32 => 4,
                DType::I64 => 8,
                DType::U8 | DType::Bool => 1,
            }
    }
    /// The elements.
    pub fn data(&self) -> &Data {
        match &self.data {
            Content::Here(d) => d,
            Content::Stored(s) => s.data(),
        }
    }
    /// Where the elements are, when they are still in a file.
    pub fn in_file(&self) -> Option<&Stored> {
        if let Content::Stored(s) = &self.data { Some(s) } else { None }
    }
    /// The elements, moved out.
    pub fn into_data(self) -> Data {
        match self.data {
            Content::Here(d) => d,
            Content::Stored(s) => s.into_data(),
        }
    }
    /// The elements as `f32`, or `None` for another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let (DType::F32, Data::F32(v)) = (self.dtype(), self.data()) { Some(v) } else { None }
    }
    /// The elements as `f32`, mutable, or `None` for another type.
    pub fn as_f32_mut(&mut self) -> Option<&mut Vec<f32>> {
        if let Content::Stored(s) = &self.data {
            self.data = Content::Here(Stored::clone(s).into_data());
        }
        if let Content::Here(Data::F32(v)) = &mut self.data { Some(v) } else { None }
    }
    /// The elements as `i64`, or `None` for another type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        if let Content::Here(Data::I64(v)) = &self.data { Some(v) } else { None }
    }
    /// The elements as positions on an axis of `dim` elements: negative ones count from its end.
    ///
    /// # Errors
    /// What is no integer, or outside.
    pub fn positions(&self, dim: usize) -> Result<Vec<usize>, String> {
        let place = |v: i64| usize::try_from(if v < 0 { v.saturating_add(dim as i64) } else { v }).ok();
        let of =
            |&v: &i64| place(v).filter(|&p| p < dim).ok_or_else(|| format!("index {v} is outside {dim}"));
        self.as_i64().ok_or("indices must be i64")?.iter().map(of).collect()
    }
    /// The elements as bytes, or `None` for another type.
    pub fn as_u8(&self) -> Option<&[u8]> {
        if let Content::Here(Data::U8(v)) = &self.data { Some(v) } else { None }
    }
    /// The elements as truth values, or `None` for another type.
    pub fn as_bool(&self) -> Option<&[bool]> {
        if let Content::Here(Data::Bool(v)) = &self.data { Some(v) } else { None }
    }
    /// The first `f32` elements, at most `n`, or `None` for another type.
    pub fn first_f32(&self, n: usize) -> Option<Vec<f32>> {
        match &self.data {
            Content::Stored(s) => s.first(n).ok(),
            Content::Here(_) => self.as_f32().map(|v| v.iter().take(n).copied().collect()),
        }
    }
    /// `x[o, i, …]·rows[o]·columns[g, i]` in double precision, as in [`Stored`]; `None` where factors do not fit or the elements
    /// are no `f32`. What is in a file stays there.
    pub fn scaled(&self, factors: Factors<'_>) -> Option<Tensor> {
        let shape = Shape::of(&self.shape);
        if !shape.fits(factors.rows.len(), factors.columns.len()) {
            return None;
        }
        if let Content::Stored(s) = &self.data
            && let Some(s) = s.scaled(factors)
        {
            return Some(Tensor { shape: self.shape.clone(), data: Content::Stored(Box::new(s)) });
        }
        let mut v = self.as_f32()?.to_vec();
        let scaler = Scaler::new(shape, factors);
        v.par_chunks_mut(CHUNK).enumerate().for_each(|(i, v)| {
            scaler.apply(i * CHUNK, v, |x, f| *x = (f64::from(*x) * f) as f32);
        });
        Some(Tensor::f32(self.shape.clone(), v))
    }
    /// Is every element a number in the range of `f32`? `false` for other types.
    pub fn is_finite(&self) -> bool {
        match &self.data {
            Content::Stored(s) if s.surely_finite() => true,
            _ => self.as_f32().is_some_and(|v| v.iter().all(|x| x.is_finite())),
        }
    }
    /// The same elements under another shape of equal size.
    pub fn reshaped(self, shape: impl Into<Vec<usize>>) -> Tensor {
        Tensor::new(shape, self.into_data())
    }
    /// The one value an all-equal `f32` tensor holds.
    pub fn splat_value(&self) -> Option<f32> {
        let v = self.as_f32()?;
        let first = *v.first()?;
        v.iter().all(|x| x.to_bits() == first.to_bits()).then_some(first)
    }
}

/// Row-major strides of a shape, in elements.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut s = vec![1; shape.len()];
    for i in (0..shape.len().saturating_sub(1)).rev() {
        s[i] = s[i + 1] * shape[i + 1];
    }
    s
}
