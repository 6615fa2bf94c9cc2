//! Floats of sixteen, eight and four bits, and integers of four, as numbers.

use crate::proto::tensor_proto::DataType;

/// IEEE half precision, subnormals, infinities and NaN included.
pub fn half(h: u16) -> f32 {
    let sign = ((h >> 15) as u32) << 31;
    let (exp, frac) = ((h >> 10) as u32 & 31, h as u32 & 0x3ff);
    match exp {
        0 => {
            let v = frac as f32 * 2f32.powi(-24);
            if sign != 0 { -v } else { v }
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | frac << 13),
        _ => f32::from_bits(sign | (exp + 112) << 23 | frac << 13),
    }
}

/// The upper half of a float.
pub fn bfloat(b: u16) -> f32 {
    f32::from_bits((b as u32) << 16)
}

/// Elements of four or eight bits that are no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrow {
    /// Floats of a byte or of half of one: bits of the fraction, bias of the exponent.
    Float { bits: u32, fraction: u32, bias: i32, special: Special },
    /// Integers of four bits.
    Int4 { signed: bool },
}

/// Which patterns of a narrow float are no finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// None.
    Nothing,
    /// All bits but the sign: no number.
    Full,
    /// The sign alone: no number, and there is no −0.
    MinusZero,
    /// The largest exponent: infinity, and no numbers.
    Ieee,
}

impl Narrow {
    /// The type, if it is such.
    pub fn of(t: DataType) -> Option<Narrow> {
        let byte = |fraction, bias, special| Some(Narrow::Float { bits: 8, fraction, bias, special });
        match t {
            DataType::Float8e4m3fn => byte(3, 7, Special::Full),
            DataType::Float8e4m3fnuz => byte(3, 8, Special::MinusZero),
            DataType::Float8e5m2 => byte(2, 15, Special::Ieee),
            DataType::Float8e5m2fnuz => byte(2, 16, Special::MinusZero),
            DataType::Float4e2m1 => {
                Some(Narrow::Float { bits: 4, fraction: 1, bias: 1, special: Special::Nothing })
            }
            DataType::Int4 => Some(Narrow::Int4 { signed: true }),
            DataType::Uint4 => Some(Narrow::Int4 { signed: false }),
            DataType::Undefined | DataType::String | DataType::Bool => None,
            DataType::Complex64 | DataType::Complex128 => None,
            DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => None,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => None,
            DataType::Float | DataType::Double | DataType::Float16 | DataType::Bfloat16 => None,
        }
    }

    /// Bits of an element.
    pub fn bits(self) -> usize {
        match self {
            Narrow::Float { bits, .. } => bits as usize,
            Narrow::Int4 { .. } => 4,
        }
    }

    /// The first `n` patterns of these bytes; of two in a byte the lower bits come first.
    pub fn patterns(self, raw: &[u8], n: usize) -> Vec<u8> {
        match self.bits() {
            4 => raw.iter().flat_map(|b| [b & 15, b >> 4]).take(n).collect(),
            _ => raw.iter().copied().take(n).collect(),
        }
    }
}

/// A float of these few bits.
pub fn float(pattern: u8, bits: u32, fraction: u32, bias: i32, special: Special) -> f32 {
    let pattern = u32::from(pattern);
    let sign = if pattern >> (bits - 1) & 1 == 1 { -1.0 } else { 1.0 };
    let magnitude = pattern & ((1 << (bits - 1)) - 1);
    let (exponent, rest) = (magnitude >> fraction, magnitude & ((1 << fraction) - 1));
    let most = (1 << (bits - 1 - fraction)) - 1;
    match special {
        Special::Full if magnitude == (1 << (bits - 1)) - 1 => return f32::NAN,
        Special::MinusZero if magnitude == 0 && sign < 0.0 => return f32::NAN,
        Special::Ieee if exponent == most && rest == 0 => return f32::INFINITY * sign,
        Special::Ieee if exponent == most => return f32::NAN,
        Special::Nothing | Special::Full | Special::MinusZero | Special::Ieee => {}
    }
    let part = rest as f32 / (1 << fraction) as f32;
    match exponent {
        0 => sign * part * 2f32.powi(1 - bias),
        e => sign * (1.0 + part) * 2f32.powi(e as i32 - bias),
    }
}

/// An integer of four bits.
pub fn int4(pattern: u8, signed: bool) -> i64 {
    let v = i64::from(pattern & 15);
    if signed && v > 7 { v - 16 } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_values() {
        let cases: [(u16, f32); 6] = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 2f32.powi(-24)),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0x8000, -0.0),
        ];
        for (bits, want) in cases {
            assert_eq!(half(bits).to_bits(), want.to_bits(), "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
        assert_eq!(bfloat(0x3fc0), 1.5);
    }

    #[test]
    fn values_of_eight_and_four_bits() {
        let cases = [
            (DataType::Float8e4m3fn, 0x7e, 448.0),
            (DataType::Float8e4m3fn, 0x01, 2f32.powi(-9)),
            (DataType::Float8e4m3fn, 0xb8, -1.0),
            (DataType::Float8e4m3fnuz, 0x7f, 240.0),
            (DataType::Float8e5m2, 0x7b, 57344.0),
            (DataType::Float8e5m2, 0xfc, f32::NEG_INFINITY),
            (DataType::Float8e5m2fnuz, 0x7f, 57344.0),
            (DataType::Float8e5m2fnuz, 0x01, 2f32.powi(-17)),
            (DataType::Float4e2m1, 0x7, 6.0),
            (DataType::Float4e2m1, 0x9, -0.5),
        ];
        for (t, pattern, want) in cases {
            let Some(Narrow::Float { bits, fraction, bias, special }) = Narrow::of(t) else {
                panic!("{t:?}")
            };
            assert_eq!(float(pattern, bits, fraction, bias, special), want, "{t:?} {pattern:#x}");
        }
        assert!(float(0x7f, 8, 3, 7, Special::Full).is_nan());
        assert!(float(0x80, 8, 3, 8, Special::MinusZero).is_nan());
        assert_eq!([int4(15, true), int4(8, true), int4(7, true), int4(15, false)], [-1, -8, 7, 15]);
        assert_eq!(Narrow::Int4 { signed: false }.patterns(&[0x21, 0x43], 3), [1, 2, 3]);
    }
}
