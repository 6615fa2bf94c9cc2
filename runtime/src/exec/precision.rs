//! What a network computes in.

use burn::tensor::{Device, FloatDType, Tensor as Burn};

relinc_passes::words! {
    /// The precision of activations and their gradients. Parameters, statistics, losses and their gradients stay f32.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Precision ("precision") {
        /// 32 bits.
        #[default]
        F32 = "f32",
        /// 16 bits, 5 of them exponent: small gradients vanish unless the loss is scaled.
        F16 = "f16",
        /// 16 bits, 8 of them exponent.
        Bf16 = "bf16",
    }
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
        let there = match (self, crate::device::is_host(device)) {
            (Precision::F32, _) | (Precision::Bf16, true) => true,
            (Precision::F16, true) => false,
            (Precision::F16 | Precision::Bf16, false) => device.supports_dtype(self.dtype()),
        };
        match there {
            true => Ok(()),
            false => Err(format!("this device does not compute in {self}; choose another precision, such as f32")),
        }
    }
}
