//! How work is split over threads: small buffers are not.

use rayon::prelude::*;

/// Elements below which a second thread costs more than it brings, and the size of one thread's piece.
pub(crate) const PIECE: usize = 1 << 14;

/// Calls `f(start, piece)` on consecutive pieces of `out`, in parallel where there is enough of it.
/// Pieces are a multiple of `unit` elements long.
pub(crate) fn pieces<T: Send>(out: &mut [T], unit: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let unit = unit.max(1);
    let piece = PIECE.div_ceil(unit) * unit;
    if out.len() <= piece {
        f(0, out);
    } else {
        parallel(out, piece, &f);
    }
}

/// Compiled once for each kind of elements, whatever is computed.
fn parallel<T: Send>(out: &mut [T], piece: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    out.par_chunks_mut(piece).enumerate().for_each(|(i, c)| f(i * piece, c));
}

/// Threads available.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}
