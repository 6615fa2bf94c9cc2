//! The optimiser's update, in place.

use super::{T, make, plain, slice};
use crate::exec::ops::descend::DescendOps;
use crate::kernels::elementwise::sum_of_squares;
use crate::kernels::sgd::{Update, update};
use burn::backend::Flex;

impl DescendOps for Flex {
    fn descended(w: T, g: T, v: T, u: Update) -> (T, T) {
        let [mut w, g, mut v] = [w, g, v].map(plain);
        let g = slice(&g);
        // Tensors that nobody else holds are changed in place.
        update(&mut w.storage_mut::<f32>()[..g.len()], g, &mut v.storage_mut::<f32>()[..g.len()], u);
        (w, v)
    }
    fn squares(g: T) -> T {
        make(vec![sum_of_squares(slice(&plain(g))) as f32])
    }
}
