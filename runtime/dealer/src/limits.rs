//! What a dealer does at most.

use std::time::Duration;

/// Limits of one dealer.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Parties of a session.
    pub parties: usize,
    /// Bytes of all operands and the result of one request.
    pub request: u64,
    /// Bytes that the requests which are computed at the same time may hold in memory together.
    pub memory: u64,
    /// Open connections.
    pub connections: usize,
    /// Seeds that are kept decrypted, the least recently used leaving first: two or three a session.
    pub seeds: usize,
    /// How long a peer may take for a handshake, a request's head, its body, or for reading a piece of an answer.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 64 << 10,
            parties: 8,
            request: 2 << 30,
            memory: 4 << 30,
            connections: 256,
            seeds: 1024,
            wait: Duration::from_secs(60),
        }
    }
}
