//! Where training and attacks compute: the CPU, or graphics cards of any vendor.

pub mod adapter;
#[cfg(feature = "cuda")]
mod cuda;
pub mod fit;
#[cfg(feature = "gpu")]
mod graphics;
mod probe;
mod remember;
mod spec;

use adapter::may_be_there;
pub use adapter::{Adapter, Kind, adapters};
pub use probe::said;
pub use spec::DeviceSpec;

use burn::tensor::Device;

/// Devices that were found to work, and why these.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The device that holds the model; more of them share its batches.
    pub devices: Vec<Device>,
    /// The card that leads; none where the CPU computes.
    pub card: Option<Adapter>,
    /// One sentence for the user.
    pub said: String,
}

impl Chosen {
    /// The device that holds the model.
    pub fn first(&self) -> &Device {
        &self.devices[0]
    }
}

/// The CPU's own backend.
///
/// # Errors
/// A build without it.
pub fn cpu() -> Result<Device, String> {
    #[cfg(feature = "cpu")]
    return Ok(Device::flex());
    #[cfg(not(feature = "cpu"))]
    Err("this relinc was built without the feature cpu".into())
}

/// Is it the host's own memory, where reading a number costs nothing?
pub fn is_host(device: &Device) -> bool {
    #[cfg(feature = "cpu")]
    return matches!(device.clone().inner().as_dispatch(), burn::backend::DispatchDevice::Flex(_));
    #[cfg(not(feature = "cpu"))]
    {
        let _ = device;
        false
    }
}

/// Finds the devices of a choice and tries each of them out.
///
/// # Errors
/// A card that is not there, that fails, or that does not answer.
pub fn choose(choice: &DeviceSpec) -> Result<Chosen, String> {
    let looked = match choice {
        DeviceSpec::Cpu => false,
        DeviceSpec::Auto => may_be_there(),
        DeviceSpec::Gpu | DeviceSpec::Cards(_) => true,
    };
    choose_among(choice, &if looked { adapters() } else { vec![] })
}

/// The same from the cards that [`adapters`] found.
///
/// # Errors
/// Those of [`choose`].
pub fn choose_among(choice: &DeviceSpec, all: &[Adapter]) -> Result<Chosen, String> {
    let mut cards = all.iter().enumerate().filter(|(_, a)| a.kind != Kind::Software);
    match choice {
        DeviceSpec::Cpu => on_cpu("as asked"),
        DeviceSpec::Auto => {
            let mut failed = vec![];
            for (n, a) in cards {
                match probe::works(a) {
                    Ok(()) => return Ok(on_card(n, a)),
                    Err(e) => failed.push(format!("{} {e}", a.name)),
                }
            }
            match failed.is_empty() {
                true => on_cpu("there is no graphics card"),
                false => on_cpu(&failed.join("; ")),
            }
        }
        DeviceSpec::Gpu => match cards.next() {
            Some((n, a)) => probe::works(a).map(|()| on_card(n, a)).map_err(|e| failed(n, a, &e)),
            None => Err(format!("--device gpu: {}", none_found(all))),
        },
        DeviceSpec::Cards(numbers) => {
            let mut cards = vec![];
            for &n in numbers {
                let a = all.get(n).ok_or_else(|| match all.len() {
                    0 => format!("--device gpu:{n}: {}", none_found(all)),
                    k => {
                        format!("--device gpu:{n}: the last card is gpu:{}; relinc devices lists them", k - 1)
                    }
                })?;
                probe::works(a).map_err(|e| failed(n, a, &e))?;
                cards.push((n, a));
            }
            let devices = cards.iter().map(|(_, a)| a.device.clone()).collect();
            let names: Vec<String> = cards.iter().map(|(n, a)| describe(*n, a)).collect();
            let said = format!("computing on {}, as asked", names.join(" and "));
            Ok(Chosen { devices, card: cards.first().map(|(_, a)| Adapter::clone(a)), said })
        }
    }
}

fn on_cpu(why: &str) -> Result<Chosen, String> {
    Ok(Chosen { devices: vec![cpu()?], card: None, said: format!("computing on the CPU: {why}") })
}

fn on_card(n: usize, a: &Adapter) -> Chosen {
    let said = format!("computing on {}", describe(n, a));
    Chosen { devices: vec![a.device.clone()], card: Some(a.clone()), said }
}

fn describe(n: usize, a: &Adapter) -> String {
    format!("gpu:{n}, {} ({}, {})", a.name, a.kind.name(), a.backend)
}

fn failed(n: usize, a: &Adapter, why: &str) -> String {
    format!("--device gpu:{n}: {} {why}; --device cpu computes without it", a.name)
}

fn none_found(all: &[Adapter]) -> String {
    if !cfg!(any(feature = "gpu", feature = "cuda")) {
        return "this relinc was built without graphics cards (feature gpu)".into();
    }
    match all.iter().position(|a| a.kind == Kind::Software) {
        Some(n) => format!("there is no graphics card; gpu:{n} is the CPU playing one, for tests"),
        None => "there is no graphics card that a driver of this machine reaches".into(),
    }
}
