//! relinc measuring itself, on networks it builds: no data needed.

pub mod compile;
pub mod convolutions;
pub mod eval;
pub mod gradients;
pub mod growth;
mod machine;
pub mod pace;
pub mod profile;
pub mod row;
pub mod step;
pub mod subject;

pub use machine::peak_memory;
pub use row::Row;
pub use subject::Subject;

use crate::error::Result;
use burn::tensor::Device;
use pace::Pace;
use relinc_passes::interp::gemm_peak;
use relinc_runtime::device::is_host;
use relinc_runtime::exec::Precision;
use relinc_runtime::kernels::clock;
use relinc_runtime::threads;

/// What is measured, and how.
pub struct Plan<'a> {
    /// The networks, each with its batch.
    pub subjects: Vec<(Subject, usize)>,
    /// When the next repetition starts.
    pub pace: &'a mut dyn Pace,
    /// Say where the time goes.
    pub profile: bool,
    /// Where steps compute.
    pub device: &'a Device,
    /// What steps compute in.
    pub precision: Precision,
}

/// Work of one kind on images: what it is called, and its size.
struct Task {
    name: String,
    batch: usize,
    /// Multiplications and additions of one repetition, by the definition of the operations.
    flops: f64,
}

impl Task {
    /// Repeats `once` after one repetition that does not count.
    fn measure(&self, plan: &mut Plan<'_>, once: &mut dyn FnMut() -> Result<()>) -> Result<Row> {
        once()?;
        let seconds = plan.pace.run(once)?;
        let peak_bytes = peak_memory();
        // What the CPU reaches says nothing of a card.
        let peak = is_host(plan.device).then(gemm_peak);
        let profile = if plan.profile { profile::of(once)? } else { vec![] };
        Ok(Row {
            name: self.name.clone(),
            seconds: seconds.best,
            median_seconds: seconds.median,
            threads: threads::count(),
            peak_bytes,
            model_bytes: None,
            images_per_second: Some(self.batch as f64 / seconds.best),
            gflops: Some(self.flops / seconds.best / 1e9),
            gemm_gflops: peak.map(|p| p / 1e9),
            card_bytes: plan.device.memory_pool_usage().map(|u| u.bytes_reserved),
            profile,
        })
    }
}
