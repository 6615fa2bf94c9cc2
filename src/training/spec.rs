//! The options of a training stage, as a pipeline file or the command line gives them, and the recipe they make.

use crate::error::{Error, Result, input};
use crate::jobs::spec_of;
use crate::vanish::Asked;
use burn::tensor::Device;
use relinc_passes::choice::Choice;
use relinc_runtime::attack::{Attack, Radius};
use relinc_runtime::exec::Precision;
use relinc_runtime::nearest::did_you_mean;
use relinc_runtime::search::layers::Vanish;
use relinc_runtime::train::recipe::{BLEND, RAMP, Recipe};
use relinc_runtime::train::schedule::Schedule;
use relinc_runtime::train::select::Granularity;
use relinc_runtime::train::{Counts, Kind, Method, SearchOptions, sensitivity};
use serde::{Deserialize, Serialize};

/// Rounds beyond which a search only takes longer.
const MOST_ROUNDS: usize = 1000;

/// Options of a training stage. What is absent takes the recipe's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct StageOptions {
    /// How it trains.
    #[command(flatten)]
    #[serde(flatten)]
    pub steps: StepOptions,
    /// How it finds masks.
    #[command(flatten)]
    #[serde(flatten)]
    pub masks: MaskOptions,
}

/// How a stage trains.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Training")]
pub struct StepOptions {
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Images a step
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Learning rate at its highest
    #[arg(long, value_name = "LR")]
    pub rate: Option<f64>,
    /// constant, step, cosine or one-cycle
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<String>,
    /// SGD's momentum
    #[arg(long, value_name = "M")]
    pub momentum: Option<f32>,
    /// Weight decay
    #[arg(long, value_name = "D")]
    pub decay: Option<f32>,
    /// Largest gradient norm, 0 for none
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f32>,
    /// Decay of the running average of the weights that is validated and kept, 0 for none
    #[arg(long, value_name = "DECAY")]
    pub average: Option<f32>,
    /// Which weights train and tune leave: best, those of the epoch that validated best, or last, where the model has seen the validation
    /// images before [default: best]
    #[arg(long, value_name = "WHICH")]
    pub keep: Option<String>,
    /// Random crops and flips [default: true]
    #[arg(long, value_name = "BOOL")]
    pub augment: Option<bool>,
    /// Share of the training images an epoch sees: those whose loss was largest when they were last seen clean [default: 1, all]
    #[arg(long, value_name = "SHARE")]
    pub hardest: Option<f64>,
    /// Clean, AugMix and adversarial views (RLNet) [default: only with method rlnet]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub robust: Option<bool>,
    /// Weight of the cross-entropy
    #[arg(long, value_name = "W")]
    pub ce: Option<f32>,
    /// Weight of the divergence from the teacher
    #[arg(long, value_name = "W")]
    pub kl: Option<f32>,
    /// Temperature of that divergence
    #[arg(long, value_name = "T")]
    pub temperature: Option<f32>,
    /// Weight of the attention transfer (PRAM)
    #[arg(long, value_name = "W")]
    pub attention: Option<f32>,
    /// ReLU layers whose attention is compared [default: the stage outputs]
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub pram_at: Option<Vec<String>>,
    /// Weight of the penalty on what is far out in quadratic layers [default: 10]
    #[arg(long, value_name = "W")]
    pub tails: Option<f32>,
    /// Share of the stage over which quadratics, and layers that vanish beside them, take the ReLUs' place [default: 0.25 in a search, 0 in tuning]
    #[arg(long, value_name = "SHARE")]
    pub blend: Option<f64>,
    /// Share of the stage, at its end, in which normalisations keep their statistics: the network is trained as it will run [default: 0.25 with quadratics, 1 with boxes, else 0 without or with robust views]
    #[arg(long, value_name = "SHARE")]
    pub freeze: Option<f64>,
    /// Label smoothing
    #[arg(long, value_name = "S")]
    pub smoothing: Option<f32>,
    /// The training attack: pgd:steps=7,eps=8/255,step=2/255, or nfgsm:eps=8/255 (N-FGSM), which costs one pass instead of seven, for instance
    #[arg(long, value_name = "ATTACK")]
    pub train_attack: Option<String>,
    /// Certified training (SABR): robust stages learn from the worst logits, by intervals, of the box that reaches so far around an attacked
    /// image, 0.4/255 for instance [default: from the image's own]
    #[arg(long, value_name = "EPS")]
    pub train_box: Option<String>,
    /// Where sensitivities come from: gradient, sparse, resnet18, resnet34 or wrn22-8
    #[arg(long, value_name = "FROM")]
    pub sensitivity: Option<String>,
    /// Looks an epoch at what each ReLU is worth (gradual)
    #[arg(long, value_name = "N")]
    pub refreshes: Option<usize>,
    /// Share of the search after which the budget is reached (gradual) [default: 1; 0.6 where layers may become quadratic]
    #[arg(long, value_name = "SHARE")]
    pub ramp: Option<f64>,
    /// Masks that certify: ReLUs that may flip when pixels change by this much are worth less (gradual), 2/255 for instance
    #[arg(long, value_name = "EPS")]
    pub certify: Option<String>,
    /// f32, bf16, f16 (cards alone) or auto: what activations are computed in. auto is bf16 on the kinds of CPU where steps were measured
    /// to be faster in it, elsewhere f32 [default: auto]
    #[arg(long, value_name = "KIND")]
    pub precision: Option<String>,
    /// Validation images
    #[arg(long, value_name = "N")]
    pub val_images: Option<usize>,
    /// Validation images that are attacked in robust stages
    #[arg(long, value_name = "N")]
    pub val_attacked: Option<usize>,
    /// A folder with recorded first masks and batches (benches/pytorch/README.md)
    #[arg(long, value_name = "DIR")]
    pub replay: Option<std::path::PathBuf>,
}

