//! Data sets: labelled images for training, evaluation, calibration and verification.
//!
//! A [`DataSpec`] is the text a user writes, `cifar10:DIR?normalize=imagenet&val=2000`. Its [`Catalogue`] tells the classes before
//! an image is read; opening one of its [`Split`]s gives a [`Dataset`]: raw `u8` images in memory, and batches of them as the
//! network wants its input. Files are read as they lie, `.xz` included, and only as far as the split and the limit need them. A [`CorruptedFolder`]
//! is a test set in many corrupted versions.
//!
//! ```no_run
//! use relinc_runtime::data::{DataSpec, Split};
//! let spec: DataSpec = "cifar10:data/cifar10?normalize=cifar10".parse()?;
//! let test = spec.open(Split::Test, Some(1000))?;
//! let (input, labels) = test.batch(0..64); // 64×3×32×32 normalised floats, 64 labels
//! # Ok::<(), relinc_runtime::data::DataError>(())
//! ```

mod archive;
mod carve;
mod catalogue;
mod channels;
mod cifar;
mod classes;
mod corrupted;
mod dataset;
mod error;
pub mod export;
mod figures;
mod idx;
mod image_folder;
mod item;
mod kind;
mod known;
mod labelled;
mod layout;
mod mnist;
mod names;
mod normalize;
mod npy;
mod paint;
mod shapes;
mod source;
mod spec;
mod split;
mod tiny_imagenet;

pub use catalogue::Catalogue;
pub use classes::short;
pub use corrupted::CorruptedFolder;
pub use dataset::Dataset;
pub use error::DataError;
pub use kind::Kind;
pub use known::known_set;
pub use normalize::Normalize;
pub use npy::Npy;
pub use spec::DataSpec;
pub use split::Split;
