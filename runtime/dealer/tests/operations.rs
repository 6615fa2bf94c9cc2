//! Every operation against plain arithmetic on integers of 128 bits, for all widths, one to three parties.

#![allow(clippy::unwrap_used)]

mod common;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use common::{Dealer, post, unframe};
use relinc_dealer::Limits;
use serde_json::{Value, json};

fn encrypted(seed: &[u8; 16], block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes128::new(&(*seed).into()).encrypt_block(&mut block);
    block.into()
}

/// Bytes that a party draws.
fn drawn(seed: &[u8; 16], count: u64, bytes: usize, counter_mode: bool) -> Vec<u8> {
    let mut out = vec![];
    let mut iv = u128::from(count).to_le_bytes();
    for i in 0.. {
        if out.len() >= bytes {
            break;
        }
        if counter_mode {
            out.extend(encrypted(seed, iv));
            for byte in iv.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        } else {
            out.extend(encrypted(seed, (u128::from(count) + i).to_le_bytes()));
        }
    }
    out.truncate(bytes);
    out
}

/// Numbers of some bytes each.
fn numbers(bytes: &[u8], width: usize) -> Vec<u128> {
    let number = |b: &[u8]| b.iter().rev().fold(0, |x, b| x << 8 | u128::from(*b));
    bytes.chunks(width).map(number).collect()
}

struct Case {
    seeds: Vec<[u8; 16]>,
    hidden: Vec<String>,
    width: usize,
}

impl Case {
    fn bits(&self) -> u32 {
        self.width as u32 * 8
    }
    fn cut(&self, x: u128) -> u128 {
        if self.width == 16 { x } else { x & ((1 << self.bits()) - 1) }
    }
    fn shares(&self, count: u64, n: usize) -> Vec<Vec<u128>> {
        self.seeds.iter().map(|s| numbers(&drawn(s, count, n * self.width, false), self.width)).collect()
    }
    fn joined(&self, count: u64, n: usize, f: impl Fn(u128, u128) -> u128) -> Vec<u128> {
        let shares = self.shares(count, n);
        (0..n).map(|i| self.cut(shares.iter().map(|s| s[i]).reduce(&f).unwrap())).collect()
    }
    fn sum(&self, count: u64, n: usize) -> Vec<u128> {
        self.joined(count, n, u128::wrapping_add)
    }
    fn input(&self, count: u64, n: usize) -> Value {
        json!({"prg_count": count, "buffer_len": n * self.width, "encrypted_seeds": self.hidden})
    }
    fn request(&self, counts: &[u64], n: usize) -> Value {
        let inputs: Vec<Value> = counts.iter().map(|&c| self.input(c, n)).collect();
        json!({"prg_inputs": inputs, "field_size": self.width})
    }
    fn ask(&self, dealer: &Dealer, method: &str, request: &Value) -> Vec<u128> {
        let (status, answer) = post(&mut dealer.connect(), method, request.to_string().as_bytes()).unwrap();
        assert_eq!(status, 200, "{method}");
        numbers(&unframe(&answer).unwrap_or_else(|e| panic!("{method}: {e:?}")), self.width)
    }
}

fn cases(dealer: &Dealer) -> Vec<Case> {
    let seed = |i: u8| std::array::from_fn(|j| (j as u8).wrapping_mul(37) ^ i.wrapping_mul(91));
    let mut out = vec![];
    for width in [4, 8, 16] {
        for parties in 1..=3 {
            let seeds: Vec<[u8; 16]> = (0..parties).map(seed).collect();
            let hidden = seeds.iter().map(|s| dealer.hide(s)).collect();
            out.push(Case { seeds, hidden, width });
        }
    }
    out
}

