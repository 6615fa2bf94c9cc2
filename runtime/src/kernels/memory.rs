//! A long run of numbers: from the system where there are many, so that dropping it gives its memory back at once.

use memmap2::MmapMut;
use std::ops::{Deref, DerefMut};

/// Numbers from which on whole pages cost little more than what is asked for.
const MANY: usize = 1 << 19;
/// Bytes of a large page, where there are any.
const LARGE: usize = 1 << 21;

/// Numbers that somebody owns.
pub(super) enum Memory {
    /// A few.
    Heap(Vec<f32>),
    /// Pages of the system; those that nobody wrote take up no memory.
    Pages(MmapMut),
}

/// How many numbers there are where `len` are asked for: of many, 5/4 or 7/4 of a power of two, so that a layer's weights
/// find a place where an activation was. What is not written costs nothing.
pub(super) fn room(len: usize) -> usize {
    // In tests every slice ends where its allocation ends, for the address sanitizer.
    if len < MANY || cfg!(test) {
        return len;
    }
    let quarter = (1 << len.ilog2()) / 4;
    let fits = [5, 7, 10].into_iter().map(|n| n * quarter).find(|&room| len <= room);
    // The system puts whole large pages where large pages can lie.
    fits.unwrap_or(len).next_multiple_of(if len < LARGE { 1 } else { LARGE / size_of::<f32>() })
}

impl Memory {
    /// So many zeros, or more.
    pub(super) fn new(len: usize) -> Memory {
        let room = room(len);
        if len < MANY || cfg!(test) {
            return Memory::Heap(vec![0.0; room]);
        }
        match MmapMut::map_anon(room * size_of::<f32>()) {
            Ok(pages) => {
                // A large page saves a fault for each of its small ones; without them it works as well.
                #[cfg(target_os = "linux")]
                let _ =
                    pages.advise_range(memmap2::Advice::HugePage, 0, len * size_of::<f32>() / LARGE * LARGE);
                Memory::Pages(pages)
            }
            // A system may limit the mappings of a process, not its heap.
            Err(_) => Memory::Heap(vec![0.0; room]),
        }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::Heap(vec![])
    }
}

impl Deref for Memory {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        match self {
            Memory::Heap(v) => v,
            Memory::Pages(p) => bytemuck::cast_slice(p),
        }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Memory::Heap(v) => v,
            Memory::Pages(p) => bytemuck::cast_slice_mut(p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_numbers() {
        let mut m = Memory::Pages(MmapMut::map_anon(4 * MANY).unwrap());
        assert!(m.len() == MANY && m.iter().all(|v| *v == 0.0));
        m[MANY - 1] = 1.5;
        assert_eq!(m.last(), Some(&1.5));
    }
}
