//! An emulator of whichever ring is asked for.

use super::{Emulator, FixedError, Settings, Word};
use relinc_passes::driver::valid::Valid;

/// An [`Emulator`] on elements of as many bits as its ring has.
#[derive(Debug)]
pub struct AnyRing<'g> {
    of: OfBits<'g>,
    fraction: u32,
}

#[derive(Debug)]
enum OfBits<'g> {
    Of32(Emulator<'g, i32>),
    Of64(Emulator<'g, i64>),
    Of128(Emulator<'g, i128>),
}

impl<'g> AnyRing<'g> {
    /// Prepares a graph, as [`Emulator::new`] does.
    ///
    /// # Errors
    /// Those of [`Emulator::new`].
    pub fn new(valid: &'g Valid<'g>, s: &Settings) -> Result<AnyRing<'g>, FixedError> {
        let of = match s.format.ring {
            32 => OfBits::Of32(Emulator::new(valid, s)?),
            64 => OfBits::Of64(Emulator::new(valid, s)?),
            _ => OfBits::Of128(Emulator::new(valid, s)?),
        };
        Ok(AnyRing { of, fraction: s.format.fraction })
    }

    /// The output for one image, whose number decides the random truncations.
    ///
    /// # Errors
    /// Those of [`Emulator::run`]; an output that is no number.
    pub fn output(&self, image: &[f32], number: usize) -> Result<Vec<f64>, FixedError> {
        match &self.of {
            OfBits::Of32(e) => output(e, image, number, self.fraction),
            OfBits::Of64(e) => output(e, image, number, self.fraction),
            OfBits::Of128(e) => output(e, image, number, self.fraction),
        }
    }
}

fn output<W: Word>(
    e: &Emulator<'_, W>,
    image: &[f32],
    number: usize,
    fraction: u32,
) -> Result<Vec<f64>, FixedError> {
    let y = e.run(image, number, &mut |_, _, _| {})?;
    y.decoded(fraction).ok_or_else(|| FixedError::Graph("the output is no number".into()))
}
