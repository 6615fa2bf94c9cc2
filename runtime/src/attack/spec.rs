//! `pgd:steps=20,eps=8/255,step=2/255`: an attack by gradients as users write it.

use super::radius::{count, levels, number};
use crate::nearest::did_you_mean;
use std::fmt;
use std::str::FromStr;

relinc_passes::words! {
    /// What an attack on labels maximises.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Goal ("loss") {
        /// Cross-entropy.
        CrossEntropy = "ce",
        /// The largest other logit minus the label's.
        Margin = "margin",
        /// The difference-of-logits ratio.
        Dlr = "dlr",
    }
}

/// An L∞ attack by steps on the sign of a gradient. Sizes are in units of a full pixel (0…1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attack {
    /// Gradient steps.
    pub steps: usize,
    /// Radius of the ball.
    pub epsilon: f32,
    /// Size of a step.
    pub step: f32,
    /// Independent random starts; an image counts as broken when one of them breaks it.
    pub restarts: usize,
    /// Start at a random point of the ball.
    pub random_start: bool,
    /// What is maximised.
    pub goal: Goal,
    /// N-FGSM, which trains and does not measure: the start is noise of so many radii, and nothing is clipped to the ball.
    pub spread: Option<f32>,
}

impl Attack {
    /// PGD with k steps, cross-entropy, one random start.
    pub fn pgd(steps: usize, epsilon: f32, step: f32) -> Attack {
        Attack {
            steps,
            epsilon,
            step,
            restarts: 1,
            random_start: true,
            goal: Goal::CrossEntropy,
            spread: None,
        }
    }
    /// N-FGSM (de Jorge et al. 2022): one step of ε from noise of `spread` times ε.
    pub fn nfgsm(epsilon: f32, spread: f32) -> Attack {
        Attack { spread: Some(spread), ..Attack::pgd(1, epsilon, epsilon) }
    }
    /// What is measured where this trains: as many steps, inside the ball.
    pub fn measuring(self, steps: usize) -> Attack {
        match self.spread {
            None => Attack { steps, ..self },
            Some(_) => Attack { goal: self.goal, ..Attack::pgd(steps, self.epsilon, self.epsilon / 4.0) },
        }
    }
    /// The training attack of the recipes: PGD-7, ε = 8/255, step 2/255.
    pub fn training() -> Attack {
        Attack::pgd(7, 8.0 / 255.0, 2.0 / 255.0)
    }

    /// Finds sizes that no pixel has, and steps that do not stay in the ball.
    pub(super) fn check(&self) -> Result<(), String> {
        let Attack { epsilon, step, .. } = *self;
        if epsilon > 1.0 {
            return Err(format!(
                "eps={epsilon} is more than a full pixel, which is 1; write {epsilon}/255 for {epsilon} of 255 levels"
            ));
        }
        // Twice the radius leads from one side of the ball to the other.
        if step > 2.0 * epsilon * (1.0 + 1e-6) {
            return Err(format!(
                "step={step} is more than twice eps={epsilon}, so every step ends on the border of the ball; give a step of about eps/4, in \
                 parts of a full pixel: step=2/255"
            ));
        }
        if step == 0.0 && epsilon > 0.0 {
            return Err("step=0 moves nothing; give a step of about eps/4".to_string());
        }
        Ok(())
    }
}

/// Attacks by gradients.
pub(super) const NAMES: [&str; 3] = ["pgd", "fgsm", "nfgsm"];
const KEYS: [&str; 7] = ["steps", "eps", "step", "restarts", "loss", "start", "k"];
/// Radii of N-FGSM's noise, as published.
const SPREAD: f32 = 2.0;

/// A name and pairs of key and value.
type Named<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// The name of an attack, and its options in their order, each of which stands once.
pub(super) fn options(text: &str) -> Result<Named<'_>, String> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    let mut pairs: Vec<(&str, &str)> = vec![];
    for part in options.split(',').filter(|p| !p.is_empty()) {
        let (key, v) =
            part.split_once('=').ok_or_else(|| format!("'{part}' is not of the form key=value"))?;
        if pairs.iter().any(|(k, _)| *k == key) {
            return Err(format!("{key} is written twice; keep one of them"));
        }
        pairs.push((key, v));
    }
    Ok((name, pairs))
}

impl FromStr for Attack {
    type Err = String;

