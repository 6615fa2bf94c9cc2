//! ResNets for small images (He et al., arXiv 1512.03385, section 4.2): a 3×3 stem without pooling, BasicBlocks, global mean, linear.

use super::Architecture;
use super::init::Builder;
use crate::ir::op::SliceAxis;
use crate::ir::{Graph, NodeId, Op};

struct Plan {
    blocks: &'static [usize],
    widths: &'static [usize],
    /// Shortcut without weights: every second pixel, channels zero-padded on both sides (option A).
    plain_shortcut: bool,
}

fn plan(depth: usize) -> Option<Plan> {
    let wide: &[usize] = &[64, 128, 256, 512];
    let narrow: &[usize] = &[16, 32, 64];
    let (blocks, widths): (&[usize], _) = match depth {
        18 => (&[2, 2, 2, 2], wide),
        34 => (&[3, 4, 6, 3], wide),
        20 => (&[3, 3, 3], narrow),
        32 => (&[5, 5, 5], narrow),
        56 => (&[9, 9, 9], narrow),
        _ => return None,
    };
    Some(Plan { blocks, widths, plain_shortcut: widths.len() == 3 })
}

pub fn build(a: &Architecture, seed: u64) -> Result<Graph, String> {
    let plan = plan(a.depth)
        .ok_or(format!("architecture: no resnet of depth {}; known are 18, 20, 32, 34 and 56", a.depth))?;
    let mut b = Builder::new(&format!("resnet{}", a.depth), seed);
    let x = b.input(a.input);
    let mut width = plan.widths[0];
    let stem = b.conv("conv1", x, a.input[0], width, 3, 1);
    let stem = b.batch_norm("bn1", stem, width);
    let mut x = b.relu("relu1", stem);
    for (s, (&count, &to)) in plan.blocks.iter().zip(plan.widths).enumerate() {
        for i in 0..count {
            let stride = if s > 0 && i == 0 { 2 } else { 1 };
            x = block(&mut b, &format!("layer{}.{i}", s + 1), x, width, to, stride, plan.plain_shortcut);
            width = to;
        }
    }
    let mean = b.g.add("pool", Op::GlobalMean { keep: false }, &[x]);
    let logits = b.linear("fc", mean, width, a.classes);
    b.g.add_output("logits", logits);
    Ok(b.g)
}

fn block(
    b: &mut Builder,
    name: &str,
    x: NodeId,
    from: usize,
    to: usize,
    stride: usize,
    plain: bool,
) -> NodeId {
    let y = b.conv(&format!("{name}.conv1"), x, from, to, 3, stride);
    let y = b.batch_norm(&format!("{name}.bn1"), y, to);
    let y = b.relu(&format!("{name}.relu1"), y);
    let y = b.conv(&format!("{name}.conv2"), y, to, to, 3, 1);
    let y = b.batch_norm(&format!("{name}.bn2"), y, to);
    let short = match (from == to && stride == 1, plain) {
        (true, _) => x,
        (false, true) => option_a(b, name, x, to - from, stride),
        (false, false) => {
            let s = b.conv(&format!("{name}.shortcut"), x, from, to, 1, stride);
            b.batch_norm(&format!("{name}.shortcut_bn"), s, to)
        }
    };
    let sum = b.sum(&format!("{name}.sum"), y, short);
    b.relu(&format!("{name}.relu2"), sum)
}

fn option_a(b: &mut Builder, name: &str, x: NodeId, extra: usize, stride: usize) -> NodeId {
    let axis = |axis| SliceAxis { axis, start: 0, end: i64::MAX, step: stride as i64 };
    let s = b.g.add(format!("{name}.subsample"), Op::Slice(vec![axis(2), axis(3)]), &[x]);
    let (lo, hi) = (extra / 2, extra - extra / 2);
    let pad = Op::Pad { before: vec![0, lo, 0, 0], after: vec![0, hi, 0, 0], value: 0.0 };
    b.g.add(format!("{name}.widen"), pad, &[s])
}