/// How masks are found, whether or not anything is trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Masks")]
pub struct MaskOptions {
    /// How masks are found: oneshot, which trains nothing and is the only one of compile, or gradual, senet, rlnet, snl or bcd
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// pixel, channel or layer: the unit of removal [default: pixel]
    #[arg(long, value_name = "UNIT")]
    pub granularity: Option<String>,
    /// How a budget is spread: global (one ranking) or senet (per layer) [default: senet by senet and rlnet, else global]
    #[arg(long, value_name = "HOW")]
    pub allocation: Option<String>,
    /// Layer sensitivities for the allocation senet, one a ReLU layer, separated by commas [default: measured]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub eta: Option<Vec<f64>>,
    /// ReLUs each layer keeps, instead of sensitivities
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub counts: Option<Vec<usize>>,
    /// ReLU layers that may keep ReLUs; all others vanish (gradual, oneshot)
    #[arg(long, value_name = "N")]
    pub layers: Option<usize>,
    /// ReLU layers that vanish, separated by commas (gradual, oneshot): relu01,relu03
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub vanish: Option<Vec<String>>,
    /// ReLU layers that become quadratic wherever they stand, separated by commas (gradual, oneshot): relu00
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub quadratic: Option<Vec<String>>,
    /// ReLU layers that become the identity wherever they stand, where others may become quadratic, separated by commas (gradual, oneshot)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub identity: Option<Vec<String>>,
    /// Training images that are looked at [default: 256]
    #[arg(long, value_name = "N")]
    pub calibration: Option<usize>,
    /// Removed elements become the identity only, never zero
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub identity_only: Option<bool>,
    /// What becomes of ReLUs, separated by commas: relu, identity, zero and, where whole layers may become a·x² + b·x + c, quadratic
    /// (gradual, oneshot): those inside blocks, or with quadratic-anywhere and a budget in seconds any without a cap [default:
    /// relu,identity,zero]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub choices: Option<Vec<String>>,
    /// A slope a channel for the elements that become the identity (search): learned, or fitted by oneshot
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub slopes: Option<bool>,
    /// Rounds the removal is spread over (oneshot) [default: 8]
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,
}

/// What ReLUs may become, by name.
const CHOICES: &[&str] = &["relu", "identity", "zero", "quadratic", ANYWHERE];
/// Any layer may become quadratic.
const ANYWHERE: &str = "quadratic-anywhere";

