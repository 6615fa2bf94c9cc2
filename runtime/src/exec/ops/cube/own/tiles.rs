//! Convolutions on graphics cards as products of matrices that are gathered on the way: each group of 256 work items computes
//! 128 columns of 64 or 128 rows from strips of sixteen terms, kept in shared memory; a work item four or eight rows of eight.
//!
//! One kernel serves the three passes; they differ in what a row, a column and a term of the sum is:
//!
//! | pass | row | column | term |
//! |---|---|---|---|
//! | forward | output channel | image, output pixel | input channel, tap |
//! | data gradient | input channel | image, input pixel | output channel, tap |
//! | weight gradient | output channel | input channel, tap | image, output pixel |

use cubecl::prelude::*;

/// Columns of a group; it has [`SIDE`] times a work item's rows.
pub const COLUMNS: usize = SIDE * EACH;
/// Work items along each side of a group.
pub const SIDE: usize = 16;
/// Columns of a work item.
const EACH: usize = 8;
/// Terms of a strip.
pub const STRIP: usize = 16;
/// Work items of a group.
pub const ITEMS: u32 = 256;

/// A pass of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// The result.
    Forward,
    /// The gradient by the input.
    Data,
    /// The gradient by the weights, cut into pieces of the sum.
    Weight,
}

/// The sizes of a convolution without groups; kernels are compiled for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Channels, height and width of the input.
    pub x: [usize; 3],
    /// The same of the output.
    pub y: [usize; 3],
    /// Height and width of the kernel.
    pub taps: [usize; 2],
    /// Strides.
    pub step: [usize; 2],
    /// Padding before.
    pub pad: [usize; 2],
    /// Dilations.
    pub spread: [usize; 2],
}

/// The element of `x` that a tap of an output pixel reads, 0 in the padding.
#[cube]
fn read(
    x: &Tensor<f32>,
    image: usize,
    channel: usize,
    pixel: usize,
    tap: usize,
    #[comptime] s: Sizes,
) -> f32 {
    let ky = tap / comptime!(s.taps[1]);
    let kx = tap % comptime!(s.taps[1]);
    let y = pixel / comptime!(s.y[2]) * comptime!(s.step[0]) + ky * comptime!(s.spread[0]);
    let z = pixel % comptime!(s.y[2]) * comptime!(s.step[1]) + kx * comptime!(s.spread[1]);
    let (top, left) = (comptime!(s.pad[0]), comptime!(s.pad[1]));
    let (bottom, right) = (comptime!(s.pad[0] + s.x[1]), comptime!(s.pad[1] + s.x[2]));
    let mut v = 0.0f32;
    if y >= top && y < bottom && z >= left && z < right {
        let row = (image * comptime!(s.x[0]) + channel) * comptime!(s.x[1]) + (y - top);
        v = x[row * comptime!(s.x[2]) + (z - left)];
    }
    v
}

/// The element of the output's gradient that reaches an input pixel through a tap, 0 where none does.
#[cube]
fn reach(
    g: &Tensor<f32>,
    image: usize,
    channel: usize,
    pixel: usize,
    tap: usize,
    #[comptime] s: Sizes,
) -> f32 {
    let y = pixel / comptime!(s.x[2]) + comptime!(s.pad[0]);
    let z = pixel % comptime!(s.x[2]) + comptime!(s.pad[1]);
    let dy = tap / comptime!(s.taps[1]) * comptime!(s.spread[0]);
    let dz = tap % comptime!(s.taps[1]) * comptime!(s.spread[1]);
    let mut v = 0.0f32;
    if y >= dy && z >= dz {
        let (up, across) = (y - dy, z - dz);
        let (oy, oz) = (up / comptime!(s.step[0]), across / comptime!(s.step[1]));
        let whole = oy * comptime!(s.step[0]) == up && oz * comptime!(s.step[1]) == across;
        if whole && oy < comptime!(s.y[1]) && oz < comptime!(s.y[2]) {
            let row = (image * comptime!(s.y[0]) + channel) * comptime!(s.y[1]) + oy;
            v = g[row * comptime!(s.y[2]) + oz];
        }
    }
    v
}

/// The left factor at a row and a term.
#[cube]
fn left(a: &Tensor<f32>, row: usize, term: usize, #[comptime] s: Sizes, #[comptime] pass: Pass) -> f32 {
    let taps = comptime!(s.taps[0] * s.taps[1]);
    let area = comptime!(s.y[1] * s.y[2]);
    let each = comptime!(s.x[0] * s.taps[0] * s.taps[1]);
    let at = if comptime!(pass == Pass::Forward) {
        row * each + term
    } else if comptime!(pass == Pass::Data) {
        term / taps * each + row * taps + term % taps
    } else {
        (term / area * comptime!(s.y[0]) + row) * area + term % area
    };
    a[at]
}

