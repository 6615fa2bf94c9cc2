//! The command line: one file a subcommand. Nothing outside this folder prints.

mod architecture;
mod args;
mod bench;
mod calibrate;
mod certificates;
mod certify;
mod compile;
mod data;
mod dealer;
mod devices;
mod eval;
mod explain;
mod fixed_point;
mod help;
mod init;
mod inspect;
mod measure;
mod out;
mod parties;
mod passes;
mod protocols;
mod report;
mod run;
mod shell;
mod sweep;
mod train;
mod verify;

use crate::compile::{fixed, tails};
use crate::error::{Error, Result, input};
use crate::interrupt;
use crate::pipeline::Pipeline;
use crate::progress::{Form, Progress};
use crate::report::{self as reports, Report};
use args::ShowArgs;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use out::{print, print_json};
use relinc_runtime::device::DeviceSpec;
use relinc_runtime::train::Kind;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// The ReLU-linearizing compiler: a trained ONNX classifier in, a graph that private-inference runtimes run with fewer
/// secure comparisons out.
#[derive(Debug, Parser)]
#[command(name = "relinc", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Print the result as one JSON document on stdout
    #[arg(long, global = true)]
    json: bool,
    /// No progress on stderr
    #[arg(long, global = true)]
    quiet: bool,
    /// Progress on stderr: text, or json, an object a line for programs
    #[arg(long, global = true, value_name = "FORM", default_value = "text", hide_default_value = true)]
    progress: Form,
    /// Say more on stderr
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Where training and attacks compute: auto, cpu, gpu, gpu:N or gpu:0,gpu:1 [default: the pipeline's, else auto]
    #[arg(long, global = true, value_name = "DEVICE")]
    device: Option<DeviceSpec>,
    /// Seed of everything random [default: the pipeline's, else 0]
    #[arg(long, global = true)]
    seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is in a model, and what it would cost
    Inspect(inspect::Args),
    /// Import, mask, lower, emit, report
    Compile(Box<compile::Args>),
    /// Write a first pipeline for a model and its data, with what it will take
    Init(init::Args),
    /// The whole road of a pipeline file
    Run(run::Args),
    /// Accuracy of a model on a data set: clean, corrupted, under attack
    Eval(eval::Args),
    /// Prove that no small change of an image changes its class
    Certify(certify::Args),
    /// Do two models compute the same?
    Verify(verify::Args),
    /// Every pass: name, guarantee, one line
    Passes(passes::Args),
    /// Every cost model: name, ring, what its numbers count, source
    Protocols,
    /// What a pass, a protocol, the code of an error or a ReLU layer is
    Explain(explain::Args),
    /// Rebuild the pages of a report from its JSON, or compare several runs
    Report(report::Args),
    /// Build a network from a description, with random weights, as ONNX
    Architecture(architecture::Args),
    /// Write a data set's images and labels as .npy files
    Data(data::Args),
    /// Measure relinc itself
    Bench(bench::Args),
    /// Shell completions
    Completions(shell::Args),
    /// The manual page, or that of a command, in roff
    Man(shell::ManArgs),
    /// Train an all-ReLU network: a robust teacher, or from nothing
    Train(Box<train::Args>),
    /// Learn masks
    Search(Box<train::Args>),
    /// Fine-tune with frozen masks
    Tune(Box<train::Args>),
    /// Run the emitted artefact on the installed runtime: predicted against measured
    Measure(measure::Args),
    /// Measure a runtime's constants here and write a protocol file
    CalibrateRuntime(calibrate::Args),
    /// Accuracy against bytes and latency over several budgets
    Sweep(sweep::Args),
    /// What it can train on here
    Devices,
    /// Deal random triples to SPU's parties under SEMI2K and see no data
    Dealer(dealer::Args),
    /// A private authority and certificates for trials, and the dealer's key
    Certificates(certificates::Args),
    /// Answer queries about images that this side does not see (server/serve.py)
    #[command(after_help = parties::HELP)]
    Serve(parties::Args),
    /// Ask a server about images that it does not see (client/query.py)
    #[command(after_help = parties::HELP)]
    Query(parties::Args),
    /// Be the third party of a protocol with three (helper/help_party.py)
    #[command(after_help = parties::HELP)]
    HelpParty(parties::Args),
}

/// The command line as clap describes it.
pub fn command() -> clap::Command {
    help::shaped(Cli::command())
}

