//! What both sides of a ReLU's operand weigh under a gradient, in one pass.

use super::{T, elements, make, plain, slice};
use crate::exec::ops::side_squares::SideSquares;
use crate::kernels::side_squares::side_squares;
use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::FloatDType;

impl SideSquares for Flex {
    fn sums(x: T, g: T, each: usize) -> (T, T) {
        // What an executor watches is f32, its gradient of the executor's precision.
        let [x, g] = [x, g].map(|t| plain(Flex::float_cast(t, FloatDType::F32)));
        let [above, below] = elements("worth of ReLUs", each, || side_squares(slice(&x), slice(&g), each));
        (make(above), make(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::ops::composed;
    use crate::kernels::noise;

    #[test]
    fn the_kernel_sums_what_the_composition_sums() {
        let (n, each) = (5, 150);
        let [x, g] = [1, 2].map(|seed| make(noise(n * each, seed)));
        let own = Flex::sums(x.clone(), g.clone(), each);
        let other = composed::side_squares::<Flex>(x, g, each);
        for (a, b) in [(own.0, other.0), (own.1, other.1)] {
            for (a, b) in slice(&a).iter().zip(slice(&plain(b))) {
                assert!((a - b).abs() <= 1e-5 * b.abs(), "{a} and {b}");
            }
        }
    }
}
