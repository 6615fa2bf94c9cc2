//! A value of the network on a burn device: a flat tensor and its dimensions.
//!
//! burn's tensors carry their rank in their type, a graph's values do not; reshaping a contiguous tensor costs nothing.

use super::precision::Precision;
use burn::tensor::{Device, Tensor as Burn, TensorData};

/// Runs an expression with the constant `$D` set to a rank between 1 and 6.
macro_rules! ranked {
    ($rank:expr, $D:ident => $body:expr) => {
        ranked!($rank, $D => $body, 1 2 3 4 5 6)
    };
    ($rank:expr, $D:ident => $body:expr, $($one:literal)*) => {
        match $rank.max(1) {
            $($one => {
                const $D: usize = $one;
                $body
            })*
            r => Err(format!("has rank {r}; ranks up to 6 can be trained")),
        }
    };
}
pub(super) use ranked;

/// Row-major elements and their dimensions. Integers and truth values are held as floats.
#[derive(Debug, Clone)]
pub struct Value {
    flat: Burn<1>,
    shape: Vec<usize>,
}

impl Value {
    /// Elements of a shape; their number must be the product of the dimensions.
    pub fn new(flat: Burn<1>, shape: impl Into<Vec<usize>>) -> Value {
        Value { flat, shape: shape.into() }
    }
    /// Uploads elements.
    pub fn upload(data: Vec<f32>, shape: impl Into<Vec<usize>>, device: &Device) -> Value {
        Value { flat: upload(data, device), shape: shape.into() }
    }
    /// From a tensor of known rank.
    pub fn from_tensor<const D: usize>(t: Burn<D>) -> Value {
        let shape = t.dims().to_vec();
        Value { flat: flatten(t), shape }
    }
    /// Dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// All elements in a row.
    pub fn flat(&self) -> Burn<1> {
        self.flat.clone()
    }
    /// The elements, moved out.
    pub fn into_flat(self) -> Burn<1> {
        self.flat
    }
    /// Under its own dimensions, filled up with leading ones to rank `D`, which must not be below its rank.
    pub fn tensor<const D: usize>(&self) -> Burn<D> {
        let mut dims = [1; D];
        let skip = D.saturating_sub(self.shape.len());
        dims[skip..].copy_from_slice(&self.shape[..D - skip]);
        self.view(dims)
    }
    /// Under other dimensions of the same number of elements.
    pub fn view<const D: usize>(&self, dims: [usize; D]) -> Burn<D> {
        self.flat.clone().reshape(dims)
    }
    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Value {
        Value { flat: self.flat.clone().to_device(device), shape: self.shape.clone() }
    }
    /// In another precision.
    pub fn cast(self, to: Precision) -> Value {
        Value { flat: to.cast(self.flat), shape: self.shape }
    }
    /// Images in a batch: the first dimension.
    pub fn batch(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
}

/// The same without gradients.
pub fn detached<const D: usize>(t: Burn<D>) -> Burn<D> {
    if t.is_autodiff() { t.inner() } else { t }
}

/// All elements in a row.
pub fn flatten<const D: usize>(t: Burn<D>) -> Burn<1> {
    let n = t.dims().iter().product::<usize>();
    t.reshape([n])
}

/// Uploads elements to a device.
pub fn upload(data: Vec<f32>, device: &Device) -> Burn<1> {
    let n = data.len();
    Burn::from_data(TensorData::new(data, [n]), device)
}

/// Fetches the elements of a tensor of any precision.
pub fn download<const D: usize>(t: Burn<D>) -> Vec<f32> {
    t.into_data().convert::<f32>().try_to_vec::<f32>().unwrap_or_default()
}
