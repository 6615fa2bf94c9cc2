//! Weights that stay in their file: a range of it, times factors of rows and columns. They are read when somebody looks at the
//! elements, and otherwise piece by piece when they are written out.

use super::tensor::Data;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Elements that are read at a time: 256 KiB stay in a core's cache.
const PIECE: usize = 1 << 16;

/// A range of a file that holds little-endian `f32`.
#[derive(Debug)]
pub struct Span {
    /// Reads at an offset need no lock.
    file: Arc<File>,
    /// Of the first byte.
    at: u64,
    /// The largest magnitude, NaN where an element is no number; once known.
    largest: OnceLock<f32>,
}

impl Span {
    /// From the byte `at` on.
    pub fn new(file: Arc<File>, at: u64) -> Span {
        Span { file, at, largest: OnceLock::new() }
    }

    /// Saves others the reading for the largest magnitude.
    pub fn know_largest(&self, magnitude: f32) {
        // The same number, should two have found it.
        let _ = self.largest.set(magnitude);
    }

    /// The bytes of `elements`.
    fn read(&self, elements: Range<usize>, out: &mut Vec<u8>) -> io::Result<()> {
        out.resize(4 * elements.len(), 0);
        read_at(&self.file, out, self.at + 4 * elements.start as u64)
    }
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}
#[cfg(not(unix))]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    // Cloned handles share their position.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(out)
}

/// The largest magnitude of little-endian `f32`, NaN where one is no number.
pub fn largest(bytes: &[u8]) -> f32 {
    // Without the sign, floats are ordered as their bits, and what is no number comes after infinity.
    let bits = bytes.as_chunks::<4>().0.iter().map(|c| i32::from_le_bytes(*c) & i32::MAX);
    f32::from_bits(bits.fold(0, i32::max).cast_unsigned())
}

/// The larger one of two magnitudes, NaN where one is no number.
pub fn larger(a: f32, b: f32) -> f32 {
    f32::from_bits(a.to_bits().max(b.to_bits()))
}

/// `f32[R, C/G, …]`: the elements of a span, `x[o, i, …]·rows[o]·columns[g, i]` in double precision, where row o is of group
/// `g = o / (R/G)`. Either factors may be absent.
#[derive(Debug)]
pub struct Stored {
    span: Arc<Span>,
    shape: Shape,
    rows: Option<Vec<f64>>,
    columns: Option<Vec<f64>>,
    /// The elements once somebody looked at them, and why they are not those of the file.
    read: OnceLock<(Data, Option<String>)>,
}

/// Sizes of the elements that a factor multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows, R.
    pub rows: usize,
    /// Columns of a group, C/G.
    pub columns: usize,
    /// Elements of one row and column.
    pub taps: usize,
}

impl Shape {
    /// Of a tensor.
    pub fn of(dims: &[usize]) -> Shape {
        let at = |i: usize| dims.get(i).copied().unwrap_or(1);
        Shape { rows: at(0), columns: at(1), taps: dims.iter().skip(2).product() }
    }
    fn row(self) -> usize {
        (self.columns * self.taps).max(1)
    }
    /// How many elements.
    pub fn elements(self) -> usize {
        self.rows * self.columns * self.taps
    }
    /// Do so many factors fit?
    pub fn fits(self, rows: usize, columns: usize) -> bool {
        let groups = columns.checked_div(self.columns).unwrap_or(0);
        let whole = groups > 0 && columns == groups * self.columns && self.rows.is_multiple_of(groups);
        (rows == 0 || rows == self.rows) && (columns == 0 || whole)
    }
}

/// Factors of a tensor's rows and columns; none where a slice is empty.
#[derive(Debug, Clone, Copy)]
pub struct Factors<'a> {
    /// One a row.
    pub rows: &'a [f64],
    /// One a column of each group.
    pub columns: &'a [f64],
}

/// Factors element by element, column factors repeated for the taps.
pub struct Scaler<'a> {
    shape: Shape,
    rows: &'a [f64],
    /// A row of each group; none where all are 1.
    expanded: Vec<f64>,
}

impl<'a> Scaler<'a> {
    /// Of factors that fit the shape.
    pub fn new(shape: Shape, f: Factors<'a>) -> Scaler<'a> {
        let expanded = f.columns.iter().flat_map(|&c| std::iter::repeat_n(c, shape.taps)).collect();
        Scaler { shape, rows: f.rows, expanded }
    }

    /// Scales the elements from the `first` on.
    pub fn apply<T>(&self, first: usize, mut elements: &mut [T], scale: impl Fn(&mut T, f64)) {
        let row = self.shape.row();
        let groups = (self.expanded.len() / row).max(1);
        let mut at = first;
        let factors = !self.rows.is_empty() || !self.expanded.is_empty();
        while factors && !elements.is_empty() {
            let (o, within) = (at / row, at % row);
            let n = (row - within).min(elements.len());
            let (these, rest) = elements.split_at_mut(n);
            let f = self.rows.get(o).copied().unwrap_or(1.0);
            let group = o / (self.shape.rows / groups).max(1);
            match self.expanded.get(group * row + within..group * row + within + n) {
                Some(c) => these.iter_mut().zip(c).for_each(|(x, c)| scale(x, f * c)),
                None => these.iter_mut().for_each(|x| scale(x, f)),
            }
            elements = rest;
            at += n;
        }
    }
}

impl Stored {
    /// The elements of a span.
    pub fn new(span: Arc<Span>, shape: Shape) -> Stored {
        Stored { span, shape, rows: None, columns: None, read: OnceLock::new() }
    }

