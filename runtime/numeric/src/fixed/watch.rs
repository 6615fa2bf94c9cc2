//! What is seen of the numbers before they are truncated or wrap.

use super::lane::Word;

/// The exact results of one operation before truncation, summarised. They are integers: divide by 2^(`points`·fraction)
/// for real units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Products {
    /// 1 for sums of numbers, 2 for products of two.
    pub points: u32,
    /// Largest magnitude.
    pub largest: f64,
    /// Sum of all magnitudes.
    pub total: f64,
    /// How many there are.
    pub count: usize,
    /// How many lie outside what the runtime can treat.
    pub outside: usize,
    /// The first of those.
    pub first: Option<f64>,
    /// How many truncations went wrong at random.
    pub failed: usize,
}

impl Products {
    /// Takes in what another step of the same operation showed.
    pub fn add(&mut self, o: &Products) {
        self.largest = self.largest.max(o.largest);
        self.total += o.total;
        self.count += o.count;
        self.outside += o.outside;
        self.first = self.first.or(o.first);
        self.failed += o.failed;
    }
    /// Summarises results. `bound` is an upper limit of their magnitude: below half the ring nothing can have wrapped;
    /// above, `judge` computes the same results in f64 and the multiple of 2^k that each lost follows.
    pub fn of<W: Word>(
        points: u32,
        wrapped: &[W],
        bound: f64,
        safe_bits: u32,
        judge: impl FnOnce() -> Vec<f64>,
    ) -> Products {
        let (ring, safe) = (f64::from(W::BITS).exp2(), f64::from(safe_bits).exp2());
        let mut p = Products { points, count: wrapped.len(), ..Products::default() };
        let mut see = |v: f64| {
            p.largest = p.largest.max(v.abs());
            p.total += v.abs();
            if v >= safe || v < -safe {
                p.outside += 1;
                p.first.get_or_insert(v);
            }
        };
        if bound < ring / 2.0 {
            wrapped.iter().for_each(|v| see(v.to_f64()));
        } else {
            for (w, j) in wrapped.iter().zip(judge()) {
                let w = w.to_f64();
                see(w + ring * ((j - w) / ring).round());
            }
        }
        p
    }
}

/// The largest magnitude among ring elements; 0 when there are none.
pub fn largest<W: Word>(v: &[W]) -> f64 {
    let (lo, hi) = v.iter().fold((W::default(), W::default()), |(l, h), &x| (l.min(x), h.max(x)));
    hi.to_f64().max(-lo.to_f64())
}

/// Ring elements as exact as f64 can hold them.
pub fn floats<W: Word>(v: &[W]) -> Vec<f64> {
    v.iter().map(|x| x.to_f64()).collect()
}
