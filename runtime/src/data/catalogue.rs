//! What is known of a data set before an image is read.

use super::classes::CLASSES;
use super::{DataError, DataSpec, Kind, cifar, image_folder, mnist, shapes, tiny_imagenet};

/// What is known of a data set before an image is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// The names of the classes by label; for folders these are the folders.
    pub classes: Vec<String>,
    /// Channels of the images as they lie; `None` where that shows in each.
    pub channels: Option<usize>,
    /// Height and width of the images, where all have one size that is known.
    pub size: Option<[usize; 2]>,
    /// What was assumed and what was left out, in sentences.
    pub notices: Vec<String>,
    /// Other orders in which the same classes may be meant: what to write for it, and the label there of each label here.
    pub orders: Vec<(&'static str, Vec<usize>)>,
}

impl DataSpec {
    /// Looks at the names of folders and at the headers of files.
    ///
    /// # Errors
    /// A folder that is missing or arranged otherwise, a `classes=` that does not fit.
    pub fn catalogue(&self) -> Result<Catalogue, DataError> {
        let own = |names: Vec<String>| self.labels(&names, CLASSES);
        let alike = |names, [c, h, w]: [usize; 3]| Ok::<_, DataError>((own(names)?, Some(c), Some([h, w])));
        let (labels, channels, size) = match self.kind() {
            Kind::Cifar10 | Kind::Cifar100 => alike(cifar::format(self.kind()).class_names(), cifar::SHAPE)?,
            Kind::Shapes => alike(shapes::class_names(), shapes::SHAPE)?,
            Kind::Mnist => (own(mnist::class_names())?, Some(1), Some(mnist::size(self)?)),
            Kind::TinyImagenet => (tiny_imagenet::labels(self)?, None, None),
            Kind::Images => (image_folder::labels(self)?, None, None),
        };
        Ok(Catalogue {
            classes: labels.names,
            channels,
            size: self.size().map(|s| [s, s]).or(size),
            notices: labels.notices,
            orders: labels.others,
        })
    }
}
