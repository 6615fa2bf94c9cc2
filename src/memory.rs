//! What the allocator does with memory that was freed.

// The allocator's options are set by a C function.
#![allow(unsafe_code)]

/// The option's number in mimalloc's list (`mi_option_purge_delay`), which its Rust crate does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Milliseconds. A training step frees and takes the same memory again, many times in this time.
const DELAY: std::ffi::c_long = 1_000;

/// Keeps freed memory for the next step instead of giving it back to the system at once, which took a fifth of a training step:
/// each page that comes back is cleared. Call it before a second thread is started.
pub fn keep_freed() {
    // SAFETY: the function writes one number to a table of the allocator; the only thread calls it.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, DELAY) }
}