    /// How many elements.
    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// Times more factors, which must fit; `None` where columns are in other groups than before.
    pub fn scaled(&self, f: Factors<'_>) -> Option<Stored> {
        let join = |old: &Option<Vec<f64>>, new: &[f64]| -> Option<Option<Vec<f64>>> {
            Some(match old {
                _ if new.iter().all(|&f| f == 1.0) => old.clone(),
                None => Some(new.to_vec()),
                Some(old) if old.len() == new.len() => {
                    Some(old.iter().zip(new).map(|(a, b)| a * b).collect())
                }
                Some(_) => return None,
            })
        };
        Some(Stored {
            rows: join(&self.rows, f.rows)?,
            columns: join(&self.columns, f.columns)?,
            ..Stored::new(self.span.clone(), self.shape)
        })
    }

    fn scaler(&self) -> Scaler<'_> {
        let factors = Factors {
            rows: self.rows.as_deref().unwrap_or_default(),
            columns: self.columns.as_deref().unwrap_or_default(),
        };
        Scaler::new(self.shape, factors)
    }

    /// Little-endian bytes of a range.
    fn bytes(&self, scaler: &Scaler<'_>, range: Range<usize>, out: &mut Vec<u8>) -> io::Result<()> {
        let first = range.start;
        self.span.read(range, out)?;
        scaler.apply(first, out.as_chunks_mut::<4>().0, |x, f| {
            *x = ((f64::from(f32::from_le_bytes(*x)) * f) as f32).to_le_bytes();
        });
        Ok(())
    }

    /// Hands on the little-endian bytes of all elements piece by piece, in order.
    pub fn pieces(&self, mut take: impl FnMut(Vec<u8>) -> io::Result<Vec<u8>>) -> io::Result<()> {
        let (scaler, n) = (self.scaler(), self.elements());
        let mut buffer = vec![];
        for first in (0..n).step_by(PIECE) {
            self.bytes(&scaler, first..n.min(first + PIECE), &mut buffer)?;
            buffer = take(buffer)?;
        }
        Ok(())
    }

    /// The first elements, at most `n`.
    pub fn first(&self, n: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![];
        self.bytes(&self.scaler(), 0..n.min(self.elements()), &mut bytes)?;
        Ok(floats(&bytes).collect())
    }

    /// Is every element a number in the range of f32, by the largest magnitudes? `false` may be wrong.
    pub fn surely_finite(&self) -> bool {
        let most = |f: &Option<Vec<f64>>| match f {
            Some(f) => f.iter().fold(0.0, |m: f64, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) }),
            None => 1.0,
        };
        let read = || -> io::Result<f32> {
            let (mut most, mut buffer, n) = (0.0, vec![], self.elements());
            for first in (0..n).step_by(PIECE) {
                self.span.read(first..n.min(first + PIECE), &mut buffer)?;
                most = larger(most, largest(&buffer));
            }
            Ok(most)
        };
        let base = match self.span.largest.get() {
            Some(&x) => x,
            None => {
                let Ok(x) = read() else { return false };
                self.span.know_largest(x);
                x
            }
        };
        f64::from(base) * most(&self.rows) * most(&self.columns) < f64::from(f32::MAX)
    }

    fn read(&self) -> &(Data, Option<String>) {
        self.read.get_or_init(|| {
            let mut out = Vec::with_capacity(self.elements());
            let all = self.pieces(|bytes| {
                out.extend(floats(&bytes));
                Ok(bytes)
            });
            // No number is mistaken for a weight.
            out.resize(self.elements(), f32::NAN);
            (Data::F32(out), all.err().map(|e| e.to_string()))
        })
    }

    /// The elements. What cannot be read any more is NaN, and [`Stored::unreadable`] says why.
    pub fn data(&self) -> &Data {
        &self.read().0
    }

    /// The elements, moved out.
    pub fn into_data(mut self) -> Data {
        self.read();
        self.read.take().map_or(Data::F32(vec![]), |(data, _)| data)
    }

    /// Why elements that somebody looked at could not be read.
    pub fn unreadable(&self) -> Option<&str> {
        self.read.get()?.1.as_deref()
    }
}

impl Clone for Stored {
    /// Shares the file, not what was read of it.
    fn clone(&self) -> Stored {
        Stored {
            rows: self.rows.clone(),
            columns: self.columns.clone(),
            ..Stored::new(self.span.clone(), self.shape)
        }
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|c| f32::from_le_bytes(*c))
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
