#![allow(clippy::unwrap_used)]

use super::*;

/// (rows, inner, columns), requests, responses, packed, the activation is encrypted; as spu 0.9.5 sent them.
#[test]
fn counts_of_measured_shapes() {
    for (dims, requests, responses, packed, left) in [
        ([1024, 27, 16], 2, 2, true, false),
        ([1024, 144, 16], 2, 2, true, false),
        ([256, 144, 32], 2, 1, true, false),
        ([256, 288, 32], 2, 1, true, false),
        ([64, 288, 64], 3, 1, true, true),
        ([64, 576, 64], 5, 1, true, true),
        ([256, 16, 32], 1, 1, true, true),
        ([64, 200, 24], 2, 1, true, true),
        ([256, 576, 128], 9, 4, true, false),
        ([1, 64, 10], 1, 1, false, true),
        ([4, 100, 30], 1, 2, false, true),
        ([1, 512, 100], 1, 1, true, true),
        ([1, 2048, 1000], 2, 1, true, true),
    ] {
        let plan = cheetah_matmul(dims[0], dims[1], dims[2], 8192);
        assert_eq!(plan, Tiling { requests, responses, packed, encrypts_left: left }, "{dims:?}");
    }
}

#[test]
fn sides_swap_with_who_encrypts() {
    let ct = |side| Ciphertexts {
        packing: Packing::CheetahMatmul,
        degree: 8192,
        side,
        request: 10.0,
        response: 1.0,
        sparse: 0.5,
        coefficient: 0.0,
    };
    let q = |rows, inner, columns| Quantities { rows, inner, columns, ..Quantities::default() };
    // The weights are encrypted: their owner sends two requests.
    assert_eq!(ct(Side::Weights).at(&q(1024.0, 144.0, 16.0)), 20.0);
    assert_eq!(ct(Side::Activation).at(&q(1024.0, 144.0, 16.0)), 2.0);
    assert_eq!(ct(Side::Both).at(&q(1024.0, 144.0, 16.0)), 22.0);
    // The activation is encrypted.
    assert_eq!(ct(Side::Weights).at(&q(64.0, 576.0, 64.0)), 1.0);
    assert_eq!(ct(Side::Activation).at(&q(64.0, 576.0, 64.0)), 50.0);
    assert_eq!(ct(Side::Both).at(&Quantities::elementwise(7)), 0.0);
}

#[test]
fn every_block_fits_its_polynomial() {
    for degree in [4096, 8192, 16384] {
        for dims in [[1, 1, 1], [7, 9000, 3], [50_000, 2, 2], [3, 3, 20_000]] {
            let b = cheapest_block(dims, degree, degree >= 8192);
            assert!(b.iter().product::<u64>() <= degree && b.iter().all(|&d| d > 0), "{dims:?} {b:?}");
        }
    }
}
