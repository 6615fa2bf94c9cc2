//! `pgd:steps=20,eps=8/255,step=2/255`: an attack as users write it.

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

/// An L∞ attack. Sizes are in units of a full pixel (0…1).
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
}

impl Attack {
    /// PGD with k steps, cross-entropy, one random start.
    pub fn pgd(steps: usize, epsilon: f32, step: f32) -> Attack {
        Attack { steps, epsilon, step, restarts: 1, random_start: true, goal: Goal::CrossEntropy }
    }
    /// The training attack of the recipes: PGD-7, ε = 8/255, step 2/255.
    pub fn training() -> Attack {
        Attack::pgd(7, 8.0 / 255.0, 2.0 / 255.0)
    }

    /// Finds sizes that no pixel has, and steps that do not stay in the ball.
    fn check(&self) -> Result<(), String> {
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

/// The radius of an L∞ ball, in units of a full pixel: above 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radius(f64);

impl Radius {
    /// The radius.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Radius {
    type Err = String;

    /// A number, `a/b` or decimal.
    fn from_str(text: &str) -> Result<Radius, String> {
        let one = |s: &str| s.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0);
        let value = match text.split_once('/') {
            Some((a, b)) => one(a).zip(one(b)).map(|(a, b)| a / b),
            None => one(text),
        };
        match value {
            Some(v) if v <= 1.0 => Ok(Radius(v)),
            Some(v) => {
                Err(format!("{v} is more than a full pixel, which is 1; write {v}/255 for {v} of 255 levels"))
            }
            None => Err(format!("'{text}' is no number above 0, such as 2/255 or 0.03")),
        }
    }
}

impl fmt::Display for Radius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&levels(self.0 as f32))
    }
}

/// A size in 255 levels where it is a quarter of one, else as a share of a full pixel.
fn levels(v: f32) -> String {
    let k = v * 255.0;
    if (k - k.round()).abs() < 1e-4 || (k * 4.0 - (k * 4.0).round()).abs() < 1e-4 {
        format!("{}/255", (k * 4.0).round() / 4.0)
    } else {
        format!("{v}")
    }
}

const KEYS: [&str; 6] = ["steps", "eps", "step", "restarts", "loss", "start"];

/// A number, `a/b` or decimal.
fn number(key: &str, v: &str) -> Result<f32, String> {
    let one = |s: &str| s.trim().parse::<f32>().ok().filter(|x| x.is_finite() && *x >= 0.0);
    let value = match v.split_once('/') {
        Some((a, b)) => one(a).zip(one(b)).filter(|(_, b)| *b > 0.0).map(|(a, b)| a / b),
        None => one(v),
    };
    value.ok_or_else(|| format!("{key}={v} is not a number such as 8/255 or 0.03"))
}

fn count(key: &str, v: &str) -> Result<usize, String> {
    v.parse().ok().filter(|&n| n > 0).ok_or_else(|| format!("{key}={v} is not a whole number above 0"))
}

impl FromStr for Attack {
    type Err = String;

    /// `fgsm[:eps=E]` or `pgd[:steps=K,eps=E,step=S,restarts=R,loss=ce|margin|dlr,start=random|image]`; a step not
    /// given is ε/4, as many steps as reach the border four times over.
    fn from_str(text: &str) -> Result<Attack, String> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let mut a = match name {
            "pgd" => Attack::pgd(20, 8.0 / 255.0, f32::NAN),
            "fgsm" => Attack { random_start: false, ..Attack::pgd(1, 8.0 / 255.0, f32::NAN) },
            _ => return Err(format!("attack '{name}' is not known{}", did_you_mean(name, &["pgd", "fgsm"]))),
        };
        let mut seen = vec![];
        for part in options.split(',').filter(|p| !p.is_empty()) {
            let (key, v) =
                part.split_once('=').ok_or_else(|| format!("'{part}' is not of the form key=value"))?;
            if seen.contains(&key) {
                return Err(format!("{key} is written twice; keep one of them"));
            }
            seen.push(key);
            match key {
                "steps" if name == "pgd" => a.steps = count(key, v)?,
                "eps" => a.epsilon = number(key, v)?,
                "step" if name == "pgd" => a.step = number(key, v)?,
                "restarts" if name == "pgd" => a.restarts = count(key, v)?,
                "loss" => a.goal = v.parse()?,
                "start" if matches!(v, "random" | "image") => a.random_start = v == "random",
                "start" => return Err(format!("start={v} is not known; choose random or image")),
                _ => return Err(format!("'{key}' is no option of {name}{}", did_you_mean(key, &KEYS))),
            }
        }
        if a.step.is_nan() {
            a.step = if name == "fgsm" { a.epsilon } else { a.epsilon / 4.0 };
        }
        a.check().map(|()| a)
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (eps, step) = (levels(self.epsilon), levels(self.step));
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
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in
            ["pdg", "pgd:eps=a", "pgd:stpes=3", "pgd:steps=0", "fgsm:steps=3", "pgd:eps=-1", "pgd:8/255"]
        {
            assert!(bad.parse::<Attack>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_radius_is_a_share_of_a_pixel() {
        let r: Radius = "2/255".parse().unwrap();
        assert_eq!((r.get(), r.to_string()), (2.0 / 255.0, "2/255".to_owned()));
        for (bad, says) in [
            ("2", "write 2/255"),
            ("0", "above 0"),
            ("-1/255", "above 0"),
            ("2/255/3", "above 0"),
            ("a", "above 0"),
        ] {
            let said = bad.parse::<Radius>().unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
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
