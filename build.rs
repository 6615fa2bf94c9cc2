//! Links the program without what a linker can leave out: functions that are equal to others, and addresses written out one by one.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

use std::path::Path;
use std::process::Command;

/// One of functions that are equal.
const FOLDED: &str = "-Wl,--icf=all";
/// What is filled in at the start, packed; glibc starts such programs from 2.36 on.
const PACKED: &str = "-Wl,-z,pack-relative-relocs";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RELINC_PORTABLE");
    if var("HOST") != var("TARGET") {
        return;
    }
    let portable = !matches!(var("RELINC_PORTABLE").as_str(), "" | "0");
    let wanted = [FOLDED, PACKED].into_iter().filter(|f| *f != PACKED || !portable);
    for flag in wanted.filter(|f| works(f).unwrap_or(false)) {
        println!("cargo::rustc-link-arg-bins={flag}");
    }
}

/// Whether a program that is linked so starts.
fn works(flag: &str) -> std::io::Result<bool> {
    let out = var("OUT_DIR");
    let (source, program) = (Path::new(&out).join("trial.rs"), Path::new(&out).join("trial"));
    std::fs::write(&source, "fn main() {}")?;
    let mut rustc = Command::new(var("RUSTC"));
    rustc.arg(&source).arg("-o").arg(&program).args(["-C", &format!("link-arg={flag}")]);
    rustc.args(var("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|f| !f.is_empty()));
    if !var("RUSTC_LINKER").is_empty() {
        rustc.args(["-C", &format!("linker={}", var("RUSTC_LINKER"))]);
    }
    Ok(rustc.output()?.status.success() && Command::new(&program).output()?.status.success())
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
