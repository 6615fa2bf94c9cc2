//! Memory that goes from one kernel to the next, instead of being cleared and taken from the system anew.
//!
//! A training step needs the same lengths again and again. What is dropped waits here, as it was written, and whoever takes it
//! writes all that it reads. Together with what is on loan it is never more than once was on loan at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Numbers below which an allocation costs less than the search for one.
const SMALL: usize = 1 << 12;

/// Numbers on loan.
pub struct Buffer {
    held: Vec<f32>,
    len: usize,
    pool: &'static Mutex<Pool>,
}

struct Pool {
    /// How much longer a buffer may be than was asked for: by one part of so many, or by anything.
    slack: Option<usize>,
    /// What waits, in the order in which it came back.
    idle: Vec<Vec<f32>>,
    waiting: usize,
    lent: usize,
    most: usize,
}

/// What kernels return, which may live for a whole step: not a quarter too long.
static RESULTS: Mutex<Pool> = Mutex::new(Pool::new(Some(4)));
/// What they need while they compute: a few buffers, of whatever length.
static WORK: Mutex<Pool> = Mutex::new(Pool::new(None));

fn open(pool: &Mutex<Pool>) -> MutexGuard<'_, Pool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    const fn new(slack: Option<usize>) -> Pool {
        Pool { slack, idle: Vec::new(), waiting: 0, lent: 0, most: 0 }
    }

    /// The shortest that is long enough, and of those the youngest: its memory is the likeliest to lie in a cache.
    fn find(&mut self, len: usize) -> Option<Vec<f32>> {
        let longest = self.slack.map_or(usize::MAX, |parts| len + len / parts);
        let fits = |(_, v): &(usize, &Vec<f32>)| (len..=longest).contains(&v.len());
        let (at, _) = self.idle.iter().enumerate().rev().filter(fits).min_by_key(|(_, v)| v.len())?;
        let found = self.idle.remove(at);
        self.waiting -= found.len();
        self.lent += found.len();
        Some(found)
    }

    /// Counts a new one, and returns the oldest for which it leaves no room.
    fn grow(&mut self, len: usize) -> Vec<Vec<f32>> {
        self.lent += len;
        self.most = self.most.max(self.lent);
        let mut dropped = 0;
        while self.waiting + self.lent > self.most {
            self.waiting -= self.idle[dropped].len();
            dropped += 1;
        }
        self.idle.drain(..dropped).collect()
    }
}

impl Buffer {
    /// So many numbers with arbitrary values, for a result.
    pub fn stale(len: usize) -> Buffer {
        Self::of(&RESULTS, len)
    }

    /// The same, for the time that a kernel computes.
    pub fn work(len: usize) -> Buffer {
        Self::of(&WORK, len)
    }

    /// So many zeros, for a result.
    pub fn zeros(len: usize) -> Buffer {
        let mut buffer = Buffer::stale(len);
        buffer.fill(0.0);
        buffer
    }

    fn of(pool: &'static Mutex<Pool>, len: usize) -> Buffer {
        if len < SMALL {
            return Buffer { held: poisoned(vec![0.0; len]), len, pool };
        }
        // In tests every slice ends where its allocation ends, for the address sanitizer.
        let found = if cfg!(test) { None } else { open(pool).find(len) };
        let held = found.unwrap_or_else(|| {
            let old = open(pool).grow(len);
            drop(old);
            vec![0.0; len]
        });
        Buffer { held: poisoned(held), len, pool }
    }
}

/// In tests, stale numbers show wherever they are read.
fn poisoned(mut v: Vec<f32>) -> Vec<f32> {
    if cfg!(test) {
        v.fill(f32::NAN);
    }
    v
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.held.len() < SMALL {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let mut pool = open(self.pool);
        pool.lent -= held.len();
        pool.waiting += held.len();
        pool.idle.push(held);
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.held[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.held[..self.len]
    }
}

impl From<Vec<f32>> for Buffer {
    /// The numbers of a vector, copied where they are many.
    fn from(v: Vec<f32>) -> Buffer {
        let len = v.len();
        if len < SMALL {
            return Buffer { held: v, len, pool: &RESULTS };
        }
        let mut buffer = Buffer::stale(len);
        buffer.copy_from_slice(&v);
        buffer
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Buffer {
        let mut copy = Buffer::stale(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(f)
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Buffer) -> bool {
        self.deref() == other.deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_holds_more_than_was_lent_at_a_time() {
        let mut pool = Pool::new(Some(4));
        let lend = |pool: &mut Pool, len: usize| {
            pool.find(len).unwrap_or_else(|| {
                pool.grow(len);
                vec![0.0; len]
            })
        };
        let back = |pool: &mut Pool, v: Vec<f32>| {
            pool.lent -= v.len();
            pool.waiting += v.len();
            pool.idle.push(v);
        };
        let (a, b) = (lend(&mut pool, 1000), lend(&mut pool, 600));
        back(&mut pool, a);
        assert_eq!(lend(&mut pool, 900).len(), 1000, "a little too long will do");
        back(&mut pool, b);
        assert_eq!(lend(&mut pool, 300).len(), 300, "twice as long will not");
        assert_eq!((pool.most, pool.lent, pool.waiting), (1600, 1300, 0), "and the oldest makes room");
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
