//! How the CPU computes a network's convolutions.

use super::network::Source;
use super::{Network, Precision};
use crate::device::is_host;
use crate::kernels::conv::ConvShape;
use crate::kernels::conv::ways::{How, Pass, Way};
use crate::kernels::simd::Cpu;
use half::bf16;
use relinc_passes::ir::Op;
use std::collections::BTreeMap;

/// The kernels that a network's convolutions are trained by. Where they are the same, results are the same to the bit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernels {
    /// The kind of CPU.
    pub cpu: Cpu,
    /// The way of each shape's passes: forward, gradient of the input, gradient of the weights.
    pub convolutions: BTreeMap<String, [Way; 3]>,
}

impl Network {
    /// Those of this network in a precision; none on a card, where burn chooses.
    pub fn kernels(&self, precision: Precision) -> Option<Kernels> {
        let way: fn(Pass, &ConvShape) -> Way = match precision {
            Precision::F32 => |pass, s| How::here::<f32>(pass, s).way,
            Precision::Bf16 => |pass, s| How::here::<bf16>(pass, s).way,
            Precision::F16 => return None,
        };
        is_host(self.device()).then(|| Kernels {
            cpu: Cpu::here(),
            convolutions: self
                .convolutions()
                .map(|s| (s.to_string(), Pass::ALL.map(|pass| way(pass, &s))))
                .collect(),
        })
    }

    /// The two-dimensional convolutions, of one image.
    fn convolutions(&self) -> impl Iterator<Item = ConvShape> + '_ {
        self.steps.iter().filter_map(|step| {
            let Op::Conv(c) = &step.op else { return None };
            let [Source::Node(from), Source::Param(weights), ..] = step.operands[..] else { return None };
            let x = self.facts.ty(self.steps[from].id).at(1);
            let weights = &self.params()[weights].shape[..];
            let shape = ConvShape::of(c, x.try_into().ok()?, weights.try_into().ok()?);
            Some(ConvShape { n: 1, ..shape })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use relinc_passes::architecture::{Architecture, Kind};

    #[test]
    fn every_convolution_of_a_network_has_its_ways() {
        let a = Architecture { kind: Kind::Resnet, depth: 18, width: None, classes: 10, input: [3, 32, 32] };
        let (net, _) = Network::new(&a.build(1).unwrap(), false, &Device::flex()).unwrap();
        let [full, half] = [Precision::F32, Precision::Bf16].map(|p| net.kernels(p).unwrap());
        assert_eq!(full.cpu, Cpu::here());
        let shapes: Vec<&str> = full.convolutions.keys().map(String::as_str).collect();
        assert!(full.convolutions.keys().eq(half.convolutions.keys()));
        for shape in
            ["3×3/1 3→64 on 32×32", "3×3/1 64→64 on 32×32", "3×3/2 64→128 on 32×32", "1×1/2 64→128 on 32×32"]
        {
            assert!(shapes.contains(&shape), "{shape} is not among {shapes:?}");
        }
        assert_eq!(full.convolutions["3×3/2 64→128 on 32×32"], [Way::Taps; 3]);
        assert_ne!(half.convolutions["3×3/1 64→64 on 32×32"][0], Way::Winograd);
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Kernels>(&text).unwrap(), full);
    }
}
