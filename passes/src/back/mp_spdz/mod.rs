//! IR → MP-SPDZ: a `.mpc` program for one image, its public index lists, the weights and one image as the players' inputs,
//! a README, and what each player is given. Tests check the program against a stand-in for MP-SPDZ's classes, since MP-SPDZ is in no package registry.

mod program;

use super::owners::{folder, second_name};
use super::{EmitError, artefact, simple};
use crate::driver::valid::{self, Valid};
use crate::ir::{Graph, Tensor};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;

/// The helpers that stand at the head of every program.
pub const PRELUDE: &str = include_str!("prelude.mpc");

const README: &str = include_str!("README.template.md");
/// Writes a player's image as MP-SPDZ reads it.
const WRITE_INPUT_PY: &str = include_str!("write_input.py");
const TARGET: &str = "mp-spdz";

/// The protocol's own truncation, which MP-SPDZ's compiler warns of.
const LEAKY: &str = "# The protocol's own truncation: fewer bytes and exchanges, but it leaks a little of what is truncated\n\
                     # (eprint 2024/1127), and dealer-ring-party.x has none.\nprogram.use_trunc_pr = True\n";

/// How to write the artefact.
#[derive(Debug, Clone)]
pub struct MpSpdzOptions {
    /// Images, of which the first becomes player 1's input: `[N, …]`.
    pub sample: Tensor,
    /// Bits of the ring and fraction bits; MP-SPDZ's own in a ring of 64 when absent.
    pub format: Option<(u32, u32)>,
    /// Truncate by the protocol's own instruction, which leaks a little of what is truncated.
    pub leaky_truncation: bool,
}

const LEAKY_WORDS: &str = "**Truncation leaks a little.** The program was made with `--leaky-truncation`: products are truncated by \
    the protocol's own instruction (`program.use_trunc_pr = True`), which tells a little about what is truncated (eprint 2024/1127; \
    MP-SPDZ's compiler warns of it). `dealer-ring-party.x` refuses it. Compile without the option for a program without the instruction.";
const OWN_WORDS: &str = "Products are truncated by MP-SPDZ's general way, 70 bytes an element and party. `relinc compile \
    --leaky-truncation` writes a program that takes the protocol's own instruction, 8 bytes, and leaks a little of what is truncated \
    (eprint 2024/1127); `dealer-ring-party.x` refuses that one.";

/// The fraction bits of `sfix` unless a program says otherwise.
pub const FRACTION_BITS: u32 = 16;

/// Bits of an `sfix` number in a ring: MP-SPDZ's default in 64, where a product of two still fits.
fn width(ring: u32) -> u32 {
    ring / 2 - 1
}

/// The graph in the operations that programs have; the same function.
pub fn lowered(valid: &Valid<'_>) -> Result<Graph, EmitError> {
    simple::form(valid, TARGET)
}

/// Does an MP-SPDZ program have a form for every operation?
///
/// # Errors
/// All that have none.
pub fn check(valid: &Valid<'_>) -> Result<(), EmitError> {
    artefact::only_io(valid, TARGET)?;
    let g = lowered(valid)?;
    let low = valid::check(&g).map_err(|e| EmitError::Refused { target: TARGET, why: e[0].to_string() })?;
    program(&low).map(drop)
}

fn program(low: &Valid<'_>) -> Result<program::Program, EmitError> {
    let (input, output) = artefact::only_io(low, TARGET)?;
    program::translate(low, input, output.node)
        .map_err(|nodes| EmitError::Unsupported { target: TARGET, nodes })
}

/// Writes `relinc_model.mpc`, `relinc_model.json`, `weights.txt`, `image.txt` and `README.md` into `dir`, and below it what the players are
/// given: `public/` to all, `server/` to the owner of the weights, `client/` to that of the image.
pub fn emit(valid: &Valid<'_>, dir: &Path, options: &MpSpdzOptions) -> Result<(), EmitError> {
    artefact::only_io(valid, TARGET)?;
    let g = lowered(valid)?;
    let low = valid::check(&g).map_err(|e| EmitError::Refused { target: TARGET, why: e[0].to_string() })?;
    let (input, output) = artefact::only_io(&low, TARGET)?;
    let p = program(&low)?;
    let text = |name: &str, body: &str| artefact::write(dir, name, &mut |w| w.write_all(body.as_bytes()));
    let precision = options.format.map_or(String::new(), |(ring, fraction)| {
        let k = width(ring);
        format!("sfix.set_precision({fraction}, {k})\ncfix.set_precision({fraction}, {k})\n")
    });
    let truncation = if options.leaky_truncation { LEAKY } else { "" };
    let source = format!("{PRELUDE}{truncation}{precision}{}", p.lines);
    text("relinc_model.mpc", &source)?;
    artefact::write(dir, "relinc_model.json", &mut |w| {
        serde_json::to_writer(&mut *w, &p.index)?;
        w.write_all(b"\n")
    })?;
    artefact::write(dir, "weights.txt", &mut |w| p.weights.iter().try_for_each(|t| numbers(w, t)))?;
    let image: usize = low.facts().ty(input).at(1).iter().product();
    let first = options.sample.as_f32().and_then(|v| v.get(..image)).unwrap_or_default();
    artefact::write(dir, "image.txt", &mut |w| numbers(w, first))?;
    let outputs: usize = low.facts().ty(output.node).at(1).iter().product();
    let (ring, fraction) = options.format.unwrap_or((64, FRACTION_BITS));
    let number = |v: u32| v.to_string();
    let truncation = if options.leaky_truncation { LEAKY_WORDS } else { OWN_WORDS };
    let places = [
        ("NAME", name(&source, &p)),
        ("OUTPUTS", number(outputs as u32)),
        ("RING", number(ring)),
        ("FRACTION", number(fraction)),
        ("BITS", number(width(ring))),
        ("TRUNCATION", truncation.to_string()),
    ];
    let fill = |readme: String, (name, v): &(&str, String)| readme.replace(&format!("@{name}@"), v);
    text("README.md", &places.iter().fold(README.to_string(), fill))?;
    let public = folder(dir, "public")?;
    ["relinc_model.mpc", "relinc_model.json", "README.md"]
        .iter()
        .try_for_each(|f| second_name(&dir.join(f), &public.join(f)))?;
    second_name(&dir.join("weights.txt"), &folder(dir, "server")?.join("weights.txt"))?;
    let client = folder(dir, "client")?;
    let shape: Vec<String> = low.facts().ty(input).at(1)[1..].iter().map(usize::to_string).collect();
    let script = WRITE_INPUT_PY.replace("@SHAPE@", &shape.join(", "));
    artefact::write(&client, "write_input.py", &mut |w| w.write_all(script.as_bytes()))
}

/// A digest as a place to write to.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the program is called among others in an MP-SPDZ folder: by what it computes, so that two networks never share a name.
fn name(source: &str, p: &program::Program) -> String {
    let mut h = Hashing(Sha256::new());
    h.0.update(source);
    // A digest takes everything that is written to it.
    let _ = serde_json::to_writer(&mut h, &p.index);
    let mut h = h.0;
    p.weights.iter().flatten().for_each(|w| h.update(w.to_le_bytes()));
    let first: String = h.finalize().iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("relinc_{first}")
}

/// One number a line, as MP-SPDZ reads text inputs.
fn numbers(w: &mut dyn Write, v: &[f32]) -> io::Result<()> {
    let mut buf = String::new();
    for chunk in v.chunks(4096) {
        buf.clear();
        chunk.iter().for_each(|x| buf += &format!("{x}\n"));
        w.write_all(buf.as_bytes())?;
    }
    Ok(())
}
