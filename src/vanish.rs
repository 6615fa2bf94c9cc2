//! Which ReLU layers a user lets vanish, and what a search makes of it.

use crate::error::{Result, input};
use crate::latency::{Clock, Pricing};
use crate::model::Model;
use relinc_passes::choice::Choice;
use relinc_passes::driver::weigh::Fold;
use relinc_passes::layers::ReluLayer;
use relinc_runtime::nearest::nearest;
use relinc_runtime::search::budget::Budget;
use relinc_runtime::search::layers::{Pace, Vanish};
use std::sync::Arc;

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// At most so many layers keep ReLUs.
    pub layers: Option<usize>,
    /// These keep none.
    pub vanish: Vec<String>,
    /// These become quadratic, wherever they stand.
    pub quadratic: Vec<String>,
    /// These become the identity, wherever they stand.
    pub identity: Vec<String>,
    /// May layers become quadratic at all?
    pub squares: bool,
}

impl Asked {
    /// How it was asked, for errors; `None` when it was not.
    pub fn text(&self) -> Option<String> {
        let layers = self.layers.map(|n| format!("layers {n}"));
        layers.or_else(|| self.named().next().map(|(what, names)| format!("{what} {}", names.join(","))))
    }

    /// The lists that name layers, and what they are called.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let all = [("vanish", &self.vanish), ("quadratic", &self.quadratic), ("identity", &self.identity)];
        all.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| (what, &names[..]))
    }

    /// What a layer becomes wherever it stands, where that is asked.
    pub fn becomes(&self, layer: &str) -> Option<Choice> {
        let among = |names: &[String]| names.iter().any(|n| n == layer);
        match (among(&self.quadratic), among(&self.identity)) {
            (true, _) => Some(Choice::Quadratic),
            (false, true) => Some(Choice::Identity),
            (false, false) => None,
        }
    }

    /// Finds what cannot be asked of these layers.
    pub fn check(&self, layers: &[ReluLayer]) -> Result<()> {
        let names: Vec<&str> = layers.iter().map(|l| l.name.as_str()).collect();
        if self.layers.is_some() && !self.vanish.is_empty() {
            return Err(input("layers and vanish exclude each other: say how many stay, or which go"));
        }
        if let Some(n) = self.layers.filter(|n| !(1..=names.len()).contains(n)) {
            return Err(input(format!(
                "layers: {n} of {} ReLU layers cannot keep ReLUs; give a number from 1 to {}",
                names.len(),
                names.len()
            )));
        }
        // Where squares take their place, a network may lose all of its ReLUs.
        let all = !names.is_empty() && names.iter().all(|n| self.vanish.iter().any(|v| v == n));
        if all && !self.squares {
            return Err(input(format!(
                "vanish: all {} ReLU layers are named; leave at least one for the budget",
                names.len()
            )));
        }
        let mut asked = self.named().flat_map(|(what, names)| names.iter().map(move |n| (what, n)));
        if let Some((what, n)) = asked.find(|(_, n)| !names.contains(&n.as_str())) {
            let hint = nearest(n, &names).map(|n| format!("; did you mean '{n}'?")).unwrap_or_default();
            return Err(input(format!("{what}: there is no ReLU layer '{n}'{hint}")));
        }
        if !self.quadratic.is_empty() && !self.squares {
            return Err(input(
                "quadratic: no layer may become quadratic; add quadratic to choices, or leave it out",
            ));
        }
        if !self.identity.is_empty() && !self.squares {
            return Err(input(
                "identity: without quadratic in choices every layer that vanishes is the identity; name it in vanish",
            ));
        }
        if let Some(n) = self.identity.iter().find(|n| self.quadratic.contains(n)) {
            return Err(input(format!("{n} is named in quadratic and in identity; leave it out of one")));
        }
        match layers.iter().find(|l| l.capped() && self.quadratic.contains(&l.name)) {
            Some(l) => Err(input(format!(
                "quadratic: {} has a cap, and such a layer never becomes quadratic; leave it out",
                l.name
            ))),
            None => Ok(()),
        }
    }

    /// For the layers of a canonical model. Which stay of a number of layers is chosen by how fast the folded network then is,
    /// on the first protocol and network of the request.
    pub fn resolve(&self, model: &Model, pricing: &Pricing) -> Result<Vanish> {
        let names: Vec<&str> = model.layers.iter().map(|l| l.name.as_str()).collect();
        self.check(&model.layers)?;
        match self.layers {
            Some(layers) => {
                let pace = match (&pricing.first, &pricing.fold) {
                    (Some((protocol, network)), Fold::Always | Fold::Auto(_)) => {
                        let clock = Clock::new(model, protocol, network, pricing).ok();
                        clock.map(|c| Arc::new(c) as Arc<dyn Pace>)
                    }
                    _ => None,
                };
                Ok(Vanish::AllBut { layers, pace })
            }
            None => {
                let closed = names.iter().map(|n| self.vanish.iter().any(|v| v == n)).collect();
                Ok(Vanish::Given(if self.vanish.is_empty() { vec![] } else { closed }))
            }
        }
    }
}

/// Says so when a budget is larger than the layers that do not vanish.
pub fn cut(budget: &Budget, keep: usize, stay: usize, counted: &str) -> Option<String> {
    (keep > stay)
        .then(|| format!("Budget {budget}: cut to the {stay} {counted} of the layers that do not vanish."))
}
