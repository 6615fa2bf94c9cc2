//! What the user asks for: `auto`, `cpu`, `gpu`, `gpu:N`, `gpu:0,gpu:1`.

use std::fmt;
use std::str::FromStr;

/// Where to compute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceSpec {
    /// A discrete graphics card, else an integrated one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The best graphics card, or nothing.
    Gpu,
    /// These graphics cards, by their numbers in `relinc devices`; the first leads.
    Cards(Vec<usize>),
}

impl FromStr for DeviceSpec {
    type Err = String;
    fn from_str(s: &str) -> Result<DeviceSpec, String> {
        let wrong = || format!("'{s}' is no device; choose auto, cpu, gpu, gpu:N or gpu:0,gpu:1");
        let card = |part: &str| {
            part.trim().strip_prefix("gpu:").and_then(|n| n.parse::<usize>().ok()).ok_or_else(wrong)
        };
        match s.trim() {
            "auto" => Ok(DeviceSpec::Auto),
            "cpu" => Ok(DeviceSpec::Cpu),
            "gpu" => Ok(DeviceSpec::Gpu),
            list => {
                let cards = list.split(',').map(card).collect::<Result<Vec<_>, _>>()?;
                match cards.iter().enumerate().find(|(i, c)| cards[..*i].contains(c)) {
                    Some((_, twice)) => Err(format!("'{s}' names gpu:{twice} twice")),
                    None => Ok(DeviceSpec::Cards(cards)),
                }
            }
        }
    }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceSpec::Auto => f.write_str("auto"),
            DeviceSpec::Cpu => f.write_str("cpu"),
            DeviceSpec::Gpu => f.write_str("gpu"),
            DeviceSpec::Cards(c) => {
                let names: Vec<String> = c.iter().map(|n| format!("gpu:{n}")).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_and_written() {
        for text in ["auto", "cpu", "gpu", "gpu:0", "gpu:3", "gpu:0,gpu:1"] {
            assert_eq!(text.parse::<DeviceSpec>().map(|c| c.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn no_choice() {
        for text in ["", "cuda", "gpu:", "gpu:x", "gpu:-1", "gpu:0,cpu"] {
            let why = text.parse::<DeviceSpec>().map_err(|e| e.contains("auto, cpu, gpu"));
            assert_eq!(why, Err(true), "{text}");
        }
        assert_eq!("gpu:1,gpu:1".parse::<DeviceSpec>(), Err("'gpu:1,gpu:1' names gpu:1 twice".into()));
    }
}
