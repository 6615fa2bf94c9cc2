//! Numbers that shares are of: rings of 32, 64 and 128 bits, and the integers modulo the Mersenne primes that fit into them.

/// A number as it is drawn, computed with and sent.
pub trait Number: Copy + Default + Send + Sync + 'static {
    /// Bytes on the wire.
    const BYTES: usize;
    /// Bytes of pseudorandom numbers that one takes.
    const DRAWN: usize;
    /// Is it drawn in counter mode, rather than by encrypting counters one by one?
    const COUNTER_MODE: bool;
    /// From [`Number::DRAWN`] bytes.
    fn draw(bytes: &[u8]) -> Self;
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The difference.
    fn minus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// Appends its bytes, the lowest first.
    fn write(self, to: &mut Vec<u8>);
}

/// A number of a ring of 2^k: it has bits.
pub trait Ring: Number {
    /// k.
    const BITS: u32 = Self::BYTES as u32 * 8;
    /// The lowest bit of a byte, as a number.
    fn bit(byte: u8) -> Self;
    /// Bit by bit, either but not both.
    fn xor(self, other: Self) -> Self;
    /// Bit by bit, both.
    fn and(self, other: Self) -> Self;
    /// Towards the highest bit.
    fn left(self, by: u32) -> Self;
    /// Towards the lowest bit, zeros coming in.
    fn right(self, by: u32) -> Self;
    /// Towards the lowest bit, copies of the highest coming in.
    fn right_signed(self, by: u32) -> Self;
}

/// A number modulo the largest Mersenne prime of fewer bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prime<T>(pub T);

/// The first bytes as an array; zeros stand for what is missing.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

macro_rules! ring {
    ($t:ty, $signed:ty) => {
        impl Number for $t {
            const BYTES: usize = size_of::<$t>();
            const DRAWN: usize = size_of::<$t>();
            const COUNTER_MODE: bool = false;
            #[inline(always)]
            fn draw(bytes: &[u8]) -> Self {
                <$t>::from_le_bytes(first(bytes))
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }
        impl Ring for $t {
            #[inline(always)]
            fn bit(byte: u8) -> Self {
                (byte & 1).into()
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn left(self, by: u32) -> Self {
                self.wrapping_shl(by)
            }
            #[inline(always)]
            fn right(self, by: u32) -> Self {
                self.wrapping_shr(by)
            }
            #[inline(always)]
            fn right_signed(self, by: u32) -> Self {
                (self as $signed).wrapping_shr(by) as $t
            }
        }
    };
}
ring!(u32, i32);
ring!(u64, i64);
ring!(u128, i128);

macro_rules! prime {
    ($t:ty, $exponent:literal, $drawn:literal, $draw:expr) => {
        impl Prime<$t> {
            /// The prime.
            pub const P: $t = (1 << $exponent) - 1;
            fn reduced(x: $t) -> Self {
                Prime(if x >= Self::P { x - Self::P } else { x })
            }
        }
        impl Number for Prime<$t> {
            const BYTES: usize = size_of::<$t>();
            const DRAWN: usize = $drawn;
            const COUNTER_MODE: bool = true;
            fn draw(bytes: &[u8]) -> Self {
                let draw: fn(&[u8]) -> $t = $draw;
                Prime(draw(bytes))
            }
            fn plus(self, other: Self) -> Self {
                Self::reduced(self.0 + other.0)
            }
            fn minus(self, other: Self) -> Self {
                Self::reduced(self.0 + (Self::P - other.0))
            }
            fn times(self, other: Self) -> Self {
                let (low, high) = self.0.times_wide(other.0);
                // 2^e = 1, so what is above e bits is added to what is below.
                let above = (low >> $exponent) | (high << (<$t>::BITS - $exponent));
                Self::reduced((low & Self::P) + above)
            }
            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.0.to_le_bytes());
            }
        }
    };
}
prime!(u32, 31, 9, |bytes| {
    let mut wide = [0; 16];
    wide[..9].copy_from_slice(&first::<9>(bytes));
    (u128::from_le_bytes(wide) % u128::from(Prime::<u32>::P)) as u32
});
prime!(u64, 61, 8, |bytes| {
    let x = u64::from_le_bytes(first(bytes)) & Prime::<u64>::P;
    if x == Prime::<u64>::P { 0 } else { x }
});
prime!(u128, 127, 16, |bytes| {
    let x = u128::from_le_bytes(first(bytes)) & Prime::<u128>::P;
    if x == Prime::<u128>::P { 0 } else { x }
});

/// A product of twice the bits, as (low, high).
trait Wide: Sized {
    fn times_wide(self, other: Self) -> (Self, Self);
}
impl Wide for u32 {
    fn times_wide(self, other: Self) -> (Self, Self) {
        let x = u64::from(self) * u64::from(other);
        (x as u32, (x >> 32) as u32)
    }
}
impl Wide for u64 {
    fn times_wide(self, other: Self) -> (Self, Self) {
        let x = u128::from(self) * u128::from(other);
        (x as u64, (x >> 64) as u64)
    }
}
impl Wide for u128 {
    fn times_wide(self, other: Self) -> (Self, Self) {
        let half = |x: u128| (x & u128::from(u64::MAX), x >> 64);
        let ((a, b), (c, d)) = (half(self), half(other));
        let (low, middle, more) = (a * c, a * d, b * c);
        let (low, carry) = low.overflowing_add(middle << 64);
        let (low, again) = low.overflowing_add(more << 64);
        (low, b * d + (middle >> 64) + (more >> 64) + u128::from(carry) + u128::from(again))
    }
}
