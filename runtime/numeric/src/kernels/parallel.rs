//! Work on all threads. What is computed is called through a pointer, so that what spreads it is compiled once for each kind of
//! number and not for each computation.

use rayon::prelude::*;

/// Calls `f` with the pieces of `out` and their numbers; each has `size` elements, or the last what is left.
pub(crate) fn pieces<T: Send>(out: &mut [T], size: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    out.par_chunks_mut(size.max(1)).enumerate().for_each(|(i, piece)| f(i, piece));
}

type OfTwo<'f, T> = dyn Fn(usize, &mut [T], &mut [T]) + Sync + 'f;

/// [`pieces`] of two arrays of one length.
pub(crate) fn pieces_of_two<T: Send>(a: &mut [T], b: &mut [T], size: usize, f: &OfTwo<'_, T>) {
    let size = size.max(1);
    a.par_chunks_mut(size).zip(b.par_chunks_mut(size)).enumerate().for_each(|(i, (a, b))| f(i, a, b));
}

/// What `f` returns for each number below `count`, in order.
pub(crate) fn each<R: Send>(count: usize, f: &(dyn Fn(usize) -> R + Sync)) -> Vec<R> {
    (0..count).into_par_iter().map(f).collect()
}

/// The piece of `x` that has a number, as [`pieces`] cuts it.
pub(crate) fn piece<T>(x: &[T], size: usize, number: usize) -> &[T] {
    &x[number * size..x.len().min((number + 1) * size)]
}
