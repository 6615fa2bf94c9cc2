//! How many classes a data set has, before an image is read.

use super::{DataSpec, Kind, cifar_names, image_folder};

impl DataSpec {
    /// The number of classes, from the names of folders alone; `None` where they cannot be told, which [`DataSpec::open`] then
    /// explains.
    pub fn class_count(&self) -> Option<usize> {
        match self.kind() {
            Kind::Cifar10 => Some(cifar_names::CIFAR10.len()),
            Kind::Cifar100 => Some(cifar_names::CIFAR100.len()),
            Kind::TinyImagenet => Some(200),
            Kind::Shapes => Some(10),
            Kind::Images => image_folder::class_count(self.folder()),
        }
    }
}
