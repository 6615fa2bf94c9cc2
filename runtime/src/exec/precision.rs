//! What a network computes in.

use crate::kernels::simd::Cpu;
use burn::tensor::{Device, FloatDType, Tensor as Burn};

/// The kinds of CPU on which training steps in bf16 were measured to be faster than in f32, by their instructions: docs/results.md,
/// "Half precision on the CPU".
const FASTER_IN_BF16: &[Cpu] = &[Cpu::AmxBf16, Cpu::Avx512Bf16];

relinc_passes::words! {
    /// The precision of activations and their gradients. Parameters, statistics, losses and their gradients stay f32.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
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
    /// By its word; none for `auto`, where the device decides.
    ///
    /// # Errors
    /// Another word.
    pub fn asked(word: &str) -> Result<Option<Precision>, String> {
        match word {
            "auto" => Ok(None),
            word => word.parse().map(Some).map_err(|e| format!("{e}, or auto")),
        }
    }
    /// That of the fastest training steps on a device, by what was measured: nothing is timed here, so that runs do not differ.
    pub fn fastest(device: &Device) -> Precision {
        let faster = crate::device::is_host(device) && FASTER_IN_BF16.contains(&Cpu::here());
        if faster { Precision::Bf16 } else { Precision::F32 }
    }
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
            false => {
                Err(format!("this device does not compute in {self}; choose another precision, such as f32"))
            }
        }
    }
}
