//! Random permutations as SPU draws them.

use crate::prg::Prg;

/// The permutation of `n` elements that a party draws at `count`.
pub fn drawn(party: &Prg, count: u64, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let chosen = party.wide(count, n.saturating_sub(1));
    for i in (1..n).rev() {
        order.swap(i, (chosen[i - 1] % (i as u128 + 1)) as usize);
    }
    order
}
