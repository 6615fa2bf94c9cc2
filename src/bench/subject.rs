//! The networks that are measured, by short names.

use relinc_passes::architecture::{Architecture, Kind};
use std::fmt;
use std::str::FromStr;

/// A network with random weights: `resnet20`, `wrn22-8`, `resnet18@64` for images of 64×64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(pub Architecture);

impl FromStr for Subject {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{s}' is no network; write resnet20, wrn22-8 or, for images of 64×64, resnet18@64");
        let (name, side) = match s.split_once('@') {
            Some((name, side)) => (name, side.parse().map_err(|_| wrong())?),
            None => (s, 32),
        };
        let (kind, depth, width) = if let Some(rest) = name.strip_prefix("wrn") {
            let (depth, width) = rest.trim_start_matches('-').split_once('-').ok_or_else(wrong)?;
            (Kind::WideResnet, depth, Some(width.parse().map_err(|_| wrong())?))
        } else {
            (Kind::Resnet, name.strip_prefix("resnet").ok_or_else(wrong)?.trim_start_matches('-'), None)
        };
        let depth = depth.parse().map_err(|_| wrong())?;
        Ok(Subject(Architecture { kind, depth, width, classes: 10, input: [3, side, side] }))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a = &self.0;
        match a.width {
            None => write!(f, "resnet{}", a.depth)?,
            Some(w) => write!(f, "wrn{}-{w}", a.depth)?,
        }
        if a.input[1] == 32 { Ok(()) } else { write!(f, "@{}", a.input[1]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["resnet20", "resnet18@64", "wrn22-8", "wrn28-10@64"] {
            assert_eq!(name.parse::<Subject>().map(|s| s.to_string()), Ok(name.into()));
        }
        assert_eq!("wrn-28-10".parse::<Subject>().map(|s| s.to_string()), Ok("wrn28-10".into()));
    }

    #[test]
    fn no_network() {
        for name in ["vgg16", "resnet", "wrn28", "resnet20@x"] {
            assert!(name.parse::<Subject>().is_err(), "{name}");
        }
    }
}
