//! A kernel's memory as the bytes of a tensor.

// burn's trait for foreign memory hands it out as bytes that may lack a value.
#![allow(unsafe_code)]

use crate::kernels::element::Element;
use crate::kernels::pool::Buffer;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use std::mem::MaybeUninit;
use std::slice::{from_raw_parts, from_raw_parts_mut};

struct Held<E>(Buffer<E>);

impl<E: Element> AllocationController for Held<E> {
    fn alloc_align(&self) -> usize {
        align_of::<E>()
    }
    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }
    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let len = size_of_val(&self.0[..]);
        // SAFETY: these are the bytes of the buffer's numbers, borrowed with them. Any bytes are numbers, and the caller writes
        // none without a value.
        Ok(unsafe { from_raw_parts_mut(self.0.as_mut_ptr().cast(), len) })
    }
    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        // SAFETY: these are the bytes of the buffer's numbers, borrowed with them.
        Ok(unsafe { from_raw_parts(self.0.as_ptr().cast(), size_of_val(&self.0[..])) })
    }
}

/// The bytes of the numbers; the memory goes back to the pool with the last tensor that has them.
pub(super) fn of<E: Element>(numbers: Buffer<E>) -> Bytes {
    let len = size_of_val(&numbers[..]);
    // SAFETY: all numbers of a buffer have values.
    unsafe { Bytes::from_controller(Box::new(Held(numbers)), len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_written_and_copied() {
        for numbers in [vec![1.0f32, -2.0, 3.5], vec![0.25; 10_000]] {
            let mut bytes = of::<f32>(numbers.clone().into());
            assert_eq!(bytes.len(), 4 * numbers.len());
            let copy = bytes.clone();
            bytes[..4].copy_from_slice(&7f32.to_ne_bytes());
            assert_eq!(copy.try_into_vec::<f32>().unwrap_or_else(|b| numbers_of(&b)), numbers);
            assert_eq!(numbers_of(&bytes)[0], 7.0);
            assert_eq!(numbers_of(&bytes)[1..], numbers[1..]);
        }
    }

    fn numbers_of(bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}