/// A range of numbers, and the words for it.
type Range = (fn(f64) -> bool, &'static str);

const ABOVE_ZERO: Range = (|v| v > 0.0, "above 0");
const FROM_ZERO: Range = (|v| v >= 0.0, "at least 0");
const SHARE: Range = (|v| v > 0.0 && v <= 1.0, "above 0 and at most 1");
const FROM_ZERO_TO_ONE: Range = (|v| (0.0..=1.0).contains(&v), "at least 0 and at most 1");
const BELOW_ONE: Range = (|v| (0.0..1.0).contains(&v), "at least 0 and below 1");

impl StageOptions {
    /// The learner's name; a search that names none is one-shot.
    pub fn method(&self) -> Result<Method> {
        self.masks.method.as_deref().map_or(Ok(Method::default()), |m| m.parse().map_err(input))
    }

    /// What the user should know of a search stage that names no method.
    pub fn notice(&self) -> Option<String> {
        let unused = match self.steps.epochs {
            Some(n) => format!(", and its {n} epochs are not run"),
            None => String::new(),
        };
        self.masks.method.is_none().then(|| {
            format!("The search stage names no method: it is oneshot, which trains nothing{unused}. Write method: gradual to train.")
        })
    }

    /// Clean, AugMix and adversarial views?
    pub fn is_robust(&self) -> bool {
        self.steps.robust.unwrap_or(self.masks.method.as_deref() == Some(Method::Rlnet.name()))
    }

    /// Finds numbers that mean nothing.
    ///
    /// # Errors
    /// All of them, with what is expected.
    pub fn check(&self) -> Result<()> {
        let counts = ["epochs", "batch", "layers", "refreshes", "calibration", "rounds", "val_images"];
        let given = spec_of(self)?;
        let none = counts.iter().filter(|n| given.get(**n).is_some_and(|v| v == "0"));
        let mut said: Vec<String> = none.map(|name| format!("{name}: 0 is not at least 1")).collect();
        if let Some(n) = self.masks.rounds.filter(|&n| n > MOST_ROUNDS) {
            said.push(format!("rounds: {n} is not at most {MOST_ROUNDS}"));
        }
        let of = |v: Option<f32>| v.map(f64::from);
        let numbers = [
            ("rate", self.steps.rate, ABOVE_ZERO),
            ("momentum", of(self.steps.momentum), BELOW_ONE),
            ("decay", of(self.steps.decay), FROM_ZERO),
            ("clip", of(self.steps.clip), FROM_ZERO),
            ("average", of(self.steps.average), BELOW_ONE),
            ("ce", of(self.steps.ce), FROM_ZERO),
            ("kl", of(self.steps.kl), FROM_ZERO),
            ("attention", of(self.steps.attention), FROM_ZERO),
            ("temperature", of(self.steps.temperature), ABOVE_ZERO),
            ("smoothing", of(self.steps.smoothing), BELOW_ONE),
            ("ramp", self.steps.ramp, SHARE),
            ("hardest", self.steps.hardest, SHARE),
            ("tails", of(self.steps.tails), FROM_ZERO),
            ("blend", self.steps.blend, FROM_ZERO_TO_ONE),
            ("freeze", self.steps.freeze, FROM_ZERO_TO_ONE),
        ];
        for (name, v, (holds, words)) in numbers {
            if let Some(v) = v.filter(|v| !(v.is_finite() && holds(*v))) {
                said.push(format!("{name}: {v} is not {words}"));
            }
        }
        if self.masks.eta.iter().flatten().any(|e| !e.is_finite() || *e < 0.0) {
            said.push("eta: sensitivities are finite and not negative".into());
        }
        if self.steps.replay.is_some() && self.steps.hardest.is_some_and(|h| h < 1.0) {
            said.push(
                "hardest: recorded batches say which images an epoch sees; leave it out, or replay".into(),
            );
        }
        if said.is_empty() { Ok(()) } else { Err(Error::Input(said.join("; "))) }
    }

    /// The recipe of a stage after which `share` of the ReLUs is left. `kind` Search gets its options by [`StageOptions::search`].
    pub fn recipe(
        &self,
        kind: Kind,
        method: Option<Method>,
        robust: bool,
        single_norm: bool,
        share: f64,
        seed: u64,
    ) -> Result<Recipe> {
        let epochs = self.steps.epochs.unwrap_or(match kind {
            Kind::Search => 150,
            _ => 240,
        });
        let mut r = Recipe::new(kind, method, robust, share, epochs);
        self.check()?;
        r.seed = seed;
        r.batch = self.steps.batch.unwrap_or(r.batch);
        r.rate = self.steps.rate.unwrap_or(r.rate);
        if let Some(s) = &self.steps.schedule {
            r.schedule = s.parse::<Schedule>().map_err(input)?;
        }
        r.momentum = self.steps.momentum.unwrap_or(r.momentum);
        r.decay = self.steps.decay.unwrap_or(r.decay);
        r.clip = self.steps.clip.unwrap_or(r.clip);
        r.average = self.steps.average.unwrap_or(r.average);
        if let Some(k) = &self.steps.keep {
            if kind == Kind::Search {
                return Err(input(
                    "keep: a search leaves its last epoch, whose masks meet the budget; leave it out",
                ));
            }
            r.keep = k.parse().map_err(input)?;
        }
        r.augment = self.steps.augment.unwrap_or(r.augment);
        r.hardest = self.steps.hardest.unwrap_or(r.hardest);
        r.slopes = self.masks.slopes.unwrap_or(r.slopes);
        if r.slopes && (kind != Kind::Search || method == Some(Method::Snl)) {
            let why = match kind {
                Kind::Teacher => "a teacher keeps all its ReLUs",
                Kind::Tune => "a search learns them, tuning keeps those of the masks",
                Kind::Search => "method snl has a slope an element of its own",
            };
            return Err(input(format!("slopes: {why}; leave it out")));
        }
        let blends = kind == Kind::Search && self.may_square()?;
        r.blend = self.steps.blend.unwrap_or(if blends { BLEND } else { 0.0 });
        r.freeze = self.steps.freeze;
        r.val_images = self.steps.val_images.unwrap_or(r.val_images);
        r.val_attacked = self.steps.val_attacked.unwrap_or(r.val_attacked);
        let o = &mut r.objective;
        o.ce = self.steps.ce.unwrap_or(o.ce);
        o.kl = self.steps.kl.unwrap_or(o.kl);
        o.temperature = self.steps.temperature.unwrap_or(o.temperature);
        o.attention = self.steps.attention.unwrap_or(o.attention);
        o.attention_at = self.steps.pram_at.clone().unwrap_or_default();
        o.smoothing = self.steps.smoothing.unwrap_or(o.smoothing);
        o.tails = self.steps.tails.unwrap_or(o.tails);
        o.single_norm = single_norm;
        if o.ce == 0.0 && o.kl == 0.0 && o.attention == 0.0 {
            return Err(input(
                "ce, kl and attention are all 0, so there is nothing to learn; give one of them a weight",
            ));
        }
        o.precision = self.precision()?.unwrap_or_default();
        if o.precision == Precision::F16 && method == Some(Method::Snl) {
            return Err(input(
                "precision f16: method snl learns from gradients that must not be scaled; use bf16 or f32",
            ));
        }
        if let Some(a) = &self.steps.train_attack {
            o.attack = a.parse::<Attack>().map_err(input)?;
        }
        if let Some(text) = &self.steps.train_box {
            let radius = text.parse::<Radius>().map_err(|e| input(format!("train_box: {e}")))?;
            o.reach = radius.get() as f32;
            // Boxes are those of the network as it will run.
            r.freeze = r.freeze.or(Some(1.0));
        }
        Ok(r)
    }

    /// What activations are computed in; none where the device decides.
    fn precision(&self) -> Result<Option<Precision>> {
        match self.steps.precision.as_deref() {
            None => Ok(None),
            Some(word) => Precision::asked(word).map_err(input),
        }
    }

    /// What activations are computed in on a device.
    pub fn precision_on(&self, device: &Device) -> Result<Precision> {
        Ok(self.precision()?.unwrap_or_else(|| Precision::fastest(device)))
    }

    /// The options of a search for `keep` ReLUs.
    pub fn search(&self, keep: usize, seed: u64) -> Result<SearchOptions> {
        let method = self.method()?;
        let senet = matches!(method, Method::Senet | Method::Rlnet);
        let by_layer = match self.masks.allocation.as_deref() {
            None => senet,
            Some("senet") => true,
            Some("global") => false,
            Some(a) => {
                return Err(input(format!("allocation '{a}' is not known; choose global or senet")));
            }
        };
        if self.masks.eta.is_some() && self.masks.allocation.as_deref() == Some("global") {
            return Err(input("eta goes with allocation senet"));
        }
        let counts = match (&self.masks.counts, &self.masks.eta, self.steps.sensitivity.as_deref()) {
            (Some(_), Some(_), _) => return Err(input("give either counts or eta")),
            (Some(n), None, _) => Counts::Given(n.clone()),
            (None, Some(e), _) => Counts::Eta(e.clone()),
            (None, None, None | Some("gradient" | "sparse")) if by_layer => Counts::Measured,
            (None, None, None) => Counts::Global,
            (None, None, Some("gradient" | "sparse")) => Counts::Global,
            (None, None, Some(p)) => match sensitivity::preset(p) {
                Some(e) => Counts::Eta(e),
                None => {
                    return Err(input(format!(
                        "sensitivity '{p}' is not known; choose gradient, sparse, resnet18, resnet34 or wrn22-8"
                    )));
                }
            },
        };
        if let Counts::Given(n) = &counts
            && keep > 0
            && n.iter().sum::<usize>() != keep
        {
            let sum = n.iter().sum::<usize>();
            return Err(input(format!("counts sum to {sum}, the budget is {keep} ReLUs")));
        }
        if matches!(method, Method::Snl | Method::Bcd) && counts != Counts::Global {
            return Err(input(format!(
                "method {method} ranks the whole network: leave out allocation, eta, counts and sensitivity"
            )));
        }
        if method == Method::Bcd && !matches!(self.masks.granularity.as_deref(), None | Some("pixel")) {
            return Err(input("method bcd removes single elements: leave out granularity"));
        }
        let choices = self.choices(method)?;
        let ramp = if choices.contains(&Choice::Quadratic) { RAMP } else { 1.0 };
        let certify = match &self.steps.certify {
            None => None,
            Some(_) if method != Method::Gradual => {
                return Err(input("certify: only method gradual looks at what flips; leave it out"));
            }
            Some(text) => Some(text.parse::<Radius>().map_err(|e| input(format!("certify: {e}")))?.get()),
        };
        Ok(SearchOptions {
            certify,
            method,
            keep,
            counts,
            granularity: match &self.masks.granularity {
                Some(g) => g.parse::<Granularity>().map_err(input)?,
                None => Granularity::Pixel,
            },
            choices,
            refreshes: self.steps.refreshes.unwrap_or(4),
            calibration: self.masks.calibration.unwrap_or(256),
            rounds: self.masks.rounds.unwrap_or(8),
            ramp: self.steps.ramp.unwrap_or(ramp).max(1e-3),
            vanish: Vanish::default(),
            squares: vec![],
            first: None,
            seed,
        })
    }

    /// What removed elements may become.
    fn choices(&self, method: Method) -> Result<Vec<Choice>> {
        let chooses = matches!(method, Method::Oneshot | Method::Gradual);
        let identity_only = self.masks.identity_only.unwrap_or(false);
        let Some(names) = &self.masks.choices else {
            return Ok(match identity_only || !chooses {
                false => vec![Choice::Identity, Choice::Zero],
                true => vec![Choice::Identity],
            });
        };
        if identity_only {
            return Err(input("give either choices or identity_only"));
        }
        if !chooses {
            return Err(input(format!(
                "choices: method {method} makes removed elements the identity; leave it out"
            )));
        }
        let mut found = vec![];
        for name in names {
            match name.trim() {
                "relu" => {}
                "identity" => found.push(Choice::Identity),
                "zero" => found.push(Choice::Zero),
                "quadratic" | ANYWHERE => found.push(Choice::Quadratic),
                other => {
                    let hint = did_you_mean(other, CHOICES);
                    return Err(input(format!("choices: '{other}' is none of {}{hint}", CHOICES.join(", "))));
                }
            }
        }
        if !found.contains(&Choice::Identity) {
            return Err(input("choices: a layer that vanishes is the identity; add identity"));
        }
        Ok(found)
    }

    /// May whole layers become quadratic?
    ///
    /// # Errors
    /// Choices that are not known, or that the method does not have.
    pub fn may_square(&self) -> Result<bool> {
        match &self.masks.choices {
            None => Ok(false),
            Some(_) => Ok(self.choices(self.method()?)?.contains(&Choice::Quadratic)),
        }
    }

    /// May layers that are not inside a block become quadratic, too?
    pub fn squares_anywhere(&self) -> bool {
        self.masks.choices.iter().flatten().any(|name| name.trim() == ANYWHERE)
    }

    /// The layers that keep no ReLU.
    pub fn vanish(&self) -> Asked {
        Asked {
            layers: self.masks.layers,
            vanish: self.masks.vanish.clone().unwrap_or_default(),
            quadratic: self.masks.quadratic.clone().unwrap_or_default(),
            identity: self.masks.identity.clone().unwrap_or_default(),
            squares: self.may_square().unwrap_or(false),
        }
    }
}
