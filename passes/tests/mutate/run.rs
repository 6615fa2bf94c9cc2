//! Cases in child processes: a parent hands out numbers, a child makes the case of a number and says how it ended.
//!
//! A case follows from the seed and its number alone. A child that dies or takes too long is ended, its case is kept, and
//! another one goes on behind it.

use relinc_passes::splitmix::SplitMix;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A case may compute so long.
const LIMIT: Duration = Duration::from_secs(10);
/// And take so long on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(100);
/// A child may have so many KiB of address space.
const MEMORY_KIB: u64 = 4 << 20;
/// Cases of a child.
const PORTION: u64 = 2000;
/// Faults that are printed.
const PRINTED: usize = 40;

/// How far a case came, as an index into the stages, or what went wrong.
pub type Outcome = Result<usize, String>;

/// What makes and tries cases.
pub trait Subject {
    /// The case that follows from the dice. What it was made of is left as `case*` in the subject's folder.
    fn case(&mut self, dice: &mut SplitMix) -> Outcome;
}

/// A kind of file.
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// What a case can reach, in order; the first is to be refused at once.
    pub stages: &'static [&'static str],
    /// Percent of the cases that have to get past the first stage.
    pub at_least: f64,
    /// Its part of the time that is given.
    pub weight: u64,
    /// Cases of the run that the test suite makes: the same on every machine.
    pub in_tests: u64,
    /// Makes the subject, which writes into the folder.
    pub make: fn(&Path) -> Box<dyn Subject>,
}

/// Below `n`, which is at least 1.
pub fn below(dice: &mut SplitMix, n: usize) -> usize {
    (dice.next_u64() % n.max(1) as u64) as usize
}

/// True once in `n`.
pub fn once_in(dice: &mut SplitMix, n: usize) -> bool {
    below(dice, n) == 0
}

/// One of these.
pub fn pick<'a, T>(dice: &mut SplitMix, of: &'a [T]) -> &'a T {
    &of[below(dice, of.len())]
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
struct Args {
    kind: Option<String>,
    cases: Option<u64>,
    seconds: Option<u64>,
    seed: u64,
    jobs: usize,
    first: u64,
    keep: Option<PathBuf>,
    child: Option<(PathBuf, u64)>,
}

fn args() -> Option<Args> {
    let mut a = Args { seed: 1, jobs: 1, ..Args::default() };
    let mut given = std::env::args().skip(1);
    while let Some(flag) = given.next() {
        let mut value = || given.next().unwrap_or_else(|| panic!("{flag} needs a value"));
        match flag.as_str() {
            "--kind" => a.kind = Some(value()),
            "--cases" => a.cases = Some(value().parse().unwrap()),
            "--seconds" => a.seconds = Some(value().parse().unwrap()),
            "--seed" => a.seed = value().parse().unwrap(),
            "--jobs" => a.jobs = value().parse().unwrap(),
            "--first" => a.first = value().parse().unwrap(),
            "--keep" => a.keep = Some(value().into()),
            "--child" => a.child = Some((value().into(), value().parse().unwrap())),
            // What cargo passes to every test: a name, or options of its own harness.
            "--list" => return None,
            other if other.starts_with('-') => {}
            name if "mutate".contains(name) || "mutations".contains(name) => {}
            _ => return None,
        }
    }
    Some(a)
}

/// The test's `main`.
pub fn main(kinds: &[Kind]) -> ExitCode {
    let Some(a) = args() else { return ExitCode::SUCCESS };
    let named = |k: &&Kind| a.kind.as_deref().is_none_or(|n| n == k.name);
    let kinds: Vec<&Kind> = kinds.iter().filter(named).collect();
    if kinds.is_empty() {
        eprintln!("there is no such kind");
        return ExitCode::from(2);
    }
    if let Some((folder, last)) = &a.child {
        child(kinds[0], &a, folder, *last);
        return ExitCode::SUCCESS;
    }
    let all: u64 = kinds.iter().map(|k| k.weight).sum();
    let mut good = true;
    for k in kinds {
        let seconds = a.seconds.map(|s| Duration::from_secs((s * k.weight / all).max(2)));
        let cases = a.cases.or(seconds.is_none().then_some(k.in_tests));
        good &= parent(k, &Args { cases, ..a.clone() }, seconds);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where the last panic was, and what it said.
static SAID: Mutex<String> = Mutex::new(String::new());

fn child(kind: &Kind, a: &Args, folder: &Path, last: u64) {
    std::panic::set_hook(Box::new(|p| {
        let at = p.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        let why = p.payload();
        let text = why.downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| why.downcast_ref::<String>().cloned()).unwrap_or_default();
        *SAID.lock().unwrap_or_else(|e| e.into_inner()) = format!("panic at {at}: {text}");
    }));
    let mut subject = (kind.make)(folder);
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    for n in a.first..last {
        say(format!("> {n}"));
        let mut dice = SplitMix::new(SplitMix::new(a.seed ^ n.rotate_left(32)).next_u64());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| subject.case(&mut dice)));
        say(match ended {
            Ok(Ok(stage)) => format!("= {stage}"),
            Ok(Err(why)) => {
                keep(kind, a, n, folder);
                format!("! {}", why.replace('\n', " "))
            }
            Err(_) => {
                keep(kind, a, n, folder);
                let said = SAID.lock().unwrap_or_else(|e| e.into_inner()).replace('\n', " ");
                subject = (kind.make)(folder);
                format!("! {said}")
            }
        });
    }
    say("done".into());
}

/// What the cases of a kind came to.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    reached: Vec<u64>,
    faults: Vec<(u64, String)>,
}

