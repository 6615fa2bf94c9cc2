//! How runtimes drop the fraction bits that a product has too many, and what else their arithmetic differs in.

use super::format::Format;

relinc_passes::words! {
    /// A truncation of a shared number, and with it whose arithmetic is emulated. With e the part that is dropped, in units of
    /// the last place that stays:
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Truncation ("truncation") {
        /// ⌊x⌋ + 1 with probability e, else ⌊x⌋: unbiased. Right within ±2^(k−2), else off by 2^k at random. SPU SEMI2K and
        /// ABY3 (Escudero et al., ePrint 2020/338).
        #[default]
        Probabilistic = "probabilistic",
        /// Each of two parties shifts its share: ⌊x⌋ − 1 with probability 1 − e, else ⌊x⌋, so one unit low on average; off by
        /// 2^k with probability |x|/2^k. SPU SEMI2K with `trunc_allow_msb_error` (SecureML, ePrint 2017/396).
        Local = "local",
        /// Probabilistic, then one less with probability 1/2: half a unit low on average. SPU CHEETAH, as measured.
        Cheetah = "cheetah",
        /// ⌊x⌋: what no cheap protocol does.
        Exact = "exact",
        /// Each of two parties divides its share, rounding towards zero: ⌊x⌋ + 1 with probability e, else ⌊x⌋; off by 2^k
        /// with probability |x|/2^k. CrypTen 0.4.1, which divides a mean's sum by n the same way.
        Crypten = "crypten",
        /// Each of three parties divides its share, and the wraps of the sum of shares are taken off; their count is off by
        /// one with probability |x|/2^k. CrypTen 0.4.1.
        #[serde(rename = "crypten-3pc")]
        Crypten3 = "crypten-3pc",
        /// As probabilistic, on the last k/2 − 1 + f bits alone: what lies above is lost. MP-SPDZ's `sfix` of k/2 − 1 bits, whose
        /// comparisons look at k/2 − 1 bits; it rounds what it encodes to the nearest.
        MpSpdz = "mp-spdz",
    }
}

impl Truncation {
    /// Is there such an arithmetic in this format?
    pub fn check(self, format: Format) -> Result<(), String> {
        match self {
            Truncation::Crypten | Truncation::Crypten3 if format.ring != 64 => {
                Err(format!("CrypTen's ring has 64 bits, not {}", format.ring))
            }
            Truncation::MpSpdz if format.fraction + 2 > self.width(format.ring) => Err(format!(
                "a number of MP-SPDZ has {} bits in a ring of {}, which leaves no room beside {} fraction bits",
                self.width(format.ring),
                format.ring,
                format.fraction
            )),
            _ => Ok(()),
        }
    }

    /// Bits of a number, its sign among them, that comparisons look at.
    pub fn width(self, ring: u32) -> u32 {
        match self {
            Truncation::MpSpdz => ring / 2 - 1,
            _ => ring,
        }
    }

    /// A product with 2·`fraction` fraction bits may be truncated while it is in [−2^s, 2^s): s.
    pub fn safe_bits(self, f: Format) -> u32 {
        match self {
            Truncation::Probabilistic | Truncation::Cheetah => f.ring - 2,
            Truncation::Local | Truncation::Exact | Truncation::Crypten | Truncation::Crypten3 => f.ring - 1,
            Truncation::MpSpdz => self.width(f.ring) + f.fraction - 1,
        }
    }

    /// A number is right while it is in [−2^s, 2^s): s.
    pub fn value_bits(self, ring: u32) -> u32 {
        self.width(ring) - 1
    }

    /// Does a truncation go wrong with probability |x|/2^k, whatever the head-room?
    pub fn fails_at_random(self) -> bool {
        match self {
            Truncation::Local | Truncation::Crypten | Truncation::Crypten3 => true,
            Truncation::Probabilistic | Truncation::Cheetah | Truncation::Exact | Truncation::MpSpdz => false,
        }
    }
}