#[test]
fn operations_on_elements_are_those_of_plain_arithmetic() {
    let dealer = Dealer::start(Limits::default());
    for case in cases(&dealer) {
        for n in [1, 5, 16, 8192 + 3] {
            let [c0, c1, c2] = [3, 70_000, u64::MAX - 40_000];
            let (r0, r1, r2) = (case.sum(c0, n), case.sum(c1, n), case.sum(c2, n));
            let check = |method: &str, got: &[u128], want: &dyn Fn(usize) -> u128| {
                assert_eq!(got.len(), n, "{method}");
                for (i, got) in got.iter().enumerate() {
                    assert_eq!(*got, case.cut(want(i)), "{method}, {} bytes, element {i} of {n}", case.width);
                }
            };
            let one = |method: &str, counts: &[u64], more: Value, want: &dyn Fn(usize) -> u128| {
                let mut request = case.request(counts, n);
                more.as_object().unwrap().iter().for_each(|(k, v)| request[k] = v.clone());
                check(method, &case.ask(&dealer, method, &request), want);
            };
            one("AdjustMul", &[c0, c1, c2], json!({}), &|i| r0[i].wrapping_mul(r1[i]).wrapping_sub(r2[i]));
            one("AdjustMul", &[c0, c0, c2], json!({"element_type": "RING"}), &|i| {
                r0[i].wrapping_mul(r0[i]).wrapping_sub(r2[i])
            });
            let product = case.joined(c0, n, u128::wrapping_mul);
            one("AdjustMulPriv", &[c0, c1], json!({}), &|i| product[i].wrapping_sub(r1[i]));
            one("AdjustSquare", &[c0, c1], json!({}), &|i| r0[i].wrapping_mul(r0[i]).wrapping_sub(r1[i]));
            let signed = |x: u128, by: u32| {
                let up = 128 - case.bits();
                ((x << up) as i128 >> up >> by) as u128
            };
            one("AdjustTrunc", &[c0, c1], json!({"bits": 13}), &|i| signed(r0[i], 13).wrapping_sub(r1[i]));
            let xors = case.joined(c1, n, |a, b| a ^ b);
            one("AdjustEqz", &[c0, c1], json!({}), &|i| r0[i] ^ xors[i]);
            let mut request = case.request(&[c0, c1, c2], n);
            request["bits"] = json!(18);
            let got = case.ask(&dealer, "AdjustTruncPr", &request);
            check("AdjustTruncPr", &got[..n], &|i| (case.cut(r0[i] << 1) >> 19).wrapping_sub(r1[i]));
            check("AdjustTruncPr", &got[n..], &|i| (r0[i] >> (case.bits() - 1)).wrapping_sub(r2[i]));
            let bits = case.ask(&dealer, "AdjustRandBit", &case.request(&[c0], n));
            let bits: Vec<u128> = bits.iter().zip(&r0).map(|(x, r)| case.cut(x.wrapping_add(*r))).collect();
            assert!(bits.iter().all(|&b| b < 2));
            if n > 1000 {
                let ones: u128 = bits.iter().sum();
                assert!((n as u128 * 45 / 100..n as u128 * 55 / 100).contains(&ones), "{ones} ones of {n}");
            }
        }
    }
}

#[test]
fn bits_are_cut_off_at_any_byte() {
    let dealer = Dealer::start(Limits::default());
    for case in cases(&dealer) {
        for bytes in [1, 16, 37, 40_001] {
            let counts = [0, 5000, 9000];
            let input =
                |c: &u64| json!({"prg_count": c, "buffer_len": bytes, "encrypted_seeds": case.hidden});
            let request = json!({"prg_inputs": counts.iter().map(input).collect::<Vec<_>>()});
            let (_, answer) =
                post(&mut dealer.connect(), "AdjustAnd", request.to_string().as_bytes()).unwrap();
            let xor = |count: u64| {
                let mut sum = vec![0; bytes];
                for seed in &case.seeds {
                    sum.iter_mut().zip(drawn(seed, count, bytes, false)).for_each(|(x, y)| *x ^= y);
                }
                sum
            };
            let [a, b, c] = counts.map(xor);
            let want: Vec<u8> = (0..bytes).map(|i| a[i] & b[i] ^ c[i]).collect();
            assert_eq!(unframe(&answer).unwrap(), want);
        }
    }
}

