//! What accuracy is measured under: an attack by gradients, or AutoAttack.

use super::radius::{count, levels, number};
use super::spec::{Attack, NAMES, options};
use crate::nearest::did_you_mean;
use std::fmt;
use std::str::FromStr;

/// Steps of APGD and FAB, and queries of Square, as published.
const STANDARD: (usize, usize) = (100, 5000);

/// Attacks as users write them, and what they are.
pub const EXPLAINED: [(&str, &str); 4] = [
    (
        "pgd",
        "pgd:steps=20,eps=8/255,step=2/255,restarts=1,loss=ce|margin|dlr,start=random|image: steps on the sign of the gradient inside the \
         ball of radius eps around an image, from a random point or the image itself; an image is broken when any step of any restart is \
         misclassified.",
    ),
    (
        "fgsm",
        "fgsm:eps=8/255,loss=ce|margin|dlr: one step of eps from the image on the sign of the gradient.",
    ),
    (
        "nfgsm",
        "nfgsm:eps=8/255,k=2: for training alone (train_attack). One step of eps on the sign of the gradient, from uniform noise of k times \
         eps around the image, and nothing is clipped to the ball, so that it costs one pass where pgd:steps=7 costs seven (de Jorge et al. \
         2022). Validation measures what it trains by PGD inside the ball.",
    ),
    (
        "auto",
        "auto:eps=8/255,steps=100,queries=5000: AutoAttack as published (Croce and Hein 2020, version standard): APGD on the cross-entropy, \
         APGD on the targeted DLR loss and FAB against up to nine classes each, then Square, which asks the network and sees no gradient; \
         each on the images that are left. FGSM and random corners of the ball check what APGD left. Where they or Square find images that \
         gradients missed, the gradients are masked, and that is said.",
    ),
];

/// An attack that measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Adversary {
    /// FGSM or PGD.
    Gradient(Attack),
    /// AutoAttack.
    Auto(Auto),
}

/// AutoAttack (Croce and Hein 2020).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auto {
    /// Radius of the ball, in units of a full pixel.
    pub epsilon: f32,
    /// Steps of APGD and of FAB.
    pub steps: usize,
    /// Queries of Square.
    pub queries: usize,
}

impl Auto {
    /// As published.
    pub fn standard(epsilon: f32) -> Auto {
        Auto { epsilon, steps: STANDARD.0, queries: STANDARD.1 }
    }
}

impl Adversary {
    /// Radius of the ball.
    pub fn epsilon(&self) -> f32 {
        match self {
            Adversary::Gradient(a) => a.epsilon,
            Adversary::Auto(a) => a.epsilon,
        }
    }

    /// Reads an attack whose radius is given elsewhere.
    ///
    /// # Errors
    /// As of reading one, and a radius of its own.
    pub fn within(text: &str, epsilon: f32) -> Result<Adversary, String> {
        let (_, pairs) = options(text)?;
        if pairs.iter().any(|(key, _)| *key == "eps") {
            return Err(format!("{text}: the radius is that of --eps; leave eps out here"));
        }
        let end = if pairs.is_empty() { ":" } else { "," };
        format!("{}{end}eps={epsilon}", text.trim_end_matches(':')).parse()
    }
}

impl FromStr for Adversary {
    type Err = String;

    /// `auto[:eps=E,steps=K,queries=Q]`, or an [`Attack`] that stays in the ball.
    fn from_str(text: &str) -> Result<Adversary, String> {
        let (name, pairs) = options(text)?;
        if name != "auto" {
            let known = [&NAMES[..2], &["auto"]].concat();
            return match text.parse::<Attack>() {
                Ok(a) if a.spread.is_some() => Err(format!(
                    "{name} trains: its images leave the ball, so they measure nothing; measure with pgd:steps=20,eps={}",
                    levels(a.epsilon)
                )),
                Ok(a) => Ok(Adversary::Gradient(a)),
                Err(_) if !NAMES.contains(&name) => {
                    Err(format!("attack '{name}' is not known{}", did_you_mean(name, &known)))
                }
                Err(why) => Err(why),
            };
        }
        let mut a = Auto::standard(8.0 / 255.0);
        for (key, v) in pairs {
            match key {
                "eps" => a.epsilon = number(key, v)?,
                "steps" => a.steps = count(key, v)?,
                "queries" => a.queries = count(key, v)?,
                _ => {
                    let hint = did_you_mean(key, &["eps", "steps", "queries"]);
                    return Err(format!("'{key}' is no option of auto{hint}"));
                }
            }
        }
        // The same bounds as of any radius.
        Attack::pgd(1, a.epsilon, a.epsilon).check().map(|()| Adversary::Auto(a))
    }
}

impl fmt::Display for Adversary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Adversary::Gradient(a) => a.fmt(f),
            Adversary::Auto(a) => {
                write!(f, "auto:eps={}", levels(a.epsilon))?;
                if a.steps != STANDARD.0 {
                    write!(f, ",steps={}", a.steps)?;
                }
                match a.queries == STANDARD.1 {
                    true => Ok(()),
                    false => write!(f, ",queries={}", a.queries),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in
            ["auto:eps=2/255", "auto:eps=8/255,steps=10,queries=50", "pgd:steps=20,eps=8/255,step=2/255"]
        {
            assert_eq!(text.parse::<Adversary>().unwrap().to_string(), text);
        }
        assert_eq!("auto".parse::<Adversary>().unwrap(), Adversary::Auto(Auto::standard(8.0 / 255.0)));
    }

    #[test]
    fn refuses_what_measures_nothing() {
        for (bad, says) in [
            ("atuo", "did you mean \"auto\""),
            ("auto:eps=8", "write 8/255"),
            ("auto:step=2", "no option of auto"),
            ("auto:queries=0", "above 0"),
            ("nfgsm:eps=8/255", "leave the ball"),
            ("pgd:stpes=2", "did you mean \"steps\""),
        ] {
            let said = bad.parse::<Adversary>().unwrap_err();
            assert!(said.contains(says), "{bad}: {said}");
        }
    }

    #[test]
    fn takes_its_radius_from_elsewhere() {
        let epsilon = 2.0 / 255.0;
        assert_eq!(Adversary::within("auto", epsilon).unwrap(), Adversary::Auto(Auto::standard(epsilon)));
        let pgd = Adversary::within("pgd:steps=5,loss=margin", epsilon).unwrap();
        assert_eq!(pgd.to_string(), "pgd:steps=5,eps=2/255,step=0.5/255,loss=margin");
        assert!(Adversary::within("auto:eps=1/255", epsilon).unwrap_err().contains("--eps"));
    }
}
