//! The three parts of a data set.

use std::str::FromStr;

use super::DataError;

relinc_passes::words! {
    /// Which part of a data set to open. The three never share an image.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Split {
        /// Training images, without those of the validation split.
        Train = "train",
        /// Validation images: carved from the training files, or generated apart for `shapes`.
        Val = "val",
        /// Test images.
        Test = "test",
    }
}

impl FromStr for Split {
    type Err = DataError;

    /// Parses `train`, `val` (or `validation`) or `test`.
    fn from_str(s: &str) -> Result<Self, DataError> {
        match s {
            "train" => Ok(Split::Train),
            "val" | "validation" => Ok(Split::Val),
            "test" => Ok(Split::Test),
            _ => Err(DataError::Spec(format!("unknown split \"{s}\": write train, val or test"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_round_trip() {
        for split in Split::ALL {
            assert_eq!(split.to_string().parse::<Split>().unwrap(), split);
        }
    }

    #[test]
    fn no_other_split() {
        let message = "tset".parse::<Split>().unwrap_err().to_string();
        assert!(message.contains("tset") && message.contains("train, val or test"), "{message}");
    }
}
