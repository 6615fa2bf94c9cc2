//! How runtimes drop the fraction bits that a product has too many.

/// A truncation of a shared number. With e the part that is dropped, in units of the last place that stays:
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truncation {
    /// ⌊x⌋ + 1 with probability e, else ⌊x⌋: unbiased. Right within ±2^(k−2), else off by 2^k at random. SPU SEMI2K and
    /// ABY3 (Escudero et al., ePrint 2020/338).
    #[default]
    Probabilistic,
    /// Each of two parties shifts its share: ⌊x⌋ − 1 with probability 1 − e, else ⌊x⌋, so one unit low on average; off by
    /// 2^k with probability |x|/2^k. SPU SEMI2K with `trunc_allow_msb_error` (SecureML, ePrint 2017/396).
    Local,
    /// Probabilistic, then one less with probability 1/2: half a unit low on average. SPU CHEETAH, as measured.
    Cheetah,
    /// ⌊x⌋: what no cheap protocol does.
    Exact,
}

impl Truncation {
    /// Every kind.
    pub const ALL: [Truncation; 4] =
        [Truncation::Probabilistic, Truncation::Local, Truncation::Cheetah, Truncation::Exact];

    /// The word on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Truncation::Probabilistic => "probabilistic",
            Truncation::Local => "local",
            Truncation::Cheetah => "cheetah",
            Truncation::Exact => "exact",
        }
    }

    /// A number may be truncated while it is in [−2^s, 2^s): s for a ring of `ring` bits.
    pub fn safe_bits(self, ring: u32) -> u32 {
        match self {
            Truncation::Probabilistic | Truncation::Cheetah => ring - 2,
            Truncation::Local | Truncation::Exact => ring - 1,
        }
    }
}

impl std::str::FromStr for Truncation {
    type Err = String;
    fn from_str(s: &str) -> Result<Truncation, String> {
        Truncation::ALL.into_iter().find(|t| t.name() == s).ok_or_else(|| {
            format!("truncation '{s}' is not known; choose probabilistic, local, cheetah or exact")
        })
    }
}
