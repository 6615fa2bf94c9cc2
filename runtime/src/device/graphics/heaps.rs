//! How much memory a card has. wgpu does not say; of its interfaces, Vulkan does.

// Vulkan is asked by a C function.
#![allow(unsafe_code)]

use super::wgpu;

/// The largest heap of the card's own memory, in bytes; only Vulkan tells.
#[cfg(not(any(target_os = "macos", target_os = "ios", target_family = "wasm")))]
pub(super) fn largest(a: &wgpu::Adapter) -> Option<u64> {
    const OWN: u32 = 1;
    // SAFETY: the handles belong to `a`, which outlives them; nothing is destroyed, and the query writes only what it returns.
    let heaps = unsafe {
        let vulkan = a.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = vulkan.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(vulkan.raw_physical_device())
    };
    let heaps = heaps.memory_heaps.iter().take(heaps.memory_heap_count as usize);
    heaps.filter(|h| h.flags.as_raw() & OWN != 0).map(|h| h.size).max()
}

#[cfg(any(target_os = "macos", target_os = "ios", target_family = "wasm"))]
pub(super) fn largest(_: &wgpu::Adapter) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Under the address sanitizer too, where there is a card or lavapipe; elsewhere nothing is asked.
    #[test]
    fn every_vulkan_card_has_memory() {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::VULKAN,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let listed = pin!(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let Poll::Ready(cards) = listed.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("listing cards waits for nothing");
        };
        for card in &cards {
            assert!(largest(card).is_some_and(|bytes| bytes >= 1 << 20), "{:?}", card.get_info());
        }
    }
}
