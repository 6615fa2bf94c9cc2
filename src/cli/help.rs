//! Help: commands in groups, two examples each, and of many options the few that most people need.

use clap::{Arg, Command};

/// Commands in the order in which help names them, those of most use first.
const GROUPS: &[(&str, &[&str])] = &[
    ("From a model to a private network", &["inspect", "init", "run", "compile", "explain"]),
    ("One stage, several budgets", &["train", "search", "tune", "sweep"]),
    ("Accuracy, certificates, equality", &["eval", "certify", "verify", "report"]),
    ("Queries", &["serve", "query", "help-party", "dealer", "certificates", "measure"]),
    ("What there is", &["passes", "protocols", "devices", "completions", "man"]),
    ("For maintainers", &["bench", "architecture", "data", "calibrate-runtime"]),
];

/// Two command lines of each command.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    (
        "inspect",
        [
            "inspect model.onnx",
            "inspect model.onnx --data cifar10:DIR --budgets 50%,10%,latency=2s@semi2k/wan",
        ],
    ),
    (
        "init",
        [
            "init model.onnx --data cifar10:DIR",
            "init model.onnx --data images:DIR -o mine.yaml --protocol cheetah --network lan",
        ],
    ),
    ("run", ["run pipeline.yaml -o out/model", "run pipeline.yaml -o out/model --resume"]),
    (
        "compile",
        [
            "compile model.onnx -o out/model --masks masks.safetensors --target spu",
            "compile model.onnx -o out/model --budget 50% --data cifar10:DIR?normalize=imagenet",
        ],
    ),
    ("explain", ["explain merge-conv", "explain relu03 --in out/model"]),
    (
        "train",
        [
            "train model.onnx -o out/teacher --data cifar10:DIR --epochs 30",
            "train model.onnx -o out/robust --data cifar10:DIR --robust=true --epochs 100",
        ],
    ),
    (
        "search",
        [
            "search model.onnx -o out/search --data cifar10:DIR --budget 10% --epochs 4",
            "search model.onnx -o out/search --data cifar10:DIR --budget latency=2s@semi2k/wan --epochs 4",
        ],
    ),
    (
        "tune",
        [
            "tune out/search/trained.onnx -o out/tuned --masks out/search/masks.safetensors --data cifar10:DIR --epochs 5",
            "tune out/search/trained.onnx -o out/tuned --masks out/search/masks.safetensors --teacher model.onnx --data cifar10:DIR",
        ],
    ),
    (
        "sweep",
        ["sweep pipeline.yaml --budgets 50%,25%,10%", "sweep pipeline.yaml --budgets 50%,25%,10% --collect"],
    ),
    (
        "eval",
        [
            "eval model.onnx --data cifar10:DIR?normalize=imagenet",
            "eval model.onnx --data cifar10:DIR --attack pgd:steps=20,eps=8/255,step=2/255 --attack auto:eps=8/255 --limit 1000",
        ],
    ),
    (
        "certify",
        [
            "certify model.onnx --data cifar10:DIR?normalize=cifar10 --eps 2/255 --limit 200",
            "certify model.onnx --data cifar10:DIR --eps 1/255 --masks masks.safetensors --attack auto --json",
        ],
    ),
    (
        "verify",
        [
            "verify model.onnx out/model/model.onnx --random 10",
            "verify model.onnx --fixed-point 64,18 --data cifar10:DIR",
        ],
    ),
    ("report", ["report out/model", "report --compare out/a out/b -o compare.html"]),
    (
        "serve",
        [
            "serve out/model/spu --protocol cheetah --listen a.example:9000 --peer b.example:9000 --tls TLS",
            "serve out/model/spu -- --help",
        ],
    ),
    (
        "query",
        [
            "query out/model/spu --protocol cheetah --listen b.example:9000 --peer a.example:9000 --tls TLS --input image.npy",
            "query out/model/spu -- --help",
        ],
    ),
    (
        "help-party",
        [
            "help-party out/model/spu --protocol aby3 --listen c.example:9000 --tls TLS",
            "help-party out/model/spu -- --help",
        ],
    ),
    (
        "dealer",
        [
            "dealer --listen 127.0.0.1:9100 --key KEY.pem",
            "dealer --listen 0.0.0.0:9100 --key KEY.pem --tls TLS",
        ],
    ),
    ("certificates", ["certificates -o tls", "certificates -o tls --days 30"]),
    (
        "measure",
        [
            "measure out/model --target spu --protocol semi2k",
            "measure out/model --target spu --protocol cheetah --images 3",
        ],
    ),
    ("passes", ["passes", "passes --json"]),
    ("protocols", ["protocols", "protocols --json"]),
    ("devices", ["devices", "devices --json"]),
    ("completions", ["completions bash", "completions zsh"]),
    ("man", ["man compile", "man -o man/man1"]),
    ("bench", ["bench eval", "bench train-step --profile"]),
    (
        "architecture",
        [
            "architecture -o model.onnx --kind resnet --depth 20",
            "architecture -o model.onnx --kind wide-resnet --depth 22 --width 8",
        ],
    ),
    ("data", ["data shapes -o out", "data cifar10:DIR?train=1000 -o out"]),
    (
        "calibrate-runtime",
        [
            "calibrate-runtime --protocol semi2k -o mine.yaml",
            "calibrate-runtime --protocol cheetah -o mine.yaml",
        ],
    ),
];

