//! Mutations of bytes that know nothing of a format.

use super::run::{below, once_in, pick};
use relinc_passes::splitmix::SplitMix;

/// Numbers at which readers go wrong.
const EDGES: [u64; 10] = [0, 1, 2, 127, 128, 255, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// Changes a few bytes.
pub fn mutate(b: &mut Vec<u8>, dice: &mut SplitMix) {
    for _ in 0..=below(dice, 3) {
        let n = b.len();
        let at = below(dice, n.max(1));
        match below(dice, 8) {
            0 | 1 if n > 0 => b[at] ^= 1 << below(dice, 8),
            2 if n > 0 => b[at] = dice.next_u64() as u8,
            3 => b.truncate(at),
            4 => {
                let more: Vec<u8> = (0..1 + below(dice, 8)).map(|_| dice.next_u64() as u8).collect();
                b.splice(at..at, more);
            }
            5 if n > 0 => {
                let end = (at + 1 + below(dice, 16)).min(n);
                let part = b[at..end].to_vec();
                match once_in(dice, 2) {
                    true => drop(b.drain(at..end)),
                    false => drop(b.splice(at..at, part)),
                }
            }
            6 if n > 8 => {
                let (edge, width) = (pick(dice, &EDGES).to_le_bytes(), *pick(dice, &[1, 2, 4, 8]));
                let at = at.min(n - width);
                b[at..at + width].copy_from_slice(&edge[..width]);
            }
            _ => {}
        }
    }
}
