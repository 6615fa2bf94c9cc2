//! How many threads compute. No result depends on it.

/// Sets the number of threads for the whole process. Works once, before anything was computed.
///
/// # Errors
/// Threads were started already.
pub fn set(n: usize) -> Result<(), String> {
    rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| format!("{n} threads: {e}"))
}

/// Threads that compute.
pub fn count() -> usize {
    rayon::current_num_threads()
}
