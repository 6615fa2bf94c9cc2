//! Does a step fit a card? An estimate before the first step, which a driver answers with a crash.

use super::Adapter;
use crate::exec::Network;

/// What training steps of a network take on a card, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Of each image that goes through the network with gradients: every value once. Fewer are kept for the backward pass, which
    /// leaves room for gradients: 2.0 MB of 2.6 with ResNet-20 (docs/results.md).
    pub image: u64,
    /// Weights, gradients and the optimiser's memory.
    pub fixed: u64,
    /// The largest single value of an image.
    pub largest: u64,
}

/// Copies of the parameters: two networks', gradients, velocities, averages.
const COPIES: u64 = 6;
/// Share of a card's memory that a step may take.
const USABLE: f64 = 0.9;

/// The needs of a network.
pub fn needs(net: &Network) -> Needs {
    let sizes = net.value_sizes();
    let parameters: usize = net.params().iter().map(|p| p.shape.iter().product::<usize>()).sum();
    Needs {
        image: 4 * sizes.iter().sum::<usize>() as u64,
        fixed: 4 * COPIES * parameters as u64,
        largest: 4 * sizes.iter().copied().max().unwrap_or(0) as u64,
    }
}

impl Needs {
    /// The largest batch that fits, where each image of it goes through the network `views` times with gradients.
    pub fn largest_batch(&self, card: &Adapter, views: f64) -> u64 {
        let by_buffer = (card.largest_buffer as f64 / (self.largest.max(1) as f64 * views.max(1.0))) as u64;
        let by_memory = card.memory.map(|m| {
            let left = (USABLE * m as f64 - self.fixed as f64).max(0.0);
            (left / (self.image.max(1) as f64 * views)) as u64
        });
        by_memory.map_or(by_buffer, |m| m.min(by_buffer))
    }

    /// Refuses a batch that will not fit.
    ///
    /// # Errors
    /// The batch that would.
    pub fn check(&self, card: &Adapter, batch: usize, views: f64) -> Result<(), String> {
        let most = self.largest_batch(card, views);
        if most >= batch as u64 {
            return Ok(());
        }
        let gib = |b: f64| format!("{:.1} GiB", b / f64::from(1 << 30));
        let need = gib(self.fixed as f64 + self.image as f64 * views * batch as f64);
        let has = card.memory.map_or(String::new(), |m| format!(" of {}", gib(m as f64)));
        Err(match most {
            0 => format!(
                "a step needs about {need}: the network does not fit {}{has}; use --device cpu",
                card.name
            ),
            _ => format!(
                "a step with batch {batch} needs about {need}, which does not fit {}{has}; batch {most} would",
                card.name
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::device::Kind;
    use relinc_passes::ir::text::parse;

    fn card(memory: Option<u64>, largest_buffer: u64) -> Adapter {
        Adapter {
            name: "a card".into(),
            kind: Kind::Discrete,
            backend: "Vulkan".into(),
            driver: String::new(),
            memory,
            largest_buffer,
            workgroup: 256,
            f16: false,
            device: crate::device::cpu().unwrap(),
        }
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_with_one_that_does() {
        let g = parse(
            "graph g {
               %x = input f32[N,3,32,32]
               %w = const f32[10,3,3,3] rand(seed=1)
               %c = conv(%x, %w) {pads=[1,1,1,1]}
               %y = relu(%c) @relu00
               output \"y\" = %y
             }",
        )
        .unwrap();
        let n = needs(&Network::new(&g, false, &crate::device::cpu().unwrap()).unwrap().0);
        assert_eq!(n.largest, 4 * 10 * 1024);
        let small = card(Some(64 << 20), 1 << 30);
        let most = n.largest_batch(&small, 1.0);
        assert!((100..1000).contains(&most), "{most}");
        assert_eq!(n.check(&small, most as usize, 1.0), Ok(()));
        let why = n.check(&small, 4096, 1.0).unwrap_err();
        assert!(why.contains(&format!("batch {most} would")), "{why}");
        // One tensor may not be larger than the interface allows, whatever the memory.
        assert_eq!(n.largest_batch(&card(None, 1 << 20), 1.0), (1 << 20) / n.largest);
        assert!(n.check(&card(Some(1 << 10), 1 << 30), 1, 1.0).unwrap_err().contains("--device cpu"));
    }
}
