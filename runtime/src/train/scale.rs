//! The scale of a loss whose gradients are f16: small ones would vanish without it.

/// Steps without an overflow after which the scale doubles.
const PATIENCE: u32 = 200;
/// Where it starts, and its limits.
const START: f32 = 1024.0;
const MOST: f32 = 65_536.0;
const LEAST: f32 = 1.0 / 1024.0;

/// Doubles while gradients stay finite, halves when one does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossScale {
    /// What the loss is multiplied by: a power of two.
    pub factor: f32,
    /// Steps since it changed.
    pub steps: u32,
}

impl Default for LossScale {
    fn default() -> LossScale {
        LossScale { factor: START, steps: 0 }
    }
}

impl LossScale {
    /// Notes whether a step's gradient was finite. A step that was not must be left out.
    ///
    /// # Errors
    /// The loss itself is the trouble: no scale is small enough.
    pub fn note(&mut self, finite: bool) -> Result<(), String> {
        self.steps += 1;
        if !finite {
            *self = LossScale { factor: self.factor / 2.0, steps: 0 };
            if self.factor < LEAST {
                return Err("gradients leave f16 at any scale of the loss; train with precision f32".into());
            }
        } else if self.steps >= PATIENCE {
            *self = LossScale { factor: (self.factor * 2.0).min(MOST), steps: 0 };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_grows_while_all_is_well_and_halves_when_not() {
        let mut s = LossScale::default();
        (0..PATIENCE).for_each(|_| s.note(true).unwrap());
        assert_eq!(s.factor, 2048.0);
        s.note(false).unwrap();
        assert_eq!(s, LossScale { factor: 1024.0, steps: 0 });
    }

    #[test]
    fn a_loss_that_is_no_number_ends_it() {
        let mut s = LossScale::default();
        let end = (0..100).find_map(|_| s.note(false).err());
        assert!(end.unwrap().contains("f32"));
    }
}
