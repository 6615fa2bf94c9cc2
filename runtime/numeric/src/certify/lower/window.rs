//! Pools, means and largest elements.

use super::Lower;
use crate::certify::program::{Entry, Work};
use crate::kernels::conv::ConvShape;
use relinc_passes::interp::eval_const;
use relinc_passes::ir::axis::Axis;
use relinc_passes::ir::movement;
use relinc_passes::ir::op::{ReduceKind, Window};
use relinc_passes::ir::{NodeId, Op, Tensor};

impl Lower<'_> {
    /// Sums of windows, by a convolution of each channel with ones, over what they are divided by.
    pub(super) fn average_pool(&mut self, id: NodeId, op: &Op, w: &Window) -> Result<usize, String> {
        let x = self.operand(id, 0)?;
        let (&[_, c, h, width], &[_, _, rows, columns]) = (&self.shape(x)[..], &self.shape(id)[..]) else {
            return Err("it is no pool of images".into());
        };
        // As much padding behind as the last window reads, which rounding up may take further than the pads.
        let behind = |i: usize, input: usize, out: usize| {
            ((out.max(1) - 1) * w.strides[i] + w.kernel[i]).saturating_sub(input + w.pads[i])
        };
        let pads = [w.pads[0], w.pads[1], behind(0, h, rows), behind(1, width, columns)];
        let shape = ConvShape {
            n: 1,
            c_in: c,
            h,
            w: width,
            c_out: c,
            kernel: w.kernel,
            strides: w.strides,
            pads,
            dilations: [1; 2],
            groups: c,
        };
        if shape.output() != [rows, columns] {
            return Err("its windows are none of a convolution".into());
        }
        let from = self.step(x)?;
        let taps = w.kernel[0] * w.kernel[1];
        let sums = self.add(Work::convolution(from, shape, vec![1.0; c * taps], None), shape.output_len());
        let ones = Tensor::f32(vec![1, c, h, width], vec![1.0; shape.input_len()]);
        let means = eval_const(op, &[&ones])?;
        let counts = crate::kernels::conv::forward_by_taps(
            &vec![1.0; shape.input_len()],
            &vec![1.0; c * taps],
            None,
            &shape,
        );
        let means = means.as_f32().unwrap_or_default();
        let factor: Vec<f32> =
            means.iter().zip(counts.iter()).map(|(m, n)| if *n > 0.0 { m / n } else { 0.0 }).collect();
        let offset = vec![0.0; factor.len()];
        let len = factor.len();
        Ok(self.add(Work::Scale { from: sums, factor, offset }, len))
    }

    /// For each element of a reduction's operand the result that it goes to.
    fn goes_to(&self, x: NodeId, axes: &[usize]) -> Vec<usize> {
        let shape = self.shape(x);
        let kept: Vec<usize> =
            shape.iter().enumerate().map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect();
        let results: Vec<usize> = (0..kept.iter().product()).collect();
        movement::expand(&results, &kept, &shape)
    }

    /// Means over axes, or sums.
    pub(super) fn mean(&mut self, id: NodeId, axes: &[usize], divided: bool) -> Result<usize, String> {
        let x = self.operand(id, 0)?;
        if axes.contains(&0) {
            return Err("it mixes the images of a batch".into());
        }
        let (from, to) = (self.step(x)?, self.goes_to(x, axes));
        let len = self.len(id);
        let factor = if divided { len as f32 / to.len().max(1) as f32 } else { 1.0 };
        let entry = |(from, &to): (usize, &usize)| Entry { to: to as u32, from: from as u32, factor };
        let entries = to.iter().enumerate().map(entry).collect();
        Ok(self.add(Work::Sparse { from, entries }, len))
    }

    pub(super) fn reduction(
        &mut self,
        id: NodeId,
        kind: ReduceKind,
        axes: &[usize],
    ) -> Result<usize, String> {
        match kind {
            ReduceKind::Mean => self.mean(id, axes, true),
            ReduceKind::Sum => self.mean(id, axes, false),
            ReduceKind::Max if axes.contains(&0) => Err("it mixes the images of a batch".into()),
            ReduceKind::Max => {
                let x = self.operand(id, 0)?;
                let mut groups = vec![vec![]; self.len(id)];
                self.goes_to(x, axes).iter().enumerate().for_each(|(from, &to)| groups[to].push(from));
                let from = self.step(x)?;
                self.largest(from, groups)
            }
        }
    }

    pub(super) fn max_pool(&mut self, id: NodeId, w: &Window) -> Result<usize, String> {
        let x = self.operand(id, 0)?;
        let (&[_, c, h, width], &[_, _, rows, columns]) = (&self.shape(x)[..], &self.shape(id)[..]) else {
            return Err("it is no pool of images".into());
        };
        let axis = |i: usize, input: usize, output: usize| Axis {
            input,
            output,
            kernel: w.kernel[i],
            stride: w.strides[i],
            dilation: 1,
            pad: [w.pads[i], w.pads[i + 2]],
        };
        let (down, across) = (axis(0, h, rows), axis(1, width, columns));
        let group = |o: usize| -> Vec<usize> {
            let (channel, r, k) = (o / (rows * columns), o / columns % rows, o % columns);
            let first = channel * h * width;
            down.reads(r).flat_map(|y| across.reads(k).map(move |x| first + y * width + x)).collect()
        };
        let groups = (0..c * rows * columns).map(group).collect();
        let from = self.step(x)?;
        self.largest(from, groups)
    }

    /// The largest element of each group: halves are compared until one is left.
    fn largest(&mut self, from: usize, mut groups: Vec<Vec<usize>>) -> Result<usize, String> {
        let most = groups.iter().map(Vec::len).max().unwrap_or(0);
        // A shorter group repeats its last element, which is compared with itself.
        for g in &mut groups {
            let last = *g.last().ok_or("a window lies in its padding alone")?;
            g.resize(most, last);
        }
        let mut parts: Vec<usize> = (0..most)
            .map(|k| self.moved(from, &groups.iter().map(|g| Some(g[k])).collect::<Vec<_>>()))
            .collect();
        while parts.len() > 1 {
            let odd = if parts.len() % 2 == 1 { parts.pop() } else { None };
            parts = parts.chunks(2).map(|p| self.larger(p[0], p[1])).collect();
            parts.extend(odd);
        }
        parts.pop().ok_or_else(|| "it has no window".into())
    }
}