fn dispatch(cli: Cli) -> Result<()> {
    let g = &cli.global;
    match cli.command {
        Command::Inspect(a) => inspect::run(a, g),
        Command::Compile(a) => compile::run(*a, g),
        Command::Init(a) => init::run(a, g),
        Command::Run(a) => run::run(a, g),
        Command::Eval(a) => eval::run(a, g),
        Command::Certify(a) => certify::run(a, g),
        Command::Verify(a) => verify::run(a, g),
        Command::Passes(a) => passes::run(a, g),
        Command::Protocols => protocols::run(g),
        Command::Explain(a) => explain::run(a, g),
        Command::Report(a) => report::run(a, g),
        Command::Architecture(a) => architecture::run(a, g),
        Command::Data(a) => data::run(a, g),
        Command::Bench(a) => bench::run(a, g),
        Command::Completions(a) => shell::completions(a),
        Command::Man(a) => shell::man(a),
        Command::Train(a) => train::run(Kind::Teacher, *a, g),
        Command::Search(a) => train::run(Kind::Search, *a, g),
        Command::Tune(a) => train::run(Kind::Tune, *a, g),
        Command::Measure(a) => measure::run(a, g),
        Command::CalibrateRuntime(a) => calibrate::run(a, g),
        Command::Sweep(a) => sweep::run(a, g),
        Command::Devices => devices::run(g),
        Command::Dealer(a) => dealer::run(a, g),
        Command::Certificates(a) => certificates::run(a, g),
        Command::Serve(a) => parties::run(parties::Role::Server, a, g),
        Command::Query(a) => parties::run(parties::Role::Client, a, g),
        Command::HelpParty(a) => parties::run(parties::Role::Helper, a, g),
    }
}

/// Runs the command line and returns the process exit code: 0 done, 1 the answer is no, 2 bad usage or bad input.
pub fn main() -> ExitCode {
    let broken = |w: &OsString| w.to_string_lossy().contains(['\n', '\r']);
    if let Some(word) = std::env::args_os().skip(1).find(broken) {
        return out::failed(&input(format!(
            "the argument {word:?} holds a line break, which no name may have"
        )));
    }
    let parsed = command().try_get_matches_from(with_values(std::env::args_os()));
    let cli = match parsed.and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(said) => return out::instead(&said),
    };
    match interrupt::install().and_then(|()| dispatch(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => out::failed(&e),
    }
}

/// Options that may stand without their value, so that clap takes none from the word behind them, which may be the model.
const TRUE_ALONE: [&str; 2] = ["--identity-only", "--slopes"];

/// A command line in which `--slopes false` is written `--slopes=false`.
fn with_values(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = vec![];
    for word in words {
        match out.last_mut() {
            Some(o) if TRUE_ALONE.iter().any(|t| o == t) && (word == "true" || word == "false") => {
                o.push("=");
                o.push(word);
            }
            _ => out.push(word),
        }
    }
    out
}

impl Global {
    fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
    fn device(&self) -> DeviceSpec {
        self.device.clone().unwrap_or_default()
    }
    /// What the command line says goes before what a pipeline says.
    fn override_in(&self, p: &mut Pipeline) {
        p.seed = self.seed.unwrap_or(p.seed);
        if let Some(d) = &self.device {
            p.device = d.clone();
        }
    }
    fn progress(&self) -> Progress {
        Progress::new(self.quiet, self.progress)
    }
    /// Prints a result: one JSON document where that was asked for, else text.
    fn show(&self, json: &impl serde::Serialize, text: impl AsRef<str>) -> Result<()> {
        if self.json { print_json(json) } else { print(text.as_ref()) }
    }
}

/// Prints what was compiled into a folder: twelve lines, or the whole report. An accuracy that fell further than allowed, and a network
/// that does not survive a target's arithmetic, are an answer of no, once all is printed.
fn print_report(r: &Report, out: &Path, how: ShowArgs, g: &Global) -> Result<()> {
    let text = match how.full {
        true => reports::text::render(r) + &format!("\nwrote {}", out.display()),
        false => reports::text::short(r, out),
    };
    g.show(r, text)?;
    if how.open {
        out::open(&out.join(reports::PAGES[0]));
    }
    let fixed = fixed::answer(r).err().map(|e| e.to_string());
    let no = [reports::fell_too_far(r), fixed, tails::answer(r)];
    match no.into_iter().flatten().collect::<Vec<_>>() {
        no if no.is_empty() => Ok(()),
        no => Err(Error::Answer(no.join("\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truth_value_may_stand_behind_its_option() {
        let line = "relinc search M --slopes false --identity-only --budget 9 --slopes M";
        let joined = with_values(line.split(' ').map(OsString::from));
        let want = "relinc search M --slopes=false --identity-only --budget 9 --slopes M";
        assert_eq!(joined, want.split(' ').map(OsString::from).collect::<Vec<_>>());
    }
}
