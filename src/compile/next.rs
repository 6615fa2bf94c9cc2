//! What to do about a result: commands with the user's own model, data and budget.

use super::{FoldMode, MASKS, MaskSource, Request, TRAINED, TruncationMode};
use crate::model::Model;
use crate::options::compile::{NETWORKS, PROTOCOLS};
use crate::report::Report;
use crate::report::model::{Level, Verdict};
use crate::report::verdict::{self, Finding};
use relinc_passes::front::onnx::ImportOptions;
use relinc_runtime::cost::{self, ConvForm};
use std::path::{Path, PathBuf};

/// Epochs that show on most networks what training brings back.
const SEARCH_EPOCHS: &str = "4";
const TUNE_EPOCHS: &str = "5";

/// The verdict on a report: what stands against it, and the commands that mend it.
pub fn verdict(r: &Request, import: &ImportOptions, report: &Report) -> Verdict {
    let mut v = Verdict::default();
    let found = verdict::findings(report);
    if found.iter().all(|f| f.level() == Level::Ok) {
        v.say(Level::Ok, verdict::fine(report));
    }
    for f in &found {
        v.say(f.level(), f.sentence(report));
    }
    let asked = Asked { r, import, model: &report.model.path };
    if let Some((said, commands)) = found.iter().find_map(|f| asked.mends(*f, report)) {
        v.sentences.extend(said);
        v.next = commands;
    }
    v
}

/// Compiles again what was compiled, under the same masks, without the ReLUs of some layers. `None` for a network that lies in no file.
pub fn without_layers(r: &Request, import: &ImportOptions, model: &Model, layers: &[&str]) -> Option<String> {
    let trained = matches!(r.masks, MaskSource::Learned(_));
    if !trained && model.info.sha256.is_empty() {
        return None;
    }
    let file = if trained { shown(&r.out.join(TRAINED)) } else { shown(&model.info.path) };
    let mut words = Asked { r, import, model: &file }.words(&file);
    words.extend(["--masks".into(), shown(&r.out.join(MASKS))]);
    words.extend(["--vanish".into(), layers.join(",")]);
    words.extend(how(r));
    words.extend(["-o".into(), shown(&beside(&r.out, "without"))]);
    Some(command("compile", &words))
}

/// The options of compile that its figures depend on, besides protocols and networks.
fn how(r: &Request) -> Vec<String> {
    let mut out = vec![];
    let mut option = |name: &str, value: String| out.extend([format!("--{name}"), value]);
    match r.options.fold {
        // What merged before the network was tuned is in its file.
        FoldMode::Auto | FoldMode::BeforeTune => {}
        FoldMode::Always => option("fold", "always".into()),
        FoldMode::Never => option("fold", "never".into()),
    }
    if r.options.conv_form != ConvForm::Auto {
        option("conv-form", r.options.conv_form.name().into());
    }
    if r.options.truncation != TruncationMode::Safe {
        option("truncation", r.options.truncation.to_string());
    }
    if let Some(ring) = r.options.ring {
        option("ring", ring.name().into());
    }
    if r.options.query_batch() > 1 {
        option("query-batch", r.options.query_batch().to_string());
    }
    if r.data.is_some() {
        option("split", r.options.accuracy.split().name().into());
        option("limit", r.options.accuracy.limit().to_string());
    }
    if let Some((low, high)) = r.options.input_range() {
        option("input-range", format!("{low},{high}"));
    }
    out.extend(r.options.drop_softmax.then(|| "--drop-softmax".to_string()));
    out.extend(r.options.leaky_truncation.then(|| "--leaky-truncation".to_string()));
    out
}

/// A folder beside that of the output.
fn beside(out: &Path, what: &str) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-{what}"));
    out.with_file_name(name)
}

/// What was asked for, to be asked again in another way.
struct Asked<'a> {
    r: &'a Request,
    import: &'a ImportOptions,
    model: &'a str,
}

