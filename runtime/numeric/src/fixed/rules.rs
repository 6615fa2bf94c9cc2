//! How a runtime keeps numbers: what an operation needs to know of the ring.

use super::format::{Format, encode};
use super::lane::{Parties, Word};
use super::truncation::Truncation;
use super::watch::Products;
use relinc_passes::splitmix::SplitMix;

/// How numbers are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Ring and fraction bits.
    pub format: Format,
    /// What happens after a product, and what goes with it.
    pub truncation: Truncation,
}

impl Rules {
    /// A public number.
    pub fn number<W: Word>(self, v: f32) -> W {
        encode(v, self.format.fraction, self.truncation)
    }

    /// Is a below b, as protocols see it: is the top bit of the difference set? Wrong where the difference leaves the
    /// numbers that the runtime compares, as it is there.
    #[inline(always)]
    pub fn below<W: Word>(self, a: W, b: W) -> bool {
        a.minus(b).narrow(self.truncation.width(W::BITS)) < W::default()
    }
    /// The larger, by [`Rules::below`].
    #[inline(always)]
    pub fn larger<W: Word>(self, a: W, b: W) -> W {
        if self.below(a, b) { b } else { a }
    }
    /// The smaller, by [`Rules::below`].
    #[inline(always)]
    pub fn smaller<W: Word>(self, a: W, b: W) -> W {
        if self.below(a, b) { a } else { b }
    }

    /// Truncates products in place; how many went wrong at random.
    pub fn settle<W: Word>(self, v: &mut [W], dice: &mut SplitMix) -> usize {
        let (how, fraction) = (self.truncation, self.format.fraction);
        let mut failed = 0;
        for x in v {
            let y = x.truncate(how, fraction, dice);
            if how.fails_at_random() {
                failed += usize::from(far(y, x.truncate(Truncation::Exact, fraction, dice)));
            }
            *x = y;
        }
        failed
    }

    /// Truncates products of two numbers and says what they were before; see [`Products::of`].
    pub fn truncated<W: Word>(
        self,
        v: &mut [W],
        bound: f64,
        judge: impl FnOnce() -> Vec<f64>,
        dice: &mut SplitMix,
    ) -> Products {
        let seen = Products::of(2, v, bound, self.truncation.safe_bits(self.format), judge);
        Products { failed: self.settle(v, dice), ..seen }
    }

    /// What sums of numbers were.
    pub fn sums<W: Word>(self, v: &[W], bound: f64, judge: impl FnOnce() -> Vec<f64>) -> Products {
        Products::of(1, v, bound, self.truncation.value_bits(self.format.ring), judge)
    }

    /// Turns sums into means: the `i`-th is of `count(i)` numbers. `bound` limits the sums' magnitude, `judge` computes them
    /// in f64. A mean is a product with the encoded 1/n, truncated; CrypTen divides by n.
    pub fn means<W: Word>(
        self,
        v: &mut [W],
        count: impl Fn(usize) -> usize,
        bound: f64,
        judge: impl FnOnce() -> Vec<f64>,
        dice: &mut SplitMix,
    ) -> Products {
        let parties = match self.truncation {
            Truncation::Crypten => Parties::Two,
            Truncation::Crypten3 => Parties::Three,
            Truncation::Probabilistic
            | Truncation::Local
            | Truncation::Cheetah
            | Truncation::Exact
            | Truncation::MpSpdz => {
                let inverse = |i: usize| self.number::<W>(1.0 / count(i) as f32);
                v.iter_mut().enumerate().for_each(|(i, s)| *s = s.times(inverse(i)));
                let most = (0..v.len()).map(|i| inverse(i).to_f64()).fold(0.0, f64::max);
                let scaled =
                    || judge().into_iter().enumerate().map(|(i, s)| s * inverse(i).to_f64()).collect();
                return self.truncated(v, bound * most, scaled, dice);
            }
        };
        let mut seen = self.sums(v, bound, judge);
        for (i, s) in v.iter_mut().enumerate() {
            let n = count(i) as f64;
            let y = s.share_out(W::from_f64(n), parties, dice);
            seen.failed += usize::from(far(y, W::from_f64(s.to_f64() / n)));
            *s = y;
        }
        seen
    }
}

/// Is a rounded number further from the true one than any rounding takes it?
fn far<W: Word>(y: W, exact: W) -> bool {
    let few = W::from_f64(4.0);
    let d = y.minus(exact);
    d > few || d < W::default().minus(few)
}
