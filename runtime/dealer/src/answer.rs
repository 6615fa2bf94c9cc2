//! Answers, computed piece by piece in the order in which they are sent.

use crate::frames;
use crate::number::{Number, Prime, Ring};
use crate::permutation;
use crate::prg::{Prg, Shared};
use crate::product::{Left, Panels, rows};
use crate::request::{Operation, Request};
use rayon::prelude::*;
use std::ops::Range;

/// Elements that a thread computes at a time; a multiple of 16.
const CHUNK: usize = 1 << 13;
/// Elements of a frame.
const PIECE: usize = 1 << 18;

/// Takes a frame; an error ends the answer.
pub type Send<'a> = dyn FnMut(Vec<u8>) -> std::io::Result<()> + 'a;

/// Computes an answer and sends it frame by frame. `operands` are in the request's order; `permuter` is the party that
/// draws the permutation, `random` a generator of the dealer's own.
///
/// # Errors
/// Nobody takes the frames.
pub fn answer(
    request: &Request,
    operands: &[Shared<'_>],
    permuter: Option<&Prg>,
    random: &Prg,
    send: &mut Send<'_>,
) -> std::io::Result<()> {
    match (request.width, request.prime) {
        (4, false) => in_ring::<u32>(request, operands, permuter, random, send),
        (8, false) => in_ring::<u64>(request, operands, permuter, random, send),
        (16, false) => in_ring::<u128>(request, operands, permuter, random, send),
        (4, true) => in_field::<Prime<u32>>(request, operands, send),
        (8, true) => in_field::<Prime<u64>>(request, operands, send),
        (16, true) => in_field::<Prime<u128>>(request, operands, send),
        (width, _) => unreachable!("requests of {width} bytes are refused"),
    }
}

/// Sends one array, each chunk of it computed by `chunk` of its elements' range.
fn stream<T: Number>(
    bytes: usize,
    send: &mut Send<'_>,
    chunk: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> std::io::Result<()> {
    let elements = bytes.div_ceil(T::BYTES);
    for piece in (0..elements).step_by(PIECE) {
        let end = elements.min(piece + PIECE);
        let starts: Vec<usize> = (piece..end).step_by(CHUNK).collect();
        let computed: Vec<Vec<T>> = starts.par_iter().map(|&at| chunk(at..end.min(at + CHUNK))).collect();
        let mut frame = frames::open((end - piece) * T::BYTES);
        computed.iter().flatten().for_each(|x| x.write(&mut frame));
        frame.truncate(frames::HEAD + (bytes - piece * T::BYTES).min((end - piece) * T::BYTES));
        send(frames::close(frame))?;
    }
    Ok(())
}

/// x − y, element by element.
fn minus<T: Number>(mut x: Vec<T>, y: &[T]) -> Vec<T> {
    x.iter_mut().zip(y).for_each(|(x, y)| *x = x.minus(*y));
    x
}

/// What both kinds of numbers have.
fn in_field<T: Number>(
    request: &Request,
    operands: &[Shared<'_>],
    send: &mut Send<'_>,
) -> std::io::Result<()> {
    let sum = |i: usize, r: &Range<usize>| operands[i].sum::<T>(r.start, r.len());
    stream(request.bytes, send, |r| match request.operation {
        Operation::MulPriv => minus(operands[0].joined(r.start, r.len(), T::times), &sum(1, &r)),
        _ => {
            let mut x = sum(0, &r);
            x.iter_mut().zip(sum(1, &r)).for_each(|(x, y)| *x = x.times(y));
            minus(x, &sum(2, &r))
        }
    })
}

fn in_ring<T: Ring>(
    request: &Request,
    operands: &[Shared<'_>],
    permuter: Option<&Prg>,
    random: &Prg,
    send: &mut Send<'_>,
) -> std::io::Result<()> {
    let sum = |i: usize, r: &Range<usize>| operands[i].sum::<T>(r.start, r.len());
    let xor = |i: usize, r: &Range<usize>| operands[i].joined(r.start, r.len(), T::xor);
    let map = |mut x: Vec<T>, f: &dyn Fn(T) -> T| {
        x.iter_mut().for_each(|x| *x = f(*x));
        x
    };
    let bytes = request.bytes;
    match request.operation {
        Operation::Mul | Operation::MulPriv => in_field::<T>(request, operands, send),
        Operation::Square => stream(bytes, send, |r| minus(map(sum(0, &r), &|x| x.times(x)), &sum(1, &r))),
        Operation::Trunc(bits) => {
            stream(bytes, send, |r| minus(map(sum(0, &r), &|x| x.right_signed(bits)), &sum(1, &r)))
        }
        Operation::TruncPr(bits) => {
            stream(bytes, send, |r| minus(map(sum(0, &r), &|x| x.left(1).right(bits + 1)), &sum(1, &r)))?;
            stream(bytes, send, |r| minus(map(sum(0, &r), &|x| x.right(T::BITS - 1)), &sum(2, &r)))
        }
        Operation::And => stream(bytes, send, |r| {
            let mut x = xor(0, &r);
            x.iter_mut().zip(xor(1, &r)).zip(xor(2, &r)).for_each(|((x, y), z)| *x = x.and(y).xor(z));
            x
        }),
        Operation::Eqz => stream(bytes, send, |r| {
            let mut x = sum(0, &r);
            x.iter_mut().zip(xor(1, &r)).for_each(|(x, y)| *x = x.xor(y));
            x
        }),
        Operation::RandBit => stream(bytes, send, |r| {
            let own = Shared { parties: vec![random], count: 0 };
            let bytes = own.sum::<T>(r.start, r.len());
            minus(map(bytes, &|x| x.and(T::bit(1))), &sum(0, &r))
        }),
        Operation::Dot { m, n, k, transposed } => dot::<T>(operands, Shape { m, n, k, transposed }, send),
        Operation::Perm { count } => {
            let elements = request.operands[0].elements;
            let order = permuter.map_or_else(Vec::new, |p| permutation::drawn(p, count, elements));
            let x = whole::<T>(&operands[0], elements);
            let mut back = vec![T::default(); elements];
            order.iter().zip(x).for_each(|(&to, x)| back[to] = x);
            stream(bytes, send, |r| minus(back[r.clone()].to_vec(), &sum(1, &r)))
        }
    }
}

/// All of an operand.
fn whole<T: Number>(operand: &Shared<'_>, elements: usize) -> Vec<T> {
    let starts: Vec<usize> = (0..elements).step_by(CHUNK).collect();
    starts.par_iter().flat_map(|&at| operand.sum::<T>(at, CHUNK.min(elements - at))).collect()
}

struct Shape {
    m: usize,
    n: usize,
    k: usize,
    transposed: [bool; 2],
}

/// A product, a band of rows at a time.
fn dot<T: Ring>(operands: &[Shared<'_>], s: Shape, send: &mut Send<'_>) -> std::io::Result<()> {
    let left = whole::<T>(&operands[0], s.m * s.k);
    let left = Left { matrix: &left, rows: s.m, transposed: s.transposed[0] };
    let right = Panels::new(&whole::<T>(&operands[1], s.k * s.n), s.k, s.n, s.transposed[1]);
    // A multiple of 16 rows, so that what is drawn for a band begins with a block.
    let band = (PIECE / s.n).max(1).next_multiple_of(64);
    for first in (0..s.m).step_by(band) {
        let height = band.min(s.m - first);
        let x = rows(&left, &right, first, height);
        for from in (0..x.len()).step_by(PIECE) {
            let part = &x[from..x.len().min(from + PIECE)];
            let at = first * s.n + from;
            let mut frame = frames::open(part.len() * T::BYTES);
            let out = minus(part.to_vec(), &operands[2].sum(at, part.len()));
            out.iter().for_each(|x| x.write(&mut frame));
            send(frames::close(frame))?;
        }
    }
    Ok(())
}
