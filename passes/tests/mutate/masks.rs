//! Mutated mask files on a network that they fit, or nearly.

use super::run::{Outcome, Subject, below, once_in, pick};
use super::{bytes, judge};
use relinc_passes::choice::Choice;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::text::parse;
use relinc_passes::ir::{Graph, NodeId, Op};
use relinc_passes::layers::{ReluLayer, name_layers};
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::splitmix::SplitMix;
use std::path::{Path, PathBuf};

pub const STAGES: [&str; 4] = ["refused", "read", "fitting", "executed"];

const NETWORK: &str = "graph net {
  %x = input f32[N,2,4,4]
  %w = const f32[3,2,3,3] rand(seed=1)
  %b = const f32[3] rand(seed=2)
  %c = conv(%x, %w, %b) {pads=[1,1,1,1]}
  %r = relu(%c)
  %v = const f32[3,3,3,3] rand(seed=3)
  %d = conv(%r, %v) {pads=[1,1,1,1]}
  %s = add(%d, %c)
  %q = relu(%s)
  %g = global_mean(%q) {keep=false}
  %l = const f32[5,3] rand(seed=4)
  %y = linear(%g, %l)
  output \"y\" = %y
}";

struct Files {
    graph: Graph,
    layers: Vec<ReluLayer>,
    folder: PathBuf,
}

pub fn subject(folder: &Path) -> Box<dyn Subject> {
    let mut graph = parse(NETWORK).unwrap();
    let facts = infer(&graph).unwrap();
    let layers = name_layers(&mut graph, &facts);
    Box::new(Files { graph, layers, folder: folder.into() })
}

/// Masks by chance, some with slopes.
pub fn random(layers: &[ReluLayer], dice: &mut SplitMix) -> Masks {
    let mut masks = Masks::default();
    for l in layers {
        let few = once_in(dice, 3).then(|| *pick(dice, &Choice::ALL));
        let values = (0..l.relus()).map(|_| few.unwrap_or_else(|| *pick(dice, &Choice::ALL))).collect();
        let mut m = LayerMask::new(l.shape, values).with_cap(l.cap);
        if once_in(dice, 4) {
            m = m.with_slopes((0..l.shape[0]).map(|_| below(dice, 9) as f32 / 4.0 - 1.0).collect());
        }
        if m.count(Choice::Quadratic) > 0 {
            let all = (0..3 * l.shape[0]).map(|_| below(dice, 9) as f32 / 8.0 - 0.5);
            m = m.clone().with_quadratics(all.collect());
        }
        masks.layers.insert(l.name.clone(), m);
    }
    masks
}

impl Subject for Files {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let mut masks = random(&self.layers, dice);
        if once_in(dice, 4) {
            let name = pick(dice, &["relu00", "relu01", "relu2", "relu00.slope", ""]).to_string();
            let shape = [below(dice, 4), below(dice, 5), below(dice, 5)];
            let m = LayerMask::uniform(shape, *pick(dice, &Choice::ALL));
            masks.layers.insert(name, m);
        }
        let path = self.folder.join("case.safetensors");
        if masks.write(&path).is_err() {
            return Ok(0);
        }
        let mut b = std::fs::read(&path).unwrap();
        if !once_in(dice, 4) {
            // Other programs' masks have no checksum.
            if once_in(dice, 2) {
                b = unsealed(b);
            }
            bytes::mutate(&mut b, dice);
        }
        std::fs::write(&path, &b).unwrap();
        let Ok(mut masks) = Masks::read(&path) else { return Ok(0) };
        if masks.fit("case", &self.layers).is_err() {
            return Ok(1);
        }
        let ids: Vec<NodeId> = self.graph.ids().filter(|&id| *self.graph.op(id) == Op::Relu).collect();
        assert_eq!(ids.len(), 2);
        judge::masked(&self.graph, &masks, dice).map(|stage| 2 + stage)
    }
}

/// The same length without the words that a checksum stands behind.
fn unsealed(b: Vec<u8>) -> Vec<u8> {
    let mut b = b;
    for word in [&b"relinc_sha256"[..], b"relinc_version"] {
        if let Some(i) = b.windows(word.len()).position(|w| w == word) {
            b[i] = b'x';
        }
    }
    b
}
