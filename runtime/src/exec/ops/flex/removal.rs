//! What the removal of ReLUs costs, in one pass.

use super::{T, elements, make, plain, slice};
use crate::exec::ops::removal::RemovalOps;
use crate::kernels::removal;
use burn::backend::Flex;

impl RemovalOps for Flex {
    fn costs(x: T, g: T, slope: T) -> (T, T) {
        let [x, g, slope] = [x, g, slope].map(plain);
        let slope = slice(&slope);
        let [identity, zero] =
            elements("costs of removal", slope.len(), || removal::costs(slice(&x), slice(&g), slope));
        (make(identity), make(zero))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::ops::composed;
    use crate::kernels::noise;

    #[test]
    fn the_kernel_sums_what_the_composition_sums() {
        let (n, len) = (5, 150);
        let [x, g, slope] = [(n * len, 1), (n * len, 2), (len, 3)].map(|(len, seed)| make(noise(len, seed)));
        let own = Flex::costs(x.clone(), g.clone(), slope.clone());
        let other = composed::removal_costs::<Flex>(x, g, slope);
        for (a, b) in [(own.0, other.0), (own.1, other.1)] {
            for (a, b) in slice(&a).iter().zip(slice(&plain(b))) {
                assert!((a - b).abs() <= 1e-5 * b.abs(), "{a} and {b}");
            }
        }
    }
}
