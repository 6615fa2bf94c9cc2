//! Which arithmetic a compilation is checked in.

use super::{Emulation, Request, Target};
use crate::error::{Result, input};
use crate::options::compile::PROTOCOLS;
use relinc_passes::back::{crypten, mp_spdz, spu};
use relinc_runtime::cost::{self, Protocol, Truncates};
use relinc_runtime::fixed::{Format, Truncation};

/// One arithmetic, and who computes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The target whose graph is checked.
    pub target: Target,
    /// Its protocols, as the cost models name them; none where it has no choice.
    pub protocols: Vec<String>,
    /// Ring and fraction bits.
    pub format: Format,
    /// How products are truncated, and what goes with it.
    pub truncation: Truncation,
}

/// The different arithmetics of the targets: those of the protocols that are priced, else the runner's default. A format
/// that a target cannot have is an error.
pub fn plans(r: &Request) -> Result<Vec<Plan>> {
    let mut out: Vec<Plan> = vec![];
    if r.options.fixed_point == Some(Emulation::Off) {
        return Ok(out);
    }
    let forced = r.options.format();
    let mut add = |target: Target, protocol: Option<String>, own, truncation: Truncation| -> Result<()> {
        let format = forced.unwrap_or(own);
        truncation.check(format).map_err(|why| {
            input(format!(
                "--fixed-point {format}: target {}: {why}; leave the target or the option out",
                target.name()
            ))
        })?;
        let same = |p: &&mut Plan| (p.target, p.format, p.truncation) == (target, format, truncation);
        match out.iter_mut().find(same) {
            Some(p) => p.protocols.extend(protocol.filter(|new| !p.protocols.contains(new))),
            None => out.push(Plan { target, protocols: protocol.into_iter().collect(), format, truncation }),
        }
        Ok(())
    };
    for &target in &r.options.targets {
        match target {
            Target::Onnx => {}
            Target::Spu => {
                let default = cost::find(PROTOCOLS[0]).ok();
                for p in asked(&r.protocols, default.as_ref(), |p| p.on_spu().is_some()) {
                    let own = Format { ring: p.ring, fraction: spu::fraction_bits(p.ring) };
                    let (how, own) = match (p.on_spu(), p.truncates, r.bounded) {
                        (_, Truncates::Alone, Some(b)) => (Truncation::Local, b.format),
                        (Some("cheetah"), ..) => (Truncation::Cheetah, own),
                        _ => (Truncation::Probabilistic, own),
                    };
                    add(target, Some(p.name.clone()), own, how)?;
                }
            }
            Target::Crypten => {
                let default = cost::find("crypten-2pc").ok();
                let own = Format { ring: 64, fraction: crypten::FRACTION_BITS };
                for p in asked(&r.protocols, default.as_ref(), |p| p.runtime.starts_with("crypten")) {
                    let how = if p.parties > 2 { Truncation::Crypten3 } else { Truncation::Crypten };
                    add(target, Some(p.name.clone()), own, how)?;
                }
            }
            Target::MpSpdz => {
                let own = Format { ring: 64, fraction: mp_spdz::FRACTION_BITS };
                add(target, None, own, Truncation::MpSpdz)?;
            }
        }
    }
    if let (true, Some(format)) = (out.is_empty(), forced) {
        let (target, protocols, truncation) = (Target::Onnx, vec![], Truncation::Probabilistic);
        out.push(Plan { target, protocols, format, truncation });
    }
    Ok(out)
}

/// The priced protocols of a runtime, else its default.
fn asked<'a>(
    priced: &'a [Protocol],
    default: Option<&'a Protocol>,
    mine: impl Fn(&Protocol) -> bool,
) -> Vec<&'a Protocol> {
    let some: Vec<&Protocol> = priced.iter().filter(|p| mine(p)).collect();
    if some.is_empty() { default.into_iter().collect() } else { some }
}
