//! Commands that are ended at random moments, by signals, a full disk or a limit on files, and what they leave.
//!
//! After each, no input was touched; after the next run nothing is left over, and what it made is, but for times, bit for bit what
//! a run makes that nobody disturbs. `RELINC_KILLS` says how many signals are sent.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "kills/case.rs"]
mod case;
mod common;
#[path = "kills/same.rs"]
mod same;

use case::{Bench, Case, Ended, bench};
use common::files;
use relinc::passes::splitmix::SplitMix;
use same::same;
use std::path::Path;
use std::process::Command;

/// Signals of the short run, which takes about a minute.
const FEW: usize = 8;
/// A kill, and three requests to end.
const SIGNALS: [i32; 4] = [KILL, 2, 15, 1];
const KILL: i32 = 9;

/// Files and folders that only a run which is not over has.
fn strays(dir: &Path) -> Vec<String> {
    let stray = |f: &String| f.split('/').any(|part| part.starts_with(".relinc-") || part == "lock");
    if dir.exists() { files(dir).into_iter().filter(stray).collect() } else { vec![] }
}

/// Lets a case end, and holds what it made against an undisturbed run.
fn finish(bench: &Bench, case: &Case, out: &Path, story: &str) {
    let ended = bench.run(case, out, true).wait();
    assert!(ended.success(), "{story}, then the next run: {ended}");
    assert_eq!(strays(out), [] as [String; 0], "{story}, then the next run");
    bench.untouched(story);
    same(&bench.undisturbed(case), out, story);
}

#[test]
fn signals_at_random_moments() {
    let kills = std::env::var("RELINC_KILLS").map_or(FEW, |n| n.parse().unwrap());
    let bench = bench();
    let mut dice = SplitMix::new(7);
    let (mut sent, mut round) = (0, 0);
    while sent < kills {
        let case = &bench.cases()[round % bench.cases().len()];
        let out = bench.folder(&format!("{}-{round}", case.name));
        let mut story = case.name.to_string();
        // Up to three in a row, each in what the one before left.
        for again in 0..1 + (3.0 * dice.uniform()) as usize {
            let (signal, part) = (SIGNALS[sent % SIGNALS.len()], dice.uniform());
            let running = bench.run(case, &out, again > 0);
            let ended = running.signal_after(signal, bench.seconds(case).mul_f32(part));
            story += &format!(", signal {signal} at {:.0} %", 100.0 * part);
            eprintln!("{story}: {ended}");
            bench.untouched(&story);
            sent += 1;
            match ended {
                Ended::Killed(KILL) if signal == KILL => {}
                // Before it could catch any.
                Ended::Killed(s) => assert!(s == signal && part < 0.1, "{story}: {ended}"),
                // It may have been over already.
                Ended::Exit { code, .. } => assert!([0, 128 + signal].contains(&code), "{story}: {ended}"),
            }
            if signal != KILL {
                assert_eq!(strays(&out), [] as [String; 0], "{story}");
            }
            if ended.success() {
                break;
            }
        }
        finish(bench, case, &out, &story);
        std::fs::remove_dir_all(&out).unwrap();
        round += 1;
    }
}

/// Sizes of the files in a folder.
fn sizes(dir: &Path) -> Vec<u64> {
    files(dir).iter().map(|f| dir.join(f).metadata().unwrap().len()).collect()
}

/// What a command must do when it cannot write: say which file, and leave nothing half-written.
fn cannot_write(ended: &Ended, out: &Path, why: &str, story: &str) {
    let Ended::Exit { code, said } = ended else { panic!("{story}: {ended}") };
    assert!([1, 2].contains(code), "{story}: {ended}");
    assert_eq!(said.matches("error:").count(), 1, "{story}: {said}");
    assert!(said.contains(why) && said.contains(&out.display().to_string()), "{story}: {said}");
    assert!(!said.contains("panicked"), "{story}: {said}");
    assert_eq!(strays(out), [] as [String; 0], "{story}: {said}");
}

#[test]
fn a_limit_on_the_size_of_files() {
    let bench = bench();
    for case in bench.cases() {
        let out = bench.folder(&format!("{}-limit", case.name));
        let largest = sizes(&bench.undisturbed(case)).into_iter().max().unwrap() / 1024;
        for part in [0, 1] {
            let blocks = largest * part / 2;
            let story = format!("{} under ulimit -f {blocks}", case.name);
            let ended = bench.limited(case, &out, blocks, part > 0).wait();
            bench.untouched(&story);
            cannot_write(&ended, &out, "File too large", &story);
        }
        finish(bench, case, &out, &format!("{} under ulimit -f", case.name));
    }
}

/// A small file system in memory, unmounted when it is dropped.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(&self, size: u64, more: &[&str]) -> bool {
        let options = [&[&*format!("size={size}")], more].concat().join(",");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(self.0);
        command.output().is_ok_and(|o| o.status.success())
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

#[test]
fn a_full_disk() {
    let bench = bench();
    for case in bench.cases() {
        let bytes: u64 = sizes(&bench.undisturbed(case)).iter().sum();
        let disk = bench.folder(&format!("{}-disk", case.name));
        let small = Small(&disk);
        if !small.mount(bytes / 4, &[]) {
            eprintln!("skipped: mounting a small file system takes root");
            return;
        }
        let out = disk.join("out");
        Bench::begin(&out);
        for part in [1, 3] {
            let story = format!("{} on a disk with {part}/4 of its room", case.name);
            assert!(small.mount(bytes * part / 4, &["remount"]), "{story}");
            let ended = bench.run(case, &out, part > 1).wait();
            bench.untouched(&story);
            cannot_write(&ended, &out, "No space left", &story);
        }
        assert!(small.mount(4 * bytes + (1 << 20), &["remount"]));
        finish(bench, case, &out, &format!("{} on a full disk", case.name));
    }
}
