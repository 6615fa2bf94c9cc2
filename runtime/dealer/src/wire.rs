//! Requests as they lie on the wire: protobuf's JSON, by the names of SPU's `service.proto`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};

/// Numbers as protobuf's JSON has them: 64 bits may stand as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(u64),
    Text(String),
}

fn whole<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    match Whole::deserialize(d)? {
        Whole::Number(n) => Ok(n),
        Whole::Text(t) => t.parse().map_err(|_| serde::de::Error::custom("not a whole number")),
    }
}

/// Bytes as protobuf's JSON has them.
pub struct Bytes(pub Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map(Bytes).map_err(|_| serde::de::Error::custom("a seed is not base64"))
    }
}

/// One operand.
#[derive(Deserialize)]
pub struct Buffer {
    #[serde(default, deserialize_with = "whole")]
    pub prg_count: u64,
    #[serde(default, deserialize_with = "whole")]
    pub buffer_len: u64,
    #[serde(default)]
    pub encrypted_seeds: Vec<Bytes>,
}

/// Where a permutation comes from.
#[derive(Deserialize)]
pub struct Permutation {
    #[serde(default, deserialize_with = "whole")]
    pub prg_count: u64,
    #[serde(default, deserialize_with = "whole")]
    pub size: u64,
    pub encrypted_seeds: Bytes,
}

/// Kind of numbers.
#[derive(Deserialize, Default)]
#[serde(untagged)]
pub enum Kind {
    #[default]
    Absent,
    Number(u64),
    Text(String),
}

/// A request of any method.
#[derive(Deserialize)]
pub struct Body {
    #[serde(default)]
    pub prg_inputs: Vec<Buffer>,
    #[serde(default, deserialize_with = "whole")]
    pub field_size: u64,
    #[serde(default)]
    pub element_type: Kind,
    #[serde(default)]
    pub transpose_inputs: Vec<bool>,
    #[serde(default, rename = "M", alias = "m", deserialize_with = "whole")]
    pub m: u64,
    #[serde(default, rename = "N", alias = "n", deserialize_with = "whole")]
    pub n: u64,
    #[serde(default, rename = "K", alias = "k", deserialize_with = "whole")]
    pub k: u64,
    #[serde(default, deserialize_with = "whole")]
    pub bits: u64,
    pub perm: Option<Permutation>,
}
