//! Links the program without what Rust's linker can leave out: functions that are equal to others, and addresses written out one by one.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

use std::path::Path;
use std::process::Command;

/// The first glibc that starts programs whose addresses are packed.
const PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RELINC_PORTABLE");
    if !links_by_lld() {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    let portable = std::env::var_os("RELINC_PORTABLE").is_some();
    if !portable && glibc().is_some_and(|v| v >= PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the linker is the one that Rust brings for 64-bit Linux on x86, and nobody has chosen another.
fn links_by_lld() -> bool {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let target = var("TARGET");
    let chosen = !var("RUSTC_LINKER").is_empty() || var("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if target != "x86_64-unknown-linux-gnu" || target != var("HOST") || chosen {
        return false;
    }
    let sysroot = said(&var("RUSTC"), &["--print", "sysroot"]);
    let brought =
        |root: &String| Path::new(root).join("lib/rustlib").join(&target).join("bin/gcc-ld/ld.lld").exists();
    sysroot.as_ref().is_some_and(brought)
}

/// The version of this machine's C library, where that is glibc.
fn glibc() -> Option<(u32, u32)> {
    let said = said("getconf", &["GNU_LIBC_VERSION"])?;
    let (major, minor) = said.strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn said(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8(out.stdout).ok()?.trim().to_string())
}
