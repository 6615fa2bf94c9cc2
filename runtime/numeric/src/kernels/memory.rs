//! A long run of numbers: from the system where there are many, so that dropping it gives its memory back at once.

use memmap2::MmapMut;
use std::io;
use std::ops::{Deref, DerefMut};

/// Numbers from which on whole pages cost little more than what is asked for.
const MANY: usize = 1 << 19;
/// Bytes of a line of the caches: a vector that lies across two costs two loads.
const LINE: usize = 64;
/// Bytes of a large page, where there are any.
const LARGE: usize = 1 << 21;

/// Numbers that somebody owns.
pub(super) enum Memory {
    /// A few: what is meant begins where a line of the caches does, and ends where the vector does.
    Heap(Vec<f32>, usize),
    /// Whole pages of the system, the first numbers of which are meant. Pages that nobody wrote take up no memory.
    Pages(MmapMut, usize),
}

/// In tests and debug builds every slice ends where its allocation ends, for the address sanitizer, and stale numbers are none.
pub(super) const CHECKED: bool = cfg!(any(test, debug_assertions));

/// How many numbers to make where `len` are asked for: of many, 5/4 or 7/4 of a power of two, so that a layer's weights find a
/// place where an activation was.
pub(super) fn room(len: usize) -> usize {
    let quarter = if len < MANY { return len } else { (1 << len.ilog2()) / 4 };
    [5, 7].into_iter().map(|n| n * quarter).find(|&room| len <= room).unwrap_or(10 * quarter)
}

impl Memory {
    /// So many zeros, of which the first `asked` will be written.
    pub(super) fn new(len: usize, asked: usize) -> Memory {
        let pages = (len >= MANY && !CHECKED).then(|| Memory::pages(len, asked));
        // A system may limit the mappings of a process, not its heap.
        let heap = || if CHECKED { Memory::Heap(vec![0.0; len], 0) } else { Memory::aligned(len) };
        pages.and_then(Result::ok).unwrap_or_else(heap)
    }

    fn aligned(len: usize) -> Memory {
        let mut numbers = vec![0.0; len + LINE / size_of::<f32>() - 1];
        let first = numbers.as_ptr().align_offset(LINE);
        numbers.truncate(first + len);
        Memory::Heap(numbers, first)
    }

    fn pages(len: usize, asked: usize) -> io::Result<Memory> {
        // Linux puts a whole number of large pages where large pages can lie.
        let pages = MmapMut::map_anon((len * size_of::<f32>()).next_multiple_of(LARGE))?;
        // One saves a fault for each of its small ones; without them it works as well.
        #[cfg(target_os = "linux")]
        let _ = pages.advise_range(memmap2::Advice::HugePage, 0, asked * size_of::<f32>() / LARGE * LARGE);
        #[cfg(not(target_os = "linux"))]
        let _ = asked;
        Ok(Memory::Pages(pages, len))
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::Heap(vec![], 0)
    }
}

impl Deref for Memory {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        match self {
            Memory::Heap(v, first) => &v[*first..],
            Memory::Pages(p, len) => &bytemuck::cast_slice(p)[..*len],
        }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Memory::Heap(v, first) => &mut v[*first..],
            Memory::Pages(p, len) => &mut bytemuck::cast_slice_mut(p)[..*len],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn room_is_for_what_was_asked_and_hardly_more() {
        for len in
            (1..200).map(|i| i * i * 257).chain([MANY - 1, MANY, MANY + 1, 5 * MANY / 4, 5 * MANY / 4 + 1])
        {
            assert!((len..=3 * len / 2).contains(&room(len)), "{len}: {}", room(len));
        }
        assert_eq!([MANY - 1, 1 << 21, 9 << 18].map(room), [MANY - 1, 5 << 19, 5 << 19]);
    }

    #[test]
    fn a_few_begin_with_a_line() {
        for len in [0, 1, 15, 16, 4097] {
            let mut m = Memory::aligned(len);
            assert!(m.len() == len && m.iter().all(|v| *v == 0.0));
            assert!(len == 0 || m.as_ptr().addr().is_multiple_of(LINE));
            m.fill(1.5);
            assert_eq!(m.iter().sum::<f32>(), 1.5 * len as f32);
        }
    }

    #[test]
    fn pages_are_numbers() {
        for (len, asked) in [(MANY, MANY), (5 * MANY / 4, MANY + 3), (1000, 10)] {
            let mut m = Memory::pages(len, asked).unwrap();
            assert!(m.len() == len && m.iter().all(|v| *v == 0.0));
            m[len - 1] = 1.5;
            assert_eq!(m.last(), Some(&1.5));
        }
    }
}
