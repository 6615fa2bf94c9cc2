//! Learning rate schedules, as a function of how much of a stage is done.

use std::f64::consts::PI;

relinc_passes::words! {
    /// How the learning rate runs over a stage.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Schedule ("schedule") {
        /// The same throughout (the released search).
        Constant = "constant",
        /// ×0.1 at 62.5, 75 and 87.5 % (150, 180 and 210 of the released 240 epochs).
        Step = "step",
        /// Half a cosine down to 0.
        Cosine = "cosine",
        /// Up for the first fifth, then half a cosine down to a hundredth.
        #[default]
        OneCycle = "one-cycle",
    }
}

impl Schedule {
    /// The factor on the learning rate when the share `done` in 0…1 of the stage is over.
    pub fn factor(self, done: f64) -> f64 {
        let half_cosine = |t: f64| 0.5 * (1.0 + (PI * t.clamp(0.0, 1.0)).cos());
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step => {
                0.1f64.powi([0.625, 0.75, 0.875].iter().filter(|&&at| done >= at - 1e-12).count() as i32)
            }
            Schedule::Cosine => half_cosine(done),
            Schedule::OneCycle if done < 0.2 => 0.04 + 0.96 * done / 0.2,
            Schedule::OneCycle => 0.01 + 0.99 * half_cosine((done - 0.2) / 0.8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_drops_where_the_recipe_does() {
        let at = |epoch: f64| Schedule::Step.factor(epoch / 240.0);
        assert_eq!(at(149.0), 1.0);
        assert!((at(150.0) - 0.1).abs() < 1e-12);
        assert!((at(180.0) - 0.01).abs() < 1e-12);
        assert!((at(239.0) - 0.001).abs() < 1e-12);
    }

    #[test]
    fn cycles_begin_and_end_low() {
        assert!(Schedule::OneCycle.factor(0.0) < 0.05);
        assert!((Schedule::OneCycle.factor(0.2) - 1.0).abs() < 1e-9);
        assert!(Schedule::OneCycle.factor(1.0) < 0.011);
        assert!(Schedule::Cosine.factor(1.0).abs() < 1e-12);
    }
}
