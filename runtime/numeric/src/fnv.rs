//! FNV-1a, 64 bits: numbers that tell contents apart. Source: Fowler, Noll, Vo.

/// The hash of a sequence, one word a step.
pub fn fingerprint(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, w| (h ^ w).wrapping_mul(0x100_0000_01b3))
}
