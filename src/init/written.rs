//! The pipeline as a file with comments.

use super::{Asked, Looked, Recipe};
use crate::caps;
use crate::error::{Result, input};
use crate::report::model::BudgetCost;
use crate::report::text::budgets;
use crate::report::{bytes, count, seconds};
use crate::training::estimate::Estimate;
use relinc_runtime::cost::{Protocol, Weights};
use relinc_runtime::data::short;
use std::path::Path;

/// What is written.
pub struct Draft<'a> {
    pub asked: &'a Asked,
    pub looked: &'a Looked,
    pub recipe: &'a Recipe,
    pub rows: &'a [BudgetCost],
    /// Absent while it is found out.
    pub estimate: Option<&'a Estimate>,
}

impl Draft<'_> {
    /// The file's text.
    pub fn text(&self) -> Result<String> {
        let (a, l) = (self.asked, self.looked);
        let protocols = a.report.protocols()?;
        let networks = a.report.networks()?;
        let mut out = String::new();
        comment(
            &mut out,
            &format!(
                "A pipeline for {}, written by relinc init. Change what you like, then run",
                a.model.display()
            ),
        );
        out += "#\n";
        comment(&mut out, &format!("    relinc run {}", a.out.display()));
        out += "#\n";
        if let Some(e) = self.estimate {
            comment(&mut out, &estimated(e));
            out += "#\n";
        }
        let layers: Vec<_> = l.canonical.layers.iter().filter(|r| !r.redundant).collect();
        let (all, counted) = (l.canonical.relus() as u64, caps::counted(&l.canonical.layers));
        comment(&mut out, &format!("{} {counted} in {} layers.", count(all), layers.len()));
        protocols.iter().for_each(|p| comment(&mut out, &private(p)));
        out += &format!("\nmodel: {}\n", quoted(&beside(&a.model, &a.out)?));
        out += &format!(
            "# {} classes: {}\n",
            l.images.catalogue.classes.len(),
            short(&l.images.catalogue.classes)
        );
        comment(&mut out, &self.normalised());
        out += &format!("data: {}\n", quoted(&self.data()?));
        out += &format!("device: {}\nseed: {}\n\n", a.device, a.seed);
        comment(&mut out, &format!("{}. {}", self.recipe, self.recipe.measured()));
        out += "stages:\n";
        out += &self.recipe.stages();
        let targets = self.recipe.targets();
        let words: Vec<&str> = targets.iter().map(|t| t.name()).collect();
        out += &format!("\ntargets: [{}]\n", words.join(", "));
        if protocols.iter().any(|p| p.truncating_alone().is_some()) {
            out += "# truncation: bounded                      # cheaper on SEMI2K; the report bounds how often a query goes wrong\n";
        }
        out += "accuracy: {limit: 10000}                     # test images, looked at once, at the end\n";
        let names = |all: Vec<&str>| all.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
        out += &format!(
            "report:\n  protocols: [{}]\n  networks: [{}]\n\n",
            names(self.protocol_names(&protocols)),
            names(networks.iter().map(|n| n.name.as_str()).collect())
        );
        out += "# What a query is predicted to cost. Other budgets: relinc inspect MODEL --data D --budgets 30%,latency=2s@semi2k/wan\n#\n";
        for line in budgets(self.rows, (all, counted), layers.len()).lines() {
            out += format!("# {line}").trim_end();
            out.push('\n');
        }
        Ok(out)
    }

    /// As they were asked for, since one may be a file.
    fn protocol_names<'p>(&'p self, all: &'p [Protocol]) -> Vec<&'p str> {
        match &self.asked.report.protocols[..] {
            [] => all.iter().map(|p| p.name.as_str()).collect(),
            asked => asked.iter().map(String::as_str).collect(),
        }
    }

    /// The data as the file names it: a relative folder as it is seen from there.
    fn data(&self) -> Result<String> {
        let (text, folder) = (&self.looked.found.text, self.looked.images.spec.folder());
        let named = folder.display().to_string();
        if folder.as_os_str().is_empty() || folder.is_absolute() {
            return Ok(text.clone());
        }
        Ok(text.replacen(&named, &beside(folder, &self.asked.out)?, 1))
    }

    fn normalised(&self) -> String {
        let f = &self.looked.found;
        let [low, high] = f.interval;
        let mut said = format!(
            "{:.1} % ({low:.1} to {high:.1}) of {} validation images are right{}",
            f.accuracy,
            f.n,
            if f.given { "." } else { " with this normalisation, the most usual of those that do best." }
        );
        let others: Vec<String> = f.alike().map(|(o, p)| format!("?{o} ({p:.1} %)")).collect();
        if !others.is_empty() && f.given {
            said += &format!(" More are with {}: is it what the model was trained with?", others.join(", "));
        } else if !others.is_empty() {
            said += &format!(
                " They do not tell it from {}: take what the model was trained with.",
                others.join(", ")
            );
        }
        said
    }
}

/// What a run will take, in a sentence.
pub fn estimated(e: &Estimate) -> String {
    let memory = e.memory_bytes.map(|b| format!(" and {} of memory", bytes(b))).unwrap_or_default();
    let threads = if e.threads == 1 { "one thread".to_string() } else { format!("{} threads", e.threads) };
    format!(
        "It takes about {}{memory} on this machine ({threads}): {} steps of {} images, {} each, the median of {}, and validation; {}.",
        seconds(e.seconds),
        count(e.steps as u64),
        e.batch,
        seconds(e.step_s),
        e.timed,
        e.device
    )
}

/// What nobody else sees under a protocol.
fn private(p: &Protocol) -> String {
    let weights = match p.default_weights {
        Weights::Secret => "image and weights are shared between them",
        Weights::Server => "the image is the client's, the weights are the server's",
        Weights::Public => "the image is shared between them; the weights are public",
    };
    format!(
        "{}: {} parties; {weights}. Everybody knows the graph and the masks. {}",
        p.name,
        p.parties,
        p.trust()
    )
}

/// A path as it is seen from the folder of `file`: as it is where that is the working directory, else absolute.
fn beside(path: &Path, file: &Path) -> Result<String> {
    let here = file.parent().is_none_or(|p| p.as_os_str().is_empty() || p == Path::new("."));
    let seen = match here || path.is_absolute() {
        true => path.to_path_buf(),
        false => std::path::absolute(path).map_err(|e| input(e).at(path.display()))?,
    };
    Ok(seen.display().to_string())
}

/// A YAML string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Lines of a comment, broken at spaces.
fn comment(out: &mut String, text: &str) {
    const WIDTH: usize = 118;
    let indent = text.len() - text.trim_start().len();
    let mut line = format!("# {}", " ".repeat(indent));
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            *out += &line;
            out.push('\n');
            line = "# ".into();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    *out += &line;
    out.push('\n');
}
