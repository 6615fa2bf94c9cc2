//! A party's pseudorandom numbers, as SPU's parties draw them: AES-128 of counters.

use crate::number::Number;
use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

const BLOCK: usize = 16;
/// Blocks that are encrypted at a time; a multiple of 9, so that numbers of 9 bytes end with them.
const AT_ONCE: usize = 144;

/// One party's generator. Its key is wiped when it is dropped.
pub struct Prg(Aes128);

impl Prg {
    /// From a seed, the lowest byte first.
    pub fn new(seed: &[u8; 16]) -> Prg {
        Prg(Aes128::new(&Array(*seed)))
    }

    /// Hands the blocks from `first` on of the stream that begins at `count` to `each`, block by block in groups.
    fn blocks(&self, counter_mode: bool, count: u64, first: u64, blocks: usize, mut each: impl FnMut(&[u8])) {
        let start = if counter_mode {
            // The counter's bytes are those of a number whose highest byte comes first.
            u128::from_be_bytes(u128::from(count).to_le_bytes()).wrapping_add(first.into())
        } else {
            u128::from(count) + u128::from(first)
        };
        let mut scratch = [[0u8; BLOCK]; AT_ONCE];
        let mut done = 0;
        while done < blocks {
            let now = &mut scratch[..AT_ONCE.min(blocks - done)];
            for (i, block) in now.iter_mut().enumerate() {
                let counter = start.wrapping_add((done + i) as u128);
                *block = if counter_mode { counter.to_be_bytes() } else { counter.to_le_bytes() };
            }
            self.0.encrypt_blocks(Array::cast_slice_from_core_mut(now));
            each(now.as_flattened());
            done += now.len();
        }
    }

    /// Folds the numbers from `first` on, a multiple of 16, of the array that begins at `count` into `out`.
    pub fn fold<T: Number>(&self, count: u64, first: usize, out: &mut [T], f: impl Fn(T, T) -> T) {
        debug_assert!(first.is_multiple_of(16));
        let skipped = first as u64 / 16 * T::DRAWN as u64;
        let blocks = (out.len() * T::DRAWN).div_ceil(BLOCK);
        let mut rest = out;
        self.blocks(T::COUNTER_MODE, count, skipped, blocks, |bytes| {
            let drawn = bytes.chunks_exact(T::DRAWN);
            let n = drawn.len().min(rest.len());
            let (now, later) = std::mem::take(&mut rest).split_at_mut(n);
            for (x, drawn) in now.iter_mut().zip(drawn) {
                *x = f(*x, T::draw(drawn));
            }
            rest = later;
        });
    }

    /// 128-bit numbers in counter mode: those that a permutation is drawn from.
    pub fn wide(&self, count: u64, n: usize) -> Vec<u128> {
        let mut out = Vec::with_capacity(n);
        self.blocks(true, count, 0, n, |bytes| {
            out.extend(bytes.chunks_exact(BLOCK).map(<u128 as Number>::draw));
        });
        out
    }
}

/// One operand: an array that every party holds a share of.
pub struct Shared<'a> {
    /// The parties' generators.
    pub parties: Vec<&'a Prg>,
    /// Where the array begins in each stream.
    pub count: u64,
}

impl Shared<'_> {
    /// The parties' numbers from `first` on, a multiple of 16, put together by `f`.
    pub fn joined<T: Number>(&self, first: usize, n: usize, f: impl Fn(T, T) -> T) -> Vec<T> {
        let mut out = vec![T::default(); n];
        for (i, party) in self.parties.iter().enumerate() {
            match i {
                0 => party.fold(self.count, first, &mut out, |_, drawn| drawn),
                _ => party.fold(self.count, first, &mut out, &f),
            }
        }
        out
    }
    /// Their sum.
    pub fn sum<T: Number>(&self, first: usize, n: usize) -> Vec<T> {
        self.joined(first, n, T::plus)
    }
}
