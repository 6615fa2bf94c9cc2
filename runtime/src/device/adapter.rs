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

/// Can a graphics card be there at all? Linux has a file for each; asking its drivers where there is none makes them complain.
pub fn may_be_there() -> bool {
    let Ok(files) = std::fs::read_dir("/dev") else { return true };
    let names = files.flatten().map(|f| f.file_name().to_string_lossy().into_owned());
    let cards = ["dri", "dxg", "kfd", "kgsl", "mali", "nvidia"];
    !cfg!(target_os = "linux") || names.into_iter().any(|n| cards.iter().any(|c| n.starts_with(c)))
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
