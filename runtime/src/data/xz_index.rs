//! The unpacked size of an `.xz` file, from the index at its end, without unpacking it.
//!
//! Source: the .xz file format 1.2.0, sections 2.1.2 (stream footer), 2.2 (padding) and 4 (index).

use std::io::{self, Read, Seek, SeekFrom};

const HEADER: u64 = 12;

/// The unpacked size in bytes of all streams of an `.xz` file.
///
/// # Errors
/// `InvalidData` with the reason when the end of the file is no end of an xz stream, and what reading yields.
pub(super) fn unpacked_size(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut total = 0u64;
    let mut streams = 0;
    while end > 0 {
        if end < 2 * HEADER {
            return Err(invalid("it ends before its stream does"));
        }
        let footer: [u8; 12] = read_at(file, end - HEADER, 12)?.try_into().map_err(|_| invalid("cut off"))?;
        if streams > 0 && footer[8..] == [0; 4] {
            end -= 4; // padding between streams
            continue;
        }
        if footer[10..] != *b"YZ" {
            return Err(invalid("its end is missing"));
        }
        let backward = u32::from_le_bytes([footer[4], footer[5], footer[6], footer[7]]);
        let index_size = (u64::from(backward) + 1) * 4;
        let index_at =
            (end - HEADER).checked_sub(index_size).ok_or_else(|| invalid("its index is too long"))?;
        let (packed, unpacked) = sum_index(&read_at(file, index_at, index_size)?)?;
        total = total.checked_add(unpacked).ok_or_else(|| invalid("its index is wrong"))?;
        end = index_at
            .checked_sub(packed)
            .and_then(|at| at.checked_sub(HEADER))
            .ok_or_else(|| invalid("its index does not fit its length"))?;
        streams += 1;
    }
    if streams == 0 {
        return Err(invalid("it is empty"));
    }
    Ok(total)
}

/// The packed (with padding) and unpacked bytes of all blocks that an index lists.
fn sum_index(index: &[u8]) -> io::Result<(u64, u64)> {
    let mut rest = index;
    if next_byte(&mut rest)? != 0 {
        return Err(invalid("its index is wrong"));
    }
    let blocks = next_number(&mut rest)?;
    let (mut packed, mut unpacked) = (0u64, 0u64);
    for _ in 0..blocks {
        let block = next_number(&mut rest)?.checked_next_multiple_of(4);
        let sums =
            block.and_then(|b| packed.checked_add(b)).zip(unpacked.checked_add(next_number(&mut rest)?));
        (packed, unpacked) = sums.ok_or_else(|| invalid("its index is wrong"))?;
    }
    Ok((packed, unpacked))
}

/// A variable-length integer: seven bits a byte, lowest first, at most nine bytes.
fn next_number(rest: &mut &[u8]) -> io::Result<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = next_byte(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(invalid("its index is wrong"))
}

fn next_byte(rest: &mut &[u8]) -> io::Result<u8> {
    let (first, tail) = rest.split_first().ok_or_else(|| invalid("its index is cut off"))?;
    *rest = tail;
    Ok(*first)
}

fn read_at(file: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    /// `printf 'hello world' | xz`
    #[rustfmt::skip]
    const HELLO: [u8; 68] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x16,
        0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x0a, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77,
        0x6f, 0x72, 0x6c, 0x64, 0x00, 0x00, 0xda, 0x52, 0x23, 0xef, 0xcd, 0x7e, 0x03, 0x53, 0x00, 0x01, 0x23,
        0x0b, 0xc2, 0x1b, 0xfd, 0x09, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ];

    fn size(bytes: &[u8]) -> io::Result<u64> {
        unpacked_size(&mut Cursor::new(bytes))
    }

    #[test]
    fn sums_streams_and_skips_padding() {
        assert_eq!(size(&HELLO).unwrap(), 11);
        assert_eq!(size(&[HELLO.as_slice(), &HELLO].concat()).unwrap(), 22);
        assert_eq!(size(&[HELLO.as_slice(), &[0; 8], &HELLO].concat()).unwrap(), 22);
    }

    #[test]
    fn no_panic_on_any_cut_or_flipped_byte() {
        for cut in 0..HELLO.len() {
            assert!(size(&HELLO[..cut]).is_err(), "cut at {cut}");
            for value in [0, 0x7f, 0xff] {
                let mut damaged = HELLO;
                damaged[cut] = value;
                let _ = size(&damaged);
            }
        }
    }
}
