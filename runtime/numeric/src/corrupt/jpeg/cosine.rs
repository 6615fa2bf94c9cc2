//! The cosine transform of 8×8 blocks in the whole numbers of libjpeg's accurate method.
//!
//! Constants have 13 fractional bits. Between the two passes 2 fractional bits are kept, and coefficients come out
//! eight times too large, which the quantisation divides away. So results are the same on every machine.

/// Side of a block.
pub(super) const BLOCK: usize = 8;

/// Fractional bits of the constants and of what lies between the passes.
const CONSTANT: u32 = 13;
const BETWEEN: u32 = 2;

/// Row `k`: 2¹³·√2·cos((2n + 1)kπ/16) for n from 0 to 3, all 2¹³ for `k = 0`; further on even rows are mirrored and odd
/// ones mirrored and negated. Some are one off: libjpeg adds them up from twelve rounded constants.
const WAVES: [[i32; BLOCK / 2]; BLOCK] = [
    [8192, 8192, 8192, 8192],
    [11363, 9633, 6437, 2260],
    [10703, 4433, -4433, -10703],
    [9633, -2259, -11362, -6436],
    [8192, -8192, -8192, 8192],
    [6437, -11362, 2261, 9633],
    [4433, -10704, 10704, -4433],
    [2260, -6436, 9633, -11363],
];

fn wave(k: usize, n: usize) -> i32 {
    match n {
        0..4 => WAVES[k][n],
        _ if k.is_multiple_of(2) => WAVES[k][BLOCK - 1 - n],
        _ => -WAVES[k][BLOCK - 1 - n],
    }
}

/// Eight times the coefficients (ITU-T T.81, A.3.3) of a block of values from -128 to 127, both in row order.
pub(super) fn forward(block: &[i32; 64]) -> [i32; 64] {
    let rows = product(|i, n| block[i * BLOCK + n], |n, k| wave(k, n), CONSTANT - BETWEEN);
    product(wave, |n, j| rows[n * BLOCK + j], CONSTANT + BETWEEN)
}

/// The block of those coefficients, these not enlarged.
pub(super) fn backward(waves: &[i32; 64]) -> [i32; 64] {
    let columns = product(|n, k| wave(k, n), |k, j| waves[k * BLOCK + j], CONSTANT - BETWEEN);
    product(|i, k| columns[i * BLOCK + k], wave, CONSTANT + BETWEEN + 3)
}

/// The product of two 8×8 matrices without its last `drop` bits, rounded.
fn product(a: impl Fn(usize, usize) -> i32, b: impl Fn(usize, usize) -> i32, drop: u32) -> [i32; 64] {
    std::array::from_fn(|i| {
        let sum: i32 = (0..BLOCK).map(|k| a(i / BLOCK, k) * b(k, i % BLOCK)).sum();
        (sum + (1 << (drop - 1))) >> drop
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_cosines() {
        for k in 0..BLOCK {
            for n in 0..BLOCK {
                let norm = if k == 0 { 1.0 } else { std::f64::consts::SQRT_2 };
                let angle = ((2 * n + 1) * k) as f64 * std::f64::consts::PI / 16.0;
                assert!((f64::from(wave(k, n)) - 8192.0 * norm * angle.cos()).abs() < 1.6);
            }
        }
    }

    #[test]
    fn nears_the_double_sum_of_the_standard() {
        let block: [i32; 64] = std::array::from_fn(|i| (i * 29 % 255) as i32 - 128);
        let waves = forward(&block);
        for v in 0..8 {
            for u in 0..8 {
                let c = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
                let angle = |n: usize, k: usize| ((2 * n + 1) * k) as f64 * std::f64::consts::PI / 16.0;
                let mut sum = 0.0;
                for y in 0..8 {
                    for x in 0..8 {
                        sum += f64::from(block[y * 8 + x]) * angle(x, u).cos() * angle(y, v).cos();
                    }
                }
                let wanted = 0.25 * c(u) * c(v) * sum;
                assert!((f64::from(waves[v * 8 + u]) / 8.0 - wanted).abs() < 0.2, "{u} {v}");
            }
        }
        let back = backward(&waves.map(|w| (w + 4) >> 3));
        assert!(back.iter().zip(&block).all(|(a, b)| a.abs_diff(*b) <= 2));
    }
}
