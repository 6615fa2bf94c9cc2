//! A law: bytes and rounds of one operation as a function of its sizes.

use super::Weights;
use super::packing::Ciphertexts;
use super::price::Split;
use serde::{Deserialize, Deserializer};

/// The sizes a law may depend on, for one image.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quantities {
    /// Elements of the result.
    pub elements: f64,
    /// Elements of the activation operand.
    pub inputs: f64,
    /// Output positions × channels per group × kernel height × kernel width × groups.
    pub im2col: f64,
    /// Elements of the weights; of an elementwise product, of its second operand before broadcasting.
    pub weights: f64,
    /// Multiply-accumulates.
    pub macs: f64,
    /// Elements of the result of a product; the same as `elements`.
    pub outputs: f64,
    /// Elements of the product over all taps of a convolution, before shifts and additions.
    pub products: f64,
    /// Rows of the product of matrices that a convolution or a linear layer is: output positions.
    pub rows: f64,
    /// Its inner side: input channels × kernel height × kernel width.
    pub inner: f64,
    /// Its columns: output channels.
    pub columns: f64,
}

impl Quantities {
    /// Sizes of an elementwise operation with `n` results.
    pub fn elementwise(n: usize) -> Quantities {
        let n = n as f64;
        Quantities { elements: n, inputs: n, outputs: n, ..Quantities::default() }
    }
    /// The sizes of each of `n` convolutions that one of `n` groups is taken apart into.
    pub fn of_one_group(self, n: f64) -> Quantities {
        Quantities {
            elements: self.elements / n,
            inputs: self.inputs / n,
            im2col: self.im2col / n,
            weights: self.weights / n,
            macs: self.macs / n,
            outputs: self.outputs / n,
            products: self.products / n,
            rows: self.rows,
            inner: self.inner / n,
            columns: self.columns / n,
        }
    }
    /// Those of so many images at once: weights stay as many, unless they are activations.
    pub fn of_images(self, n: f64, activations: bool) -> Quantities {
        Quantities {
            elements: self.elements * n,
            inputs: self.inputs * n,
            im2col: self.im2col * n,
            weights: if activations { self.weights * n } else { self.weights },
            macs: self.macs * n,
            outputs: self.outputs * n,
            products: self.products * n,
            rows: self.rows * n,
            inner: self.inner,
            columns: self.columns,
        }
    }
    /// One of the sizes.
    pub fn get(&self, q: Quantity) -> f64 {
        match q {
            Quantity::Elements => self.elements,
            Quantity::Inputs => self.inputs,
            Quantity::Im2col => self.im2col,
            Quantity::Weights => self.weights,
            Quantity::Macs => self.macs,
            Quantity::Outputs => self.outputs,
            Quantity::Products => self.products,
        }
    }
}

/// The name of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// See [`Quantities::elements`].
    Elements,
    /// See [`Quantities::inputs`].
    Inputs,
    /// See [`Quantities::im2col`].
    Im2col,
    /// See [`Quantities::weights`].
    Weights,
    /// See [`Quantities::macs`].
    Macs,
    /// See [`Quantities::outputs`].
    Outputs,
    /// See [`Quantities::products`].
    Products,
}

/// Straight lines between measured points; nothing at size 0, the last slope beyond the last point.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piecewise {
    /// The size it is a function of.
    pub of: Quantity,
    /// (size, bytes), sizes ascending.
    pub points: Vec<[f64; 2]>,
}

impl Piecewise {
    /// Bytes at a size.
    pub fn at(&self, x: f64) -> f64 {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 0.0 };
        if x <= 0.0 {
            return 0.0;
        }
        if x <= first[0] || self.points.len() == 1 {
            return first[1];
        }
        let segment = self.points.windows(2).find(|w| x <= w[1][0]).or(self.points.windows(2).last());
        match segment {
            Some([a, b]) => a[1] + (x - a[0]) * (b[1] - a[1]) / (b[0] - a[0]),
            _ => last[1],
        }
    }
}

