//! Training augmentations: random crop and flip, and AugMix.
//!
//! Images are `u8` planes (channels, height, width) as the data sets hold them; what goes to the network is `f32` in
//! \[0, 1\], before any normalisation. [`augmented`] is the way in from outside: it gives every image of a batch its
//! own random numbers, so that results do not depend on threads or on the order of the images.

mod affine;
mod augmix;
mod batch;
mod crop;
mod operation;
mod tone;

pub use augmix::AugMix;
pub use batch::{Augmentation, Draw, augmented};

pub use augmix::augmix;
pub use crop::crop_flip;
