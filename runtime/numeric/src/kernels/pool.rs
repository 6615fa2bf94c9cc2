//! Memory that goes from one kernel to the next, instead of being cleared and taken from the system anew.
//!
//! A training step needs the same lengths again and again. What is dropped waits here, as it was written, and whoever takes it
//! writes all that it reads. Together with what is on loan it is hardly more than once was needed at a time.

use super::memory::{self, CHECKED, Memory};
use bytemuck::Pod;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers below which an allocation costs less than the search for one.
const SMALL: usize = 1 << 12;

/// Numbers on loan.
pub struct Buffer<E = f32> {
    /// Their memory, in numbers of 32 bits.
    held: Memory,
    /// Of those held, how many were asked for.
    asked: usize,
    len: usize,
    of: PhantomData<E>,
    pool: &'static Mutex<Pool>,
}

/// All sizes are counts of numbers.
struct Pool {
    /// A buffer is at most so many halves of what is asked for.
    halves: usize,
    /// What waits, in the order in which it came back.
    idle: Vec<Memory>,
    waiting: usize,
    /// On loan: as long as they are, and as long as they had to be.
    lent: usize,
    needed: usize,
    /// Needed at a time at most.
    most: usize,
}

/// What kernels return, which may live for a whole step.
static RESULTS: Mutex<Pool> = Mutex::new(Pool::new(3));
/// What they need while they compute: what is too long is soon back.
static WORK: Mutex<Pool> = Mutex::new(Pool::new(16));

fn open(pool: &Mutex<Pool>) -> MutexGuard<'_, Pool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

fn room(len: usize) -> usize {
    if CHECKED { len } else { memory::room(len) }
}

/// Gives back to the system what waits, and forgets how much was needed: the work that needed it is done.
pub fn clear() {
    for pool in [&RESULTS, &WORK] {
        let mut pool = open(pool);
        (pool.waiting, pool.most) = (0, pool.needed);
        let idle = std::mem::take(&mut pool.idle);
        drop((pool, idle));
    }
}

impl Pool {
    const fn new(halves: usize) -> Pool {
        Pool { halves, idle: Vec::new(), waiting: 0, lent: 0, needed: 0, most: 0 }
    }

    /// The shortest that is long enough, and of those the youngest: its memory is the likeliest to lie in a cache.
    fn find(&mut self, len: usize) -> Option<Memory> {
        let longest = if CHECKED { len } else { len * self.halves / 2 };
        let fits = |(_, v): &(usize, &Memory)| (len..=longest).contains(&v.len());
        let (at, _) = self.idle.iter().enumerate().rev().filter(fits).min_by_key(|(_, v)| v.len())?;
        let found = self.idle.remove(at);
        self.waiting -= found.len();
        Some(found)
    }

    /// Lends one that waits, or says what a new one must be long and which old ones it has no room for. A sixteenth above what
    /// was needed at a time spares most steps a change of lengths.
    fn lend(&mut self, len: usize) -> Result<Memory, (usize, Vec<Memory>)> {
        let room = room(len);
        self.needed += room;
        self.most = self.most.max(self.needed);
        if let Some(found) = self.find(len) {
            self.lent += found.len();
            return Ok(found);
        }
        self.lent += room;
        let mut dropped = 0;
        while self.waiting > 0 && self.waiting + self.lent > self.most + self.most / 16 {
            self.waiting -= self.idle[dropped].len();
            dropped += 1;
        }
        Err((room, self.idle.drain(..dropped).collect()))
    }

    fn take_back(&mut self, held: Memory, len: usize) {
        self.needed -= room(len);
        self.lent -= held.len();
        self.waiting += held.len();
        self.idle.push(held);
    }
}

impl Buffer {
    /// So many numbers with arbitrary values, for a result.
    pub fn stale(len: usize) -> Buffer {
        Self::result(len)
    }

    /// The same, for the time that a kernel computes.
    pub fn work(len: usize) -> Buffer {
        Self::scratch(len)
    }

    /// So many zeros, for a result.
    pub fn zeros(len: usize) -> Buffer {
        let mut buffer = Buffer::stale(len);
        buffer.fill(0.0);
        buffer
    }
}

impl<E: Pod> Buffer<E> {
    /// [`Buffer::stale`] of any numbers.
    pub fn result(len: usize) -> Buffer<E> {
        Self::of(&RESULTS, len)
    }

    /// [`Buffer::work`] of any numbers.
    pub fn scratch(len: usize) -> Buffer<E> {
        Self::of(&WORK, len)
    }

