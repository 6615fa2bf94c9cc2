//! Slices and paddings.

use super::{TrainKernels, TrainOps};
use crate::exec::value::Value;
use crate::kernels::place::Along;
use burn::backend::Dispatch;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::Tensor as Burn;

/// Where a box of elements comes from and goes, axis by axis, and what is around it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// From the outermost axis to the innermost.
    pub axes: Vec<Along>,
    /// What the other elements of the result are.
    pub fill: f32,
}

impl Place {
    /// How its gradient goes back.
    fn back(&self) -> Place {
        Place { axes: self.axes.iter().map(|a| a.back()).collect(), fill: 0.0 }
    }
}

#[derive(Debug)]
pub(super) struct PlaceStep;

impl<B: TrainKernels> Backward<B, 1> for PlaceStep {
    type State = Place;
    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        if let [Some(x)] = ops.parents {
            grads.register::<B>(x.id, B::place(grad, &ops.state.back()));
        }
    }
}

/// The box of `x`'s elements where `p` puts it.
pub fn place(x: &Value, p: Place) -> Value {
    if p.axes.iter().all(Along::is_whole) {
        return x.clone();
    }
    let shape: Vec<usize> = p.axes.iter().map(|a| a.sizes[1]).collect();
    let y = Dispatch::train_place(x.flat().into_dispatch(), p);
    Value::new(Burn::from_dispatch(y), shape)
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::{Along, Place, TrainKernels};
    use crate::exec::ops::composed;
    use crate::kernels::noise;
    use burn::backend::Flex;
    use burn::tensor::TensorData;

    #[test]
    fn the_kernel_places_what_the_composition_places() {
        let along = |sizes, count, start, step| Along { sizes, count, start, step };
        let whole = Along::whole;
        let cases = [
            vec![whole(2), along([3, 8], 3, [0, 2], [1, 1]), along([7, 4], 4, [0, 0], [2, 1]), whole(5)],
            vec![whole(2), along([9, 3], 3, [1, 0], [3, 1])],
            vec![along([4, 6], 2, [1, 1], [2, 3])],
            vec![whole(2), along([3, 5], 0, [0, 0], [1, 1])],
        ];
        for axes in cases {
            for fill in [0.0, -3.5] {
                let p = Place { axes: axes.clone(), fill };
                for p in [p.back(), p] {
                    let n = p.axes.iter().map(|a| a.sizes[0]).product();
                    let x = tensor(noise(n, 1));
                    let [own, other] =
                        [Flex::place(x.clone(), &p), composed::place::<Flex>(x, &p)].map(numbers);
                    assert_eq!(own, other, "{p:?}");
                }
            }
        }
    }

    type T = burn::backend::tensor::FloatTensor<Flex>;

    fn tensor(v: Vec<f32>) -> T {
        let n = v.len();
        T::from_data(TensorData::new(v, [n]))
    }

    fn numbers(t: T) -> Vec<f32> {
        t.to_contiguous().storage::<f32>().to_vec()
    }
}