/// Bytes for each block of a size.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// The size that is cut into blocks.
    pub of: Quantity,
    /// How much of it a block holds.
    pub size: f64,
    /// Bytes a block.
    pub bytes: f64,
    /// Only from this size on.
    #[serde(default)]
    pub from: f64,
    /// Only below this size.
    #[serde(default)]
    pub below: Option<f64>,
    /// Count the blocks that are full rather than those that are begun.
    #[serde(default)]
    pub full: bool,
}

impl Blocks {
    /// Bytes at a size.
    pub fn at(&self, x: f64) -> f64 {
        let counts = x > 0.0 && x >= self.from && self.below.is_none_or(|b| x < b);
        let blocks = x / self.size;
        let blocks = if self.full { blocks.floor() } else { blocks.ceil() };
        if counts { blocks * self.bytes } else { 0.0 }
    }
}

/// Bytes as a sum of coefficients times sizes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Bytes a call, whatever its size.
    pub fixed: f64,
    /// Bytes an element of the result.
    pub elements: f64,
    /// Bytes an element of the activation operand.
    pub inputs: f64,
    /// Bytes an im2col element.
    pub im2col: f64,
    /// Bytes a weight.
    pub weights: f64,
    /// Bytes a multiply-accumulate.
    pub macs: f64,
    /// Bytes an output.
    pub outputs: f64,
    /// Bytes an element of the product over all taps.
    pub products: f64,
    /// Bytes read off measured points.
    pub piecewise: Option<Piecewise>,
    /// Bytes in blocks.
    pub blocks: Vec<Blocks>,
    /// Bytes in whole ciphertexts.
    pub ciphertexts: Option<Ciphertexts>,
}

impl Terms {
    /// Bytes of each of a size.
    fn linear(&self) -> [(f64, Quantity); 7] {
        [
            (self.elements, Quantity::Elements),
            (self.inputs, Quantity::Inputs),
            (self.im2col, Quantity::Im2col),
            (self.weights, Quantity::Weights),
            (self.macs, Quantity::Macs),
            (self.outputs, Quantity::Outputs),
            (self.products, Quantity::Products),
        ]
    }

    /// Bytes at these sizes.
    pub fn at(&self, q: &Quantities) -> f64 {
        self.linear().iter().fold(self.fixed, |sum, (bytes, of)| sum + bytes * q.get(*of))
            + self.piecewise.as_ref().map_or(0.0, |p| p.at(q.get(p.of)))
            + self.blocks.iter().map(|b| b.at(q.get(b.of))).sum::<f64>()
            + self.ciphertexts.as_ref().map_or(0.0, |c| c.at(q))
    }

    /// What is wrong with the numbers, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let bad = |c: f64| !c.is_finite() || c < 0.0;
        if bad(self.fixed) || self.linear().iter().any(|(c, _)| bad(*c)) {
            return Some("a coefficient is negative or not a number".into());
        }
        let block = |b: &Blocks| b.size > 0.0 && b.bytes >= 0.0 && (b.size + b.bytes + b.from).is_finite();
        if !self.blocks.iter().all(block) {
            return Some("blocks must have a size above 0 and bytes that are not negative".into());
        }
        if let Some(why) = self.ciphertexts.as_ref().and_then(Ciphertexts::fault) {
            return Some(why);
        }
        let p = &self.piecewise.as_ref()?.points;
        if p.is_empty() {
            return Some("piecewise has no points".into());
        }
        if p.iter().flatten().any(|c| bad(*c)) || p.windows(2).any(|w| w[0][0] >= w[1][0]) {
            return Some("piecewise points must be non-negative, in ascending order of size".into());
        }
        None
    }
}