    fn of(pool: &'static Mutex<Pool>, len: usize) -> Buffer<E> {
        let asked = (len * size_of::<E>()).div_ceil(size_of::<f32>());
        let held = if asked < SMALL {
            Memory::new(asked, asked)
        } else {
            let found = open(pool).lend(asked);
            found.unwrap_or_else(|(room, old)| {
                drop(old);
                Memory::new(room, asked)
            })
        };
        Buffer { held: poisoned(held), asked, len, of: PhantomData, pool }
    }
}

/// Where memory is [`CHECKED`], stale numbers show wherever they are read.
fn poisoned(mut v: Memory) -> Memory {
    if CHECKED {
        v.fill(f32::NAN);
    }
    v
}

impl<E> Drop for Buffer<E> {
    fn drop(&mut self) {
        if self.held.len() >= SMALL {
            open(self.pool).take_back(std::mem::take(&mut self.held), self.asked);
        }
    }
}

impl<E: Pod> Deref for Buffer<E> {
    type Target = [E];
    fn deref(&self) -> &[E] {
        &bytemuck::cast_slice(&self.held[..self.asked])[..self.len]
    }
}

impl<E: Pod> DerefMut for Buffer<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        &mut bytemuck::cast_slice_mut(&mut self.held[..self.asked])[..self.len]
    }
}

impl<E: Pod> From<&[E]> for Buffer<E> {
    fn from(v: &[E]) -> Buffer<E> {
        let mut copy = Buffer::<E>::result(v.len());
        copy.copy_from_slice(v);
        copy
    }
}

impl<E: Pod> From<Vec<E>> for Buffer<E> {
    fn from(v: Vec<E>) -> Buffer<E> {
        v[..].into()
    }
}

impl<E: Pod> Clone for Buffer<E> {
    fn clone(&self) -> Buffer<E> {
        self[..].into()
    }
}

impl<E: Pod + std::fmt::Debug> std::fmt::Debug for Buffer<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(f)
    }
}

impl<E: Pod + PartialEq> PartialEq for Buffer<E> {
    fn eq(&self, other: &Buffer<E>) -> bool {
        self.deref() == other.deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(pool: &'static Mutex<Pool>) -> (usize, usize, usize) {
        let pool = open(pool);
        assert!(pool.waiting == pool.idle.iter().map(|m| m.len()).sum::<usize>());
        (pool.lent, pool.waiting, pool.most)
    }

    #[test]
    fn holds_hardly_more_than_was_needed_at_a_time() {
        static OWN: Mutex<Pool> = Mutex::new(Pool::new(3));
        let (long, short) = (Buffer::<f32>::of(&OWN, 10_000), Buffer::<f32>::of(&OWN, 6_000));
        assert_eq!(sizes(&OWN), (16_000, 0, 16_000));
        let address = long.as_ptr();
        drop(long);
        let again = Buffer::<f32>::of(&OWN, 10_000);
        assert_eq!((again.as_ptr(), sizes(&OWN)), (address, (16_000, 0, 16_000)));
        assert!(again.iter().all(|v| v.is_nan()), "what came back shows when it is read");
        drop(short);
        assert_eq!(sizes(&OWN), (10_000, 6_000, 16_000));
        let other = Buffer::<f32>::of(&OWN, 5_000);
        assert_eq!((other.len(), sizes(&OWN)), (5_000, (15_000, 0, 16_000)), "the oldest makes room");
        drop((again, other));
        assert_eq!(sizes(&OWN), (0, 15_000, 16_000));
    }

    #[test]
    fn a_sixteenth_more_makes_nothing_go() {
        static OWN: Mutex<Pool> = Mutex::new(Pool::new(3));
        drop((Buffer::<f32>::of(&OWN, 100_000), Buffer::<f32>::of(&OWN, 60_000)));
        let (_a, _b) = (Buffer::<f32>::of(&OWN, 60_000), Buffer::<f32>::of(&OWN, 10_000));
        assert_eq!(sizes(&OWN), (70_000, 100_000, 160_000));
        let _c = Buffer::<f32>::of(&OWN, 10_001);
        assert_eq!(sizes(&OWN), (80_001, 0, 160_000));
    }

    #[test]
    fn a_buffer_has_its_length_and_its_numbers() {
        let len = 3 * SMALL + 11;
        let zeros = Buffer::zeros(len);
        assert!(zeros.len() == len && zeros.iter().all(|v| *v == 0.0));
        assert_eq!(*Buffer::from(vec![1.5; len]), vec![1.5; len]);
        assert_eq!(Buffer::from(vec![2.5; 3]).clone(), Buffer::from(vec![2.5; 3]));
    }
}