fn parent(kind: &Kind, a: &Args, time: Option<Duration>) -> bool {
    let began = Instant::now();
    let (next, end) = (AtomicU64::new(a.first), a.cases.map_or(u64::MAX, |n| a.first + n));
    let tally = Mutex::new(Tally { reached: vec![0; kind.stages.len()], ..Tally::default() });
    std::thread::scope(|s| {
        for _ in 0..a.jobs.max(1) {
            s.spawn(|| {
                loop {
                    let first = next.fetch_add(PORTION, Ordering::SeqCst);
                    if first >= end || time.is_some_and(|t| began.elapsed() >= t) {
                        return;
                    }
                    let until = time.map(|t| began + t);
                    portion(kind, a, first..end.min(first + PORTION), until, &tally);
                }
            });
        }
    });
    let t = tally.into_inner().unwrap();
    report(kind, a, &t, began.elapsed().as_secs_f64())
}

fn report(kind: &Kind, a: &Args, t: &Tally, seconds: f64) -> bool {
    let percent = |n: u64| 100.0 * n as f64 / t.cases.max(1) as f64;
    let beyond = |i: usize| percent(t.reached[i..].iter().sum());
    let reached: Vec<String> =
        (1..kind.stages.len()).map(|i| format!("{} {:.1} %", kind.stages[i], beyond(i))).collect();
    println!(
        "{}: {} cases in {seconds:.0} s ({:.0} a second), seed {}: {}; {} faults",
        kind.name,
        t.cases,
        t.cases as f64 / seconds,
        a.seed,
        reached.join(", "),
        t.faults.len()
    );
    let mut seen: Vec<(String, u64, u64)> = vec![];
    for (n, why) in &t.faults {
        match seen.iter_mut().find(|s| s.0 == *why) {
            Some(s) => s.2 += 1,
            None => seen.push((why.clone(), *n, 1)),
        }
    }
    for (why, n, times) in seen.iter().take(PRINTED) {
        println!("  --kind {} --seed {} --first {n} --cases 1  ({times}×): {why}", kind.name, a.seed);
    }
    let share = kind.stages.len() < 2 || t.cases < 1000 || beyond(1) >= kind.at_least;
    if !share {
        println!("  fewer than {} % get past {}", kind.at_least, kind.stages[0]);
    }
    share && t.faults.is_empty()
}

/// Lets children do a range of cases.
fn portion(kind: &Kind, a: &Args, range: std::ops::Range<u64>, until: Option<Instant>, tally: &Mutex<Tally>) {
    let mut first = range.start;
    while first < range.end && until.is_none_or(|u| Instant::now() < u) {
        // Files in a folder of this name are not forced to the disk.
        let folder = tempfile::Builder::new().prefix(".relinc-mutate-").tempdir().unwrap();
        let mut child = spawn(kind, a, first..range.end, folder.path());
        let (send, lines) = channel();
        let out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut at = first;
        let (mut since, mut computed) = (Instant::now(), Duration::ZERO);
        let fault = loop {
            match lines.recv_timeout(LIMIT) {
                Ok(line) => match line.split_once(' ') {
                    Some((">", n)) => {
                        at = n.parse().unwrap();
                        (since, computed) = (Instant::now(), cpu_time(child.id()));
                    }
                    Some(("=", stage)) => {
                        let mut t = tally.lock().unwrap();
                        t.cases += 1;
                        t.reached[stage.parse::<usize>().unwrap()] += 1;
                        if until.is_some_and(|u| Instant::now() >= u) {
                            break None;
                        }
                    }
                    Some(("!", why)) => {
                        let mut t = tally.lock().unwrap();
                        t.cases += 1;
                        t.faults.push((at, why.into()));
                    }
                    _ => break None,
                },
                Err(RecvTimeoutError::Timeout) => {
                    let computing = cpu_time(child.id()).saturating_sub(computed);
                    if computing >= LIMIT || since.elapsed() >= PATIENCE {
                        break Some("takes more than 10 s".to_string());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break Some(format!("ended the process: {}", child.wait().unwrap()));
                }
            }
        };
        let _ = child.kill();
        let _ = child.wait();
        drop(lines);
        reader.join().unwrap();
        let Some(why) = fault else { return };
        keep(kind, a, at, folder.path());
        let mut t = tally.lock().unwrap();
        t.cases += 1;
        t.faults.push((at, why));
        first = at + 1;
    }
}

/// What a process has computed so far; as much as can be where the system does not say.
fn cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: Option<u64> = fields.get(11..13).and_then(|f| f.iter().map(|t| t.parse::<u64>().ok()).sum());
    // Linux counts hundredths of a second.
    ticks.map_or(Duration::MAX, |t| Duration::from_millis(10 * t))
}

fn spawn(kind: &Kind, a: &Args, range: std::ops::Range<u64>, folder: &Path) -> Child {
    let exe = std::env::current_exe().unwrap();
    let kept = a.keep.iter().flat_map(|k| [OsStr::new("--keep"), k.as_os_str()]);
    let limit = format!("ulimit -v {MEMORY_KIB}; ulimit -c 0; exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &limit])
        .arg(exe)
        .args(["--kind", kind.name, "--seed", &a.seed.to_string(), "--first", &range.start.to_string()])
        .args(kept)
        .arg("--child")
        .arg(folder)
        .arg(range.end.to_string())
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if a.cases == Some(1) { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .unwrap()
}

/// Keeps the files of a case.
fn keep(kind: &Kind, a: &Args, n: u64, folder: &Path) {
    let Some(to) = &a.keep else { return };
    let to = to.join(format!("{}-{}-{n}", kind.name, a.seed));
    std::fs::create_dir_all(&to).unwrap();
    for e in std::fs::read_dir(folder).unwrap().flatten() {
        if e.file_name().to_string_lossy().starts_with("case") {
            let _ = std::fs::copy(e.path(), to.join(e.file_name()));
        }
    }
}
