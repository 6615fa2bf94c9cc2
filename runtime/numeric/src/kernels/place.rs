//! A box of elements copied from one array into another: slices, paddings, and the gradients of both.

use super::element::Element;
use super::elementwise::CHUNK;
use super::pool::Buffer;
use rayon::prelude::*;

/// One axis of the box; of each pair the first number is that of the array it is copied from, the second that of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Along {
    /// The arrays' dimensions.
    pub sizes: [usize; 2],
    /// How many positions are copied.
    pub count: usize,
    /// The first of them.
    pub start: [usize; 2],
    /// How far apart they lie, at least 1.
    pub step: [usize; 2],
}

impl Along {
    /// All of an axis of this length, where it was.
    pub fn whole(n: usize) -> Along {
        Along { sizes: [n; 2], count: n, start: [0; 2], step: [1; 2] }
    }
    /// From the result to the array it came from.
    pub fn back(self) -> Along {
        let turn = |[a, b]: [usize; 2]| [b, a];
        Along { sizes: turn(self.sizes), start: turn(self.start), step: turn(self.step), ..self }
    }
    /// Is every element of the axis copied to where it was?
    pub fn is_whole(&self) -> bool {
        self.sizes == [self.count; 2] && self.start == [0; 2] && self.step == [1; 2]
    }
    /// Which position, if any, is copied to this one of the result.
    fn source(&self, to: usize) -> Option<usize> {
        let past = to.checked_sub(self.start[1])?;
        let nth = (past % self.step[1] == 0).then_some(past / self.step[1])?;
        (nth < self.count).then_some(self.start[0] + nth * self.step[0])
    }
    /// This axis with the whole one inside it.
    fn with_inner(self, inner: usize) -> Along {
        let times = |[a, b]: [usize; 2]| [a * inner, b * inner];
        Along { sizes: times(self.sizes), start: times(self.start), count: self.count * inner, ..self }
    }
}

/// [`super::Computed::place`].
pub(crate) fn place<E: Element>(x: &[E], axes: &[Along], fill: E) -> Buffer<E> {
    let [from, to] = [0, 1].map(|i| axes.iter().map(|a| a.sizes[i]).product::<usize>());
    assert_eq!(x.len(), from);
    let mut y = Buffer::<E>::result(to);
    if to == 0 {
        return y;
    }
    let axes = joined(axes);
    let Some((outer, inner)) = axes.split_first() else {
        y.copy_from_slice(x);
        return y;
    };
    let [from, to] = [0, 1].map(|i| inner.iter().map(|a| a.sizes[i]).product::<usize>());
    y.par_chunks_mut(to).with_min_len(CHUNK.div_ceil(to)).enumerate().for_each(|(i, y)| {
        y.fill(fill);
        if let Some(at) = outer.source(i) {
            copy(&x[at * from..][..from], inner, y);
        }
    });
    y
}

/// The same box with as few axes as describe it.
fn joined(axes: &[Along]) -> Vec<Along> {
    let mut all: Vec<Along> = vec![];
    for &a in axes {
        match all.last_mut() {
            Some(outer) if a.is_whole() && outer.step == [1; 2] => *outer = outer.with_inner(a.count),
            Some(_) | None => all.push(a),
        }
    }
    all
}

fn copy<E: Element>(x: &[E], axes: &[Along], y: &mut [E]) {
    let Some((a, inner)) = axes.split_first() else {
        y.copy_from_slice(x);
        return;
    };
    if a.count == 0 {
        return;
    }
    if inner.is_empty() {
        return row(&x[a.start[0]..], a, &mut y[a.start[1]..]);
    }
    let [from, to] = [0, 1].map(|i| inner.iter().map(|a| a.sizes[i]).product::<usize>());
    for nth in 0..a.count {
        let [from_at, to_at] = [0, 1].map(|i| a.start[i] + nth * a.step[i]);
        copy(&x[from_at * from..][..from], inner, &mut y[to_at * to..][..to]);
    }
}

fn row<E: Element>(x: &[E], a: &Along, y: &mut [E]) {
    match a.step {
        [1, 1] => y[..a.count].copy_from_slice(&x[..a.count]),
        [step, 1] => y[..a.count].iter_mut().zip(x.iter().step_by(step)).for_each(|(y, x)| *y = *x),
        [1, step] => y.iter_mut().step_by(step).zip(&x[..a.count]).for_each(|(y, x)| *y = *x),
        [p, q] => y.iter_mut().step_by(q).zip(x.iter().step_by(p)).take(a.count).for_each(|(y, x)| *y = *x),
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise;
    use super::*;

    /// Element by element.
    fn plainly(x: &[f32], axes: &[Along], fill: f32) -> Vec<f32> {
        let to: usize = axes.iter().map(|a| a.sizes[1]).product();
        let element = |mut i: usize| {
            let (mut at, mut stride) = (0, 1);
            for a in axes.iter().rev() {
                at += stride * a.source(i % a.sizes[1])?;
                (i, stride) = (i / a.sizes[1], stride * a.sizes[0]);
            }
            Some(x[at])
        };
        (0..to).map(|i| element(i).unwrap_or(fill)).collect()
    }

    #[test]
    fn boxes_lie_where_their_definition_says() {
        let along = |sizes, count, start, step| Along { sizes, count, start, step };
        let whole = Along::whole;
        let cases = [
            vec![whole(3), whole(4)],
            vec![whole(2), along([5, 9], 5, [0, 2], [1, 1]), whole(6)],
            vec![whole(2), whole(3), along([8, 4], 4, [0, 0], [2, 1]), along([7, 4], 4, [0, 0], [2, 1])],
            vec![along([6, 2], 2, [1, 0], [3, 1]), whole(5)],
            vec![along([9, 7], 3, [2, 0], [2, 3])],
            vec![whole(2), along([4, 3], 0, [0, 0], [1, 1]), whole(2)],
            vec![whole(2), along([0, 3], 0, [0, 0], [1, 1])],
            vec![whole(3), along([4, 0], 0, [0, 0], [1, 1])],
            vec![],
        ];
        for axes in cases {
            for axes in [axes.clone(), axes.into_iter().map(Along::back).collect()] {
                let x = noise(axes.iter().map(|a| a.sizes[0]).product(), 1);
                assert_eq!(place(&x, &axes, 0.5)[..], plainly(&x, &axes, 0.5)[..], "{axes:?}");
            }
        }
    }
}
