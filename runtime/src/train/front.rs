//! From pixels to what the network wants: normalisation and layout, differentiable, so that attacks act on pixels.

use crate::data::Normalize;
use crate::eval::{Layout, layout};
use crate::exec::value::{Value, flatten, upload};
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::ir::{Dim, Type};

/// The way from pixels `[N,C,H,W]` in 0…1 to the network's input.
#[derive(Debug, Clone)]
pub struct Front {
    factor: Burn<4>,
    offset: Burn<4>,
    layout: Layout,
    image: [usize; 3],
}

impl Front {
    /// For images of C×H×W into a network whose input has these dimensions a sample.
    pub fn new(n: &Normalize, image: [usize; 3], input: &[usize], device: &Device) -> Result<Front, String> {
        let mut dims = vec![Dim::Batch];
        dims.extend(input.iter().map(|&d| Dim::Fixed(d)));
        let layout = layout(&Type::f32(dims), image)?;
        let c = image[0];
        let of = |f: &dyn Fn(usize) -> f32| {
            upload((0..c).map(|i| f(i % 3)).collect(), device).reshape([1, c, 1, 1])
        };
        let factor = of(&|i| n.scale / n.std[i]);
        let offset = of(&|i| -n.mean[i] / n.std[i]);
        Ok(Front { factor, offset, layout, image })
    }
    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Front {
        let to = |t: &Burn<4>| t.clone().to_device(device);
        Front { factor: to(&self.factor), offset: to(&self.offset), ..self.clone() }
    }
    /// C, H, W of an image.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }
    /// The network's input for pixels `[N,C,H,W]`.
    pub fn apply(&self, pixels: Burn<4>) -> Value {
        let [n, c, h, w] = pixels.dims();
        let x = pixels * self.factor.clone() + self.offset.clone();
        match self.layout {
            Layout::Nchw | Layout::Nhw | Layout::Flat => {
                Value::new(flatten(x), self.layout.dims(n, [c, h, w]))
            }
            Layout::Nhwc => Value::from_tensor(x.permute([0, 2, 3, 1])),
        }
    }
}
