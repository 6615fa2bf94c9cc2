//! What a network computes in.

use burn::tensor::{Device, FloatDType, Tensor as Burn};
use std::fmt;
use std::str::FromStr;

/// The precision of activations and their gradients. Parameters, statistics, losses and their gradients stay f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, 5 of them exponent: small gradients vanish unless the loss is scaled.
    F16,
    /// 16 bits, 8 of them exponent.
    Bf16,
}

impl Precision {
    /// burn's name for it.
    pub fn dtype(self) -> FloatDType {
        match self {
            Precision::F32 => FloatDType::F32,
            Precision::F16 => FloatDType::F16,
            Precision::Bf16 => FloatDType::BF16,
        }
    }
    /// Brings a tensor to it.
    pub fn cast<const D: usize>(self, t: Burn<D>) -> Burn<D> {
        if FloatDType::from(t.dtype()) == self.dtype() { t } else { t.cast(self.dtype()) }
    }
    /// Whether a device computes in it.
    ///
    /// # Errors
    /// What to choose instead.
    pub fn check(self, device: &Device) -> Result<(), String> {
        let full = self == Precision::F32;
        match full || (!crate::device::is_host(device) && device.supports_dtype(self.dtype())) {
            true => Ok(()),
            false => Err(format!("this device does not compute in {self}; choose precision f32")),
        }
    }
}

impl FromStr for Precision {
    type Err = String;
    fn from_str(s: &str) -> Result<Precision, String> {
        match s {
            "f32" => Ok(Precision::F32),
            "f16" => Ok(Precision::F16),
            "bf16" => Ok(Precision::Bf16),
            _ => Err(format!("precision '{s}' is not known; choose f32, f16 or bf16")),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
            Precision::Bf16 => "bf16",
        })
    }
}
