//! Shapes with a symbolic batch, and the affine integers shape arithmetic works on.

use super::tensor::DType;
use std::fmt;

/// One dimension: the symbolic batch `N`, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dim {
    /// The batch, spelt `N`.
    Batch,
    /// A known size.
    Fixed(usize),
}

impl Dim {
    /// The size, when it is not the batch.
    pub fn fixed(self) -> Option<usize> {
        if let Dim::Fixed(n) = self { Some(n) } else { None }
    }
    /// The size with `n` for the batch.
    pub fn at(self, n: usize) -> usize {
        self.fixed().unwrap_or(n)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Batch => f.write_str("N"),
            Dim::Fixed(n) => write!(f, "{n}"),
        }
    }
}

/// `batch · N + add`: what a shape subgraph computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SymInt {
    /// Factor of the batch.
    pub batch: i64,
    /// Constant term.
    pub add: i64,
}

impl SymInt {
    /// A plain integer.
    pub fn fixed(v: i64) -> SymInt {
        SymInt { batch: 0, add: v }
    }
    /// The value, when it does not depend on the batch.
    pub fn as_fixed(self) -> Option<i64> {
        (self.batch == 0).then_some(self.add)
    }
    /// The dimension it names: a non-negative number or exactly `N`.
    pub fn as_dim(self) -> Option<Dim> {
        match self {
            SymInt { batch: 1, add: 0 } => Some(Dim::Batch),
            SymInt { batch: 0, add } if add >= 0 => Some(Dim::Fixed(add as usize)),
            _ => None,
        }
    }
    /// Sum; `None` where it is beyond 64 bits, as for the other operations.
    pub fn plus(self, o: SymInt) -> Option<SymInt> {
        Some(SymInt { batch: self.batch.checked_add(o.batch)?, add: self.add.checked_add(o.add)? })
    }
    /// Difference.
    pub fn minus(self, o: SymInt) -> Option<SymInt> {
        Some(SymInt { batch: self.batch.checked_sub(o.batch)?, add: self.add.checked_sub(o.add)? })
    }
    /// Product, where it stays affine.
    pub fn times(self, o: SymInt) -> Option<SymInt> {
        let by = |s: SymInt, k| Some(SymInt { batch: s.batch.checked_mul(k)?, add: s.add.checked_mul(k)? });
        match (self.as_fixed(), o.as_fixed()) {
            (Some(k), _) => by(o, k),
            (_, Some(k)) => by(self, k),
            _ => None,
        }
    }
    /// Exact quotient, or truncating quotient of two plain integers.
    pub fn over(self, o: SymInt) -> Option<SymInt> {
        match (self.as_fixed(), o.as_fixed()) {
            (Some(a), Some(b)) if b != 0 => a.checked_div(b).map(SymInt::fixed),
            (None, Some(b)) => {
                let whole = self.batch.checked_rem(b)? == 0 && self.add.checked_rem(b)? == 0;
                whole.then(|| SymInt { batch: self.batch / b, add: self.add / b })
            }
            (None, None) if self.batch.checked_rem(o.batch)? == 0 => {
                let q = self.batch / o.batch;
                (o.add.checked_mul(q)? == self.add).then(|| SymInt::fixed(q))
            }
            _ => None,
        }
    }
}

impl From<Dim> for SymInt {
    fn from(d: Dim) -> SymInt {
        match d {
            Dim::Batch => SymInt { batch: 1, add: 0 },
            Dim::Fixed(n) => SymInt::fixed(n as i64),
        }
    }
}

/// Element type and dimensions of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Dimensions, outermost first.
    pub dims: Vec<Dim>,
}

impl Type {
    /// An `f32` type.
    pub fn f32(dims: impl Into<Vec<Dim>>) -> Type {
        Type { dtype: DType::F32, dims: dims.into() }
    }
    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }
    /// All dimensions as numbers, with `n` for the batch.
    pub fn at(&self, n: usize) -> Vec<usize> {
        self.dims.iter().map(|d| d.at(n)).collect()
    }
    /// Elements for one image (the batch counts as 1).
    pub fn elements(&self) -> usize {
        self.at(1).iter().product()
    }
    /// The batch of a network that takes no other.
    pub fn fixed_batch(&self) -> Option<usize> {
        self.dims.first().and_then(|d| d.fixed()).map(|n| n.max(1))
    }
    /// Does no other dimension than the first depend on the number of images?
    pub fn images_first(&self) -> bool {
        self.dims.iter().skip(1).all(|d| d.fixed().is_some())
    }
    /// The dimensions after the first.
    pub fn per_sample(&self) -> Vec<usize> {
        self.dims.iter().skip(1).map(|d| d.at(1)).collect()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, d) in self.dims.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}
