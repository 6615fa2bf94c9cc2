//! Cards that are reached by a graphics interface, through wgpu.

mod heaps;

use super::adapter::{Adapter, Kind};
use burn::backend::{WgpuBackend, WgpuDevice, WgpuDeviceKind};
use burn::tensor::Device;
use burn::tensor::wgpu::wgpu;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The interfaces that are asked, best first, and what they are called. OpenGL is not: what it reaches has no use for compute.
const INTERFACES: [(WgpuBackend, wgpu::Backends, &str); 3] = [
    (WgpuBackend::Vulkan, wgpu::Backends::VULKAN, "Vulkan"),
    (WgpuBackend::Metal, wgpu::Backends::METAL, "Metal"),
    (WgpuBackend::Dx12, wgpu::Backends::DX12, "Dx12"),
];

/// The cards of the first interface that has any; a software card is no reason to stop looking.
pub fn adapters() -> Vec<Adapter> {
    let mut software = vec![];
    for (api, flag, name) in INTERFACES {
        let found = of_interface(api, flag, name);
        if found.iter().any(|a| a.kind != Kind::Software) {
            return found;
        }
        if software.is_empty() {
            software = found;
        }
    }
    software
}

fn of_interface(api: WgpuBackend, flag: wgpu::Backends, name: &str) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: flag,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut seen = [0; 5];
    let listed = ready(instance.enumerate_adapters(flag)).unwrap_or_default();
    listed
        .iter()
        .map(|a| {
            let (info, limits) = (a.get_info(), a.limits());
            let (kind, slot) = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => (Kind::Discrete, 0),
                wgpu::DeviceType::IntegratedGpu => (Kind::Integrated, 1),
                wgpu::DeviceType::VirtualGpu => (Kind::Virtual, 2),
                wgpu::DeviceType::Other => (Kind::Virtual, 3),
                wgpu::DeviceType::Cpu => (Kind::Software, 4),
            };
            let n = seen[slot];
            seen[slot] += 1;
            let selector = match slot {
                0 => WgpuDeviceKind::DiscreteGpu(n),
                1 => WgpuDeviceKind::IntegratedGpu(n),
                2 => WgpuDeviceKind::VirtualGpu(n),
                3 => WgpuDeviceKind::Other(n),
                _ => WgpuDeviceKind::Cpu,
            };
            Adapter {
                name: info.name,
                kind,
                backend: name.into(),
                driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
                memory: heaps::largest(a),
                largest_buffer: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
                workgroup: limits.max_compute_invocations_per_workgroup,
                f16: a.features().contains(wgpu::Features::SHADER_F16),
                device: Device::from(WgpuDevice::new(selector).on(api)),
            }
        })
        .collect()
}

/// What a future that does not wait for anything gives.
fn ready<T>(f: impl Future<Output = T>) -> Option<T> {
    match pin!(f).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(v) => Some(v),
        Poll::Pending => None,
    }
}
