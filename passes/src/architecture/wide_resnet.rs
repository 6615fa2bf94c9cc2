//! Wide ResNets, WRN-d-k: pre-activated blocks (BN, ReLU, conv, BN, ReLU, conv) in three groups.
//!
//! The 3×3 stem of 16 channels has no BN and no ReLU. Each group has (d−4)/6 blocks, the groups 16k, 32k and 64k
//! channels; the second and third halve the image. Where the width changes, the shortcut is a bare 1×1 convolution of
//! the activated input, elsewhere the input itself. A last BN and ReLU, global mean, linear.
//!
//! Source: Zagoruyko and Komodakis, *Wide Residual Networks*, arXiv 1605.07146; the counts of WRN-22-8 follow SENet,
//! arXiv 2301.09254.

use super::Architecture;
use super::init::Builder;
use crate::ir::{Graph, NodeId, Op};

const STEM: usize = 16;

pub fn build(a: &Architecture, seed: u64) -> Result<Graph, String> {
    let k = a.width.ok_or("architecture: a wide-resnet needs its width, such as width: 8 for WRN-22-8")?;
    if k == 0 {
        return Err("architecture: the width of a wide-resnet must be at least 1".into());
    }
    if a.depth < 10 || !(a.depth - 4).is_multiple_of(6) {
        return Err(format!(
            "architecture: no wide-resnet of depth {}; depths are 6·n + 4: 10, 16, 22, 28, 34, 40, …",
            a.depth
        ));
    }
    let blocks = (a.depth - 4) / 6;
    if weights(a, blocks, k).is_none_or(|n| n > super::MOST_WEIGHTS) {
        return Err(format!(
            "architecture: WRN-{}-{k} would have more than {} weights; choose a smaller depth or width",
            a.depth,
            super::MOST_WEIGHTS
        ));
    }
    let mut b = Builder::new(&format!("wrn{}-{k}", a.depth), seed);
    let x = b.input(a.input);
    let mut x = b.conv("conv1", x, a.input[0], STEM, 3, 1);
    let mut width = STEM;
    for (group, to) in widths(k).into_iter().enumerate() {
        for i in 0..blocks {
            let stride = if group > 0 && i == 0 { 2 } else { 1 };
            x = block(&mut b, &format!("group{}.{i}", group + 1), x, width, to, stride);
            width = to;
        }
    }
    let x = b.batch_norm("bn", x, width);
    let x = b.relu("relu", x);
    let mean = b.g.add("pool", Op::GlobalMean { keep: false }, &[x]);
    let logits = b.linear("fc", mean, width, a.classes);
    b.g.add_output("logits", logits);
    Ok(b.g)
}

fn widths(k: usize) -> [usize; 3] {
    [16 * k, 32 * k, 64 * k]
}

/// Weights of the convolutions and the linear layer, `None` beyond `usize`.
fn weights(a: &Architecture, blocks: usize, k: usize) -> Option<usize> {
    let last = k.checked_mul(64)?;
    let mut sum = a.input[0].checked_mul(STEM * 9)?.checked_add(last.checked_mul(a.classes)?)?;
    let mut from = STEM;
    for to in widths(k) {
        let square = to.checked_mul(to)?.checked_mul(9)?;
        let first = from.checked_mul(to)?.checked_mul(10)?;
        let group = square.checked_mul(2 * blocks - 1)?.checked_add(first)?;
        sum = sum.checked_add(group)?;
        from = to;
    }
    Some(sum)
}

fn block(b: &mut Builder, name: &str, x: NodeId, from: usize, to: usize, stride: usize) -> NodeId {
    let y = b.batch_norm(&format!("{name}.bn1"), x, from);
    let active = b.relu(&format!("{name}.relu1"), y);
    let y = b.conv(&format!("{name}.conv1"), active, from, to, 3, stride);
    let y = b.batch_norm(&format!("{name}.bn2"), y, to);
    let y = b.relu(&format!("{name}.relu2"), y);
    let y = b.conv(&format!("{name}.conv2"), y, to, to, 3, 1);
    let short = if from == to && stride == 1 {
        x
    } else {
        b.conv(&format!("{name}.shortcut"), active, from, to, 1, stride)
    };
    b.sum(&format!("{name}.sum"), y, short)
}
