//! Signs that gradients are masked: they lead an attack astray, and what it leaves standing is no sign of robustness.

/// Share of all images above which what gradients missed is more than chance, as published.
const CHANCE: f64 = 0.002;

/// What was seen on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    /// Images.
    pub(super) images: usize,
    /// Images with a gradient of nothing but zeros.
    pub(super) flat: usize,
    /// What stood after APGD on the cross-entropy.
    pub(super) after_apgd: usize,
    /// What stood after one step and random corners.
    pub(super) after_probe: usize,
    /// What stood after all attacks with gradients.
    pub(super) after_gradients: usize,
    /// What stands.
    pub(super) left: usize,
}

impl Signs {
    /// In words.
    pub(super) fn said(&self) -> Vec<String> {
        // One image is no sign.
        let more = |found: usize| found > 1 && found as f64 > CHANCE * self.images as f64;
        let (probe, square) = (self.after_apgd - self.after_probe, self.after_gradients - self.left);
        let mut notes = vec![];
        if more(probe) {
            notes.push(format!(
                "gradient masking: one step and random corners break {probe} of the {} images that APGD left; gradients of \
                 this network mislead, so more of those that stand may fall",
                self.after_apgd
            ));
        }
        if more(square) {
            notes.push(format!(
                "gradient masking: Square, which sees no gradient, breaks {square} of the {} images that the attacks with gradients left; \
                 more of them may fall, with auto:queries=20000 for instance",
                self.after_gradients
            ));
        }
        if more(self.flat) {
            notes.push(format!(
                "gradient masking: {} images have a gradient of nothing but zeros, which tells an attack nothing",
                self.flat
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gradients_missed_is_said() {
        let none = Signs {
            images: 1000,
            after_apgd: 500,
            after_probe: 500,
            after_gradients: 490,
            left: 488,
            flat: 0,
        };
        assert_eq!(none.said(), Vec::<String>::new());
        let square = Signs { left: 480, ..none }.said();
        assert!(square.len() == 1 && square[0].contains("breaks 10 of the 490"), "{square:?}");
        let probe = Signs { after_probe: 450, ..none }.said();
        assert!(probe.len() == 1 && probe[0].contains("break 50 of the 500"), "{probe:?}");
        assert_eq!(Signs { flat: 40, ..none }.said().len(), 1);
    }
}
