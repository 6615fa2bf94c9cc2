//! The CIFAR ResNet-20 as a graph, batch normalisation folded: what the measured laws are held against.

use relinc_passes::choice::NO_CAP;
use relinc_passes::ir::op::SliceAxis;
use relinc_passes::ir::{Binary, Conv, Dim, Graph, NodeId, Op, Tensor, Type};

/// What stands in the place of a ReLU.
#[derive(Clone, Copy)]
pub enum Act {
    /// A ReLU on every element.
    Full,
    /// A ReLU on every tenth element, gathered.
    Gathered,
    /// A dense mask.
    Masked,
    /// Nothing.
    None,
}

struct Net {
    g: Graph,
    relus: usize,
    act: Act,
    kept: usize,
}

impl Net {
    fn conv(&mut self, x: NodeId, cin: usize, cout: usize, stride: usize) -> NodeId {
        let w = self.g.constant("w", Tensor::f32([cout, cin, 3, 3], vec![0.1; cout * cin * 9]));
        let b = self.g.constant("b", Tensor::f32([cout], vec![0.1; cout]));
        let c = Conv { strides: [stride; 2], pads: [1; 4], dilations: [1; 2], group: 1 };
        self.g.add("conv", Op::Conv(c), &[x, w, b])
    }

    fn relu(&mut self, x: NodeId, c: usize, h: usize) -> NodeId {
        let layer = format!("relu{:02}", self.relus);
        self.relus += 1;
        let n = c * h * h;
        let out = match self.act {
            Act::None => return x,
            Act::Full => self.g.add("relu", Op::Relu, &[x]),
            Act::Masked => {
                let m = self.g.constant("mask", Tensor::u8([c, h, h], vec![1; n]));
                self.g.add("relu", Op::MaskedRelu { cap: NO_CAP, given: vec![] }, &[x, m])
            }
            Act::Gathered => {
                let kept: Vec<i64> = (0..n as i64).step_by(10).collect();
                let mut perm: Vec<i64> = (0..n as i64).collect();
                for (j, &i) in kept.iter().enumerate() {
                    perm[i as usize] = (n + j) as i64;
                }
                self.kept += kept.len();
                let (kept, perm) = (Tensor::ints(&kept), Tensor::ints(&perm));
                let flat = self.g.add("flat", Op::Reshape(vec![Dim::Batch, Dim::Fixed(n)]), &[x]);
                let i = self.g.constant("kept", kept);
                let part = self.g.add("part", Op::Gather { axis: 1 }, &[flat, i]);
                let relu = self.g.add("relu", Op::Relu, &[part]);
                self.g.set_layer(relu, Some(layer.clone()));
                let cat = self.g.add("cat", Op::Concat { axis: 1 }, &[flat, relu]);
                let i = self.g.constant("perm", perm);
                let back = self.g.add("back", Op::Gather { axis: 1 }, &[cat, i]);
                let dims = vec![Dim::Batch, Dim::Fixed(c), Dim::Fixed(h), Dim::Fixed(h)];
                self.g.add("unflat", Op::Reshape(dims), &[back])
            }
        };
        self.g.set_layer(out, Some(layer));
        out
    }
}

/// The network and how many ReLUs it has; the ReLUs of layers from `layers` on are left out.
pub fn resnet20(act: Act, layers: usize) -> (Graph, usize) {
    let mut g = Graph::new("resnet20");
    let x =
        g.add("x", Op::Input(Type::f32([Dim::Batch, Dim::Fixed(3), Dim::Fixed(32), Dim::Fixed(32)])), &[]);
    let mut n = Net { g, relus: 0, act, kept: 0 };
    let relu = |n: &mut Net, x, c, h| {
        if n.relus >= layers {
            n.act = Act::None;
        }
        if matches!(n.act, Act::Full | Act::Masked) {
            n.kept += c * h * h;
        }
        n.relu(x, c, h)
    };
    let mut x = n.conv(x, 3, 16, 1);
    x = relu(&mut n, x, 16, 32);
    let (mut c, mut h) = (16, 32);
    for width in [16, 32, 64] {
        for _ in 0..3 {
            let stride = width / c;
            let mut y = n.conv(x, c, width, stride);
            let mut short = x;
            if stride == 2 {
                h /= 2;
                let every = |axis| SliceAxis { axis, start: 0, end: i64::MAX, step: 2 };
                short = n.g.add("half", Op::Slice(vec![every(2), every(3)]), &[short]);
                let by = vec![0, (width - c) / 2, 0, 0];
                short = n.g.add("wider", Op::Pad { before: by.clone(), after: by, value: 0.0 }, &[short]);
            }
            y = relu(&mut n, y, width, h);
            y = n.conv(y, width, width, 1);
            y = n.g.add("sum", Op::Binary(Binary::Add), &[y, short]);
            x = relu(&mut n, y, width, h);
            c = width;
        }
    }
    let x = n.g.add("mean", Op::GlobalMean { keep: true }, &[x]);
    let x = n.g.add("features", Op::Reshape(vec![Dim::Batch, Dim::Fixed(64)]), &[x]);
    let w = n.g.constant("fc.w", Tensor::f32([10, 64], vec![0.1; 640]));
    let b = n.g.constant("fc.b", Tensor::f32([10], vec![0.1; 10]));
    let y = n.g.add("logits", Op::Linear, &[x, w, b]);
    n.g.add_output("logits", y);
    (n.g, n.kept)
}