impl Asked<'_> {
    /// What mends a finding: a sentence, and commands.
    fn mends(&self, f: Finding, report: &Report) -> Option<(Option<String>, Vec<String>)> {
        let built = report.model.sha256.is_empty();
        let say = |said: &str| Some((Some(said.to_string()), vec![]));
        match f {
            _ if built => None,
            Finding::NearChance | Finding::Lost | Finding::OverMaxDrop => Some(self.train(report)),
            Finding::OriginalNearChance => {
                let data = self.r.data.as_ref()?.to_string();
                let how = "Say with normalize= how its images were normalised, and with scale= on what scale: see which of them gives \
                           the accuracy the network is known for.";
                let eval = |normalize: &str| {
                    let (set, options) = data.split_once('?').unwrap_or((&data, ""));
                    let others = options.split('&').filter(|o| !o.is_empty() && !o.starts_with("normalize="));
                    let all: Vec<&str> = others.chain([normalize]).collect();
                    command(
                        "eval",
                        &[self.model, "--data", &format!("{set}?{}", all.join("&")), "--limit", "500"],
                    )
                };
                let known =
                    ["normalize=imagenet", "normalize=none"].into_iter().filter(|n| !data.contains(n));
                Some((Some(how.into()), known.map(eval).collect()))
            }
            Finding::TooFewImages => say("Measure on more images: --limit."),
            Finding::OriginalUnknown => say("Give the original with --teacher, and it is what before means."),
            Finding::NotMeasured => say("Compile again with --data, and the accuracy is measured."),
            Finding::Slower | Finding::SlowerElsewhere if self.r.masks == MaskSource::All => say(
                "The form of convolutions is chosen by communication on the first network: name yours first, or give --conv-form direct.",
            ),
            Finding::Slower | Finding::SlowerElsewhere => {
                say("Exchanges fall only with whole layers: --layers N or a budget in seconds aims at them.")
            }
            Finding::Grew => None,
            Finding::Seen => say("Measure on test images: --split test."),
        }
    }

    fn train(&self, report: &Report) -> (Option<String>, Vec<String>) {
        let out = &self.r.out;
        let beside = |what: &str| beside(out, what);
        match &self.r.masks {
            MaskSource::Search(s) => {
                let vanish = s.options.vanish();
                let (searched, tuned) = (beside("searched"), beside("tuned"));
                let mut search = self.words(self.model);
                search.extend(["--budget".into(), s.budget.to_string()]);
                search.extend(vanish.layers.iter().flat_map(|n| ["--layers".into(), n.to_string()]));
                for (what, names) in vanish.named() {
                    search.extend([format!("--{what}"), names.join(",")]);
                }
                let identity_only = s.options.masks.identity_only.unwrap_or(false);
                search.extend(identity_only.then(|| "--identity-only".to_string()));
                let choices = s.options.masks.choices.iter();
                search.extend(choices.flat_map(|c| ["--choices".into(), c.join(",")]));
                search.extend(["--epochs".into(), SEARCH_EPOCHS.into(), "-o".into(), shown(&searched)]);
                let said = "compile changes no weight, so the network could not get used to its missing ReLUs: train. More epochs bring \
                            back more.";
                (Some(said.into()), vec![command("search", &search), self.tune_made(&searched, &tuned)])
            }
            MaskSource::File(masks) => {
                let said = "The weights were not trained under these masks: tune the network. More epochs bring back more.";
                (Some(said.into()), vec![self.tune(Path::new(self.model), masks, false, &beside("tuned"))])
            }
            MaskSource::Learned(_) => {
                let stages = report.training.iter().flat_map(|t| &t.records);
                let (said, next) = match stages.last().is_some_and(|s| s.stage.starts_with("search")) {
                    true => (
                        "The masks were found, but the network was not tuned under them.",
                        vec![self.tune_made(out, &beside("tuned"))],
                    ),
                    false => ("Give training more epochs, or keep more ReLUs: a larger budget.", vec![]),
                };
                (Some(said.into()), next)
            }
            MaskSource::All => (None, vec![]),
        }
    }

    /// Tunes what a run left in a folder.
    fn tune_made(&self, run: &Path, out: &Path) -> String {
        self.tune(&run.join(TRAINED), &run.join(MASKS), true, out)
    }

    fn tune(&self, model: &Path, masks: &Path, teacher: bool, out: &Path) -> String {
        let mut words = self.words(&shown(model));
        words.extend(["--masks".into(), shown(masks)]);
        if teacher {
            words.extend(["--teacher".into(), self.model.into()]);
        }
        words.extend(["--epochs".into(), TUNE_EPOCHS.into(), "-o".into(), shown(out)]);
        command("tune", &words)
    }

    /// The model and what holds for any command on it.
    fn words(&self, model: &str) -> Vec<String> {
        let mut out = vec![model.to_string()];
        out.extend(self.r.data.iter().flat_map(|d| ["--data".into(), d.to_string()]));
        out.extend(self.import.dims.iter().flat_map(|(name, n)| ["--dim".into(), format!("{name}={n}")]));
        out.extend(self.import.keep_batch.then(|| "--keep-batch".to_string()));
        out.extend(self.r.options.targets.iter().flat_map(|t| ["--target".into(), t.name().into()]));
        out.extend(self.r.options.weights.iter().flat_map(|w| ["--weights".into(), w.name().into()]));
        let built_in =
            self.r.protocols.iter().filter(|p| cost::find(&p.name).is_ok_and(|known| known == **p));
        let protocols: Vec<&str> = built_in.map(|p| p.name.as_str()).collect();
        let networks: Vec<&str> = self.r.networks.iter().map(|n| n.name.as_str()).collect();
        for (option, asked, default) in
            [("--protocol", protocols, &PROTOCOLS[..]), ("--network", networks, &NETWORKS[..])]
        {
            if asked != default {
                out.extend(asked.into_iter().flat_map(|a| [option.into(), a.into()]));
            }
        }
        out
    }
}

fn shown(p: &Path) -> String {
    p.display().to_string()
}

/// A command line that a shell takes as it stands.
fn command(name: &str, words: &[impl AsRef<str>]) -> String {
    let mut out = format!("relinc {name}");
    for w in words {
        out.push(' ');
        out += &quoted(w.as_ref());
    }
    out
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=%,@+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