/// The right factor at a term and a column.
#[cube]
fn right(b: &Tensor<f32>, term: usize, column: usize, #[comptime] s: Sizes, #[comptime] pass: Pass) -> f32 {
    let taps = comptime!(s.taps[0] * s.taps[1]);
    let output = comptime!(s.y[1] * s.y[2]);
    let input = comptime!(s.x[1] * s.x[2]);
    if comptime!(pass == Pass::Forward) {
        read(b, column / output, term / taps, column % output, term % taps, s)
    } else if comptime!(pass == Pass::Data) {
        reach(b, column / input, term / taps, column % input, term % taps, s)
    } else {
        read(b, term / output, column / taps, term % output, column % taps, s)
    }
}

/// Where a result goes.
#[cube]
fn place(
    row: usize,
    column: usize,
    rows: usize,
    columns: usize,
    #[comptime] s: Sizes,
    #[comptime] pass: Pass,
) -> usize {
    if comptime!(pass == Pass::Weight) {
        (CUBE_POS_Z as usize * rows + row) * columns + column
    } else {
        let area = if comptime!(pass == Pass::Forward) {
            comptime!(s.y[1] * s.y[2])
        } else {
            comptime!(s.x[1] * s.x[2])
        };
        (column / area * rows + row) * area + column % area
    }
}

/// A product of `rows` × `depth` and `depth` × `columns`; groups along z each sum `piece` terms, and a work item has `tall` rows.
#[derive(CubeType, CubeLaunch)]
pub struct Factors {
    a: OwnedTensor<f32>,
    b: OwnedTensor<f32>,
    rows: usize,
    columns: usize,
    depth: usize,
    piece: usize,
    #[cube(comptime)]
    s: Sizes,
    #[cube(comptime)]
    pass: Pass,
    #[cube(comptime)]
    tall: usize,
}

/// Writes the product.
#[cube(launch)]
pub fn product(f: Factors, out: &mut Tensor<f32>) {
    let (rows, columns, depth, piece) = (f.rows, f.columns, f.depth, f.piece);
    let (s, pass, tall) = (comptime!(f.s), comptime!(f.pass), comptime!(f.tall));
    let unit = UNIT_POS as usize;
    let first_row = CUBE_POS_Y as usize * comptime!(SIDE * tall);
    let first_column = CUBE_POS_X as usize * COLUMNS;
    let from = CUBE_POS_Z as usize * piece;
    let mut to = from + piece;
    if to > depth {
        to = depth;
    }
    let across = unit % SIDE;
    let down = unit / SIDE;
    // One more than there are, so that neighbours lie in different banks.
    let row_pitch = comptime!(SIDE * tall + 1);
    let column_pitch = comptime!(COLUMNS + 1);
    let mut lefts = Shared::<[f32]>::new_slice(comptime!(STRIP * (SIDE * tall + 1)));
    let mut rights = Shared::<[f32]>::new_slice(comptime!(STRIP * (COLUMNS + 1)));
    let mut sums = Array::<f32>::new(comptime!(tall * EACH));
    #[unroll]
    for i in 0..comptime!(tall * EACH) {
        sums[i] = 0.0f32;
    }
    let mut first = from;
    while first < to {
        #[unroll]
        for i in 0..tall {
            let term = unit % STRIP;
            let row = unit / STRIP + 16 * i;
            let mut v = 0.0f32;
            if first_row + row < rows && first + term < to {
                v = left(&f.a, first_row + row, first + term, s, pass);
            }
            lefts[term * row_pitch + row] = v;
        }
        #[unroll]
        for i in 0..EACH {
            // Neighbours read neighbouring elements of memory: pixels, which are columns but in the weight gradient.
            let term = if comptime!(pass == Pass::Weight) { unit % STRIP } else { unit / COLUMNS + 2 * i };
            let column = if comptime!(pass == Pass::Weight) { unit / STRIP + 16 * i } else { unit % COLUMNS };
            let mut v = 0.0f32;
            if first_column + column < columns && first + term < to {
                v = right(&f.b, first + term, first_column + column, s, pass);
            }
            rights[term * column_pitch + column] = v;
        }
        sync_cube();
        for k in 0..STRIP {
            let mut l = Array::<f32>::new(tall);
            let mut r = Array::<f32>::new(EACH);
            #[unroll]
            for i in 0..tall {
                l[i] = lefts[k * row_pitch + down * tall + i];
            }
            #[unroll]
            for j in 0..EACH {
                r[j] = rights[k * column_pitch + across + SIDE * j];
            }
            #[unroll]
            for i in 0..tall {
                #[unroll]
                for j in 0..EACH {
                    sums[i * EACH + j] += l[i] * r[j];
                }
            }
        }
        sync_cube();
        first += STRIP;
    }
    #[unroll]
    for i in 0..tall {
        #[unroll]
        for j in 0..EACH {
            let row = first_row + down * tall + i;
            let column = first_column + across + SIDE * j;
            if row < rows && column < columns {
                out[place(row, column, rows, columns, s, pass)] = sums[i * EACH + j];
            }
        }
    }
}
