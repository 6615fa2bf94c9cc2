//! NVIDIA's cards, through CUDA.

use super::adapter::{Adapter, Kind};
use burn::backend::DispatchDevice;
use burn::tensor::{Device, DeviceType, FloatDType};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The cards, or none where the driver or the compiler library is missing.
pub fn adapters() -> Vec<Adapter> {
    // The runtime panics where its libraries cannot be loaded.
    let listed = catch_unwind(|| Device::enumerate(DeviceType::Cuda).into_vec()).unwrap_or_default();
    let each = |device| catch_unwind(AssertUnwindSafe(|| describe(device))).ok().flatten();
    listed.into_iter().filter_map(each).collect()
}

fn describe(device: Device) -> Option<Adapter> {
    let identity = device.identity()?;
    let DispatchDevice::Cube(cube) = device.as_dispatch() else { return None };
    let client = cube.client();
    let properties = client.properties();
    Some(Adapter {
        name: identity.name,
        kind: Kind::Discrete,
        backend: "CUDA".into(),
        driver: identity.fingerprint,
        memory: properties.memory.max_memory(),
        largest_buffer: properties.memory.max_page_size,
        workgroup: properties.hardware.max_units_per_cube,
        f16: device.supports_dtype(FloatDType::F16),
        device,
    })
}
