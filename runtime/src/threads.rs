//! How many threads compute. No result depends on it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

/// Computations beside each other at most: each holds memory of its own.
const LANES: usize = 4;

/// Sets the number of threads for the whole process. Works once, before anything was computed.
///
/// # Errors
/// Threads were started already.
pub fn set(n: usize) -> Result<(), String> {
    rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| format!("{n} threads: {e}"))
}

/// Threads that compute.
pub fn count() -> usize {
    rayon::current_num_threads()
}

/// Computes `f` of each number below `n`, up to `most` at a time, and shows the results to `add` in order. Each computation has
/// an equal share of the threads to itself.
///
/// # Errors
/// The first of `f`'s, or threads that do not start.
pub fn side_by_side<T: Send>(
    most: usize,
    n: usize,
    f: impl Fn(usize) -> Result<T, String> + Sync,
    mut add: impl FnMut(T) + Send,
) -> Result<(), String> {
    let lanes = most.min(n).min(count()).min(LANES);
    if lanes <= 1 {
        return (0..n).try_for_each(|i| f(i).map(&mut add));
    }
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(count() / lanes).build();
    let pools: Vec<_> = (0..lanes).map(|_| pool()).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let taken = AtomicUsize::new(0);
    let (send, results) = sync_channel(lanes);
    std::thread::scope(|s| {
        for pool in &pools {
            let (send, taken, f) = (send.clone(), &taken, &f);
            s.spawn(move || {
                pool.install(|| {
                    loop {
                        let i = taken.fetch_add(1, Ordering::Relaxed);
                        if i >= n || send.send((i, f(i))).is_err() {
                            break;
                        }
                    }
                })
            });
        }
        drop(send);
        let (mut next, mut early) = (0, BTreeMap::new());
        for (i, result) in results {
            early.insert(i, result?);
            while let Some(result) = early.remove(&next) {
                add(result);
                next += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        for most in [1, 2, 9] {
            let slow = |i: usize| {
                std::thread::sleep(std::time::Duration::from_millis(if i.is_multiple_of(2) { 3 } else { 0 }));
                if i < 7 { Ok(i * i) } else { Err(format!("{i} is too many")) }
            };
            let mut seen = vec![];
            assert_eq!(side_by_side(most, 7, slow, |v| seen.push(v)), Ok(()));
            assert_eq!(seen, [0, 1, 4, 9, 16, 25, 36]);
            let refused = side_by_side(most, 9, slow, |_| ()).expect_err("seven are enough");
            assert!(refused.ends_with("is too many"), "{refused}");
        }
        assert_eq!(side_by_side(4, 0, |_| Ok(()), |()| ()), Ok(()));
    }
}
