//! How a value of a block lies in memory, and the ways in and out.

use crate::kernels::micro::LANES;
use crate::kernels::simd::{Level, wide};
use crate::kernels::transpose::{self, Stage};

/// Channels of rows of vectors, each vector one value of [`LANES`] images, with a border of zeros around every channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Planes {
    /// Channels.
    pub channels: usize,
    /// Height without the border.
    pub rows: usize,
    /// Width without the border.
    pub columns: usize,
    /// Zeros at the top, left, bottom and right.
    pub border: [usize; 4],
}

impl Planes {
    /// Without a border.
    pub fn new(channels: usize, rows: usize, columns: usize) -> Planes {
        Planes { channels, rows, columns, border: [0; 4] }
    }

    /// Vectors of a row with its border.
    pub fn width(&self) -> usize {
        self.border[1] + self.columns + self.border[3]
    }

    /// Floats from one channel to the next: an odd number of vectors, so that channels share no set of a cache.
    pub fn plane(&self) -> usize {
        (((self.border[0] + self.rows + self.border[2]) * self.width()) | 1) * LANES
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        self.channels * self.plane()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.channels * self.rows * self.columns == 0
    }

    /// Values of an image.
    pub fn image(&self) -> usize {
        self.channels * self.rows * self.columns
    }

    /// Offset of a vector within its channel.
    pub fn at(&self, row: usize, column: usize) -> usize {
        ((self.border[0] + row) * self.width() + self.border[1] + column) * LANES
    }
}

/// Fills a block with images, `[images][channel][row][column]`, one after the other; at most [`LANES`]. Lanes without an image
/// become zero.
pub fn load(images: &[f32], p: &Planes, block: &mut [f32]) {
    let (each, area) = (p.image(), p.rows * p.columns);
    let count = images.len() / each.max(1);
    assert!(count <= LANES && block.len() >= p.len());
    if p.is_empty() || count == 0 {
        return;
    }
    let at: Vec<usize> = (0..area).map(|i| p.at(i / p.columns, i % p.columns)).collect();
    let mut stage = Box::<Stage>::default();
    for (channel, plane) in block.chunks_exact_mut(p.plane()).take(p.channels).enumerate() {
        let src = (&images[channel * area..], each, count);
        transpose::gather(Level::best(), src, &at, area, plane, &mut stage);
    }
}

/// Writes the images of a block to `images`, as [`load`] read them.
pub fn store(block: &[f32], p: &Planes, images: &mut [f32]) {
    let (each, area) = (p.image(), p.rows * p.columns);
    let mut images: Vec<&mut [f32]> = images.chunks_exact_mut(each.max(1)).collect();
    let mut stage = Box::<Stage>::default();
    for (channel, plane) in block.chunks_exact(p.plane()).take(p.channels).enumerate() {
        for row in 0..p.rows {
            let start = (channel * area + row * p.columns, p.columns);
            transpose::scatter(
                Level::best(),
                (&plane[p.at(row, 0)..], LANES),
                start,
                &mut images,
                &mut stage,
            );
        }
    }
}

/// The mean of every channel of each image, to `[images][channel]`.
pub fn mean(block: &[f32], p: &Planes, means: &mut [f32]) {
    let count = (p.rows * p.columns) as f64;
    for (channel, plane) in block.chunks_exact(p.plane()).take(p.channels).enumerate() {
        let mut sums = [0.0f64; LANES];
        for row in 0..p.rows {
            let start = p.at(row, 0);
            let sum = row_sum(&plane[start..start + p.columns * LANES]);
            sums.iter_mut().zip(sum).for_each(|(s, v)| *s += f64::from(v));
        }
        for (means, sum) in means.chunks_exact_mut(p.channels).zip(sums) {
            means[channel] = (sum / count) as f32;
        }
    }
}

wide! {
    fn row_sum(row: &[f32]) -> [f32; LANES] {
        let mut sums = [0.0; LANES];
        for vector in row.as_chunks::<LANES>().0 {
            for (sum, v) in sums.iter_mut().zip(vector) {
                *sum += v;
            }
        }
        sums
    }
}