/// Options that `-h` shows of commands with many; `--help` shows all.
const SHORT: &[&str] = &[
    "model",
    "pipeline",
    "out",
    "data",
    "budget",
    "budgets",
    "masks",
    "targets",
    "protocols",
    "networks",
    "weights",
    "method",
    "layers",
    "choices",
    "epochs",
    "rate",
    "teacher",
    "resume",
    "restart",
    "only",
    "check",
    "full",
    "open",
    "limit",
    "max_drop",
    "a",
    "b",
    "random",
    "attack",
    "attacks",
    "corruptions",
    "what",
    "folder",
];
/// A command with more options than this has a short help of its own.
const MANY: usize = 14;

const TEMPLATE: &str = "{about}\n\nUsage: relinc COMMAND …{after-help}\n\nEverywhere:\n{options}\n";

/// A command line with its help in this form.
pub fn shaped(mut command: Command) -> Command {
    let abouts: Vec<(String, String)> = command
        .get_subcommands()
        .map(|s| (s.get_name().to_string(), s.get_about().map(ToString::to_string).unwrap_or_default()))
        .collect();
    for (name, examples) in EXAMPLES {
        let lines: Vec<String> = examples.iter().map(|e| format!("  relinc {e}")).collect();
        let said = format!("Examples:\n{}", lines.join("\n"));
        command = command.mut_subcommand(*name, |s| {
            let already = s.get_after_help().map(|h| format!("{h}\n\n")).unwrap_or_default();
            brief(s).after_help(already + &said)
        });
    }
    command.help_template(TEMPLATE).after_help(listed(&abouts))
}

/// Hides what few need from `-h`, where there is much.
fn brief(command: Command) -> Command {
    if command.get_arguments().count() <= MANY {
        return command;
    }
    let more = "--help shows every option, -h those of most use.";
    command
        .mut_args(|a: Arg| {
            let known = SHORT.contains(&a.get_id().as_str()) || a.is_required_set();
            a.hide_short_help(!known)
        })
        .before_help(more)
}

/// The commands by group.
fn listed(abouts: &[(String, String)]) -> String {
    let mut out = String::new();
    for (title, names) in GROUPS {
        out += &format!("{title}:\n");
        for name in *names {
            let about = abouts.iter().find(|(n, _)| n == name).map_or("", |(_, a)| a);
            out += &format!("  {name:<18} {about}\n");
        }
        out.push('\n');
    }
    out + "relinc COMMAND -h says what a command takes, --help all of it; relinc explain CODE what an error in [brackets] means."
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_is_in_one_group_and_has_examples() {
        let command = crate::cli::command();
        let all: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, n)| *n).copied().collect();
        assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), all);
        assert_eq!(grouped.len(), all.len());
        assert_eq!(EXAMPLES.iter().map(|(n, _)| *n).collect::<BTreeSet<_>>(), all);
    }

    #[test]
    fn examples_are_command_lines() {
        for example in EXAMPLES.iter().flat_map(|(_, e)| e) {
            let words = format!("relinc {example}");
            if let Err(e) = crate::cli::command().try_get_matches_from(words.split(' ')) {
                panic!("{example}: {e}");
            }
        }
    }

    #[test]
    fn short_help_is_shorter_and_the_global_options_stand_apart() {
        let mut command = crate::cli::command();
        command.build();
        let compile = command.find_subcommand_mut("compile").expect("a command");
        let (short, long) = (compile.render_help().to_string(), compile.render_long_help().to_string());
        assert!(2 * short.lines().count() < long.lines().count());
        assert!(
            long.contains("Everywhere:") && short.contains("Examples:") && !short.contains("--stable-sign")
        );
        assert!(long.contains("--stable-sign"));
    }
}
