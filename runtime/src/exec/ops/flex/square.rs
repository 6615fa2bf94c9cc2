//! Quadratics with a normalised square, by [`crate::kernels::square`].

use super::{T, elements, make, plain, slice};
use crate::exec::ops::square::{Coefficients, Square, SquareKernels};
use crate::kernels::square;
use burn::backend::Flex;

/// What the kernels borrow.
fn coefficients<'a>([a, b, c]: &'a [T; 3], s: &Square) -> square::Coefficients<'a> {
    square::Coefficients {
        square: slice(a),
        slope: slice(b),
        shift: slice(c),
        blend: s.blend,
        eps: s.planes.eps,
    }
}

fn three(k: &Coefficients<Flex>) -> [T; 3] {
    [&k.0, &k.1, &k.2].map(|v| plain(v.clone()))
}

impl SquareKernels for Flex {
    fn square(z: T, k: &Coefficients<Flex>, s: &Square) -> [T; 3] {
        let (z, k, area) = (plain(z), three(k), s.planes.size);
        let each = s.planes.channels * area;
        let (y, mean, variance) =
            elements("quadratic", each, || square::forward(slice(&z), coefficients(&k, s), area));
        [make(y), make(mean), make(variance)]
    }
    fn square_backward(z: T, k: &Coefficients<Flex>, statistics: [T; 2], grad: T, s: &Square) -> [T; 4] {
        let ([z, grad], k, area) = ([z, grad].map(plain), three(k), s.planes.size);
        let [mean, variance] = statistics.map(plain);
        let (values, moments) = ((slice(&z), slice(&grad)), (slice(&mean), slice(&variance)));
        let g = elements("quadratic, backward", s.planes.channels * area, || {
            square::backward(values, coefficients(&k, s), moments, area)
        });
        [make(g.x), make(g.square), make(g.slope), make(g.shift)]
    }
    fn tails(z: T) -> T {
        let z = plain(z);
        let sum = elements("tails", slice(&z).len(), || square::tails(slice(&z)));
        make(vec![sum])
    }
    fn tails_backward(z: T, grad: T) -> T {
        let [z, grad] = [z, grad].map(plain);
        let by = slice(&grad).first().copied().unwrap_or(0.0);
        make(elements("tails, backward", slice(&z).len(), || square::tails_grad(slice(&z), by)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::ops::{Planes, composed};
    use crate::kernels::noise;

    fn close(own: &T, other: T) {
        let (own, other) = (slice(own), plain(other));
        let top = slice(&other).iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        assert_eq!(own.len(), slice(&other).len());
        assert!(own.iter().zip(slice(&other)).all(|(a, b)| (a - b).abs() <= 2e-5 * top));
    }

    #[test]
    fn the_kernels_compute_what_the_compositions_compute() {
        let planes = Planes { n: 5, channels: 3, size: 50, eps: 1e-5 };
        let rows = |seed| make(noise(3, seed));
        let k = Coefficients::<Flex>(rows(1), rows(2), rows(3));
        let wide = |seed| make(noise(750, seed).iter().map(|v| 6.0 * v).collect::<Vec<_>>());
        let (z, grad) = (wide(4), wide(5));
        for blend in [0.0, 0.4, 1.0] {
            let s = Square { planes, blend };
            let own = Flex::square(z.clone(), &k, &s);
            let other = composed::square::<Flex>(z.clone(), &k, &s);
            let moments = [own[1].clone(), own[2].clone()];
            own.iter().zip(other).for_each(|(a, b)| close(a, b));
            let own = Flex::square_backward(z.clone(), &k, moments.clone(), grad.clone(), &s);
            let other = composed::square_backward::<Flex>(z.clone(), &k, moments, grad.clone(), &s);
            own.iter().zip(other).for_each(|(a, b)| close(a, b));
        }
        close(&Flex::tails(z.clone()), composed::tails::<Flex>(z.clone()));
        let one = make(vec![3.0f32]);
        close(&Flex::tails_backward(z.clone(), one.clone()), composed::tails_backward::<Flex>(z, one));
    }
}
