//! `relinc protocols`

use super::Global;
use crate::error::Result;
use relinc_runtime::cost::{Protocol, protocols};
use serde_json::json;

/// Runs the command.
pub fn run(g: &Global) -> Result<()> {
    let list: Vec<_> = protocols()
        .iter()
        .map(|p| {
            json!({"name": p.name, "trust": p.trust(), "runtime": p.runtime, "parties": p.parties, "ring": p.ring, "counts": p.counts,
                   "source": p.source, "verified": p.verified, "default_weights": p.default_weights})
        })
        .collect();
    let line = |p: &Protocol| {
        let verified = p.caveat().map(|c| format!(" ({c})")).unwrap_or_default();
        format!(
            "{}{verified}: {}, {} parties, ring {}\n  trust: {}\n  counts: {}\n  source: {}\n",
            p.name,
            p.runtime,
            p.parties,
            p.ring,
            p.trust(),
            p.counts,
            p.source
        )
    };
    g.show(&list, protocols().iter().map(line).collect::<String>())
}
