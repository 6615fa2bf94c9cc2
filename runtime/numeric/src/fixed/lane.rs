//! Numbers that products are computed on: ring elements, and f64 as the judge of whether they wrapped.

use super::truncation::Truncation;
use relinc_passes::splitmix::SplitMix;

/// What a matrix product needs of a number.
pub trait Lane: Copy + Default + Send + Sync + 'static {
    /// The sum; modulo 2^k in a ring.
    fn plus(self, o: Self) -> Self;
    /// The product; modulo 2^k in a ring.
    fn times(self, o: Self) -> Self;
}

impl Lane for f64 {
    #[inline(always)]
    fn plus(self, o: f64) -> f64 {
        self + o
    }
    #[inline(always)]
    fn times(self, o: f64) -> f64 {
        self * o
    }
}

/// An integer modulo 2^[`Word::BITS`], read as a signed number.
pub trait Word: Lane + Ord + std::fmt::Debug {
    /// Bits of the ring.
    const BITS: u32;
    /// The difference modulo 2^k.
    fn minus(self, o: Self) -> Self;
    /// The nearest integer towards zero, held within the ring.
    fn from_f64(v: f64) -> Self;
    /// The signed value.
    fn to_f64(self) -> f64;
    /// Drops the last `bits` bits as `how` does, 0 < `bits` < k/2 − 1; randomness comes from `dice`.
    fn truncate(self, how: Truncation, bits: u32, dice: &mut SplitMix) -> Self;
    /// Divides by a public `by` > 0 as the parties of CrypTen do, each its share.
    fn share_out(self, by: Self, parties: Parties, dice: &mut SplitMix) -> Self;
    /// The last `width` bits as a signed number.
    fn narrow(self, width: u32) -> Self;
}

/// How many divide their shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parties {
    /// Each its share, and nothing more.
    Two,
    /// Each its share, corrected by the wraps of their sum.
    Three,
}

macro_rules! word {
    ($signed:ty, $unsigned:ty, $draw:expr) => {
        impl Lane for $signed {
            #[inline(always)]
            fn plus(self, o: Self) -> Self {
                self.wrapping_add(o)
            }
            #[inline(always)]
            fn times(self, o: Self) -> Self {
                self.wrapping_mul(o)
            }
        }
        impl Word for $signed {
            const BITS: u32 = <$signed>::BITS;
            #[inline(always)]
            fn minus(self, o: Self) -> Self {
                self.wrapping_sub(o)
            }
            fn from_f64(v: f64) -> Self {
                v as $signed
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn truncate(self, how: Truncation, bits: u32, dice: &mut SplitMix) -> Self {
                const K: u32 = <$signed>::BITS;
                let mut draw = || -> $unsigned { $draw(dice) };
                // x + 2^(k−2) is opened under the mask r; what wrapped is known from the top bits of both.
                let masked = |r: $unsigned| -> $signed {
                    let c = (self as $unsigned).wrapping_add(1 << (K - 2)).wrapping_add(r);
                    let wrapped = (c >> (K - 1)) ^ (r >> (K - 1));
                    let high = |v: $unsigned| (v << 1) >> (bits + 1);
                    let y = high(c).wrapping_sub(high(r)).wrapping_add(wrapped << (K - 1 - bits));
                    y.wrapping_sub(1 << (K - 2 - bits)) as $signed
                };
                match how {
                    Truncation::Exact => self >> bits,
                    Truncation::Probabilistic => masked(draw()),
                    Truncation::Cheetah => {
                        let y = masked(draw());
                        y.wrapping_sub((draw() & 1) as $signed)
                    }
                    Truncation::Local => {
                        let share = draw() as $signed;
                        (share >> bits).wrapping_add(self.wrapping_sub(share) >> bits)
                    }
                    Truncation::Crypten => self.share_out(1 << bits, Parties::Two, dice),
                    Truncation::Crypten3 => self.share_out(1 << bits, Parties::Three, dice),
                    Truncation::MpSpdz => {
                        let low = draw() as $signed & ((1 << bits) - 1);
                        self.narrow(how.width(K) + bits).wrapping_add(low) >> bits
                    }
                }
            }
            #[inline]
            fn share_out(self, by: Self, parties: Parties, dice: &mut SplitMix) -> Self {
                const K: u32 = <$signed>::BITS;
                let mut draw = || -> $signed { $draw(dice) as $signed };
                let a = draw();
                if parties == Parties::Two {
                    return (a / by).wrapping_add(self.wrapping_sub(a) / by);
                }
                let b = draw();
                let c = self.wrapping_sub(a).wrapping_sub(b);
                // How often a sum left the ring: once upwards is 1.
                let wrap = |x: $signed, y: $signed| match x.overflowing_add(y) {
                    (s, true) => (s, if x < 0 { -1 } else { 1 }),
                    (s, false) => (s, 0),
                };
                let (ab, first) = wrap(a, b);
                let (_, second) = wrap(ab, c);
                // The count is opened under a mask, and the mask's own wrap is left in it.
                let (_, left) = wrap(self, draw());
                let wraps: $signed = first + second + left;
                let sum = (a / by).wrapping_add(b / by).wrapping_add(c / by);
                sum.wrapping_sub(wraps.wrapping_mul(4).wrapping_mul((1 << (K - 2)) / by))
            }
            #[inline(always)]
            fn narrow(self, width: u32) -> Self {
                let above = <$signed>::BITS - width;
                (self << above) >> above
            }
        }
    };
}

word!(i32, u32, |d: &mut SplitMix| (d.next_u64() >> 32) as u32);
word!(i64, u64, |d: &mut SplitMix| d.next_u64());
word!(i128, u128, |d: &mut SplitMix| u128::from(d.next_u64()) << 64 | u128::from(d.next_u64()));