#[test]
fn products_of_matrices_are_those_of_plain_loops() {
    let dealer = Dealer::start(Limits::default());
    for case in cases(&dealer) {
        for (m, k, n) in [(1, 1, 1), (5, 70, 33), (130, 9, 2500)] {
            for transposed in [[false, false], [true, false], [false, true]] {
                let counts = [1, 100_000, 200_000];
                let (a, b, c) = (case.sum(1, m * k), case.sum(100_000, k * n), case.sum(200_000, m * n));
                let sizes = [m * k, k * n, m * n];
                let inputs: Vec<Value> = counts.iter().zip(sizes).map(|(&c, n)| case.input(c, n)).collect();
                let request = json!({"prg_inputs": inputs, "field_size": case.width, "M": m, "N": n, "K": k,
                    "transpose_inputs": [transposed[0], transposed[1], false]});
                let got = case.ask(&dealer, "AdjustDot", &request);
                assert_eq!(got.len(), m * n);
                // Some of the elements of the largest.
                for at in (0..m * n).step_by(if m * n > 10_000 { 977 } else { 1 }) {
                    let (i, j) = (at / n, at % n);
                    let left = |l| a[if transposed[0] { l * m + i } else { i * k + l }];
                    let right = |l| b[if transposed[1] { j * k + l } else { l * n + j }];
                    let sum = (0..k).fold(0u128, |s, l| s.wrapping_add(left(l).wrapping_mul(right(l))));
                    assert_eq!(got[at], case.cut(sum.wrapping_sub(c[at])), "{} bytes, {i}, {j}", case.width);
                }
            }
        }
    }
}

#[test]
fn permutations_are_taken_back() {
    let dealer = Dealer::start(Limits::default());
    for case in cases(&dealer) {
        for n in [1, 2, 1000] {
            let (r0, r1) = (case.sum(0, n), case.sum(7000, n));
            let party = case.seeds.len() - 1;
            let mut request = case.request(&[0, 7000], n);
            request["perm"] = json!({"prg_count": 300, "size": n, "encrypted_seeds": case.hidden[party]});
            let got = case.ask(&dealer, "AdjustPerm", &request);
            let chosen = numbers(&drawn(&case.seeds[party], 300, (n - 1) * 16, true), 16);
            let mut order: Vec<usize> = (0..n).collect();
            for i in (1..n).rev() {
                order.swap(i, (chosen[i - 1] % (i as u128 + 1)) as usize);
            }
            for (i, &to) in order.iter().enumerate() {
                assert_eq!(got[to], case.cut(r0[i].wrapping_sub(r1[to])));
            }
        }
    }
}

#[test]
fn products_modulo_primes_are_those_of_plain_arithmetic() {
    let dealer = Dealer::start(Limits::default());
    for case in cases(&dealer) {
        let p: u128 = [(1 << 31) - 1, (1 << 61) - 1, (1 << 127) - 1][case.width.ilog2() as usize - 2];
        // Products by doubling, which need no more bits than the prime.
        let times = |a: u128, b: u128| {
            (0..127).rev().fold(0, |s, i| {
                let s = (s + s) % p;
                if b >> i & 1 == 1 { (s + a) % p } else { s }
            })
        };
        for n in [1, 8192 + 5] {
            let share = |seed: &[u8; 16], count: u64| -> Vec<u128> {
                let taken = if case.width == 4 { 9 } else { case.width };
                let raw = numbers(&drawn(seed, count, n * taken, true), taken);
                raw.iter().map(|x| if case.width == 4 { x % p } else { (x & p) % p }).collect()
            };
            let joined = |count: u64, f: &dyn Fn(u128, u128) -> u128| -> Vec<u128> {
                let all: Vec<_> = case.seeds.iter().map(|s| share(s, count)).collect();
                (0..n).map(|i| all.iter().map(|s| s[i]).reduce(f).unwrap()).collect()
            };
            let plus = |a: u128, b: u128| (a + b) % p;
            let (r0, r1, r2) = (joined(0, &plus), joined(20_000, &plus), joined(40_000, &plus));
            let mut request = case.request(&[0, 20_000, 40_000], n);
            request["element_type"] = json!("GFMP");
            let got = case.ask(&dealer, "AdjustMul", &request);
            assert!((0..n).all(|i| got[i] == plus(times(r0[i], r1[i]), p - r2[i])), "{} bytes", case.width);
            let mut request = case.request(&[0, 20_000], n);
            request["element_type"] = json!(2);
            let got = case.ask(&dealer, "AdjustMulPriv", &request);
            let product = joined(0, &times);
            assert!((0..n).all(|i| got[i] == plus(product[i], p - r1[i])), "{} bytes", case.width);
        }
    }
}
