//! Limits that a shell or a scheduler puts on the process.

/// Lets a file that grows beyond `ulimit -f` be an error of the write, which names the file. Left alone, the signal ends the
/// process.
pub fn file_size() {
    #[cfg(unix)]
    {
        let seen = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
        // Where it cannot be caught, it stays as it was.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen);
    }
}
