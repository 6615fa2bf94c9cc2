//! Small commands of every kind that writes a folder, and ways to disturb them.

use crate::common::{files, relinc, relinc_in_a_terminal};
use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const QUICK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart/shapes_resnet.onnx");
const DATA: &str = "shapes?train=200&val=50";
/// What the user has in the output folder.
const NOTES: &str = "notes.txt";

/// A command.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, but for the output folder.
    args: Vec<String>,
    /// It goes on with `--resume` where it was stopped; another is begun again.
    resumes: bool,
}

/// Inputs, commands on them, and what these make when nobody disturbs them.
pub struct Bench {
    dir: PathBuf,
    cases: Vec<Case>,
    inputs: BTreeMap<String, Vec<u8>>,
    seconds: BTreeMap<&'static str, Duration>,
}

/// What all tests share, made once.
pub fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(Bench::new)
}

impl Bench {
    /// Runs every command once, undisturbed.
    fn new() -> Bench {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kills");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        let given = dir.join("given");
        std::fs::create_dir_all(&given).unwrap();
        std::fs::copy(QUICK, given.join("model.onnx")).unwrap();
        let stages = "  - {stage: teacher, epochs: 1, batch: 64}\n  \
                      - {stage: search, method: gradual, budget: 12%, epochs: 2, batch: 64}\n  \
                      - {stage: tune, epochs: 1, batch: 64, average: 0.9}\n";
        let rest = "accuracy: {limit: 50}\ntargets: [onnx, spu]\nreport: {protocols: [spu-semi2k], networks: [wan]}\n";
        let text = format!("model: model.onnx\ndata: {DATA}\ndevice: cpu\nstages:\n{stages}{rest}");
        std::fs::write(given.join("p.yaml"), text).unwrap();
        let file = |name: &str| given.join(name).display().to_string();
        let (model, pipeline, masks) = (file("model.onnx"), file("p.yaml"), file("masks.safetensors"));
        let targets = ["--target", "onnx", "--target", "spu"];
        let words = |words: &[&str], more: &[&str]| {
            words.iter().chain(more).map(ToString::to_string).collect::<Vec<String>>()
        };
        let compile =
            ["compile", &model, "--budget", "30%", "--data", DATA, "--limit", "50", "--rounds", "4"];
        let tune = ["tune", &model, "--masks", &masks, "--data", DATA, "--epochs", "2", "--batch", "64"];
        let cases = vec![
            Case { name: "compile", args: words(&compile, &targets), resumes: false },
            Case { name: "run", args: words(&["run", &pipeline], &[]), resumes: true },
            Case {
                name: "sweep",
                args: words(&["sweep", &pipeline, "--budgets", "10%,20%"], &[]),
                resumes: true,
            },
            Case {
                name: "tune",
                args: words(&tune, &["--device", "cpu", "--limit", "50", "--target", "onnx"]),
                resumes: true,
            },
        ];
        let mut bench = Bench { dir, cases, inputs: BTreeMap::new(), seconds: BTreeMap::new() };
        for i in 0..bench.cases.len() {
            let case = &bench.cases[i];
            let (out, begun) = (bench.folder(&format!("whole-{}", case.name)), Instant::now());
            let ended = bench.run(case, &out, false).wait();
            assert!(ended.success(), "{}: {ended}", case.name);
            bench.seconds.insert(case.name, begun.elapsed());
            if case.name == "compile" {
                std::fs::copy(out.join("masks.safetensors"), &masks).unwrap();
            }
        }
        bench.inputs = bench.read();
        bench
    }

    /// The commands.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// A new folder, in which the user has a file.
    pub fn folder(&self, name: &str) -> PathBuf {
        let out = self.dir.join(name);
        Bench::begin(&out);
        out
    }

    /// Makes a folder and puts the user's file in it.
    pub fn begin(out: &Path) {
        std::fs::create_dir(out).unwrap();
        std::fs::write(out.join(NOTES), "the user's").unwrap();
    }

    /// What a command makes when nobody disturbs it.
    pub fn undisturbed(&self, case: &Case) -> PathBuf {
        self.dir.join(format!("whole-{}", case.name))
    }

    /// How long that took.
    pub fn seconds(&self, case: &Case) -> Duration {
        self.seconds[case.name]
    }

    /// Starts a command; `again` in what an earlier one left.
    pub fn run(&self, case: &Case, out: &Path, again: bool) -> Running {
        Running::start(relinc_in_a_terminal().args(self.arguments(case, out, again)))
    }

    /// Starts a command that may write files of so many blocks of 1,024 bytes.
    pub fn limited(&self, case: &Case, out: &Path, blocks: u64, again: bool) -> Running {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        shell.arg(relinc().get_program()).args(self.arguments(case, out, again));
        Running::start(&mut shell)
    }

    fn arguments(&self, case: &Case, out: &Path, again: bool) -> Vec<String> {
        let mut args = case.args.clone();
        args.extend(["-o".into(), out.display().to_string(), "--quiet".into()]);
        if again && case.resumes {
            args.push("--resume".into());
        }
        args
    }

    /// Nothing of the user's has changed.
    pub fn untouched(&self, story: &str) {
        assert!(self.read() == self.inputs, "{story}: an input has changed");
    }

    /// The inputs, and the user's files in the output folders.
    fn read(&self) -> BTreeMap<String, Vec<u8>> {
        let given = self.dir.join("given");
        files(&given).into_iter().map(|f| (f.clone(), std::fs::read(given.join(f)).unwrap())).collect()
    }
}

/// How a command ended.
pub enum Ended {
    /// By a signal of this number.
    Killed(i32),
    /// With an exit code, and what it said on stderr.
    Exit {
        /// The exit code.
        code: i32,
        /// Its stderr.
        said: String,
    },
}

impl Ended {
    /// Well?
    pub fn success(&self) -> bool {
        matches!(self, Ended::Exit { code: 0, .. })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Killed(signal) => write!(f, "ended by signal {signal}"),
            Ended::Exit { code, said } => write!(f, "exit code {code} {}", said.trim_end()),
        }
    }
}

/// A command that was started.
pub struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Running {
        Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for its end.
    pub fn wait(self) -> Ended {
        let out = self.0.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        match (out.status.code(), out.status.signal()) {
            (Some(code), _) => Ended::Exit { code, said },
            (None, signal) => Ended::Killed(signal.unwrap()),
        }
    }

    /// Sends it a signal at a moment, should it still run, and waits for its end.
    pub fn signal_after(self, signal: i32, moment: Duration) -> Ended {
        let Running(mut child) = self;
        let end = Instant::now() + moment;
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1).min(end - Instant::now().min(end)));
        }
        if child.try_wait().unwrap().is_none() {
            // It may end before it arrives.
            let _ = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        }
        Running(child).wait()
    }
}