    /// `fgsm[:eps=E]`, `nfgsm[:eps=E,k=K]` or `pgd[:steps=K,eps=E,step=S,restarts=R,loss=ce|margin|dlr,start=random|image]`; a step
    /// not given is ε/4, as many steps as reach the border four times over.
    fn from_str(text: &str) -> Result<Attack, String> {
        let (name, pairs) = options(text)?;
        let mut a = match name {
            "pgd" => Attack::pgd(20, 8.0 / 255.0, f32::NAN),
            "fgsm" => Attack { random_start: false, ..Attack::pgd(1, 8.0 / 255.0, f32::NAN) },
            "nfgsm" => Attack { step: f32::NAN, ..Attack::nfgsm(8.0 / 255.0, SPREAD) },
            _ => return Err(format!("attack '{name}' is not known{}", did_you_mean(name, &NAMES))),
        };
        for (key, v) in pairs {
            match key {
                "steps" if name == "pgd" => a.steps = count(key, v)?,
                "eps" => a.epsilon = number(key, v)?,
                "step" if name == "pgd" => a.step = number(key, v)?,
                "restarts" if name == "pgd" => a.restarts = count(key, v)?,
                "k" if name == "nfgsm" => a.spread = Some(number(key, v)?),
                "loss" => a.goal = v.parse()?,
                "start" if name == "nfgsm" => return Err("nfgsm starts from noise; leave start out".into()),
                "start" if matches!(v, "random" | "image") => a.random_start = v == "random",
                "start" => return Err(format!("start={v} is not known; choose random or image")),
                _ => return Err(format!("'{key}' is no option of {name}{}", did_you_mean(key, &KEYS))),
            }
        }
        if a.step.is_nan() {
            a.step = if name == "pgd" { a.epsilon / 4.0 } else { a.epsilon };
        }
        a.check().map(|()| a)
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (eps, step) = (levels(self.epsilon), levels(self.step));
        if let Some(k) = self.spread {
            write!(f, "nfgsm:eps={eps},k={k}")?;
            return match self.goal {
                Goal::CrossEntropy => Ok(()),
                goal => write!(f, ",loss={goal}"),
            };
        }
        write!(f, "pgd:steps={},eps={eps},step={step}", self.steps)?;
        if self.restarts > 1 {
            write!(f, ",restarts={}", self.restarts)?;
        }
        if self.goal != Goal::CrossEntropy {
            write!(f, ",loss={}", self.goal)?;
        }
        if !self.random_start {
            write!(f, ",start=image")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "pgd:steps=20,eps=8/255,step=2/255",
            "pgd:steps=40,eps=2/255,step=0.5/255,restarts=5,loss=dlr",
            "pgd:steps=1,eps=8/255,step=8/255,start=image",
            "nfgsm:eps=8/255,k=2",
            "nfgsm:eps=4/255,k=0.5,loss=margin",
        ] {
            assert_eq!(text.parse::<Attack>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn defaults() {
        let a: Attack = "pgd".parse().unwrap();
        assert_eq!((a.steps, a.restarts), (20, 1));
        assert!((a.step - 2.0 / 255.0).abs() < 1e-7);
        let f: Attack = "fgsm:eps=4/255".parse().unwrap();
        assert_eq!((f.steps, f.step, f.random_start), (1, f.epsilon, false));
        let n: Attack = "nfgsm:eps=4/255".parse().unwrap();
        assert_eq!(n, Attack::nfgsm(4.0 / 255.0, 2.0));
    }

    #[test]
    fn what_trains_outside_the_ball_is_measured_inside() {
        let pgd: Attack = "pgd:steps=7,eps=8/255,step=2/255".parse().unwrap();
        assert_eq!(pgd.measuring(10), Attack { steps: 10, ..pgd });
        let n = Attack::nfgsm(8.0 / 255.0, 2.0).measuring(10);
        assert_eq!(n, Attack::pgd(10, 8.0 / 255.0, 2.0 / 255.0));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in [
            "pdg",
            "pgd:eps=a",
            "pgd:stpes=3",
            "pgd:steps=0",
            "fgsm:steps=3",
            "pgd:eps=-1",
            "pgd:8/255",
            "nfgsm:steps=2",
            "nfgsm:k=-1",
            "nfgsm:start=image",
            "pgd:k=2",
        ] {
            assert!(bad.parse::<Attack>().is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_sizes_that_no_pixel_has() {
        for (bad, says) in [
            ("pgd:eps=8", "write 8/255"),
            ("fgsm:eps=1.01", "more than a full pixel"),
            ("pgd:eps=2/255,step=5/255", "more than twice"),
            ("pgd:eps=8/255,step=2", "step=2/255"),
            ("pgd:eps=0,step=1/255", "more than twice"),
            ("pgd:eps=8/255,step=0", "moves nothing"),
            ("pgd:restarts=0", "above 0"),
            ("pgd:eps=1/255,eps=2/255", "twice"),
        ] {
            let said = bad.parse::<Attack>().unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
        for good in ["pgd:eps=1", "pgd:eps=0", "pgd:eps=2/255,step=4/255", "fgsm:eps=1"] {
            assert!(good.parse::<Attack>().is_ok(), "{good}");
        }
    }
}
