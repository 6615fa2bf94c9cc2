//! What a machine has to compute on besides its CPU.

use burn::tensor::Device;
use serde::Serialize;

relinc_passes::words! {
    /// The kind of a card, best first.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Kind {
        /// A graphics card of its own.
        Discrete = "discrete",
        /// Part of the processor, sharing its memory.
        Integrated = "integrated",
        /// A card lent to a virtual machine.
        Virtual = "virtual",
        /// The CPU playing a card: for tests, never chosen unasked.
        Software = "software",
    }
}

/// One way to one card.
#[derive(Debug, Clone, Serialize)]
pub struct Adapter {
    /// What it calls itself.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The interface it is reached by: Vulkan, Metal, Dx12 or CUDA.
    pub backend: String,
    /// The driver's name and version; empty where it tells none.
    pub driver: String,
    /// Memory of its own in bytes, where the interface tells.
    pub memory: Option<u64>,
    /// The largest single tensor in bytes.
    pub largest_buffer: u64,
    /// Work items of a group.
    pub workgroup: u32,
    /// Does it compute in half precision?
    pub f16: bool,
    /// burn's name for it; using it for the first time opens it.
    #[serde(skip)]
    pub device: Device,
}

/// Every card that this build can reach, best first: the order of `gpu:N`.
pub fn adapters() -> Vec<Adapter> {
    super::remember::in_cache_folder();
    let mut found = vec![];
    #[cfg(feature = "cuda")]
    found.extend(super::cuda::adapters());
    #[cfg(feature = "gpu")]
    found.extend(super::graphics::adapters());
    found.sort_by_key(|a: &Adapter| a.kind);
    found
}
