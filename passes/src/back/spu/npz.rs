//! NumPy's `.npz`: an uncompressed zip of `.npy` members, streamed.

use crate::ir::Tensor;
use crate::npy::{header, write_npy};
use std::io::{self, Write};

/// Feeds what is written to a checksum.
struct Crc(crc32fast::Hasher);

impl Write for Crc {
    fn write(&mut self, b: &[u8]) -> io::Result<usize> {
        self.0.update(b);
        Ok(b.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fields a member's local header and its directory entry share, from the version on.
fn common(crc: u32, size: u32, name: &str) -> Vec<u8> {
    let mut h = vec![];
    for v in [20u16, 0, 0, 0, 0x21] {
        h.extend(v.to_le_bytes());
    }
    for v in [crc, size, size] {
        h.extend(v.to_le_bytes());
    }
    h.extend((name.len() as u16).to_le_bytes());
    h.extend(0u16.to_le_bytes());
    h
}

/// Writes named arrays as an uncompressed zip. Archives of 4 GiB or 65,535 members are refused.
pub fn write_npz(w: &mut dyn Write, arrays: &[(String, &Tensor)]) -> io::Result<()> {
    let too_big =
        || io::Error::new(io::ErrorKind::InvalidInput, "the weights exceed 4 GiB, the limit of this archive");
    let mut directory = vec![];
    let mut at = 0u32;
    for (name, t) in arrays {
        let member = format!("{name}.npy");
        let mut crc = Crc(crc32fast::Hasher::new());
        write_npy(&mut crc, t)?;
        let size = u32::try_from(header(t.dtype(), t.shape()).len() + t.bytes()).map_err(|_| too_big())?;
        let shared = common(crc.0.finalize(), size, &member);
        w.write_all(b"PK\x03\x04")?;
        w.write_all(&shared)?;
        w.write_all(member.as_bytes())?;
        write_npy(w, t)?;
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(member.as_bytes());
        let step = u32::try_from(4 + shared.len() + member.len()).map_err(|_| too_big())?;
        at = at.checked_add(step).and_then(|v| v.checked_add(size)).ok_or_else(too_big)?;
    }
    let count = u16::try_from(arrays.len()).map_err(|_| too_big())?;
    w.write_all(&directory)?;
    w.write_all(b"PK\x05\x06\0\0\0\0")?;
    w.write_all(&count.to_le_bytes())?;
    w.write_all(&count.to_le_bytes())?;
    w.write_all(&(directory.len() as u32).to_le_bytes())?;
    w.write_all(&at.to_le_bytes())?;
    w.write_all(&[0, 0])
}
