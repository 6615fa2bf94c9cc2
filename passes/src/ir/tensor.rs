//! Constant and computed values: a shape and a flat row-major buffer.

use std::fmt;
use std::sync::Arc;

/// The element types the IR knows. Half-precision weights are widened to `F32` on import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float: activations and weights.
    F32,
    /// 64-bit integer: shapes and indices.
    I64,
    /// Byte: masks (0 identity, 1 ReLU, 2 zero).
    U8,
    /// Truth value: comparisons.
    Bool,
}

impl DType {
    /// The spelling in `.pir`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }
    /// The inverse of [`DType::name`].
    pub fn parse(s: &str) -> Option<DType> {
        [DType::F32, DType::I64, DType::U8, DType::Bool].into_iter().find(|d| d.name() == s)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// Constants are shared between graphs and copied on write.
pub type Shared = Arc<Tensor>;

impl Tensor {
    /// Builds a tensor; panics when the element count does not match the shape (a programming error).
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Tensor {
        let shape = shape.into();
        let t = Tensor { shape, data };
        assert_eq!(
            t.shape.iter().product::<usize>(),
            t.len(),
            "element count does not match shape {:?}",
            t.shape
        );
        t
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
            Data::F32(v) => v.len(),
            Data::I64(v) => v.len(),
            Data::U8(v) => v.len(),
            Data::Bool(v) => v.len(),
        }
    }
    /// True when a dimension is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Element type.
    pub fn dtype(&self) -> DType {
        match &self.data {
            Data::F32(_) => DType::F32,
            Data::I64(_) => DType::I64,
            Data::U8(_) => DType::U8,
            Data::Bool(_) => DType::Bool,
        }
    }
    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }
    /// The elements, moved out.
    pub fn into_data(self) -> Data {
        self.data
    }
    /// The elements as `f32`, or `None` for another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Data::F32(v) = &self.data { Some(v) } else { None }
    }
    /// The elements as `f32`, mutable, or `None` for another type.
    pub fn as_f32_mut(&mut self) -> Option<&mut Vec<f32>> {
        if let Data::F32(v) = &mut self.data { Some(v) } else { None }
    }
    /// The elements as `i64`, or `None` for another type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        if let Data::I64(v) = &self.data { Some(v) } else { None }
    }
    /// The elements as bytes, or `None` for another type.
    pub fn as_u8(&self) -> Option<&[u8]> {
        if let Data::U8(v) = &self.data { Some(v) } else { None }
    }
    /// The elements as truth values, or `None` for another type.
    pub fn as_bool(&self) -> Option<&[bool]> {
        if let Data::Bool(v) = &self.data { Some(v) } else { None }
    }
    /// The same elements under another shape of equal size.
    pub fn reshaped(self, shape: impl Into<Vec<usize>>) -> Tensor {
        Tensor::new(shape, self.data)
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
