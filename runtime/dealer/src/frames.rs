//! Frames of an answer: a byte that is 0 or an error's number, the length as 64 bits, then data or words.

use crate::request::Refusal;

/// Bytes before the data.
pub const HEAD: usize = 9;

/// An empty frame of data, with room for so many bytes.
pub fn open(room: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEAD + room);
    frame.resize(HEAD, 0);
    frame
}

/// Writes the length of what was put into it.
pub fn close(mut frame: Vec<u8>) -> Vec<u8> {
    let length = (frame.len() - HEAD) as u64;
    frame[1..HEAD].copy_from_slice(&length.to_le_bytes());
    frame
}

/// The frame that says why there is no answer.
pub fn refusal(why: &Refusal) -> Vec<u8> {
    let mut frame = open(0);
    frame[0] = why.code();
    frame.extend_from_slice(why.to_string().as_bytes());
    close(frame)
}