/// A plain number is the same at every size.
fn number_or_terms<'d, D: Deserializer<'d>>(d: D) -> Result<Terms, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "rounds: give a number, or terms such as {fixed: 10, elements: 0.001}")]
    enum Rounds {
        Number(f64),
        Terms(Terms),
    }
    Ok(match Rounds::deserialize(d)? {
        Rounds::Number(fixed) => Terms { fixed, ..Terms::default() },
        Rounds::Terms(t) => t,
    })
}

/// Bytes that not every query of a session pays alike: the first one for all that follow, such as the opening of weights, or
/// later ones now and then.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Once {
    /// Those rank 0 sends.
    pub sent: Terms,
    /// Those it receives.
    pub recv: Terms,
}

/// What of a law the truncation of the products is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncating {
    /// Bytes rank 0 sends for it.
    pub sent: Terms,
    /// Bytes it receives.
    pub recv: Terms,
    /// Bytes all parties send together, where the law knows them.
    pub all: Option<Terms>,
    /// Bytes that a dealer answers for it.
    pub dealer: Option<Terms>,
    /// Exchanges.
    pub rounds: f64,
}

/// What one call of an operation costs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Bytes rank 0 sends.
    pub sent: Terms,
    /// Bytes rank 0 receives.
    pub recv: Terms,
    /// Bytes all parties send together, where they are known; of two parties always what is sent and received.
    pub all: Option<Terms>,
    /// Bytes of preprocessing, where the runtime's are known.
    pub offline: Option<Terms>,
    /// Bytes that a dealer answers with where a third party deals, which is asked once an exchange.
    pub dealer: Option<Terms>,
    /// Sequential one-way exchanges of rank 0, a number or terms like those of bytes; a fraction is a mean.
    #[serde(deserialize_with = "number_or_terms")]
    pub rounds: Terms,
    /// Seconds of computing on the machine it was measured on, where that was measured.
    pub seconds: Option<Terms>,
    /// What of the bytes the first query of a session pays alone.
    #[serde(default)]
    pub once: Once,
    /// What of a set-up's bytes later queries pay anew, in the mean of many.
    #[serde(default)]
    pub again: Once,
    /// What of the bytes and exchanges is the truncation, where products are truncated and that was told apart.
    pub truncation: Option<Truncating>,
    /// How it was obtained.
    pub from: String,
}

impl Law {
    /// All that one call costs.
    pub(super) fn whole(&self, q: &Quantities) -> Split {
        Split {
            sent: self.sent.at(q),
            recv: self.recv.at(q),
            rounds: self.rounds.at(q),
            seconds: self.seconds.as_ref().map_or(0.0, |t| t.at(q)),
        }
    }
    /// What of that the truncation is.
    pub(super) fn truncating(&self, q: &Quantities) -> Split {
        let of = |t: &Truncating| Split {
            sent: t.sent.at(q),
            recv: t.recv.at(q),
            rounds: t.rounds,
            ..Split::default()
        };
        self.truncation.as_ref().map_or(Split::default(), of)
    }
}

/// The laws of one operation: one for every weight setting, or one for any.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ByWeights {
    /// Holds for every setting that has no law of its own.
    pub any: Option<Law>,
    /// Weights are shared.
    pub secret: Option<Law>,
    /// Rank 0 owns the weights.
    pub server: Option<Law>,
    /// Weights are public.
    pub public: Option<Law>,
}

impl ByWeights {
    /// The law for a setting.
    pub fn of(&self, w: Weights) -> Option<&Law> {
        match w {
            Weights::Secret => self.secret.as_ref(),
            Weights::Server => self.server.as_ref(),
            Weights::Public => self.public.as_ref(),
        }
        .or(self.any.as_ref())
    }
    /// Every law with its setting's name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Law)> {
        [("any", &self.any), ("secret", &self.secret), ("server", &self.server), ("public", &self.public)]
            .into_iter()
            .filter_map(|(n, l)| l.as_ref().map(|l| (n, l)))
    }
}
