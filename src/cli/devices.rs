//! `relinc devices`

use super::Global;
use crate::error::{Result, input};
use relinc_runtime::device::{self, Adapter, Kind, adapters};
use serde_json::json;

/// Runs the command.
pub fn run(g: &Global) -> Result<()> {
    let cards = adapters();
    let chosen = device::choose_among(&g.device(), &cards).map_err(input)?;
    let numbered: Vec<_> = cards
        .iter()
        .enumerate()
        .map(|(n, a)| {
            let mut v = serde_json::to_value(a).unwrap_or_default();
            v["device"] = json!(format!("gpu:{n}"));
            v
        })
        .collect();
    let threads = relinc_runtime::threads::count();
    let said = json!({"cpu": {"device": "cpu", "threads": threads, "usable": device::cpu().is_ok()},
        "cards": numbered, "choice": g.device().to_string(), "chosen": chosen.said});
    let last = [format!("cpu    {threads} threads"), format!("--device {}: {}", g.device(), chosen.said)];
    let lines: Vec<String> = cards.iter().enumerate().map(|(n, a)| card(n, a)).chain(last).collect();
    g.show(&said, lines.join("\n"))
}

fn card(n: usize, a: &Adapter) -> String {
    let gib = |b: u64| format!("{:.1} GiB", b as f64 / f64::from(1 << 30));
    let memory = a.memory.map_or("memory not told".into(), gib);
    let own = if a.kind == Kind::Software { ", never chosen unasked" } else { "" };
    let driver = if a.driver.is_empty() { String::new() } else { format!(", {}", a.driver) };
    format!(
        "gpu:{n}  {} ({}, {}{driver}{own})\n       {memory}, tensors up to {}, {} work items a group, half precision: {}",
        a.name,
        a.kind.name(),
        a.backend,
        gib(a.largest_buffer),
        a.workgroup,
        if a.f16 { "yes" } else { "no" }
    )
}
